//! The layout of a large network's drawing, made beside the window.

use super::apply::Answer;
use super::{JobKind, Session};
use crate::network::{Drawing, Group, NodeCost};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Lay the chosen network out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayOut {
    /// The asker's own number, by which it knows the answer.
    pub stamp: u64,
    /// Prefixes of the groups that are one box each.
    pub folded: BTreeSet<String>,
}

/// The layout that was made last.
#[derive(Debug, Clone)]
pub struct LaidOut {
    pub drawing: Arc<Drawing>,
    stamp: u64,
    nodes: Arc<Vec<NodeCost>>,
}

impl LaidOut {
    /// Whether it answers that question about these nodes.
    #[must_use]
    pub fn answers(&self, stamp: u64, nodes: &[NodeCost]) -> bool {
        self.stamp == stamp && std::ptr::eq(self.nodes.as_ptr(), nodes.as_ptr())
    }
}

impl Session {
    /// The latest request wins.
    pub(super) fn lay_out(&mut self, asked: LayOut) {
        let (Some(model), Ok(nodes)) = (self.model.clone(), &self.nodes) else { return };
        let nodes = Arc::clone(nodes);
        self.jobs.start(JobKind::Layout, move |_| {
            let folded = |group: &Group| asked.folded.contains(&group.prefix);
            let drawing = Arc::new(Drawing::new(&model.graph, &nodes, &folded));
            Ok(Answer::LaidOut(Box::new(LaidOut { drawing, stamp: asked.stamp, nodes })))
        });
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ready, session};
    use super::super::{Command, Session};
    use super::*;

    fn ask(session: &mut Session, stamp: u64, folded: &[&str]) {
        let folded = folded.iter().map(ToString::to_string).collect();
        session.apply(Command::LayOut(LayOut { stamp, folded }));
    }

    #[test]
    fn a_network_is_laid_out_beside_the_window_as_it_would_be_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let mut session = ready(dir.path());
        ask(&mut session, 7, &["enc1"]);
        let found = session.laid_out.clone().unwrap();
        let nodes = Arc::clone(session.nodes.as_ref().unwrap());
        let graph = &session.model.as_ref().unwrap().graph;
        assert_eq!(*found.drawing, Drawing::new(graph, &nodes, &|group| group.prefix == "enc1"));
        assert!(found.answers(7, &nodes) && !found.answers(8, &nodes));
        assert!(!found.answers(7, &nodes.to_vec()), "the same nodes for another image");
    }

    #[test]
    fn without_a_network_there_is_nothing_to_lay_out() {
        let mut session = session();
        ask(&mut session, 1, &[]);
        assert!(session.laid_out.is_none() && session.messages.is_empty());
    }
}
