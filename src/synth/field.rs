//! Planes of numbers: smooth noise (Perlin, SIGGRAPH 1985), Gaussian blur and slopes.

use super::exact::{exp32, mix, unit_of};
use ndarray::Array2;

/// Values `[y, x]`.
pub(super) type Field = Array2<f32>;

/// Gradient noise over the plane: about −1..1, mean 0, features about one unit wide.
#[derive(Clone, Copy)]
pub(super) struct Noise(pub(super) u64);

impl Noise {
    pub(super) fn at(self, y: f32, x: f32) -> f32 {
        let (y0, x0) = (y.floor(), x.floor());
        let (dy, dx) = (y - y0, x - x0);
        let (iy, ix) = (y0 as i64, x0 as i64);
        let corner = |cy: i64, cx: i64| {
            let hash = mix(self.0 ^ mix((iy + cy) as u64 ^ ((ix + cx) as u64).rotate_left(32)));
            let (gy, gx) = (unit_of(hash) * 2.0 - 1.0, unit_of(hash << 24) * 2.0 - 1.0);
            gy * (dy - cy as f32) + gx * (dx - cx as f32)
        };
        let (ty, tx) = (ease(dy), ease(dx));
        let top = corner(0, 0) * (1.0 - tx) + corner(0, 1) * tx;
        let bottom = corner(1, 0) * (1.0 - tx) + corner(1, 1) * tx;
        // The largest value of two such gradients is near 0.6.
        (top * (1.0 - ty) + bottom * ty) * 1.7
    }

    /// Octaves added, each twice as fine and half as strong; still about −1..1.
    pub(super) fn fractal(self, y: f32, x: f32, octaves: u32) -> f32 {
        let (mut sum, mut weight, mut scale, mut total) = (0.0, 1.0, 1.0, 0.0);
        for octave in 0..octaves {
            sum += weight * Self(self.0.wrapping_add(u64::from(octave))).at(y * scale, x * scale);
            total += weight * weight;
            weight *= 0.5;
            scale *= 2.0;
        }
        sum / f32::sqrt(total)
    }
}

/// 0 to 1 with no slope at the ends: 3t² − 2t³.
pub(super) fn ease(t: f32) -> f32 {
    let t = t.clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

/// Noise as a plane, features `scale` px wide.
pub(super) fn noise_plane(size: [usize; 2], noise: Noise, scale: f32, octaves: u32) -> Field {
    Array2::from_shape_fn(size, |(y, x)| noise.fractal(y as f32 / scale, x as f32 / scale, octaves))
}

/// Gaussian blur of standard deviation `sigma` px; the border pixel goes on outside.
pub(super) fn blur(field: &Field, sigma: f32) -> Field {
    if sigma < 0.1 {
        return field.clone();
    }
    let kernel = gaussian_kernel(sigma);
    let across = blur_rows(field, &kernel);
    let reach = (kernel.len() / 2) as isize;
    let (height, width) = field.dim();
    let mut out = Array2::zeros((height, width));
    for (y, mut row) in out.rows_mut().into_iter().enumerate() {
        for (k, &weight) in kernel.iter().enumerate() {
            let from = (y as isize + k as isize - reach).clamp(0, height as isize - 1) as usize;
            for (to, value) in row.iter_mut().zip(across.row(from)) {
                *to += weight * value;
            }
        }
    }
    out
}

fn gaussian_kernel(sigma: f32) -> Vec<f32> {
    let reach = (3.0 * sigma).ceil() as i32;
    let weights: Vec<f32> = (-reach..=reach)
        .map(|k| {
            let t = k as f32 / sigma;
            exp32(-0.5 * t * t)
        })
        .collect();
    let sum: f32 = weights.iter().sum();
    weights.into_iter().map(|w| w / sum).collect()
}

fn blur_rows(field: &Field, kernel: &[f32]) -> Field {
    let reach = kernel.len() / 2;
    let (height, width) = field.dim();
    let mut out = Array2::zeros((height, width));
    let mut padded = vec![0.0; width + 2 * reach];
    for (row, mut to) in field.rows().into_iter().zip(out.rows_mut()) {
        for (i, value) in padded.iter_mut().enumerate() {
            *value = row[i.saturating_sub(reach).min(width - 1)];
        }
        for (k, &weight) in kernel.iter().enumerate() {
            for (sum, value) in to.iter_mut().zip(&padded[k..]) {
                *sum += weight * value;
            }
        }
    }
    out
}

/// The slope along a direction `[cos, sin]`, by central differences.
pub(super) fn slope(field: &Field, [cos, sin]: [f32; 2]) -> Field {
    let (height, width) = field.dim();
    Array2::from_shape_fn((height, width), |(y, x)| {
        let dx = field[[y, (x + 1).min(width - 1)]] - field[[y, x.saturating_sub(1)]];
        let dy = field[[(y + 1).min(height - 1), x]] - field[[y.saturating_sub(1), x]];
        0.5 * (dx * cos + dy * sin)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blur_keeps_the_sum_and_has_the_width_it_says() {
        let mut point = Array2::zeros((41, 41));
        point[[20, 20]] = 1.0;
        let blurred = blur(&point, 2.0);
        assert!((blurred.sum() - 1.0).abs() < 1e-5);
        let variance: f32 = blurred.indexed_iter().map(|((_, x), v)| v * (x as f32 - 20.0).powi(2)).sum();
        assert!((variance - 4.0).abs() < 0.15, "{variance}");
        assert_eq!(blur(&point, 0.0), point);
        let flat = Array2::from_elem((1, 1), 3.0);
        assert!((blur(&flat, 5.0)[[0, 0]] - 3.0).abs() < 1e-5);
    }

    #[test]
    fn noise_is_about_zero_and_within_its_range() {
        let plane = noise_plane([128, 128], Noise(7), 9.0, 3);
        assert!(plane.mean().unwrap().abs() < 0.1);
        assert!(plane.iter().all(|v| v.abs() < 1.8));
        assert!(plane.iter().any(|v| v.abs() > 0.5));
    }

    #[test]
    fn the_slope_of_a_ramp_is_one() {
        let ramp = Array2::from_shape_fn((4, 5), |(_, x)| x as f32);
        assert_eq!(slope(&ramp, [1.0, 0.0])[[2, 2]], 1.0);
        assert_eq!(slope(&ramp, [0.0, 1.0])[[2, 2]], 0.0);
    }
}
