//! The network as a drawing: boxes, edges and frames as plain data, for the window and for files alike.
//!
//! Resolution decides the band that a box lies in: the input's above, ever coarser ones below, vectors last. Within a
//! band computation goes down, and where a network grows again its way up lies in a column of its own to the right, so
//! that a U-Net (Ronneberger et al. 2015, arXiv:1505.04597) is a U and its skip connections go straight across. Layers
//! and tracks within are those of a layered drawing (Sugiyama, Tagawa and Toda 1981). All lengths are points of a
//! screen, `[x, y]` from the upper left corner.

mod area;
mod columns;
mod family;
mod frames;
mod items;
mod lanes;
mod levels;
mod measures;
mod path;
mod places;
mod routes;
#[cfg(test)]
mod tests;

pub use area::Area;
pub use family::Family;

use super::{Graph, Group, NodeCost, Outline};
use columns::Columns;
use items::Items;
use levels::Levels;
use places::Places;

/// Where everything lies.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Drawing {
    /// `[width, height]`.
    pub size: [f32; 2],
    pub boxes: Vec<DrawnBox>,
    pub edges: Vec<DrawnEdge>,
    /// Groups that are open, outer ones before those within.
    pub frames: Vec<DrawnFrame>,
    /// From the finest resolution to the coarsest.
    pub bands: Vec<Band>,
    /// For each node the box that it is or is in.
    box_of: Vec<usize>,
}

/// A node, or a group that is folded.
#[derive(Debug, Clone, PartialEq)]
pub struct DrawnBox {
    pub content: Drawn,
    /// What it is called within the frames around it.
    pub label: String,
    /// The operation, or how many nodes there are.
    pub detail: String,
    /// Of its output, such as "64×128×128".
    pub shape: String,
    pub family: Family,
    pub area: Area,
    /// Place of its resolution in [`Drawing::bands`].
    pub band: usize,
    /// The column: even ones go down, odd ones up.
    pub column: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Drawn {
    /// Place in the graph's order.
    Node(usize),
    Group(Group),
}

/// What flows from one box to another.
#[derive(Debug, Clone, PartialEq)]
pub struct DrawnEdge {
    /// Places in [`Drawing::boxes`].
    pub from: usize,
    pub to: usize,
    /// The nodes that give and those that read, one pair an edge of the graph.
    pub links: Vec<[usize; 2]>,
    /// A line along the axes, from border to border.
    pub points: Vec<[f32; 2]>,
}

/// The border around the boxes of an open group.
#[derive(Debug, Clone, PartialEq)]
pub struct DrawnFrame {
    /// The group's, without the dot at its end.
    pub prefix: String,
    pub label: String,
    /// How many frames are around it.
    pub depth: usize,
    pub area: Area,
}

/// The rows of one resolution.
#[derive(Debug, Clone, PartialEq)]
pub struct Band {
    /// `y × x` of its values; where they differ a little, as behind convolutions without padding, of the first.
    pub label: String,
    /// Pixels of the input between two of its own, "1/4"; empty of vectors.
    pub share: String,
    pub top: f32,
    pub height: f32,
}

impl Drawing {
    /// Draws a graph whose nodes cost `nodes`, each group folded to one box or open as `is_folded` says. Takes time in
    /// proportion to nodes and edges, times the logarithm of their number.
    #[must_use]
    pub fn new(graph: &Graph, nodes: &[NodeCost], is_folded: &dyn Fn(&Group) -> bool) -> Self {
        Self::of_outline(graph, nodes, &Outline::of(nodes), is_folded)
    }

    /// The same with an outline that is there already.
    #[must_use]
    pub fn of_outline(
        graph: &Graph,
        nodes: &[NodeCost],
        outline: &Outline,
        is_folded: &dyn Fn(&Group) -> bool,
    ) -> Self {
        if nodes.is_empty() || nodes.len() != graph.nodes().len() {
            return Self::default();
        }
        let items = Items::of(graph, nodes, outline, is_folded);
        let levels = Levels::of(&items, nodes);
        let places = Places::of(&items, &levels);
        let columns = Columns::of(&places);
        let routes = routes::routes(&items, &places, &columns);
        let lanes = lanes::Lanes::of(&routes, &places);
        let across = measures::Across::of(&places, &lanes, items.deepest());
        let area = |item: usize| Area {
            left: across.left(places.column[item], places.track[item]),
            top: places.top[item],
            width: measures::WIDTH,
            height: measures::HEIGHT,
        };
        let areas: Vec<Area> = (0..items.all.len()).map(area).collect();
        let edges = items.links.iter().zip(&routes).map(|((&(from, to), links), route)| DrawnEdge {
            from,
            to,
            links: links.clone(),
            points: routes::points(route, &places, &columns, (&across, &lanes)),
        });
        let edges = edges.collect();
        let frames = frames::frames(&items, &areas);
        let boxes = items.all.iter().enumerate().map(|(item, of)| DrawnBox {
            content: of.content.clone(),
            label: of.label.clone(),
            detail: of.detail.clone(),
            shape: of.shape.clone(),
            family: of.family,
            area: areas[item],
            band: places.band[item],
            column: places.column[item],
        });
        Self {
            size: [across.width, places.height],
            boxes: boxes.collect(),
            edges,
            frames,
            bands: levels.bands(&places),
            box_of: items.owner,
        }
    }

    /// The box that a node is, or the folded group that it is in.
    #[must_use]
    pub fn box_of(&self, node: usize) -> Option<usize> {
        self.box_of.get(node).copied()
    }
}
