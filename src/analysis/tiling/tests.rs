//! Pieces, halos and mirror images by hand.
use super::*;
use ndarray::array;

fn geometry(padded: [usize; 2], halo: usize) -> Geometry {
    Geometry { stride: [8, 8], halo: Some([halo, halo]), padded }
}

#[test]
fn beyond_the_border_stands_the_mirror_image() {
    let places: Vec<usize> = (0..8).map(|index| mirrored(index, 3)).collect();
    assert_eq!(places, [0, 1, 2, 2, 1, 0, 0, 1]);
    assert_eq!((0..4).map(|index| mirrored(index, 1)).collect::<Vec<_>>(), [0; 4]);
    let image = array![[[1.0, 2.0], [3.0, 4.0]]];
    assert_eq!(window(image.view(), &[1..3, 1..4]), array![[[[4.0, 4.0, 3.0], [4.0, 4.0, 3.0]]]]);
}

#[test]
fn cores_cover_the_image_once_and_start_on_the_grid() {
    assert_eq!(cores(64, 24, 8), [0..24, 24..48, 48..64]);
    assert_eq!(cores(40, 32, 8), [0..24, 24..40], "about equally long");
    assert_eq!(cores(8, 64, 8).len(), 1);
    for (length, side, stride) in [(1000, 104, 8), (16, 8, 4), (7, 1, 1), (96, 40, 8)] {
        let pieces = cores(length, side, stride);
        assert!(pieces.iter().all(|p| p.start.is_multiple_of(stride) && p.len() <= side));
        assert!(pieces.windows(2).all(|pair| pair[0].end == pair[1].start));
        assert_eq!((pieces[0].start, pieces[pieces.len() - 1].end), (0, length));
    }
}

#[test]
fn windows_end_where_the_padded_image_ends() {
    let tiling = geometry([40, 24], 8).cut(Some(16));
    assert_eq!(tiling.tiles.len(), 6);
    assert_eq!(tiling.tiles[0], Tile { core: [0..16, 0..16], window: [0..24, 0..24] });
    assert_eq!(tiling.tiles[5], Tile { core: [32..40, 16..24], window: [24..40, 8..24] });
    assert_eq!(tiling.side, Some(16));
}

#[test]
fn shifted_cores_meet_in_the_middle_of_the_others() {
    assert_eq!(cores(96, 48, 8), [0..48, 48..96]);
    assert_eq!(shifted_cores(96, 48, 8), [0..24, 24..72, 72..96]);
    assert_eq!(shifted_cores(40, 24, 8), [0..16, 16..40], "on the stride's grid");
    assert_eq!(shifted_cores(8, 24, 8), std::slice::from_ref(&(0..8)));
    let tiling = geometry([40, 24], 8).cut(Some(16));
    assert_eq!((tiling.halo, tiling.with_halo([0, 0]).halo), ([8, 8], [0, 0]));
    assert_eq!(tiling.with_halo([8, 8]), tiling);
}

#[test]
fn the_largest_side_that_fits_is_found() {
    let geometry = geometry([800, 800], 16);
    for longest in [16, 24, 120, 784, 792] {
        assert_eq!(geometry.largest_within(16, 800, |side| Ok(side <= longest)).unwrap(), longest);
    }
    let uneven = Geometry { stride: [4, 6], halo: None, padded: [12, 12] };
    assert_eq!((uneven.unit(), uneven.rounded(13)), (12, 24));
}
