//! How image panes show a picture: one shared zoom and pan, textures in tiles, and what is drawn over them.

mod atlas;
mod canvas;
mod clear;
mod hatch;
mod minimap;
mod overlay;
mod picture;
mod pixels;
mod placement;
mod reduced;

pub(super) use atlas::{Atlas, Batch};
pub(super) use canvas::{Canvas, canvas, canvas_for, still_canvas};
pub(super) use clear::Clear;
pub(super) use hatch::{below, paint_hatch};
pub(super) use minimap::Minimap;
pub(super) use overlay::{
    Mark, paint_badge, paint_cursor, paint_label, paint_mark, paint_receptive_field, paint_scale_bar,
    receptive_box, whole_image_box,
};
pub(super) use picture::{Layer, TiledPicture};
pub(super) use pixels::{Pixels, display_parts, mean_picture, stamp};
pub(super) use placement::{Placement, View};
pub(super) use reduced::{Reduced, drawn};
