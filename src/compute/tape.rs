//! The operations of a run, noted as they happen, and the way back over them.
//!
//! Candle's own way back adds each gradient to zeros that it makes first, on threads that wait by spinning. Gradients of
//! this room's operations, which are most of a network, need no sum but where a value is read twice; so they are walked
//! here, and each value is freed once its gradient is known. What lies before an operation of Candle's own is left to
//! Candle.

use super::cpu::sum_of_two;
use super::given::given1;
use crate::monitor::Monitor;
use candle_core::backprop::GradStore;
use candle_core::{CustomOp1, CustomOp2, CustomOp3, Error, Result, Tensor, TensorId, Var};
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

thread_local! {
    static NOTED: RefCell<Option<Vec<Step>>> = const { RefCell::new(None) };
}

/// One operation that has run.
struct Step {
    operation: Operation,
    result: Tensor,
}

enum Operation {
    One(Arc<Box<dyn CustomOp1 + Send + Sync>>, Tensor),
    Two(Arc<Box<dyn CustomOp2 + Send + Sync>>, [Tensor; 2]),
    Three(Arc<Box<dyn CustomOp3 + Send + Sync>>, [Tensor; 3]),
}

/// `operation` on `x`, noted where somebody records.
pub(super) fn apply1(x: &Tensor, operation: impl CustomOp1 + Send + Sync + 'static) -> Result<Tensor> {
    let operation: Arc<Box<dyn CustomOp1 + Send + Sync>> = Arc::new(Box::new(operation));
    let result = x.apply_op1_arc(Arc::clone(&operation))?;
    note(&result, || Operation::One(operation, x.clone()));
    Ok(result)
}

/// `operation` on two arguments, noted where somebody records.
pub(super) fn apply2(
    [a, b]: [&Tensor; 2],
    operation: impl CustomOp2 + Send + Sync + 'static,
) -> Result<Tensor> {
    let operation: Arc<Box<dyn CustomOp2 + Send + Sync>> = Arc::new(Box::new(operation));
    let result = a.apply_op2_arc(b, Arc::clone(&operation))?;
    note(&result, || Operation::Two(operation, [a.clone(), b.clone()]));
    Ok(result)
}

/// `operation` on three arguments, noted where somebody records.
pub(super) fn apply3(
    [a, b, c]: [&Tensor; 3],
    operation: impl CustomOp3 + Send + Sync + 'static,
) -> Result<Tensor> {
    let operation: Arc<Box<dyn CustomOp3 + Send + Sync>> = Arc::new(Box::new(operation));
    let result = a.apply_op3_arc(b, c, Arc::clone(&operation))?;
    note(&result, || Operation::Three(operation, [a.clone(), b.clone(), c.clone()]));
    Ok(result)
}

fn note(result: &Tensor, operation: impl FnOnce() -> Operation) {
    NOTED.with_borrow_mut(|noted| {
        if let Some(steps) = noted.as_mut().filter(|_| result.track_op()) {
            steps.push(Step { operation: operation(), result: result.clone() });
        }
    });
}

/// Runs `forward` and notes what it computes on this thread.
pub fn recording<R>(forward: impl FnOnce() -> R) -> (R, Tape) {
    let before = NOTED.replace(Some(Vec::new()));
    let result = forward();
    (result, Tape { steps: NOTED.replace(before).unwrap_or_default() })
}

/// What was computed while [`recording`].
pub struct Tape {
    steps: Vec<Step>,
}

impl Tape {
    /// The tape of a run that ended in `output`.
    ///
    /// # Errors
    /// When there is no memory for a copy of it.
    pub fn to(self, output: Tensor) -> Result<Recorded> {
        let end = Var::from_tensor(&output.detach())?;
        Ok(Recorded { steps: self.steps, output, end })
    }
}

/// A run whose gradients can be taken.
pub struct Recorded {
    steps: Vec<Step>,
    output: Tensor,
    end: Var,
}

impl Recorded {
    /// The run's output: a loss is made of it.
    #[must_use]
    pub fn output(&self) -> &Tensor {
        self.end.as_tensor()
    }

    /// Gradients of `loss`, which is made of [`Recorded::output`], by every variable that it hangs on: those of
    /// `loss.backward()`, had it been made of the output itself.
    ///
    /// # Errors
    /// What the operations' gradients say.
    pub fn gradients(self, loss: &Tensor) -> Result<GradStore> {
        self.gradients_watched(loss, &Monitor::silent())
    }

    /// The same, with somebody who sees how far it is and may stop it between operations.
    ///
    /// # Errors
    /// Those of [`Recorded::gradients`], or [`crate::monitor::Cancelled`] in Candle's wrapping.
    pub fn gradients_watched(self, loss: &Tensor, monitor: &Monitor) -> Result<GradStore> {
        let mut gradients = loss.backward()?;
        let Some(by_output) = gradients.remove(&self.end) else { return Ok(gradients) };
        let mut back = Back {
            made: self.steps.iter().map(|step| step.result.id()).collect(),
            waiting: HashMap::new(),
            gradients,
            elsewhere: Vec::new(),
        };
        back.give(&self.output, by_output)?;
        drop(self.output);
        let steps = self.steps.len();
        for (done, step) in self.steps.into_iter().rev().enumerate() {
            monitor.progress(steps + 2 * done, 3 * steps).map_err(Error::wrap)?;
            if let Some(gradient) = back.waiting.remove(&step.result.id()) {
                step.back(&gradient.detach(), &mut back)?;
            }
        }
        back.end()
    }
}

/// The way back.
struct Back {
    /// What the noted operations gave.
    made: HashSet<TensorId>,
    /// Gradients of those, of all their readers so far.
    waiting: HashMap<TensorId, Tensor>,
    /// Gradients of variables.
    gradients: GradStore,
    /// Results of Candle's own operations, and gradients of them.
    elsewhere: Vec<(Tensor, Tensor)>,
}

impl Back {
    fn give(&mut self, to: &Tensor, gradient: Tensor) -> Result<()> {
        if self.made.contains(&to.id()) {
            let sum = match self.waiting.remove(&to.id()) {
                Some(other) => sum_of_two(&other, &gradient)?,
                None => gradient,
            };
            self.waiting.insert(to.id(), sum);
        } else if to.is_variable() {
            let sum = match self.gradients.remove(to) {
                Some(other) => sum_of_two(&other, &gradient)?,
                None => gradient,
            };
            self.gradients.insert(to, sum.detach());
        } else if to.track_op() {
            self.elsewhere.push((to.clone(), gradient));
        }
        Ok(())
    }

    /// Candle goes the rest of the way.
    fn end(mut self) -> Result<GradStore> {
        for (tensor, gradient) in self.elsewhere {
            let nothing = Tensor::zeros((), gradient.dtype(), gradient.device())?;
            let seed = given1("gradient", &tensor, &nothing, move |_, _, _| Ok(gradient.clone()))?;
            let mut rest = seed.backward()?;
            rest.remove(&seed);
            self.gradients.extend(rest)?;
        }
        Ok(self.gradients)
    }
}

impl Step {
    fn back(self, gradient: &Tensor, back: &mut Back) -> Result<()> {
        let result = &self.result;
        match &self.operation {
            Operation::One(operation, x) => {
                if let Some(by_x) = operation.bwd(x, result, gradient)? {
                    back.give(x, by_x)?;
                }
            }
            Operation::Two(operation, [a, b]) => {
                let (by_a, by_b) = operation.bwd(a, b, result, gradient)?;
                for (to, by) in [(a, by_a), (b, by_b)] {
                    by.map_or(Ok(()), |by| back.give(to, by))?;
                }
            }
            Operation::Three(operation, [a, b, c]) => {
                let (by_a, by_b, by_c) = operation.bwd(a, b, c, result, gradient)?;
                for (to, by) in [(a, by_a), (b, by_b), (c, by_c)] {
                    by.map_or(Ok(()), |by| back.give(to, by))?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compute::{Activation, activate, concat, conv2d, max_pool2d};
    use crate::compute::{ConvSpec, PoolSpec};
    use candle_core::Device;

    fn numbers(dims: &[usize], seed: f64) -> Tensor {
        let len = dims.iter().product::<usize>();
        let values: Vec<f32> = (0..len).map(|i| (i as f64 * 1.7 + seed).sin() as f32).collect();
        Tensor::from_vec(values, dims, &Device::Cpu).unwrap()
    }

    /// Gradients by two weights and by x, of a value that is read twice; `between` stands in the middle of it.
    fn check(between: fn(&Tensor) -> Tensor) {
        let [x, first, second] = [(&[2, 3, 6, 4][..], 0.1), (&[3, 3, 3, 3], 0.2), (&[2, 6, 1, 1], 0.3)]
            .map(|(dims, seed)| Var::from_tensor(&numbers(dims, seed)).unwrap());
        let forward = || {
            let spec = ConvSpec { padding: [1, 1], ..ConvSpec::default() };
            let a = conv2d(&x, &first, None, spec).unwrap();
            let b = between(&activate(&a, Activation::Relu).unwrap());
            let joined = concat(&[&a, &b]).unwrap();
            let y = conv2d(&joined, &second, None, ConvSpec::default()).unwrap();
            max_pool2d(&y, PoolSpec { kernel: [2, 2], stride: [2, 2], padding: [0, 0] }).unwrap()
        };
        let loss = |y: &Tensor| y.sqr().unwrap().sum_all().unwrap();
        let expected = loss(&forward()).backward().unwrap();
        let (y, tape) = recording(forward);
        let recorded = tape.to(y).unwrap();
        let found = recorded.output().clone();
        let found = recorded.gradients(&loss(&found)).unwrap();
        for var in [&x, &first, &second] {
            let [found, expected] = [&found, &expected]
                .map(|grads| grads.get(var).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap());
            let apart = found.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            let largest = expected.iter().fold(0.0, |most: f32, g| most.max(g.abs()));
            assert!(apart <= 1e-6 * largest, "{apart} of {largest}");
        }
    }

    #[test]
    fn gradients_are_those_of_candle() {
        check(Tensor::clone);
    }

    #[test]
    fn candle_goes_on_before_an_operation_of_its_own() {
        check(|x| x.affine(2.0, 1.0).unwrap());
    }

    #[test]
    fn an_output_of_candle_s_own_is_left_to_candle() {
        let x = Var::from_tensor(&numbers(&[1, 1, 2, 2], 0.5)).unwrap();
        let (y, tape) = recording(|| activate(&x, Activation::Tanh).unwrap().affine(3.0, 0.0).unwrap());
        let recorded = tape.to(y).unwrap();
        let loss = recorded.output().sum_all().unwrap();
        let gradients = recorded.gradients(&loss).unwrap();
        let slope = gradients.get(&x).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap()[0];
        assert!((f64::from(slope) - 3.0 * (1.0 - 0.5f64.sin().tanh().powi(2))).abs() < 1e-5, "{slope}");
    }

    #[test]
    fn nothing_is_noted_of_what_has_no_gradient() {
        let x = numbers(&[1, 1, 2, 2], 0.5);
        let (_, tape) = recording(|| activate(&x, Activation::Tanh).unwrap());
        assert!(tape.steps.is_empty());
    }
}
