//! One test for each kind of row, over every way in which three values can be there and differ.

use serde_json::{Value, json};

use super::*;

/// Old, new and site (0: absent), and the values in force under `vendor`, `merge`, `merge` that lasts, `held` and `grow`.
type Case = (u8, u8, u8, Change, [u8; 5]);

#[rustfmt::skip]
const CASES: &[Case] = &[
    (0, 0, 3, Change::Site,    [0, 3, 3, 3, 3]),
    (0, 2, 0, Change::Added,   [2, 2, 2, 2, 2]),
    (0, 2, 2, Change::Vendor,  [2, 2, 2, 2, 2]),
    (0, 2, 3, Change::Both,    [2, 3, 3, 3, 2]),
    (1, 0, 0, Change::Removed, [0, 0, 0, 0, 0]),
    (1, 0, 1, Change::Removed, [0, 0, 1, 1, 1]),
    (1, 0, 3, Change::Removed, [0, 0, 3, 3, 3]),
    (1, 1, 0, Change::Site,    [1, 0, 0, 0, 1]),
    (1, 1, 3, Change::Site,    [1, 3, 3, 3, 1]),
    (1, 2, 0, Change::Both,    [2, 0, 0, 0, 2]),
    (1, 2, 1, Change::Vendor,  [2, 2, 2, 1, 2]),
    (1, 2, 2, Change::Vendor,  [2, 2, 2, 2, 2]),
    (1, 2, 3, Change::Both,    [2, 3, 3, 3, 2]),
];

fn value(n: u8) -> Option<Value> {
    (n > 0).then(|| json!(format!("value {n}")))
}

/// The same situation with other numbers is the same case: 1 is the old value, 2 the vendor's other one, 3 the site's own.
fn case(old: u8, new: u8, site: u8) -> Option<(u8, u8, u8)> {
    let mut names: Vec<(u8, u8)> = vec![(0, 0)];
    let mut name = |n: u8, fresh: u8| match names.iter().find(|(was, _)| *was == n) {
        Some((_, named)) => *named,
        None => {
            names.push((n, fresh));
            fresh
        }
    };
    let named = (name(old, 1), name(new, 2), name(site, 3));
    (named.0 != named.1 || named.0 != named.2).then_some(named)
}

fn all() -> impl Iterator<Item = (u8, u8, u8)> {
    (0..4).flat_map(|old| (0..4).flat_map(move |new| (0..4).map(move |site| (old, new, site))))
}

fn paths(rule: Rule, lasting: bool) -> Vec<AttributePath> {
    let concrete = |row: &Row| {
        let field = if row.field == "*" { "host" } else { row.field };
        let text = match row.pattern {
            "object/KIND/NAME" => "object/ConfigMap/more".to_owned(),
            "C.resources.requests.NAME" => "web.resources.requests.cpu".to_owned(),
            "C.resources.limits.NAME" => "web.resources.limits.cpu".to_owned(),
            _ => format!(
                "{}x.{field}{}",
                row.scope.prefix(),
                if row.pattern.matches('.').count() > 1 { ".KEY" } else { "" }
            ),
        };
        path(&text)
    };
    let wanted = |row: &&Row| {
        row.rule == rule && !row.is_sized() && (rule != Rule::Merge || (row.cells[4] == Cell::Site) == lasting)
    };
    TABLE.iter().filter(wanted).map(concrete).collect()
}

fn check(rule: Rule, lasting: bool, column: usize) {
    let paths = paths(rule, lasting);
    assert!(!paths.is_empty());
    for path in paths {
        let mut decided = 0;
        for (old, new, site) in all() {
            let [a, b, c] = [old, new, site].map(value);
            let found = decide(&path, a.as_ref(), b.as_ref(), c.as_ref(), false);
            let Some((o, n, s)) = case(old, new, site) else {
                assert_eq!(found, None, "{path} {old} {new} {site}");
                continue;
            };
            let (_, _, _, change, values) = CASES.iter().find(|c| (c.0, c.1, c.2) == (o, n, s)).unwrap();
            let found = found.unwrap();
            let wanted = match values[column] {
                0 => None,
                1 => value(old),
                2 => value(new),
                _ => value(site),
            };
            assert_eq!((found.change, &found.value), (*change, &wanted), "{path} {old} {new} {site}");
            assert_eq!(found.winner == Winner::Vendor, wanted == b, "{path} {old} {new} {site}");
            assert!(!found.accepted);
            let accepted = decide(&path, a.as_ref(), b.as_ref(), c.as_ref(), true).unwrap();
            assert_eq!((&accepted.value, accepted.accepted), (&b, wanted != b), "accepted: {path} {old} {new} {site}");
            decided += 1;
        }
        assert_eq!(decided, 60, "all but the four in which nothing happened");
    }
}

#[test]
fn the_vendor_decides_under_vendor_and_drift_is_put_back() {
    check(Rule::Vendor, false, 0);
}

#[test]
fn the_vendor_decides_under_merge_until_the_site_has() {
    check(Rule::Merge, false, 1);
}

#[test]
fn routes_externals_and_objects_stay_when_the_vendor_removes_them() {
    check(Rule::Merge, true, 2);
}

#[test]
fn what_is_held_stays_until_a_change_is_accepted() {
    check(Rule::Held, false, 3);
}

#[test]
fn ports_and_groups_are_the_vendors_and_are_not_taken_away() {
    check(Rule::Grow, false, 4);
}

#[test]
fn volumes_only_grow() {
    let path = path("web.volumes.data");
    let sized = |size: &str| json!({"path": "/data", "size": size, "readOnly": false});
    for (why, old, new, site, value) in [
        ("added", "", "1Gi", "", "1Gi"),
        ("a larger one of the vendor is taken", "1Gi", "2Gi", "1Gi", "2Gi"),
        ("a smaller one is not", "2Gi", "1Gi", "2Gi", "2Gi"),
        ("the site's stays", "1Gi", "1Gi", "3Gi", "3Gi"),
        ("also a smaller one that the site has", "2Gi", "2Gi", "1Gi", "1Gi"),
        ("the larger of both: the site's", "1Gi", "2Gi", "3Gi", "3Gi"),
        ("the larger of both: the vendor's", "1Gi", "4Gi", "3Gi", "4Gi"),
        ("removed, and there", "1Gi", "", "1Gi", "1Gi"),
        ("removed, and grown", "1Gi", "", "3Gi", "3Gi"),
        ("removed, and gone", "1Gi", "", "", ""),
    ] {
        let [old, new, site, value] = [old, new, site, value].map(|s| (!s.is_empty()).then(|| sized(s)));
        let found = decide(&path, old.as_ref(), new.as_ref(), site.as_ref(), false).unwrap();
        assert_eq!(found.value, value, "{why}");
        let accepted = decide(&path, old.as_ref(), new.as_ref(), site.as_ref(), true).unwrap();
        let size = |v: &Option<Value>| v.as_ref().and_then(|v| v["size"].as_str()).unwrap_or("").to_owned();
        let larger = size(&new).max(size(&site));
        assert_eq!(size(&accepted.value), if new.is_some() { larger } else { String::new() }, "accepted: {why}");
    }
    let same = decide(&path, Some(&sized("1Gi")), Some(&sized("1024Mi")), Some(&sized("1Gi")), false);
    assert_eq!(same, None, "amounts are compared by what they say");
}

#[test]
fn a_claim_keeps_its_class_and_stays_a_claim() {
    let path = path("web.volumes.data");
    let old = json!({"path": "/data", "size": "1Gi", "readOnly": false});
    let site = json!({"path": "/data", "size": "2Gi", "readOnly": false, "storageClass": "fast"});
    let moved = json!({"path": "/var", "size": "4Gi", "readOnly": true, "accessModes": ["ReadWriteMany"]});
    let found = decide(&path, Some(&old), Some(&moved), Some(&site), false).unwrap();
    assert_eq!(found.value, Some(json!({"path": "/var", "size": "4Gi", "readOnly": true, "storageClass": "fast"})));
    let memory = json!({"path": "/data", "emptyDir": {"memory": true}, "readOnly": false});
    let found = decide(&path, Some(&old), Some(&memory), Some(&site), false).unwrap();
    assert_eq!((found.value, found.winner), (Some(site), Winner::Site));
}
