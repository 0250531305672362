//! Convolution by a 3×3 kernel through the minimal filtering of Winograd, F(4×4, 3×3): 36 products instead of 144 for
//! each 4×4 results and pair of channels. Lavin and Gray 2015, arXiv:1509.09308.
//!
//! The image is cut into overlapping 6×6 pixels, one for each 4×4 results: a *patch*. Each patch is transformed, each
//! kernel too ([`weights`], once), and at each of the 36 places of a transform the channels are summed by one matrix
//! product over many patches; the inverse transform gives the results ([`transforms`]). A [`cut`] says which patches are
//! computed together so that they stay in a core's second-level cache, and [`run`] does it.
//!
//! All that is linear in the kernel as well, so its adjoint gives the gradient by the weights ([`gradient`]): each 4×4
//! values of the map's gradient are spread to the 36 places ([`spread`]), at each place their products with the image's
//! transforms are summed over all patches ([`outer`](super::outer)), and the sums are brought back to 3×3.

mod cut;
mod gradient;
mod run;
mod spread;
mod together;
mod transforms;
mod weights;

#[cfg(test)]
mod tests;

pub(super) use cut::{LARGEST_SCRATCH, LARGEST_SHARED, can, patches};
pub(super) use gradient::by_weights;
pub(super) use run::run;
pub(super) use weights::Packed;

/// Results of a patch along y and along x.
const STEP: usize = 4;
/// Pixels of a patch along y and along x.
const SIDE: usize = 6;
/// Values of a transformed patch.
pub(super) const PLACES: usize = SIDE * SIDE;
