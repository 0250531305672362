//! Single operations and their gradients against PyTorch: tests/fixtures/compute/operations.safetensors, made by
//! tests/reference/compute.py.
use super::*;
use candle_core::{Device, Tensor, Var};
use serde_json::Value;
use std::collections::HashMap;

struct Reference {
    tensors: HashMap<String, Tensor>,
    cases: Vec<Value>,
}

fn reference() -> Reference {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/compute/operations.safetensors");
    let bytes = std::fs::read(path).unwrap();
    let (_, header) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
    let cases = serde_json::from_str(&header.metadata().as_ref().unwrap()["cases"]).unwrap();
    Reference { tensors: candle_core::safetensors::load_buffer(&bytes, &Device::Cpu).unwrap(), cases }
}

fn pair(case: &Value, key: &str) -> [usize; 2] {
    [0, 1].map(|i| case[key][i].as_u64().unwrap() as usize)
}

/// The case's operation on its inputs; `running` are batch-norm statistics.
fn apply(case: &Value, [x, w, b]: [&Tensor; 3], [mean, var]: [&Tensor; 2]) -> Tensor {
    let conv = || ConvSpec {
        stride: pair(case, "stride"),
        padding: pair(case, "padding"),
        dilation: pair(case, "dilation"),
        groups: case["groups"].as_u64().unwrap() as usize,
    };
    let pool = || PoolSpec {
        kernel: pair(case, "kernel"),
        stride: pair(case, "stride"),
        padding: pair(case, "padding"),
    };
    let scale = || case["scale"].as_u64().unwrap() as usize;
    match case["op"].as_str().unwrap() {
        "conv2d" => conv2d(x, w, Some(b), conv()),
        "conv_transpose2d" => conv_transpose2d(x, w, Some(b), conv(), pair(case, "output_padding")),
        "max_pool2d" => max_pool2d(x, pool()),
        "avg_pool2d" => avg_pool2d(x, pool()),
        "global_avg_pool" => global_avg_pool(x),
        "nearest" => upsample(x, scale(), Interpolation::Nearest),
        "bilinear" => upsample(x, scale(), Interpolation::Bilinear),
        "batch_norm_train" => batch_norm_train(x, w, b, 1e-5).map(|normed| normed.y),
        "batch_norm_relu_train" => batch_norm_relu_train(x, w, b, 1e-5).map(|normed| normed.y),
        "batch_norm_eval" => batch_norm_eval(x, [w, b], [mean, var], 1e-5),
        "concat" => concat(&[x, w]),
        "relu" => activate(x, Activation::Relu),
        "leaky_relu" => activate(x, Activation::LeakyRelu { slope: 0.1 }),
        "gelu" => activate(x, Activation::Gelu),
        "silu" => activate(x, Activation::Silu),
        "sigmoid" => activate(x, Activation::Sigmoid),
        "tanh" => activate(x, Activation::Tanh),
        "softmax" => softmax(x),
        "log_softmax" => log_softmax(x),
        op => panic!("no operation {op}"),
    }
    .unwrap()
}

fn largest(x: &Tensor) -> f32 {
    x.abs().unwrap().flatten_all().unwrap().max(0).unwrap().to_scalar().unwrap()
}

/// Largest difference over the largest value (at least 1).
fn difference(found: &Tensor, expected: &Tensor) -> f32 {
    assert_eq!(found.dims(), expected.dims());
    largest(&(found - expected).unwrap()) / largest(expected).max(1.0)
}

#[test]
fn every_operation_and_its_gradients_equal_pytorch() {
    check_all(1e-5);
}

#[test]
fn on_other_devices_every_operation_and_its_gradients_equal_pytorch() {
    as_elsewhere(|| check_all(1e-5));
}

fn check_all(tolerance: f32) {
    let Reference { tensors, cases } = reference();
    assert_eq!(cases.len(), 28);
    let running = [&tensors["running.mean"], &tensors["running.var"]];
    for case in cases {
        let name = case["name"].as_str().unwrap();
        let of = |key: &str| tensors.get(&format!("{name}.{key}"));
        let var = |key: &str| of(key).map(|t| Var::from_tensor(t).unwrap());
        let inputs = ["x", "w", "b"].map(var);
        let x = inputs[0].as_ref().unwrap().as_tensor();
        let given = [0, 1, 2].map(|i| inputs[i].as_ref().map_or(x, |v: &Var| v.as_tensor()));
        let y = apply(&case, given, running);
        assert!(difference(&y, of("y").unwrap()) < 2e-6, "result of {name}");
        let grads = (&y * of("g").unwrap()).unwrap().sum_all().unwrap().backward().unwrap();
        for (key, input) in ["dx", "dw", "db"].iter().zip(&inputs) {
            let Some(input) = input else { continue };
            let error = difference(grads.get(input).unwrap(), of(key).unwrap());
            assert!(error < tolerance, "{key} of {name}: {error}");
        }
    }
}

#[test]
fn batch_statistics_are_those_of_the_batch() {
    // Channel 0 holds 1, 3, 5, 7: mean 4, unbiased variance 20/3. Channel 1 is constant.
    let x = Tensor::new(&[[[[1f32, 3.]], [[2., 2.]]], [[[5., 7.]], [[2., 2.]]]], &Device::Cpu).unwrap();
    let [weight, bias] = [Tensor::new(&[1f32, 1.], &Device::Cpu), Tensor::new(&[0f32, 9.], &Device::Cpu)];
    let normed = batch_norm_train(&x, &weight.unwrap(), &bias.unwrap(), 1e-5).unwrap();
    assert_eq!(normed.mean.to_vec1::<f32>().unwrap(), [4.0, 2.0]);
    let var = normed.var.to_vec1::<f32>().unwrap();
    assert!((var[0] - 20.0 / 3.0).abs() < 1e-6 && var[1] == 0.0, "{var:?}");
    assert_eq!(normed.y.get(1).unwrap().get(1).unwrap().to_vec2::<f32>().unwrap(), [[9.0, 9.0]]);
}

#[test]
fn what_does_not_fit_is_refused() {
    let one = Tensor::ones((1, 1, 1, 1), candle_core::DType::F32, &Device::Cpu).unwrap();
    let vector = Tensor::ones(1, candle_core::DType::F32, &Device::Cpu).unwrap();
    let two = Tensor::ones(2, candle_core::DType::F32, &Device::Cpu).unwrap();
    let spec = PoolSpec { kernel: [2, 2], stride: [2, 2], padding: [0, 0] };
    let errors = [
        (batch_norm_train(&one, &vector, &vector, 1e-5).map(|n| n.y), "more than one value per channel"),
        (
            batch_norm_eval(&one, [&vector, &two], [&vector, &vector], 1e-5),
            "vectors of 1 channels, found [2]",
        ),
        (max_pool2d(&one, spec), "does not fit a padded image of 1×1"),
        (max_pool2d(&one, PoolSpec { padding: [2, 0], ..spec }), "padding at most half the kernel"),
        (upsample(&one, 0, Interpolation::Nearest), "by 0"),
        (concat(&[&one, &vector]), "differ in more than their channels"),
        (softmax(&vector.narrow(0, 0, 0).unwrap()), "expected [batch, class, …]"),
    ];
    for (result, found) in errors {
        let error = result.unwrap_err().to_string();
        assert!(error.contains(found), "{error}");
    }
}

#[test]
fn a_window_with_nan_has_no_maximum() {
    let x = Tensor::new(&[[[[1f32, f32::NAN, 3., f32::NEG_INFINITY]]]], &Device::Cpu).unwrap();
    let spec = PoolSpec { kernel: [1, 2], stride: [1, 2], padding: [0, 0] };
    let y = max_pool2d(&x, spec).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
    assert!(y[0].is_nan() && y[1] == 3.0, "{y:?}");
}

#[test]
fn some_rows_and_columns_are_the_same_where_they_lie_and_when_they_are_fetched() {
    let values: Vec<f32> = (0..24_u8).map(f32::from).collect();
    let x = Tensor::from_vec(values, (1, 2, 3, 4), &Device::Cpu).unwrap();
    let part = || with_planes(&x, [1..3, 2..4], |part| part.to_owned()).unwrap();
    // Channel c, row y, column x holds 12·c + 4·y + x.
    let expected = ndarray::array![[[6.0, 7.0], [10.0, 11.0]], [[18.0, 19.0], [22.0, 23.0]]];
    assert_eq!(part(), expected);
    assert_eq!(as_elsewhere(part), expected);
}
