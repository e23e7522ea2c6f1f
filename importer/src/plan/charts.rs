//! Values of charts that a site may set (spec/plan.md 3.9): they fill places in what the charts were rendered to when they were packed.

use std::collections::BTreeMap;

use bundle_format::template::{Chart, ChartValue, ChartValues, Places, RelativePath, Template, ValuePath};
use serde_json::Value;

use super::attributes::{self, document};
use super::merge;
use super::{Accept, AttributePath, Attributes, AttributesError, Overlay, Scope, decisions, in_force, object_path};

/// The path of a value of a chart: `chart/cache.service.port`.
pub(super) fn path(chart: &Chart, value: &ValuePath) -> AttributePath {
    let scope = format!("{}{}", Scope::Chart.prefix(), chart.name);
    match value.as_str().split_once('.') {
        Some((field, key)) => AttributePath::new(scope, field, Some(key.to_owned())),
        None => AttributePath::new(scope, value.as_str(), None),
    }
}

/// Whether an attribute is a value of a chart.
pub(super) fn is_value(path: &AttributePath) -> bool {
    Scope::split(path.scope()).0 == Scope::Chart
}

/// The objects of the document at `path`. Those of a chart are as its values in `site` make them.
pub(super) fn objects(
    template: &Template,
    documents: &BTreeMap<RelativePath, Vec<u8>>,
    path: &RelativePath,
    site: &Overlay,
) -> Result<Vec<Value>, AttributesError> {
    let mut objects = attributes::objects(path, documents)?;
    let chart = template.charts.iter().find(|chart| chart.document() == *path);
    if let Some((chart, places_path)) = chart.and_then(|chart| Some((chart, chart.places_document()?))) {
        let values = values(chart, site);
        if !values.is_empty() {
            places(chart, &places_path, documents, &objects)?.fill(chart, &values, &mut objects);
        }
    }
    Ok(objects)
}

/// The site's values of `chart`, as far as it has them. One of another type is the vendor's.
fn values(chart: &Chart, site: &Overlay) -> ChartValues {
    let given = |value: &ValuePath, own: &ChartValue| {
        let given = ChartValue::of(site.values.get(&path(chart, value))?.as_ref()?)?;
        given.fits(own).is_ok().then(|| (value.clone(), given))
    };
    chart.adjustable.iter().filter_map(|(value, own)| given(value, own)).collect()
}

fn places(
    chart: &Chart,
    path: &RelativePath,
    documents: &BTreeMap<RelativePath, Vec<u8>>,
    objects: &[Value],
) -> Result<Places, AttributesError> {
    let bytes = document(path, documents)?;
    Places::parse(bytes, chart, objects).map_err(|source| AttributesError::Places { path: path.clone(), source })
}

/// The values of charts in `overlay`.
pub(super) fn of(overlay: &Overlay) -> Overlay {
    let values = overlay.values.iter().filter(|(path, _)| is_value(path));
    Overlay { values: values.map(|(path, value)| (path.clone(), value.clone())).collect() }
}

/// The values of charts that are in force after an upgrade from `old` to `new`, where they are not the vendor's: what objects the
/// version has depends on them, so they are decided about before anything else.
#[must_use]
pub(crate) fn chosen(
    old: Option<&Template>,
    new: &Template,
    site: &Overlay,
    given: &Overlay,
    accept: &Accept,
) -> Overlay {
    let old = old.map(Attributes::of_charts).unwrap_or_default();
    let new = Attributes::of_charts(new);
    let mut here = of(site).applied_to(&old);
    for (path, value) in of(given).values {
        here.put(path, value);
    }
    of(&Overlay::between(&new, &in_force(&new, &decisions(&old, &new, &here, accept))))
}

/// The first of the values of charts that `template` cannot have: a site set it for a version where it was of another type. With it, what
/// belongs there.
pub(crate) fn misfit<'o>(template: &Template, site: &'o Overlay) -> Option<(&'o AttributePath, &'static str)> {
    let all =
        template.charts.iter().flat_map(|chart| chart.adjustable.iter().map(move |(v, own)| (path(chart, v), own)));
    all.filter_map(|(path, own)| {
        let (path, value) = site.values.get_key_value(&path)?;
        let why = match value.as_ref().and_then(ChartValue::of) {
            Some(value) => value.fits(own).err()?,
            None => "a text, a whole number, `true` or `false` belongs here",
        };
        Some((path, why))
    })
    .next()
}

/// Puts the values of charts that are given now into the objects that are in force at the `site`, whatever stands in their places: `chosen`
/// are all that will be in force.
///
/// # Errors
/// [`AttributesError`].
pub(crate) fn put_given(
    site: &mut Attributes,
    template: &Template,
    documents: &BTreeMap<RelativePath, Vec<u8>>,
    given: &Overlay,
    chosen: &Overlay,
) -> Result<(), AttributesError> {
    for chart in &template.charts {
        let given: Vec<&ValuePath> =
            chart.adjustable.keys().filter(|value| given.values.contains_key(&path(chart, value))).collect();
        let Some(places_path) = chart.places_document().filter(|_| !given.is_empty()) else { continue };
        let own = attributes::objects(&chart.document(), documents)?;
        let places = places(chart, &places_path, documents, &own)?;
        let mut wanted = chart.adjustable.clone();
        wanted.extend(values(chart, chosen));
        // No chart says this: where it stands, and there alone, the site's object takes what is wanted.
        let mut marked = wanted.clone();
        let mark = ChartValue::Text("\0".to_owned());
        marked.extend(given.into_iter().map(|value| (value.clone(), mark.clone())));
        let filled = |values: &ChartValues| {
            let mut objects = own.clone();
            places.fill(chart, values, &mut objects);
            objects
        };
        for (marked, wanted) in filled(&marked).iter().zip(filled(&wanted)).filter(|(marked, wanted)| *marked != wanted)
        {
            if let Some(path) = object_path(&wanted)
                && let Some(here) = site.get(&path)
            {
                let merged = merge::objects(&path, Some(marked), Some(here), Some(&wanted));
                site.put(path, merged);
            }
        }
    }
    Ok(())
}
