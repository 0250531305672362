//! The command line that makes a result again.

use super::{ClassJob, ExportJob, Format, Paint, RegressionJob};
use crate::analysis::RunSettings;
use crate::imaging::{Colormap, InfoBarChoice, Micrograph, Percentiles};
use crate::network::Model;
use std::path::Path;

/// What writes the same files as `write_results(job, dir)`, quoted for a POSIX shell; paths are absolute, so that it
/// works from any folder.
#[must_use]
pub fn command_line(job: &ExportJob<'_>, dir: &Path) -> String {
    let mut words = begin("segment", job.micrograph, job.model);
    words.extend(["--out".to_owned(), absolute(dir)]);
    let names: Vec<&str> = Format::listed(job.formats).map(Format::name).collect();
    words.extend(["--formats".to_owned(), names.join(",")]);
    if job.formats.contains(&Format::Overlay) {
        words.extend(["--opacity".to_owned(), job.paint.opacity.to_string()]);
        look_of(&mut words, &job.paint);
    }
    // The tile that memory made necessary here is part of what was done.
    let tile = job.segmentation.tile.or(job.settings.tile);
    part(&mut words, job.micrograph, job.settings, tile);
    computed(&mut words, job.device, job.threads);
    quoted(&words)
}

/// The same for a classifier's result.
#[must_use]
pub fn class_command_line(job: &ClassJob<'_>) -> String {
    let mut words = begin("classify", job.micrograph, job.model);
    part(&mut words, job.micrograph, job.settings, None);
    computed(&mut words, job.device, job.threads);
    quoted(&words)
}

/// What writes the same files as `write_regression(job, dir)`.
#[must_use]
pub fn regression_command_line(job: &RegressionJob<'_>, dir: &Path) -> String {
    let mut words = begin("regress", job.micrograph, job.model);
    words.extend(["--out".to_owned(), absolute(dir)]);
    part(&mut words, job.micrograph, job.settings, job.regression.tile.or(job.settings.tile));
    computed(&mut words, job.device, job.threads);
    quoted(&words)
}

fn begin(verb: &str, micrograph: &Micrograph, model: &Model) -> Vec<String> {
    begin_words(verb, micrograph, Some(model))
}

pub(super) fn begin_words(verb: &str, micrograph: &Micrograph, model: Option<&Model>) -> Vec<String> {
    let file = micrograph.path().map_or_else(|| micrograph.name().to_owned(), absolute);
    let mut words = ["polepiece", verb, &file].map(str::to_owned).to_vec();
    if let Some(model) = model {
        let model = model.path.as_deref().map_or_else(|| model.card.name.clone(), absolute);
        words.extend(["--model".to_owned(), model]);
    }
    words
}

pub(super) fn part(
    words: &mut Vec<String>,
    micrograph: &Micrograph,
    settings: &RunSettings,
    tile: Option<usize>,
) {
    words.extend(["--series".to_owned(), micrograph.series().to_string()]);
    words.extend(["--frame".to_owned(), settings.frame.to_string()]);
    if let Some(channels) = &settings.channels {
        let channels: Vec<String> = channels.iter().map(usize::to_string).collect();
        words.extend(["--channels".to_owned(), channels.join(",")]);
    }
    if let Some(tile) = tile {
        words.extend(["--tile".to_owned(), tile.to_string()]);
    }
    // The number rather than "auto": another version may find another one.
    if let Some(bar) = micrograph.info_bar() {
        words.extend(["--info-bar".to_owned(), InfoBarChoice::Rows(bar.rows).to_string()]);
    }
    if let Some(scale) = micrograph.scale_by_hand() {
        words.extend(["--pixel-size".to_owned(), scale.to_string()]);
    }
    if let Some(nm) = micrograph.resampled_nm() {
        words.extend(["--resample".to_owned(), format!("{nm}nm")]);
    }
}

/// The overlay's window, tone and colours, where they are not the usual ones.
pub(super) fn look_of(words: &mut Vec<String>, paint: &Paint) {
    let Paint { contrast, percentiles, tone, colormap, .. } = paint;
    if let Some(contrast) = contrast {
        words.extend(["--contrast".to_owned(), format!("{},{}", contrast.low, contrast.high)]);
    }
    if *percentiles != Percentiles::default() {
        words.extend(["--percentiles".to_owned(), format!("{},{}", percentiles.low, percentiles.high)]);
    }
    if tone.gamma != 1.0 {
        words.extend(["--gamma".to_owned(), tone.gamma.to_string()]);
    }
    words.extend(tone.logarithmic.then(|| "--log".to_owned()));
    words.extend(tone.inverted.then(|| "--invert".to_owned()));
    if *colormap != Colormap::default() {
        words.extend(["--colormap".to_owned(), colormap.name().to_ascii_lowercase()]);
    }
}

fn computed(words: &mut Vec<String>, device: &str, threads: usize) {
    let cpu = device.to_ascii_lowercase().starts_with("cpu");
    let device = if cpu { "cpu" } else { "cuda" };
    words.extend(["--threads".to_owned(), threads.to_string(), "--device".to_owned(), device.to_owned()]);
}

pub(super) fn absolute(path: &Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf()).display().to_string()
}

pub(super) fn quoted(words: &[String]) -> String {
    words.iter().map(|word| quote(word)).collect::<Vec<_>>().join(" ")
}

/// One word for a POSIX shell: as it is where nothing in it means anything, else between single quotes.
fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+,:=@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::super::results::testing;
    use super::*;
    use crate::imaging::Contrast;

    #[test]
    fn words_are_quoted_for_a_shell() {
        for (word, expected) in [
            ("/data/spot1_0d.tif", "/data/spot1_0d.tif"),
            ("", "''"),
            ("my image.tif", "'my image.tif'"),
            ("it's $HOME; rm *", r"'it'\''s $HOME; rm *'"),
            ("γ.tif", "'γ.tif'"),
        ] {
            assert_eq!(quote(word), expected);
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_shell_reads_the_words_back() {
        let word = "it's \"$HOME\" `x` \\ * \n γ";
        let script = format!("printf %s {}", quote(word));
        let output = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), word);
    }

    #[cfg(unix)]
    #[test]
    fn the_command_says_all_that_was_set() {
        let mut made = testing::made();
        made.settings = RunSettings { channels: Some(vec![2, 0]), ..RunSettings::default() };
        made.segmentation.tile = Some(256);
        let mut job = made.job(&[Format::Overlay, Format::Label]);
        let start = "polepiece segment 'two phases' --model 'test model' --out /out --formats label,overlay \
                     --opacity 0.5";
        let end = "--series 0 --frame 0 --channels 2,0 --tile 256 --threads 2 --device cpu";
        assert_eq!(command_line(&job, Path::new("/out")), format!("{start} {end}"));
        job.paint.contrast = Some(Contrast { low: -1.5, high: 200.0 });
        assert_eq!(command_line(&job, Path::new("/out")), format!("{start} --contrast -1.5,200 {end}"));
        let micrograph = testing::made().micrograph;
        let by_hand = micrograph
            .with_scale("500nm/183.5px".parse().ok().as_ref())
            .choosing_info_bar(InfoBarChoice::Rows(1));
        job.micrograph = &by_hand;
        let said = "--tile 256 --info-bar 1 --pixel-size 500nm/183.5px --threads 2 --device cpu";
        assert!(command_line(&job, Path::new("/out")).ends_with(said));
        job.device = "NVIDIA H100";
        assert!(command_line(&job, Path::new("/out")).ends_with("--device cuda"));
    }
}
