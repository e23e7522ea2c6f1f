//! Finds where the adjustable values of a chart stand in what it renders to (spec/template.md section 4.2): the chart is rendered
//! with other values, and what differs has to be they. Whatever the values decide beyond that cannot be left to a site without helm.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::PathBuf;

use bundle_format::limits;
use bundle_format::template::{Chart, ChartValue, ChartValues, Fill, Manifest, Part, Places, ValuePath, ValuePlace};
use serde_json::{Map, Value};

use super::RenderError;
use super::tool::Tool;

/// A chart that can be rendered with other values.
pub(super) struct Renderer<'a> {
    pub what: &'a str,
    pub tool: &'a Tool,
    pub arguments: &'a [PathBuf],
}

/// What differs between two renderings: which object, and where in it.
type Spot = (usize, String);

impl Renderer<'_> {
    /// What the tool prints with `values` over all others.
    pub fn run(&self, values: &ChartValues) -> Result<Vec<u8>, RenderError> {
        let failed = |source| RenderError::Run { what: self.what.to_owned(), tool: "helm".to_owned(), source };
        let mut arguments = self.arguments.to_vec();
        let mut file = tempfile::NamedTempFile::new().map_err(failed)?;
        if !values.is_empty() {
            // JSON is YAML.
            file.write_all(nested(values).to_string().as_bytes()).map_err(failed)?;
            arguments.extend(["--values".into(), file.path().to_owned()]);
        }
        self.tool.run(self.what, &arguments, limits::TEMPLATE_BYTES)
    }

    fn objects(&self, values: &ChartValues) -> Result<Manifest, RenderError> {
        let parsed = Manifest::parse(&self.run(values)?);
        parsed.map_err(|source| RenderError::Objects { what: self.what.to_owned(), source })
    }

    fn refused(&self, value: impl ToString, why: impl Into<String>) -> RenderError {
        RenderError::Adjustable { what: self.what.to_owned(), value: value.to_string(), why: why.into() }
    }

    /// The places of the values of `chart`, which renders to `own` as it is.
    pub fn places(&self, chart: &Chart, own: &Manifest) -> Result<Places, RenderError> {
        let probes: BTreeMap<&ValuePath, [ChartValue; 2]> =
            chart.adjustable.iter().enumerate().map(|(i, (path, value))| (path, probes(i, value))).collect();
        let one = |path: &ValuePath, value: &ChartValue| {
            let mut values = chart.adjustable.clone();
            values.insert(path.clone(), value.clone());
            values
        };
        // Each alone, to say which of them it is that cannot be, and what each of them changes.
        let mut changed: BTreeMap<Spot, BTreeSet<ValuePath>> = BTreeMap::new();
        let mut alone = Vec::new();
        for (path, [probe, _]) in &probes {
            let values = one(path, probe);
            let rendered = self.objects(&values).map_err(|e| self.tried(path, probe, e))?;
            let spots = differing(own, &rendered)
                .ok_or_else(|| self.refused(path, "decides which objects there are, or what fields they have"))?;
            if spots.is_empty() {
                return Err(self.refused(path, "changes nothing: is that its name?"));
            }
            if rendered.images() != own.images() {
                return Err(self.refused(path, "is in the name of an image: what is carried is decided while packing"));
            }
            for spot in spots {
                changed.entry(spot).or_default().insert((*path).clone());
            }
            alone.push((*path, values, rendered));
        }
        let all = |which: usize| -> ChartValues {
            probes.iter().filter_map(|(path, probes)| Some(((*path).clone(), probes.get(which)?.clone()))).collect()
        };
        let together = self.objects(&all(0))?;
        let spots = differing(own, &together).unwrap_or_default();
        if spots != changed.keys().cloned().collect() {
            let names = chart.adjustable.keys().map(ValuePath::as_str).collect::<Vec<_>>().join(", ");
            return Err(self.refused(names, "decide together what the objects are like"));
        }
        let mut places = Places::default();
        for ((object, at), values) in changed {
            let read = |manifest: &Manifest| manifest.objects().get(object).and_then(|o| o.pointer(&at)).cloned();
            let fill = fill(&at, &read(own), &read(&together), &values, &probes);
            let names = || values.iter().map(ValuePath::as_str).collect::<Vec<_>>().join(", ");
            let fill = fill.ok_or_else(|| {
                self.refused(names(), format!("becomes something else in {at} of {}", name(own, object)))
            })?;
            places.places.push(ValuePlace { object, at, fill });
        }
        places.check(chart, own.objects()).map_err(|e| self.refused("a value", e.to_string()))?;
        // What is filled has to be what helm makes of it, also where a number is small.
        for (path, values, rendered) in alone {
            self.prove(chart, own, &places, &values, &rendered, path)?;
            if let Some(ChartValue::Number(_)) = chart.adjustable.get(path) {
                for small in [1, 2] {
                    let values = one(path, &ChartValue::Number(small));
                    let rendered =
                        self.objects(&values).map_err(|e| self.tried(path, &ChartValue::Number(small), e))?;
                    self.prove(chart, own, &places, &values, &rendered, path)?;
                }
            }
        }
        let others = all(1);
        self.prove(chart, own, &places, &others, &self.objects(&others)?, "all of them")?;
        Ok(places)
    }

    fn tried(&self, path: &ValuePath, probe: &ChartValue, error: RenderError) -> RenderError {
        match error {
            RenderError::Refused { said, .. } => self.refused(path, format!("is refused as {probe}: {said}")),
            other => other,
        }
    }

    /// That filling `values` into what the chart renders to makes what it renders to with them.
    fn prove(
        &self,
        chart: &Chart,
        own: &Manifest,
        places: &Places,
        values: &ChartValues,
        rendered: &Manifest,
        value: impl ToString,
    ) -> Result<(), RenderError> {
        let mut filled = own.objects().to_vec();
        places.fill(chart, values, &mut filled);
        let digests: BTreeSet<(usize, &str)> = places
            .places
            .iter()
            .filter(|place| matches!(place.fill, Fill::Digest(_)))
            .map(|place| (place.object, place.at.as_str()))
            .collect();
        let wrong = match differences(&filled, rendered.objects()) {
            Some(spots) => spots.into_iter().find(|(object, at)| !digests.contains(&(*object, at.as_str()))),
            None => return Err(self.refused(value, "decides which objects there are, or what fields they have")),
        };
        match wrong {
            Some((object, at)) => {
                Err(self.refused(value, format!("is not only filled in, in {at} of {}", name(own, object))))
            }
            None => Ok(()),
        }
    }
}

fn name(manifest: &Manifest, object: usize) -> String {
    let text = |pointer| manifest.objects().get(object)?.pointer(pointer)?.as_str();
    format!("{} {}", text("/kind").unwrap_or_default(), text("/metadata/name").unwrap_or_default())
}

/// Two values that the chart says nowhere else.
fn probes(index: usize, value: &ChartValue) -> [ChartValue; 2] {
    let number = |base: i64| base + 17 * i64::try_from(index).unwrap_or_default();
    match value {
        // There is only one other.
        ChartValue::Bool(is) => [ChartValue::Bool(!is), ChartValue::Bool(!is)],
        ChartValue::Number(_) => [ChartValue::Number(number(20_011)), ChartValue::Number(number(40_013))],
        ChartValue::Text(_) => ["q7x", "z3k"].map(|word| ChartValue::Text(format!("{word}{index}sealift"))),
    }
}

/// Values by their paths as nested objects.
fn nested(values: &ChartValues) -> Value {
    let mut root = Map::new();
    for (path, value) in values {
        let mut names: Vec<&str> = path.as_str().split('.').collect();
        let Some(last) = names.pop() else { continue };
        let mut inner = Some(&mut root);
        for name in names {
            inner = inner.and_then(|map| map.entry(name).or_insert_with(|| Map::new().into()).as_object_mut());
        }
        if let Some(inner) = inner {
            inner.insert(last.to_owned(), value.to_json());
        }
    }
    Value::Object(root)
}

/// Where two renderings differ; nothing if they have other objects or fields.
fn differing(a: &Manifest, b: &Manifest) -> Option<BTreeSet<Spot>> {
    differences(a.objects(), b.objects())
}

fn differences(a: &[Value], b: &[Value]) -> Option<BTreeSet<Spot>> {
    let mut spots = BTreeSet::new();
    if a.len() != b.len() {
        return None;
    }
    for (index, (a, b)) in a.iter().zip(b).enumerate() {
        leaves(a, b, &mut String::new(), &mut |at| _ = spots.insert((index, at)))?;
    }
    Some(spots)
}

// Both come from a parser that bounds the depth.
fn leaves(a: &Value, b: &Value, at: &mut String, found: &mut dyn FnMut(String)) -> Option<()> {
    let below = at.len();
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => {
            if !a.keys().eq(b.keys()) {
                return None;
            }
            for ((key, a), b) in a.iter().zip(b.values()) {
                at.push('/');
                at.push_str(&key.replace('~', "~0").replace('/', "~1"));
                leaves(a, b, at, found)?;
                at.truncate(below);
            }
        }
        (Value::Array(a), Value::Array(b)) => {
            if a.len() != b.len() {
                return None;
            }
            for (index, (a, b)) in a.iter().zip(b).enumerate() {
                at.push_str(&format!("/{index}"));
                leaves(a, b, at, found)?;
                at.truncate(below);
            }
        }
        (a, b) if a == b => {}
        (Value::Object(_) | Value::Array(_) | Value::Null, _)
        | (_, Value::Object(_) | Value::Array(_) | Value::Null) => return None,
        _ => found(at.clone()),
    }
    Some(())
}

/// What stands in a place that is `own` with the chart's own values, and `probed` with the first of the `probes`.
fn fill(
    at: &str,
    own: &Option<Value>,
    probed: &Option<Value>,
    values: &BTreeSet<ValuePath>,
    probes: &BTreeMap<&ValuePath, [ChartValue; 2]>,
) -> Option<Fill> {
    let probe = |path: &ValuePath| probes.get(path).and_then(|probes| probes.first());
    let (own, probed) = (own.as_ref()?, probed.as_ref()?);
    let mut whole = values.iter().filter(|path| probe(path).is_some_and(|probe| probe.to_json() == *probed));
    if let (Some(path), None) = (whole.next(), whole.next()) {
        return Some(Fill::Value(path.clone()));
    }
    let (Value::String(_), Value::String(text)) = (own, probed) else { return None };
    if Fill::may_be_digest(at, Some(own)) && Fill::may_be_digest(at, Some(probed)) {
        return Some(Fill::Digest(values.clone()));
    }
    let parts = parts(text, values, &probe)?;
    Some(Fill::Text(parts))
}

/// `text` cut where one of `values` stands, each at least once.
fn parts<'p>(
    text: &str,
    values: &BTreeSet<ValuePath>,
    probe: &dyn Fn(&ValuePath) -> Option<&'p ChartValue>,
) -> Option<Vec<Part>> {
    // A boolean is a whole text or nowhere: `true` may stand anywhere.
    let words = values.iter().filter_map(|path| Some((path, probe(path)?)));
    let words: Vec<(&ValuePath, String, bool)> =
        words.map(|(path, word)| (path, word.to_string(), matches!(word, ChartValue::Bool(_)))).collect();
    let mut parts = Vec::new();
    let mut rest = text;
    loop {
        let here = words.iter().filter(|(_, word, is_bool)| !is_bool || text == word);
        let next = here.filter_map(|(path, word, _)| Some((rest.find(word.as_str())?, *path, word.len()))).min();
        let Some((start, path, length)) = next else { break };
        if start > 0 {
            parts.push(Part::Text(rest.get(..start)?.to_owned()));
        }
        parts.push(Part::Value(path.clone()));
        rest = rest.get(start + length..)?;
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest.to_owned()));
    }
    let found = |path: &ValuePath| parts.iter().any(|part| matches!(part, Part::Value(other) if other == path));
    values.iter().all(found).then_some(parts)
}
