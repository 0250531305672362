//! Numbers as people read them.
use crate::session::Memory;
use std::time::Duration;

/// `13402` as `13,402`.
pub(super) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A measured value: whole numbers with thousand separators, others to four significant digits.
pub(super) fn value(value: f64) -> String {
    if !value.is_finite() {
        return if value.is_nan() { "not a number".to_owned() } else { "infinite".to_owned() };
    }
    let size = value.abs();
    if value.fract() == 0.0 && size < 1e15 {
        let sign = if value < 0.0 { "−" } else { "" };
        return format!("{sign}{}", thousands(size as u64));
    }
    let text = match size {
        s if !(1e-3..1e5).contains(&s) => format!("{value:.2e}"),
        s if s >= 1000.0 => format!("{value:.0}"),
        s if s >= 100.0 => format!("{value:.1}"),
        s if s >= 10.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    };
    text.replace('-', "−")
}

/// A number between −1 and 1 with its sign: `+0.83`.
pub(super) fn signed(number: f32) -> String {
    format!("{number:+.2}").replace('-', "−")
}

/// A large count in short: `950`, `12.4 k`, `3.1 M`, `1.2 G`.
pub(super) fn short_count(count: u64) -> String {
    let steps = [(1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")];
    for (size, unit) in steps {
        let scaled = count as f64 / size;
        if scaled >= 1.0 {
            return if scaled >= 100.0 {
                format!("{scaled:.0} {unit}")
            } else {
                format!("{scaled:.1} {unit}")
            };
        }
    }
    count.to_string()
}

/// `CPU, 2 threads · 21 GB free`, or of a graphics card also how much it has in all.
pub(super) fn device(name: &str, memory: Option<Memory>, of_all: bool) -> String {
    let Some(Memory { free, total }) = memory else { return name.to_owned() };
    let gigabytes = |bytes: u64| {
        let size = bytes as f64 / 1e9;
        if size < 9.95 { format!("{size:.1}") } else { format!("{size:.0}") }
    };
    let all = if of_all { format!(" of {}", gigabytes(total)) } else { String::new() };
    format!("{name} · {}{all} GB free", gigabytes(free))
}

/// `950 B`, `12.4 kB`, `3.1 MB`.
pub(super) fn bytes(bytes: u64) -> String {
    let text = short_count(bytes);
    if text.contains(' ') { format!("{text}B") } else { format!("{text} B") }
}

/// `64 × 128 × 128`.
pub(super) fn shape(shape: &[usize]) -> String {
    shape.iter().map(ToString::to_string).collect::<Vec<_>>().join(" × ")
}

/// `0.973` as `97 %`, small shares with one decimal.
pub(super) fn percent(fraction: f64) -> String {
    let percent = fraction * 100.0;
    if percent.abs() < 9.95 { format!("{percent:.1} %") } else { format!("{percent:.0} %") }
}

/// A time to wait: `3 s`, `1 min 20 s`.
pub(super) fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    if seconds < 60.0 {
        return format!("{:.0} s", seconds.ceil());
    }
    let whole = seconds.ceil() as u64;
    if whole < 3600 {
        format!("{} min {:02} s", whole / 60, whole % 60)
    } else {
        format!("{} h {:02} min", whole / 3600, whole % 3600 / 60)
    }
}

/// `1 frame`, `3 frames`.
pub(super) fn plural(count: usize, noun: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{} {noun}{ending}", thousands(count as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_named_with_what_it_has_free() {
        let memory = Some(Memory { free: 76_400_000_000, total: 80_000_000_000 });
        assert_eq!(device("NVIDIA H100", memory, true), "NVIDIA H100 · 76 of 80 GB free");
        let memory = Some(Memory { free: 6_040_000_000, total: 24_000_000_000 });
        assert_eq!(device("CPU, 2 threads", memory, false), "CPU, 2 threads · 6.0 GB free");
        assert_eq!(device("CPU, 2 threads", None, false), "CPU, 2 threads");
    }

    #[test]
    fn numbers_read_as_people_write_them() {
        assert_eq!(thousands(7), "7");
        assert_eq!(thousands(13_402), "13,402");
        assert_eq!(thousands(1_000_000), "1,000,000");
        assert_eq!(value(-13_402.0), "−13,402");
        assert_eq!(value(0.8312), "0.831");
        assert_eq!(value(12.345), "12.35");
        assert_eq!(value(f64::NAN), "not a number");
        assert_eq!(short_count(950), "950");
        assert_eq!(short_count(12_400), "12.4 k");
        assert_eq!(short_count(3_100_000_000), "3.1 G");
        assert_eq!((bytes(12), bytes(3_100_000)), ("12 B".to_owned(), "3.1 MB".to_owned()));
        assert_eq!(shape(&[64, 128, 1]), "64 × 128 × 1");
        assert_eq!(percent(0.0312), "3.1 %");
        assert_eq!(percent(0.973), "97 %");
        assert_eq!(duration(Duration::from_millis(2_400)), "3 s");
        assert_eq!(duration(Duration::from_secs(80)), "1 min 20 s");
        assert_eq!(duration(Duration::from_mins(121)), "2 h 01 min");
        assert_eq!(plural(1, "frame"), "1 frame");
        assert_eq!(plural(3, "frame"), "3 frames");
    }
}
