//! Sizes that are known only once the image is: sums of multiples of the image's axes, divided and rounded down.
//!
//! Two paths through a network that make the same size give the same expression, so that a branch and its shortcut are
//! seen to fit, and `Resize` to another value's size is seen to be just that.

use std::collections::BTreeMap;

/// Most parts of one expression; longer ones are given up, so that no file makes them grow beyond measure.
const MAX_WEIGHT: usize = 96;

/// What a size is made of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Term {
    /// An axis of the model's input.
    Axis(usize),
    /// A size that nothing is known of.
    Unknown(usize),
    /// A size divided by a number, rounded down.
    Quotient(Box<Size>, i64),
    /// Of terms that are not products.
    Product(Vec<Term>),
}

/// (constant + Σ factor · term) / over, exactly.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Size {
    terms: BTreeMap<Term, i64>,
    constant: i64,
    /// 1 for whole numbers.
    over: i64,
}

impl From<i64> for Size {
    fn from(constant: i64) -> Self {
        Self { terms: BTreeMap::new(), constant, over: 1 }
    }
}

impl From<usize> for Size {
    fn from(size: usize) -> Self {
        Self::from(i64::try_from(size).unwrap_or(i64::MAX))
    }
}

impl Size {
    /// Axis `axis` of the model's input.
    pub(super) fn axis(axis: usize) -> Self {
        Self::of(Term::Axis(axis))
    }

    /// A size unlike all others.
    pub(super) fn unknown(number: usize) -> Self {
        Self::of(Term::Unknown(number))
    }

    fn of(term: Term) -> Self {
        Self { terms: BTreeMap::from([(term, 1)]), constant: 0, over: 1 }
    }

    /// The number, where it is one.
    pub(super) fn number(&self) -> Option<i64> {
        (self.terms.is_empty() && self.over == 1).then_some(self.constant)
    }

    /// The number, where it can be a size.
    pub(super) fn count(&self) -> Option<usize> {
        self.number().and_then(|n| usize::try_from(n).ok())
    }

    pub(super) fn is(&self, number: i64) -> bool {
        self.number() == Some(number)
    }

    /// Parts of the expression.
    fn weight(&self) -> usize {
        1 + self.terms.keys().map(Term::weight).sum::<usize>()
    }

    /// Kept unless it is too long; common factors of all and the divisor taken out.
    fn tidy(mut self) -> Option<Self> {
        self.terms.retain(|_, factor| *factor != 0);
        let all = self.terms.values().fold(gcd(self.over, self.constant), |d, &f| gcd(d, f));
        if all > 1 {
            self.over /= all;
            self.constant /= all;
            self.terms.values_mut().for_each(|factor| *factor /= all);
        }
        (self.weight() <= MAX_WEIGHT).then_some(self)
    }

    pub(super) fn plus(&self, other: &Self) -> Option<Self> {
        let (a, b) = (self.scaled(other.over)?, other.scaled(self.over)?);
        let mut sum = Self { over: self.over.checked_mul(other.over)?, ..a };
        sum.constant = sum.constant.checked_add(b.constant)?;
        for (term, factor) in b.terms {
            let place = sum.terms.entry(term).or_insert(0);
            *place = place.checked_add(factor)?;
        }
        sum.tidy()
    }

    pub(super) fn minus(&self, other: &Self) -> Option<Self> {
        self.plus(&other.scaled(-1)?)
    }

    /// The numerator times a number; the divisor stays.
    fn scaled(&self, by: i64) -> Option<Self> {
        let mut scaled = self.clone();
        scaled.constant = scaled.constant.checked_mul(by)?;
        for factor in scaled.terms.values_mut() {
            *factor = factor.checked_mul(by)?;
        }
        Some(scaled)
    }

    pub(super) fn times(&self, other: &Self) -> Option<Self> {
        let over = self.over.checked_mul(other.over)?;
        let mut product = Self { constant: 0, ..Self::from(0_i64) };
        for (a, fa) in self.parts() {
            for (b, fb) in other.parts() {
                let factor = fa.checked_mul(fb)?;
                match (a, b) {
                    (None, None) => product.constant = product.constant.checked_add(factor)?,
                    (Some(term), None) | (None, Some(term)) => product.add(term.clone(), factor)?,
                    (Some(a), Some(b)) => product.add(a.product(b), factor)?,
                }
            }
            if product.weight() > MAX_WEIGHT {
                return None;
            }
        }
        Self { over, ..product }.tidy()
    }

    /// Terms and factors; the constant has no term.
    fn parts(&self) -> impl Iterator<Item = (Option<&Term>, i64)> {
        let constant = (self.constant != 0).then_some((None, self.constant));
        self.terms.iter().map(|(term, &factor)| (Some(term), factor)).chain(constant)
    }

    fn add(&mut self, term: Term, factor: i64) -> Option<()> {
        let place = self.terms.entry(term).or_insert(0);
        *place = place.checked_add(factor)?;
        Some(())
    }

    /// Divided by a number, exactly.
    pub(super) fn over(&self, divisor: i64) -> Option<Self> {
        if divisor == 0 {
            return None;
        }
        let sign = divisor.signum();
        let over = self.over.checked_mul(divisor.checked_abs()?)?;
        Self { over, ..self.scaled(sign)? }.tidy()
    }

    /// Rounded down to a whole number.
    pub(super) fn floor(&self) -> Option<Self> {
        if self.over == 1 {
            return Some(self.clone());
        }
        // What the divisor divides comes out of the quotient.
        let mut inner = Self::from(self.constant.rem_euclid(self.over));
        let mut outer = Self::from(self.constant.div_euclid(self.over));
        for (term, &factor) in &self.terms {
            let (whole, left) = (factor.div_euclid(self.over), factor.rem_euclid(self.over));
            inner.add(term.clone(), left)?;
            outer.add(term.clone(), whole)?;
        }
        inner.terms.retain(|_, factor| *factor != 0);
        if !inner.terms.is_empty() {
            let (inner, over) = inner.without_nested(self.over)?;
            outer.add(Term::Quotient(Box::new(inner), over), 1)?;
        }
        outer.tidy()
    }

    /// ⌊(⌊a / b⌋ + c) / d⌋ is ⌊(a + b · c) / (b · d)⌋.
    fn without_nested(self, over: i64) -> Option<(Self, i64)> {
        if let Some((Term::Quotient(inner, inner_over), 1)) = self.only_term() {
            let shifted = inner.plus(&Self::from(self.constant.checked_mul(*inner_over)?))?;
            return Some((shifted, over.checked_mul(*inner_over)?));
        }
        Some((self, over))
    }

    fn only_term(&self) -> Option<(&Term, i64)> {
        let mut terms = self.terms.iter();
        match (terms.next(), terms.next()) {
            (Some((term, &factor)), None) => Some((term, factor)),
            _ => None,
        }
    }

    /// Rounded up to a whole number.
    pub(super) fn ceil(&self) -> Option<Self> {
        self.scaled(-1)?.floor()?.scaled(-1)
    }

    /// Positions of a window of that reach: ⌊(size + border − reach) / stride⌋ + 1.
    pub(super) fn windows(&self, border: i64, reach: i64, stride: i64) -> Option<Self> {
        self.plus(&Self::from(border.checked_sub(reach)?))?.over(stride)?.floor()?.plus(&Self::from(1_i64))
    }

    /// The quotient, where it is certain to be whole: what makes `self` when multiplied with `other`.
    pub(super) fn divided(&self, other: &Self) -> Option<Self> {
        if let Some(divisor) = other.number() {
            let quotient = self.over(divisor)?;
            return (quotient.over == 1).then_some(quotient);
        }
        // One term goes into another where that is a product with it.
        let (divisor, factor) = other.only_term().filter(|_| other.constant == 0 && other.over == 1)?;
        let mut quotient = Self { over: self.over, ..Self::from(0_i64) };
        if self.constant != 0 {
            return None;
        }
        for (term, &own) in &self.terms {
            match term.without(divisor)? {
                Some(rest) => quotient.add(rest, own)?,
                None => quotient.constant = quotient.constant.checked_add(own)?,
            }
        }
        let quotient = quotient.tidy()?.over(factor)?;
        (quotient.over == 1).then_some(quotient)
    }

    /// The same with its quotients taken for whole ones, as a reshaping that splits an axis does.
    pub(super) fn exact(&self) -> Option<Self> {
        let mut sum = Self { over: self.over, ..Self::from(self.constant) };
        for (term, &factor) in &self.terms {
            let part = match term {
                Term::Quotient(size, over) => size.over(*over)?,
                other => Self::of(other.clone()),
            };
            sum = sum.plus(&part.scaled(factor)?.over(self.over)?)?;
        }
        sum.tidy()
    }

    /// Its value for an input of this shape; unknown sizes have none.
    pub(super) fn value(&self, input: &[i64]) -> Option<i64> {
        let mut sum = self.constant;
        for (term, &factor) in &self.terms {
            sum = sum.checked_add(term.value(input)?.checked_mul(factor)?)?;
        }
        Some(sum.div_euclid(self.over))
    }
}

impl Term {
    fn weight(&self) -> usize {
        match self {
            Self::Axis(_) | Self::Unknown(_) => 1,
            Self::Quotient(size, _) => 1 + size.weight(),
            Self::Product(terms) => terms.iter().map(Self::weight).sum(),
        }
    }

    fn factors(&self) -> &[Self] {
        match self {
            Self::Product(terms) => terms,
            other => std::slice::from_ref(other),
        }
    }

    fn product(&self, other: &Self) -> Self {
        let mut factors = [self.factors(), other.factors()].concat();
        factors.sort();
        Self::Product(factors)
    }

    /// What is left without the factors of `divisor`; `Some(None)` for nothing, `None` where they are not all there.
    fn without(&self, divisor: &Self) -> Option<Option<Self>> {
        let mut left = self.factors().to_vec();
        for factor in divisor.factors() {
            let place = left.iter().position(|own| own == factor)?;
            left.remove(place);
        }
        Some(match left.len() {
            0 => None,
            1 => left.pop(),
            _ => Some(Self::Product(left)),
        })
    }

    fn value(&self, input: &[i64]) -> Option<i64> {
        match self {
            Self::Axis(axis) => input.get(*axis).copied(),
            Self::Unknown(_) => None,
            Self::Quotient(size, over) => Some(size.value(input)?.div_euclid(*over)),
            Self::Product(terms) => {
                terms.iter().try_fold(1_i64, |product, term| product.checked_mul(term.value(input)?))
            }
        }
    }
}

fn gcd(a: i64, b: i64) -> i64 {
    let (mut a, mut b) = (a.unsigned_abs(), b.unsigned_abs());
    while b != 0 {
        (a, b) = (b, a % b);
    }
    i64::try_from(a).unwrap_or(1)
}

/// The fraction that a float stands for, where its divisor is small: 0.5 is 1 / 2.
pub(super) fn fraction(value: f64) -> Option<(i64, i64)> {
    (1..=64_i64).find_map(|over| {
        let scaled = value * over as f64;
        let whole = scaled.round();
        // Shape arithmetic in f32 knows numbers to seven digits.
        let fits = whole.abs() < 1e9 && (scaled - whole).abs() <= whole.abs() * 1e-7;
        fits.then_some((whole as i64, over))
    })
}

#[cfg(test)]
mod tests {
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
}
