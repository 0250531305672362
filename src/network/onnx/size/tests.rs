//! Sizes that two paths make, and their values.

use super::*;

fn height() -> Size {
    Size::axis(2)
}

#[test]
fn a_block_and_its_shortcut_make_the_same_size() {
    // 3×3, stride 2, padding 1 beside 1×1, stride 2.
    assert_eq!(height().windows(2, 3, 2), height().windows(0, 1, 2));
    assert_ne!(height().windows(0, 3, 2), height().windows(0, 1, 2));
    // Two halvings are one quarter.
    let halved = height().over(2).unwrap().floor().unwrap();
    assert_eq!(halved.over(2).unwrap().floor(), height().over(4).unwrap().floor());
}

#[test]
fn values_follow_the_formula() {
    let pooled = height().windows(2, 3, 2).unwrap();
    for (size, expected) in [(7, 4), (8, 4), (9, 5), (1, 1)] {
        assert_eq!(pooled.value(&[1, 1, size]), Some(expected), "{size}");
    }
    let up = pooled.times(&Size::from(2_i64)).unwrap();
    assert_eq!(up.value(&[1, 1, 9]), Some(10));
    assert_eq!(height().minus(&up).unwrap().value(&[1, 1, 9]), Some(-1));
    assert_eq!(height().over(2).unwrap().ceil().unwrap().value(&[1, 1, 9]), Some(5));
}

#[test]
fn what_cancels_is_a_number_again() {
    let grown = height().plus(&Size::from(4_i64)).unwrap();
    assert_eq!(grown.minus(&height()).unwrap().number(), Some(4));
    let doubled = height().times(&Size::from(2_i64)).unwrap();
    assert_eq!(doubled.over(2).unwrap(), height());
    assert_eq!(doubled.divided(&height()).unwrap().number(), Some(2));
    let area = height().times(&Size::axis(3)).unwrap();
    assert_eq!(area.divided(&height()), Some(Size::axis(3)));
    assert_eq!(area.divided(&Size::axis(1)), None);
    assert_eq!(height().divided(&Size::from(2_i64)), None);
}

#[test]
fn expressions_that_grow_without_end_are_given_up() {
    let mut size = height().plus(&Size::axis(3)).unwrap();
    let mut given_up = false;
    for _ in 0..64 {
        match size.times(&size) {
            Some(longer) => size = longer,
            None => given_up = true,
        }
    }
    assert!(given_up);
    assert_eq!(Size::from(i64::MAX).plus(&Size::from(1_i64)), None);
    assert_eq!(height().over(0), None);
}

#[test]
fn floats_of_scales_are_fractions() {
    assert_eq!(fraction(2.0), Some((2, 1)));
    assert_eq!(fraction(0.5), Some((1, 2)));
    assert_eq!(fraction(f64::from(1.0_f32 / 3.0)), Some((1, 3)));
    assert_eq!(fraction(std::f64::consts::PI), None);
    assert_eq!(fraction(f64::NAN), None);
}
