//! The multilayer perceptron: every feature sees every pixel.

use super::chain::{Chain, at_least, dense};
use crate::network::{Graph, NetworkError, Op};

/// Flatten and dense layers with ReLU between: "flatten", "fc1", "relu1", "fc2"…, "head". Gives logits `[class]`.
///
/// # Errors
/// An input, hidden layer or class count of nothing.
pub fn mlp(input: [usize; 3], hidden: &[usize], classes: usize) -> Result<Graph, NetworkError> {
    at_least("An MLP", 1, "input channel", input[0])?;
    at_least("An MLP", 1, "row of pixels", input[1])?;
    at_least("An MLP", 1, "column of pixels", input[2])?;
    at_least("An MLP", 1, "class", classes)?;
    let pixels = input.iter().try_fold(1_usize, |product, &n| product.checked_mul(n));
    let mut from = pixels.ok_or_else(|| {
        let [c, y, x] = input;
        NetworkError::Graph(format!("An MLP cannot have {c}×{y}×{x} inputs"))
    })?;
    let mut chain = Chain::new(input[0]);
    chain.push("flatten", Op::Flatten);
    for (i, &features) in hidden.iter().enumerate() {
        at_least("A hidden layer", 1, "feature", features)?;
        chain.push(format!("fc{}", i + 1), dense(from, features));
        chain.push(format!("relu{}", i + 1), Op::Relu);
        from = features;
    }
    chain.push("head", dense(from, classes));
    chain.finish("mlp")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_follow_the_list_of_hidden_features() {
        let graph = mlp([1, 28, 28], &[300, 100], 10).unwrap();
        let names: Vec<&str> = graph.nodes().iter().map(|node| node.name.as_str()).collect();
        assert_eq!(names, ["input", "flatten", "fc1", "relu1", "fc2", "relu2", "head"]);
        let expected: [&[usize]; 7] = [&[1, 28, 28], &[784], &[300], &[300], &[100], &[100], &[10]];
        assert_eq!(graph.shapes([1, 28, 28]).unwrap(), expected);
        // LeCun's 300-100 net: 784·300 + 300 + 300·100 + 100 + 100·10 + 10
        let parameters = graph.parameters();
        assert_eq!(parameters.iter().map(|p| p.shape.iter().product::<usize>()).sum::<usize>(), 266_610);
    }

    #[test]
    fn without_hidden_layers_it_is_a_linear_classifier() {
        assert_eq!(mlp([3, 2, 2], &[], 2).unwrap().shapes([3, 2, 2]).unwrap().last().unwrap(), &[2]);
    }

    #[test]
    fn impossible_networks_are_refused_in_words() {
        let check = |graph: Result<Graph, NetworkError>, expected: &str| {
            assert_eq!(graph.unwrap_err().to_string(), expected);
        };
        check(mlp([0, 2, 2], &[], 2), "An MLP needs at least 1 input channel, found 0");
        check(mlp([1, 0, 2], &[], 2), "An MLP needs at least 1 row of pixels, found 0");
        check(mlp([1, 2, 2], &[], 0), "An MLP needs at least 1 class, found 0");
        check(mlp([1, 2, 2], &[3, 0], 2), "A hidden layer needs at least 1 feature, found 0");
        assert!(mlp([2, usize::MAX, 2], &[], 2).unwrap_err().to_string().contains("cannot have"));
    }
}
