//! How long training goes on, and how fast it learns meanwhile.
use super::{LoopSpec, TrainOptions};
use std::time::{Duration, Instant};

/// What ends a training.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Budget {
    Steps(usize),
    Time(Duration),
}

/// Ten minutes, when neither the person nor the recipe says.
const USUAL: Duration = Duration::from_mins(10);

impl Budget {
    /// The options go before the recipe; steps before minutes.
    pub(super) fn new(recipe: &LoopSpec, options: &TrainOptions) -> Self {
        let minutes = |minutes: f64| Self::Time(Duration::from_secs_f64((minutes * 60.0).clamp(0.0, 1e9)));
        match (options.steps, options.minutes, recipe.steps, recipe.minutes) {
            (Some(steps), ..) | (None, None, Some(steps), _) => Self::Steps(steps.max(1)),
            (None, Some(given), ..) | (None, None, None, Some(given)) => minutes(given),
            (None, None, None, None) => Self::Time(USUAL),
        }
    }
}

/// Where in its budget a training is.
#[derive(Debug)]
pub(super) struct Schedule {
    budget: Budget,
    warm_up: f64,
    top: f64,
    /// Before a break that was resumed from.
    before: Duration,
    started: Instant,
}

impl Schedule {
    /// `before` is the time spent in earlier parts of the same training.
    pub(super) fn new(budget: Budget, recipe: &LoopSpec, before: Duration) -> Self {
        let started = Instant::now();
        Self { budget, warm_up: recipe.warm_up, top: recipe.learning_rate, before, started }
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.before + self.started.elapsed()
    }

    /// Share of the budget that is spent after `steps` steps, 0 to 1.
    pub(super) fn spent(&self, steps: usize) -> f64 {
        match self.budget {
            Budget::Steps(all) => (steps as f64 / all as f64).min(1.0),
            Budget::Time(all) => (self.elapsed().as_secs_f64() / all.as_secs_f64()).min(1.0),
        }
    }

    pub(super) fn is_over(&self, steps: usize) -> bool {
        self.spent(steps) >= 1.0
    }

    /// Linear warm-up, then half a cosine down to a hundredth of the top.
    pub(super) fn learning_rate(&self, steps: usize) -> f64 {
        // The middle of the step, so that neither the first nor the last one learns nothing.
        let spent = match self.budget {
            Budget::Steps(all) => (steps as f64 + 0.5) / all as f64,
            Budget::Time(_) => self.spent(steps),
        };
        if spent < self.warm_up {
            return self.top * (spent / self.warm_up).max(0.01);
        }
        let falling = ((spent - self.warm_up) / (1.0 - self.warm_up)).clamp(0.0, 1.0);
        let cosine = 0.5 * (1.0 + (std::f64::consts::PI * falling).cos());
        self.top * (0.01 + 0.99 * cosine)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_person_s_budget_goes_before_the_recipe_s() {
        let recipe = LoopSpec { steps: Some(7), ..LoopSpec::default() };
        let options = |steps, minutes| TrainOptions { minutes, steps, ..TrainOptions::default() };
        assert_eq!(Budget::new(&recipe, &options(None, None)), Budget::Steps(7));
        assert_eq!(Budget::new(&recipe, &options(Some(3), None)), Budget::Steps(3));
        assert_eq!(Budget::new(&recipe, &options(None, Some(2.0))), Budget::Time(Duration::from_mins(2)));
        let recipe = LoopSpec { minutes: Some(1.0), ..LoopSpec::default() };
        assert_eq!(Budget::new(&recipe, &options(None, None)), Budget::Time(Duration::from_mins(1)));
        assert_eq!(Budget::new(&LoopSpec::default(), &options(None, None)), Budget::Time(USUAL));
    }

    #[test]
    fn the_learning_rate_climbs_and_falls() {
        let recipe = LoopSpec { warm_up: 0.1, learning_rate: 1.0, ..LoopSpec::default() };
        let schedule = Schedule::new(Budget::Steps(100), &recipe, Duration::ZERO);
        let rates: Vec<f64> = (0..100).map(|step| schedule.learning_rate(step)).collect();
        assert!((rates[0] - 0.05).abs() < 1e-9);
        assert!(rates[..10].windows(2).all(|w| w[0] < w[1]));
        assert!(rates[10..].windows(2).all(|w| w[0] > w[1]));
        assert!(rates[10] > 0.999 && rates[99] < 0.011);
        assert!(!schedule.is_over(99) && schedule.is_over(100));
    }

    #[test]
    fn time_spent_before_a_break_counts() {
        let budget = Budget::Time(Duration::from_secs(100));
        let schedule = Schedule::new(budget, &LoopSpec::default(), Duration::from_secs(50));
        assert!((0.5..0.6).contains(&schedule.spent(0)));
    }
}
