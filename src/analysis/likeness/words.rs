//! A verdict in plain words.
use super::INPUT;
use super::verdict::{Likeness, NearestImages, Outside, PixelMatch, SpaceLikeness, beyond};

impl Likeness {
    /// One sentence a finding, the verdict first.
    pub(super) fn sentences(&self) -> Vec<String> {
        let mut words = Vec::new();
        if let Some(pixel) = self.pixel.as_ref().filter(|pixel| pixel.unusual) {
            words.push(pixel.words());
        }
        for space in self.spaces.iter().filter(|space| space.unusual) {
            words.push(space.words());
        }
        if words.is_empty() {
            let farthest = self.spaces.iter().max_by(|a, b| a.percentile.total_cmp(&b.percentile));
            let how = farthest.map_or(String::new(), |space| {
                let distance = space.distance;
                format!(": distance {distance:.2}, farther than {:.0} % of them", 100.0 * space.percentile)
            });
            let ratios = self.spaces.iter().filter_map(|space| space.nearest.as_ref()).map(|near| near.ratio);
            let nearest = ratios.max_by(f64::total_cmp);
            let how = how
                + &nearest.map_or(String::new(), |ratio| {
                    format!("; from the nearest of them {ratio:.2} times the limit")
                });
            words.push(format!("Similar to the {} training images{how}", self.images));
        }
        words
    }

    /// A word or two for a badge.
    #[must_use]
    pub fn badge(&self) -> &'static str {
        let pixel = self.pixel.as_ref().is_some_and(|pixel| pixel.unusual);
        let unusual =
            |input: bool| self.spaces.iter().any(|space| space.unusual && (space.of == INPUT) == input);
        match (pixel, unusual(true), unusual(false)) {
            (true, _, _) => "unusual pixel size",
            (_, true, _) => "unusual grey or texture",
            (_, _, true) => "unusual to the network",
            _ => "like the training images",
        }
    }
}

impl PixelMatch {
    fn words(&self) -> String {
        let Self { nm, trained_nm: [low, high], ratio, target_nm, .. } = self;
        let (times, end) = if *ratio > 1.0 { (*ratio, "largest") } else { (1.0 / ratio, "smallest") };
        let relation = if *ratio > 1.0 { "times the" } else { "times smaller than the" };
        format!(
            "Unusual in pixel size: {} nm is {times:.1} {relation} {end} of the training images ({} to {} nm); \
             resample to {} nm",
            short(*nm),
            short(*low),
            short(*high),
            short(*target_nm)
        )
    }
}

impl SpaceLikeness {
    fn words(&self) -> String {
        let far = self.far();
        if self.of != INPUT {
            return format!("Unusual in what the network sees at {}: {far}", self.of);
        }
        let named: Vec<String> = self.outside.iter().map(Outside::words).collect();
        if named.is_empty() {
            return format!("Unusual in how grey levels and texture go together: {far}");
        }
        format!("Unusual in grey levels or texture: {} ({far})", named.join(", "))
    }

    /// How far, by what is far.
    fn far(&self) -> String {
        let nearest = self.nearest.as_ref().filter(|nearest| nearest.unusual).map(NearestImages::words);
        let whole = beyond(self.distance, self.limit).then(|| {
            format!("distance {:.2}, of the training images at most {:.2}", self.distance, self.limit)
        });
        whole.into_iter().chain(nearest).collect::<Vec<_>>().join("; ")
    }
}

impl NearestImages {
    fn words(&self) -> String {
        let Self { nearest, distance, limit, ratio, .. } = self;
        let which = match nearest {
            1 => "nearest training image".to_owned(),
            2 => "2nd nearest training image".to_owned(),
            3 => "3rd nearest training image".to_owned(),
            more => format!("{more}th nearest training image"),
        };
        format!("{distance:.2} from the {which}, {ratio:.2} times the limit of {limit:.2}")
    }
}

impl Outside {
    fn words(&self) -> String {
        // Roughness and noise are kept as logarithms, for their values lie many times apart.
        let logarithm = self.name.starts_with("roughness") || self.name == "noise";
        let shown = |value: f64| if logarithm { 10_f64.powf(value) } else { value };
        let (value, mean) = (short(shown(self.value)), short(shown(self.mean)));
        format!("{} {value} (training {mean}, {:+.1} spreads)", self.name, self.spreads)
    }
}

/// Three digits that count.
fn short(value: f64) -> String {
    let digits = if value == 0.0 { 0 } else { (2 - value.abs().log10().floor() as i32).clamp(0, 9) };
    let text = format!("{value:.*}", digits as usize);
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}
