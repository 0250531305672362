//! A micrograph on other pixels than its file has.

use super::micrograph::About;
use super::{ImagingError, Micrograph, PixelSize, Plane};
use std::sync::Arc;

impl Micrograph {
    /// The same picture on square pixels of another size: `planes` `[frame][channel]` of its specimen, all of one shape.
    /// It remembers where it comes from.
    ///
    /// # Errors
    /// `OutOfRange` when there is no plane, or they differ in number per frame, shape or type.
    pub fn on_pixels(&self, planes: Vec<Vec<Plane>>, nm: f64) -> Result<Self, ImagingError> {
        let before = self.calibration().pixel();
        let source =
            before.map_or("unknown".to_owned(), |pixel| format!("{} nm: {}", pixel.x_nm, pixel.source));
        let pixel = PixelSize { x_nm: nm, y_nm: nm, source: format!("resampled from {source}") };
        let calibration = self.calibration().with_pixel(Some(&pixel));
        let name = format!("{} at {nm} nm", self.name());
        let mut made = Self::from_planes(&name, planes, self.channel_names().to_vec(), calibration)?;
        made.about = Arc::new(About {
            path: self.about.path.clone(),
            series: self.about.series,
            scale_by_hand: self.about.scale_by_hand.clone(),
            metadata: self.about.metadata.clone(),
            notes: self.about.notes.clone(),
            resampled_nm: Some(nm),
            ..(*made.about).clone()
        });
        Ok(made)
    }

    /// To which side of a pixel in nm it was resampled, where it was.
    #[must_use]
    pub fn resampled_nm(&self) -> Option<f64> {
        self.about.resampled_nm
    }
}
