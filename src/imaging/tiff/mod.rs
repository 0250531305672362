//! TIFF: plain, ImageJ, tifffile and OME (TIFF 6.0; `BigTIFF`).
//!
//! [`directory`] reads the container, [`page`] checks what a page says of itself, [`plan`] sorts pages into series with
//! the help of whoever wrote the file ([`ome`], [`imagej`], [`shaped`]), [`decode`] reads planes when they are asked
//! for; the `tiff` crate decompresses ([`codec`]).

mod directory;
mod kinds;
mod page;

mod codec;
mod decode;
mod jpeg;
mod unpack;

mod imagej;
mod ome;
mod ome_xml;
mod plan;
mod shaped;

mod open;

pub(super) use open::open;

#[cfg(test)]
mod tests;
