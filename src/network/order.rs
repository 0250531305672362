//! The order in which nodes can be computed, and the cycle that forbids one.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Node indices so that every input stands before its readers; nodes already in order keep it. `links[i]` are the
/// inputs of node `i`.
///
/// # Errors
/// The nodes of one cycle, each reading the one before it, the first reading the last.
pub(super) fn topological(links: &[Vec<usize>]) -> Result<Vec<usize>, Vec<usize>> {
    let mut readers = vec![Vec::new(); links.len()];
    let mut waiting: Vec<usize> = links.iter().map(Vec::len).collect();
    for (index, inputs) in links.iter().enumerate() {
        for &input in inputs {
            readers[input].push(index);
        }
    }
    let mut ready: BinaryHeap<Reverse<usize>> =
        (0..links.len()).filter(|&i| waiting[i] == 0).map(Reverse).collect();
    let mut order = Vec::with_capacity(links.len());
    while let Some(Reverse(index)) = ready.pop() {
        order.push(index);
        for &reader in &readers[index] {
            waiting[reader] -= 1;
            if waiting[reader] == 0 {
                ready.push(Reverse(reader));
            }
        }
    }
    if order.len() == links.len() { Ok(order) } else { Err(cycle(links, &waiting)) }
}

/// Walks backwards among the nodes that never became ready until one comes again.
fn cycle(links: &[Vec<usize>], waiting: &[usize]) -> Vec<usize> {
    let mut seen_at = vec![None; links.len()];
    let mut path = Vec::new();
    let mut next = waiting.iter().position(|&n| n > 0);
    while let Some(index) = next {
        if let Some(start) = seen_at[index] {
            let mut cycle = path.split_off(start);
            cycle.reverse();
            return cycle;
        }
        seen_at[index] = Some(path.len());
        path.push(index);
        // A node that is still waiting has at least one input that is waiting too.
        next = links[index].iter().copied().find(|&input| waiting[input] > 0);
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_that_is_already_right_stays() {
        assert_eq!(topological(&[vec![], vec![0], vec![0], vec![1, 2]]), Ok(vec![0, 1, 2, 3]));
    }

    #[test]
    fn inputs_come_before_their_readers() {
        assert_eq!(topological(&[vec![2], vec![0], vec![]]), Ok(vec![2, 0, 1]));
    }

    #[test]
    fn the_cycle_is_named_without_the_nodes_that_only_hang_on_it() {
        // 0 → 1 → 2 → 1 and 2 → 3: only 1 and 2 form the cycle.
        let mut found = topological(&[vec![], vec![0, 2], vec![1], vec![2]]).unwrap_err();
        found.sort_unstable();
        assert_eq!(found, [1, 2]);
    }
}
