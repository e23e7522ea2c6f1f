//! The table of spec/plan.md against the one that decides.

use std::collections::BTreeMap;

use super::*;

const SPEC: &str = include_str!("../../../../spec/plan.md");

fn cells(texts: &[&str]) -> Vec<Cell> {
    let cell = |text: &&str| match *text {
        "V" => Cell::Vendor,
        "S" => Cell::Site,
        "-" => Cell::Gone,
        "V, if larger" => Cell::IfLarger,
        "the larger" => Cell::Larger,
        other => panic!("{other:?} is no cell of the table"),
    };
    texts.iter().map(cell).collect()
}

#[test]
fn the_table_of_the_page_is_the_one_that_decides() {
    let mut page: BTreeMap<(String, String), Vec<Cell>> = BTreeMap::new();
    let mut rule = String::new();
    let rows = SPEC.lines().skip_while(|l| !l.starts_with("| rule | attribute |")).skip(2);
    for line in rows.take_while(|l| l.starts_with('|')) {
        let columns: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [of, _, paths, decided @ ..] = columns.as_slice() else { panic!("{line}") };
        if !of.is_empty() {
            rule = of.trim_matches('`').to_owned();
        }
        for pattern in paths.split('`').skip(1).step_by(2) {
            let before = page.insert((pattern.to_owned(), rule.clone()), cells(decided));
            assert_eq!(before, None, "{pattern} stands twice");
        }
    }
    let ours: BTreeMap<_, _> = TABLE
        .iter()
        .map(|row| {
            let rule = serde_json::to_value(row.rule).unwrap().as_str().unwrap().to_owned();
            ((row.pattern.to_owned(), rule), row.cells.to_vec())
        })
        .collect();
    assert_eq!(page, ours);
}

#[test]
fn every_attribute_of_a_version_has_a_row_and_can_be_written() {
    let vendor = vendor();
    for (path, _) in vendor.iter() {
        assert!(Row::of(path).is_some(), "{path}");
        assert_eq!(path.to_string().parse::<AttributePath>().unwrap(), *path);
    }
    for row in TABLE.iter().filter(|row| row.field != "schedule" && row.field != "mounts") {
        let found = vendor.paths().any(|path| Row::of(path).is_some_and(|r| r.cut == row.cut && r.field == row.field));
        assert!(found || row.scope == Scope::Plugin || row.field == "args", "{}", row.pattern);
    }
    for text in ["web.title", "web.env", "web.image.x", "web.resources.cpu", "object/ConfigMap/a", "web.groups"] {
        assert_eq!(Row::of(&path(text)).is_some(), text.starts_with("object"), "{text}");
    }
}
