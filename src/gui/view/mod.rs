//! How image panes show a picture: one shared zoom and pan, textures in tiles, and what is drawn over them.

mod canvas;
mod overlay;
mod picture;
mod pixels;
mod placement;

pub(super) use canvas::{Canvas, canvas, still_canvas};
pub(super) use overlay::{
    paint_badge, paint_cursor, paint_receptive_field, paint_scale_bar, receptive_box, whole_image_box,
};
pub(super) use picture::{Layer, TiledPicture};
pub(super) use pixels::{Pixels, composite_parts, display_parts, mean_picture, stamp};
pub(super) use placement::{Placement, View};
