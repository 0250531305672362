//! Products and dot products of whole numbers, on every instruction set.
use super::*;

/// Whole numbers, of which no sum below is rounded.
fn numbers(len: usize, salt: usize) -> Vec<f32> {
    (0..len).map(|i| ((i * 7 + salt * 13 + i / 5) % 11) as f32 - 5.0).collect()
}

#[test]
fn every_instruction_set_gives_the_same_products() {
    let offsets = [0, 3, 40, 41, 90];
    for rows in 1..=19 {
        for (at, len) in [(0, 1), (5, 15), (2, 48), (1, 64), (0, 97)] {
            let (source, matrix) = (numbers(90 + at + len + SLACK, len), numbers(rows * 5, rows));
            let weights = pack(rows, 5, |m, k| matrix[m * 5 + k]);
            let out_stride = at + len + SLACK;
            let expected = |m: usize, n: usize| -> f32 {
                (0..5).map(|k| matrix[m * 5 + k] * source[offsets[k] + at + n]).sum()
            };
            for isa in Isa::available() {
                let mut out = vec![0.0; rows * out_stride];
                // At once, or in two pieces.
                for cuts in [&[0, 5][..], &[0, 3, 5]] {
                    for piece in cuts.windows(2) {
                        let (first, offsets) = (piece[0], &offsets[piece[0]..piece[1]]);
                        let (weights, source) = (&weights, &source);
                        let product = Product { weights, rows, depth: 5, first, offsets, source, out_stride };
                        product.run_on(isa, at, len, &mut out);
                    }
                }
                for (m, n) in (0..rows).flat_map(|m| (0..len).map(move |n| (m, n))) {
                    assert_eq!(out[m * out_stride + at + n], expected(m, n), "{isa:?} {rows} {at} {len}");
                }
            }
        }
    }
}

#[test]
fn every_instruction_set_gives_the_same_dots() {
    let offsets = [0, 1, 2, 30, 31, 32, 60];
    for rows in 1..=9 {
        for len in [1, 16, 77] {
            let (source, left_stride) = (numbers(60 + len + SLACK, len), len + SLACK);
            let mut left = numbers(rows * left_stride, rows);
            left.chunks_mut(left_stride).for_each(|row| row[len..].fill(0.0));
            for isa in Isa::available() {
                let dots = Dots { left: &left, left_stride, rows, offsets: &offsets, source: &source, len };
                let mut out = vec![1.0; rows * 7];
                dots.run_on(isa, &mut out);
                for (i, &found) in out.iter().enumerate() {
                    let (row, from) = (&left[i / 7 * left_stride..][..len], &source[offsets[i % 7]..]);
                    let expected: f32 = 1.0 + row.iter().zip(from).map(|(a, b)| a * b).sum::<f32>();
                    assert_eq!(found, expected, "{isa:?} {rows} {len}");
                }
            }
        }
    }
}
