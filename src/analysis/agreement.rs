//! How two label maps of the same pixels agree.
use crate::network::ClassInfo;
use serde::Serialize;

/// How the classes of two models were brought together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum MatchedBy {
    /// The same name is the same class.
    Names,
    /// No name is in both lists, which are equally long: the first is the first, and so on.
    Places,
    /// The lists have nothing in common.
    Nothing,
}

/// Two label maps, A and B, pixel by pixel.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClassAgreement {
    pub pixels: u64,
    /// Names of A's classes, the rows of `confusion`.
    pub a: Vec<String>,
    /// Names of B's, its columns.
    pub b: Vec<String>,
    /// Pixels that are this class in A and that in B.
    pub confusion: Vec<Vec<u64>>,
    pub matched_by: MatchedBy,
    /// Which of B's classes each of A's is.
    pub partners: Vec<Option<usize>>,
    /// Share of pixels that are the same class in both; `None` where there are no pixels or no common classes.
    pub agreement: Option<f64>,
    /// Of each of A's classes: pixels that are it in both by pixels that are it in at least one (intersection over
    /// union); `None` without a partner, or where it is in neither.
    pub iou: Vec<Option<f64>>,
    /// Of those that have one.
    pub mean_iou: Option<f64>,
}

impl ClassAgreement {
    /// Counts pairs (class in A, class in B); labels beyond the lists are not counted.
    #[must_use]
    pub fn of([a, b]: [&[ClassInfo]; 2], pairs: impl IntoIterator<Item = (u16, u16)>) -> Self {
        let mut confusion = vec![vec![0_u64; b.len()]; a.len()];
        for (in_a, in_b) in pairs {
            if let Some(count) =
                confusion.get_mut(usize::from(in_a)).and_then(|row| row.get_mut(usize::from(in_b)))
            {
                *count += 1;
            }
        }
        let (matched_by, partners) = partners(a, b);
        let pixels: u64 = confusion.iter().flatten().sum();
        let row = |class: usize| confusion[class].iter().sum::<u64>();
        let column = |class: usize| confusion.iter().map(|row| row[class]).sum::<u64>();
        let same = |(class, partner): (usize, &Option<usize>)| partner.map(|p| confusion[class][p]);
        let agreeing: u64 = partners.iter().enumerate().filter_map(same).sum();
        let iou_of = |(class, partner): (usize, &Option<usize>)| {
            let partner = (*partner)?;
            let both = confusion[class][partner];
            let either = row(class) + column(partner) - both;
            (either > 0).then(|| both as f64 / either as f64)
        };
        let iou: Vec<Option<f64>> = partners.iter().enumerate().map(iou_of).collect();
        let known: Vec<f64> = iou.iter().copied().flatten().collect();
        let names = |classes: &[ClassInfo]| classes.iter().map(|class| class.name.clone()).collect();
        let comparable = pixels > 0 && matched_by != MatchedBy::Nothing;
        Self {
            pixels,
            a: names(a),
            b: names(b),
            matched_by,
            agreement: comparable.then(|| agreeing as f64 / pixels as f64),
            mean_iou: (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64),
            iou,
            partners,
            confusion,
        }
    }

    /// Share of pixels whose class differs.
    #[must_use]
    pub fn changed(&self) -> Option<f64> {
        self.agreement.map(|same| 1.0 - same)
    }
}

/// By names, whatever their capitals; where no name is in both, by places where the lists are equally long.
pub(super) fn partners(a: &[ClassInfo], b: &[ClassInfo]) -> (MatchedBy, Vec<Option<usize>>) {
    let key = |class: &ClassInfo| class.name.trim().to_lowercase();
    let named = |class: &ClassInfo| b.iter().position(|other| key(other) == key(class));
    let by_name: Vec<Option<usize>> = a.iter().map(named).collect();
    if by_name.iter().any(Option::is_some) {
        (MatchedBy::Names, by_name)
    } else if a.len() == b.len() && !a.is_empty() {
        (MatchedBy::Places, (0..a.len()).map(Some).collect())
    } else {
        (MatchedBy::Nothing, by_name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classes(names: &[&str]) -> Vec<ClassInfo> {
        names.iter().map(|name| ClassInfo { name: (*name).to_owned(), colour: [0; 3] }).collect()
    }

    #[test]
    fn a_hand_counted_case() {
        // A: 0 0 1 1 1 2, B: 0 1 1 1 0 2.
        let pairs = [(0, 0), (0, 1), (1, 1), (1, 1), (1, 0), (2, 2), (9, 0)];
        let names = classes(&["matrix", "particle", "crack"]);
        let found = ClassAgreement::of([&names, &names], pairs);
        assert_eq!(found.confusion, [[1, 1, 0], [1, 2, 0], [0, 0, 1]]);
        assert_eq!((found.pixels, found.agreement), (6, Some(4.0 / 6.0)));
        assert_eq!(found.iou, [Some(1.0 / 3.0), Some(0.5), Some(1.0)]);
        assert_eq!(found.mean_iou, Some((1.0 / 3.0 + 0.5 + 1.0) / 3.0));
    }

    #[test]
    fn classes_meet_by_name_else_by_place_and_are_never_guessed_otherwise() {
        let (a, b) = (classes(&["Matrix", "pore"]), classes(&["pore", "grain", "matrix"]));
        assert_eq!(partners(&a, &b), (MatchedBy::Names, vec![Some(2), Some(0)]));
        let found = ClassAgreement::of([&a, &b], [(0, 2), (1, 0), (1, 1)]);
        assert_eq!((found.agreement, found.iou), (Some(2.0 / 3.0), vec![Some(1.0), Some(0.5)]));
        let c = classes(&["ground", "particle"]);
        assert_eq!(partners(&a, &c), (MatchedBy::Places, vec![Some(0), Some(1)]));
        let d = classes(&["x", "y", "z"]);
        let found = ClassAgreement::of([&a, &d], [(0, 0)]);
        assert_eq!((found.matched_by, found.agreement, found.mean_iou), (MatchedBy::Nothing, None, None));
    }

    #[test]
    fn a_class_that_is_in_neither_has_no_iou() {
        let names = classes(&["a", "b"]);
        assert_eq!(ClassAgreement::of([&names, &names], [(0, 0)]).iou, [Some(1.0), None]);
        assert_eq!(ClassAgreement::of([&names, &names], []).agreement, None);
    }
}
