//! Figures for papers: panels in a grid, with titles, scale bar, legends and colour bars, as PNG or SVG of a width in mm.
//!
//! A [`FigureSpec`] says what is wanted; [`figure`] computes it and gives a [`Figure`], plain data that others can fill
//! with panels of their own; `layout` puts it on a `Page` in mm, and `svg` and `raster` draw that same page, so that both
//! files show the same. The window and the command line call [`figure`] and [`write_figure`] alike.

mod panel;
mod spec;

mod content;
mod drawn;
mod gather;
mod measured;
mod seen;

mod layout;
mod marks;
mod page;
mod type_face;

mod raster;
mod svg;
mod write;

pub use content::figure;
pub use gather::{FigureInput, Known};
pub use measured::Measured;
pub use page::Picture;
pub use panel::{Bar, Figure, FigureLook, Ground, Mark, Panel, Place, ScaleBars, Tile};
pub use spec::{FigureSpec, PanelSpec, SideSpec, Which};
pub use write::{FigureFormat, figure_command_line, figure_picture, figure_size, write_figure};
