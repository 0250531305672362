//! Which of a network's classes a class of other labels is.
use crate::analysis::IGNORE;
use crate::network::ClassInfo;
use std::collections::BTreeMap;

/// Names of what is nothing in particular.
const BACKGROUND: [&str; 6] = ["background", "matrix", "other", "none", "rest", "unlabelled"];

/// For each class of the labels the network's class, or [`IGNORE`]. Classes are matched by name; `map` renames them
/// first and may send them to "ignore". The network's class 0 also takes another word for background.
pub(super) fn match_classes(
    labels: &[&str],
    map: &BTreeMap<String, String>,
    network: &[ClassInfo],
) -> Result<Vec<u8>, String> {
    if let Some(name) = map.keys().find(|name| !labels.iter().any(|l| l.eq_ignore_ascii_case(name))) {
        return Err(format!("map names \"{name}\", but the labels have {}", labels.join(", ")));
    }
    let is_background = |name: &str| BACKGROUND.iter().any(|b| b.eq_ignore_ascii_case(name));
    let find = |label: &&str| {
        let renamed =
            map.iter().find(|(from, _)| from.eq_ignore_ascii_case(label)).map(|(_, to)| to.as_str());
        let name = renamed.unwrap_or(label);
        if name == "ignore" {
            return Ok(IGNORE);
        }
        let by_name = network.iter().position(|class| class.name.eq_ignore_ascii_case(name));
        let by_meaning =
            (is_background(name) && network.first().is_some_and(|c| is_background(&c.name))).then_some(0);
        by_name.or(by_meaning).map(|index| index as u8).ok_or_else(|| {
            let names: Vec<&str> = network.iter().map(|class| class.name.as_str()).collect();
            format!(
                "The labels' class \"{name}\" is none of the network's ({}); use one of these names in the label scheme",
                names.join(", ")
            )
        })
    };
    labels.iter().map(find).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(names: &[&str]) -> Vec<ClassInfo> {
        names.iter().map(|name| ClassInfo { name: (*name).to_owned(), colour: [0; 3] }).collect()
    }

    fn check(labels: &[&str], map: &[(&str, &str)], expected: Result<&[u8], &str>) {
        let map = map.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        match (match_classes(labels, &map, &network(&["background", "precipitate", "pore"])), expected) {
            (Ok(found), Ok(expected)) => assert_eq!(found, expected),
            (Err(found), Err(expected)) => assert!(found.contains(expected), "{found}"),
            (found, expected) => panic!("{found:?} is not {expected:?}"),
        }
    }

    #[test]
    fn classes_are_matched_by_name_in_any_order() {
        check(&["Pore", "background"], &[], Ok(&[2, 0]));
        check(&["matrix", "precipitate"], &[], Ok(&[0, 1]));
        check(&["matrix", "void"], &[("void", "pore")], Ok(&[0, 2]));
        check(&["matrix", "dirt"], &[("dirt", "ignore")], Ok(&[0, IGNORE]));
        check(
            &["secondary", "pore"],
            &[],
            Err("\"secondary\" is none of the network's (background, precipitate, pore)"),
        );
        check(&["pore"], &[("dirt", "pore")], Err("map names \"dirt\""));
    }
}
