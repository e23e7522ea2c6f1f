//! Where a chart's values go: any bytes are read or refused. What is read fills objects that stay the objects that they are.
//!
//! The first line is a site's values as JSON, the rest the places.
#![no_main]

use std::sync::LazyLock;

use bundle_format::template::{Chart, ChartValue, ChartValues, Places};
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};

static CHART: LazyLock<Chart> = LazyLock::new(|| {
    let chart = json!({"name": "c", "chart": "c", "adjustable": {"n": 1, "a.text": "x", "on": true}});
    serde_json::from_value(chart).unwrap_or_else(|e| panic!("{e}"))
});

fn objects() -> Vec<Value> {
    let digest = "0123456789abcdef".repeat(4);
    vec![
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "annotations": {"sum/of": digest}}, "data": {"t": "x 1 true x", "b": "true"}}),
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "b"}, "spec": {"replicas": 1, "paused": true, "list": ["x", 1]}}),
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"t": "x"}}),
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "x"}}),
    ]
}

fn named(objects: &[Value]) -> Vec<[Value; 4]> {
    objects
        .iter()
        .map(|o| [&o["apiVersion"], &o["kind"], &o["metadata"]["name"], &o["stringData"]].map(Clone::clone))
        .collect()
}

fuzz_target!(|bytes: &[u8]| {
    let end = bytes.iter().position(|b| *b == b'\n').unwrap_or(bytes.len());
    let (values, rest) = bytes.split_at(end);
    let own = objects();
    let places = match Places::parse(rest, &CHART, &own) {
        Ok(places) => places,
        Err(e) => return assert!(e.to_string().len() < 1000, "{e}"),
    };
    let given: ChartValues = serde_json::from_slice(values).unwrap_or_default();
    let fits = |(path, value): &(_, ChartValue)| CHART.adjustable.get(path).is_some_and(|own| value.fits(own).is_ok());
    let given: ChartValues = given.into_iter().filter(fits).collect();
    let mut filled = own.clone();
    places.fill(&CHART, &given, &mut filled);
    assert_eq!(named(&filled), named(&own), "they are other objects");
    if given.iter().all(|(path, value)| CHART.adjustable.get(path) == Some(value)) {
        assert_eq!(filled, own, "nothing is set");
    }
    let mut plain = own.clone();
    places.fill(&CHART, &CHART.adjustable, &mut plain);
    assert_eq!(plain, own);
    let again = places.to_bytes().unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(Places::parse(&again, &CHART, &own).unwrap_or_else(|e| panic!("{e}")), places);
});
