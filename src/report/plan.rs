//! What the verbs of installations give as `--json`, and how people read it.

use importer::engine::{Outcome, Plan};
use importer::plan::{AttributePath, Change, ComponentChange, Decision, Effect, Overlay, Rule, Step, Winner};
use importer::record::Record;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::MarkedReport;

/// `sealift plan`, and what `install`, `upgrade` and `rollback` did.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlanReport {
    pub name: String,
    pub namespace: String,
    pub target: String,
    /// The version that is installed, with its revision if that is above 1.
    pub from: Option<String>,
    /// The version that is to be.
    pub to: String,
    /// Whether nothing is to be done.
    pub empty: bool,
    pub components: Vec<PlannedComponentReport>,
    /// What is decided, where the vendor's values and the site's differ.
    pub decisions: Vec<DecisionReport>,
    pub steps: Vec<StepReport>,
    /// The record, where the plan was applied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record: Option<RecordReport>,
    /// Whether that record is new: an action that leaves everything as it was makes none.
    pub recorded: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct PlannedComponentReport {
    pub name: String,
    /// `add`, `update`, `keep`, `off`, `orphan` or `remove`.
    pub change: String,
}

/// One attribute (spec/plan.md section 3).
#[derive(Debug, Serialize, JsonSchema)]
pub struct DecisionReport {
    pub path: String,
    /// What happened: `added`, `vendor`, `site`, `both` or `removed`.
    pub change: String,
    /// The rule that decides: `vendor`, `merge`, `held` or `grow`.
    pub rule: String,
    /// The vendor's value in the version that is installed.
    pub old: Option<Value>,
    /// The vendor's value in the new version.
    pub new: Option<Value>,
    /// The value in force at the site.
    pub site: Option<Value>,
    /// The value that will be in force.
    pub value: Option<Value>,
    /// `vendor` or `site`.
    pub winner: String,
    /// Whether the vendor's value was accepted against the rule.
    pub accepted: bool,
    /// Whether the site's value is given with this plan; `site` is then what was in force before.
    pub given: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct StepReport {
    /// `apply`, `wait` or `remove`.
    pub step: String,
    /// The file of the objects, where they are applied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub component: Option<String>,
    pub objects: Vec<StepObject>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct StepObject {
    pub object: String,
    /// `create`, `change` or `keep`, where it is applied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effect: Option<String>,
}

/// One action on an installation.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RecordReport {
    pub number: u64,
    /// `install`, `upgrade`, `rollback` or `uninstall`.
    pub action: String,
    /// `begun`, `done` or `failed`.
    pub status: String,
    pub time: String,
    pub by: String,
    pub version: String,
    /// Components that are ahead of the version, because they were upgraded alone.
    pub ahead: Vec<String>,
    /// The record that held before.
    pub from: Option<u64>,
    /// The record that a rollback returned to.
    pub to: Option<u64>,
    pub message: Option<String>,
}

impl RecordReport {
    pub fn of(record: &Record) -> Self {
        Self {
            number: record.number,
            action: word(&record.action),
            status: word(&record.status),
            time: record.time.clone(),
            by: record.by.clone(),
            version: record.version.tag(record.revision),
            ahead: record.ahead.keys().map(ToString::to_string).collect(),
            from: record.from,
            to: record.to,
            message: record.message.clone(),
        }
    }

    /// The version, and what is ahead of it.
    pub fn state(&self) -> String {
        match self.ahead.is_empty() {
            true => self.version.clone(),
            false => format!("{} with {} ahead", self.version, self.ahead.join(", ")),
        }
    }
}

/// The word that serde writes for a value without content.
fn word(value: &impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}

/// Of what a plan is.
#[derive(Debug)]
pub struct Subject {
    pub name: String,
    pub namespace: String,
    pub target: String,
    pub from: Option<String>,
    pub to: String,
}

impl PlanReport {
    pub fn of(subject: Subject, plan: &Plan, done: Option<&Outcome>) -> Self {
        let Subject { name, namespace, target, from, to } = subject;
        Self {
            name,
            namespace,
            target,
            from,
            to,
            empty: plan.is_empty(),
            components: plan
                .components
                .iter()
                .map(|c| PlannedComponentReport { name: c.name.to_string(), change: word(&c.change) })
                .collect(),
            decisions: plan.decisions.iter().map(decision).collect(),
            steps: plan.steps.iter().map(step).collect(),
            record: done.map(|done| RecordReport::of(&done.record)),
            recorded: done.is_some_and(|done| done.recorded),
        }
    }
}

fn decision(d: &Decision) -> DecisionReport {
    DecisionReport {
        path: d.path.to_string(),
        change: word(&d.change),
        rule: word(&d.rule),
        old: d.old.clone(),
        new: d.new.clone(),
        site: d.site.clone(),
        value: d.value.clone(),
        winner: word(&d.winner),
        accepted: d.accepted,
        given: d.given,
    }
}

fn step(step: &Step) -> StepReport {
    let plain = |id: &importer::target::ObjectId| StepObject { object: id.to_string(), effect: None };
    match step {
        Step::Apply { file, objects } => StepReport {
            step: "apply".to_owned(),
            file: Some(file.clone()),
            component: None,
            objects: objects
                .iter()
                .map(|(id, effect)| StepObject { object: id.to_string(), effect: Some(word(effect)) })
                .collect(),
        },
        Step::Wait { component, objects } => StepReport {
            step: "wait".to_owned(),
            file: None,
            component: component.as_ref().map(ToString::to_string),
            objects: objects.iter().map(plain).collect(),
        },
        Step::Remove { objects } => StepReport {
            step: "remove".to_owned(),
            file: None,
            component: None,
            objects: objects.iter().map(plain).collect(),
        },
    }
}

/// The plan for people: components, under each what is decided; then the objects that change.
pub fn write_plan(subject: &Subject, plan: &Plan) -> String {
    let mut text = String::new();
    let Subject { name, namespace, target, from, to } = subject;
    let from = from.as_ref().filter(|from| *from != to).map(|from| format!("{from} -> ")).unwrap_or_default();
    text.push_str(&format!("{name} {from}{to} for {namespace} on {target}\n"));
    for component in &plan.components {
        let (sign, note) = match component.change {
            ComponentChange::Add => ('+', ""),
            ComponentChange::Update => ('~', ""),
            ComponentChange::Keep => ('=', ""),
            ComponentChange::Off => ('o', "  switched off: scaled to nothing, its data stays"),
            ComponentChange::Orphan => {
                ('?', "  not in this version: left running; `upgrade --prune` or `rollback --exact` removes it")
            }
            ComponentChange::Remove => ('-', "  removed; its claims stay"),
        };
        text.push_str(&format!("{sign} {}{note}\n", component.name));
        for d in plan.decisions.iter().filter(|d| d.path.scope() == component.name.as_str()) {
            write_decision(&mut text, d, component.name.as_str().len() + 1);
        }
    }
    let of_components = |d: &&Decision| plan.components.iter().any(|c| c.name.as_str() == d.path.scope());
    let mut others = plan.decisions.iter().filter(|d| !of_components(d)).peekable();
    if others.peek().is_some() {
        text.push_str("beside the components\n");
    }
    others.for_each(|d| write_decision(&mut text, d, 0));
    let (mut create, mut change, mut remove) = (0, 0, 0);
    for step in &plan.steps {
        match step {
            Step::Apply { objects, .. } => {
                create += objects.iter().filter(|(_, e)| *e == Effect::Create).count();
                change += objects.iter().filter(|(_, e)| *e == Effect::Change).count();
            }
            Step::Remove { objects } => remove += objects.len(),
            Step::Wait { .. } => {}
        }
    }
    match plan.is_empty() {
        true => text.push_str("nothing to do\n"),
        false => text.push_str(&format!("objects: {create} to make, {change} to change, {remove} to remove\n")),
    }
    text
}

fn write_decision(text: &mut String, d: &Decision, cut: usize) {
    let path = d.path.to_string();
    let name = path.get(cut..).unwrap_or(&path);
    let long = |value: &Option<Value>| value.as_ref().is_some_and(|v| v.is_object() || v.is_array() || has_lines(v));
    let shown = |value: &Option<Value>| match value {
        None => "nothing".to_owned(),
        Some(Value::Object(object)) => format!("an object of {} fields", object.len()),
        Some(Value::String(text)) if has_lines(&Value::String(text.clone())) => {
            format!("{} lines", text.lines().count())
        }
        Some(value) => shorten(&value.to_string()),
    };
    let accept = || format!("; --accept {path} takes it");
    let line = match (d.winner, d.change) {
        _ if d.given => format!("{} -> {}  (given)", shown(&d.site), shown(&d.value)),
        (Winner::Vendor, _) if d.accepted => format!("{} -> {}  (accepted)", shown(&d.site), shown(&d.value)),
        (Winner::Vendor, Change::Added) => format!("+ {}", shown(&d.value)),
        (Winner::Vendor, Change::Removed) => format!("- {}", shown(&d.site)),
        (Winner::Vendor, Change::Site | Change::Both) => {
            format!("{} -> {}  (the vendor decides this; the site had changed it)", shown(&d.site), shown(&d.value))
        }
        (Winner::Vendor, Change::Vendor) if d.site == d.value => {
            format!("stays {}  (now the vendor's as well)", shown(&d.site))
        }
        (Winner::Vendor, Change::Vendor) => format!("{} -> {}", shown(&d.site), shown(&d.value)),
        // A value that was held back once can still be taken.
        (Winner::Site, Change::Site) if d.new.is_some() => {
            format!("stays {}  (the site's; the vendor's is {}{})", shown(&d.site), shown(&d.new), accept())
        }
        (Winner::Site, Change::Site | Change::Added) => format!("stays {}  (the site's)", shown(&d.site)),
        (Winner::Site, Change::Removed) => {
            format!("stays {}  (the vendor has it no more{})", shown(&d.site), accept())
        }
        (Winner::Site, Change::Vendor | Change::Both) if d.old.is_none() => {
            format!("{}  (the site's; the vendor's is {})", shown(&d.site), shown(&d.new))
        }
        (Winner::Site, Change::Vendor | Change::Both) => {
            let rule = if d.rule == Rule::Held { "held" } else { "the site's" };
            format!(
                "stays {}  ({rule}; the vendor's was {}, is {}{})",
                shown(&d.site),
                shown(&d.old),
                shown(&d.new),
                accept()
            )
        }
    };
    text.push_str(&format!("    {name}: {line}\n"));
    // What people want to see of long values is where they differ.
    let (before, after, signs) = match d.winner {
        _ if d.given => (&d.site, &d.value, ["-", "+"]),
        Winner::Vendor => (&d.site, &d.value, ["-", "+"]),
        // Nothing changes here: what would be otherwise must not look as if it did.
        Winner::Site => (&d.site, &d.new, ["here  ", "vendor"]),
    };
    if let (Some(before), Some(after)) = (before, after)
        && (long(&d.site) || long(&d.new))
    {
        let lines = difference(before, after, signs);
        lines.iter().take(LINES).for_each(|line| text.push_str(&format!("        {line}\n")));
        if lines.len() > LINES {
            text.push_str(&format!("        … {} more\n", lines.len() - LINES));
        }
    }
}

/// Most lines of a difference that are shown.
const LINES: usize = 8;

fn has_lines(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.trim_end().contains('\n'))
}

/// The lines that one value has and the other does not, each behind its sign; of objects, their leaves.
fn difference(before: &Value, after: &Value, [gone, come]: [&str; 2]) -> Vec<String> {
    let lines = |value: &Value| match value {
        Value::String(text) => text.lines().map(str::to_owned).collect(),
        other => {
            let mut leaves = Vec::new();
            leaf_lines(other, "", &mut leaves);
            leaves
        }
    };
    let (before, after): (Vec<String>, Vec<String>) = (lines(before), lines(after));
    let first = before.iter().filter(|line| !after.contains(line)).map(|line| format!("{gone} {}", shorten(line)));
    let second = after.iter().filter(|line| !before.contains(line)).map(|line| format!("{come} {}", shorten(line)));
    first.chain(second).collect()
}

fn leaf_lines(value: &Value, at: &str, out: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            fields.iter().for_each(|(name, value)| leaf_lines(value, &format!("{at}/{name}"), out))
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(i, value)| leaf_lines(value, &format!("{at}/{i}"), out))
        }
        leaf => out.push(format!("{at}: {leaf}")),
    }
}

/// As much of a value as fits on a line.
fn shorten(text: &str) -> String {
    match text.char_indices().nth(100) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or(text)),
        None => text.to_owned(),
    }
}

/// `sealift history`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct HistoryReport {
    pub name: String,
    pub namespace: String,
    pub target: String,
    /// The record that holds.
    pub holds: Option<u64>,
    /// Oldest first.
    pub records: Vec<RecordReport>,
}

/// `sealift status`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct StatusReport {
    pub name: String,
    pub namespace: String,
    pub target: String,
    /// The record that holds.
    pub holds: Option<RecordReport>,
    /// What whoever tests says of the version that is installed.
    #[serde(rename = "releaseStatus")]
    pub release_status: Option<MarkedReport>,
    /// Who acts on it at this moment.
    pub running: Option<String>,
    /// An action that failed, was interrupted, or is running.
    pub unfinished: Option<RecordReport>,
    /// Whether every component is ready.
    pub ready: bool,
    pub components: Vec<ComponentStateReport>,
    /// The site's values where they are not the vendor's.
    pub site: Vec<ValueReport>,
    /// What was changed on the target since the last action.
    pub drift: Vec<ValueReport>,
    /// Objects that are no longer as they were applied.
    pub changed: Vec<String>,
}

/// A value of the site.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ValueReport {
    /// Of which attribute (spec/plan.md section 3).
    pub path: String,
    /// `null` is what the site removed.
    pub value: Option<Value>,
}

impl ValueReport {
    pub fn all(overlay: &Overlay) -> Vec<Self> {
        let value =
            |(path, value): (&AttributePath, &Option<Value>)| Self { path: path.to_string(), value: value.clone() };
        overlay.values.iter().map(value).collect()
    }

    /// The value for people.
    pub fn line(&self) -> String {
        match &self.value {
            Some(value) => format!("{} = {value}", self.path),
            None => format!("{} removed", self.path),
        }
    }
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct ComponentStateReport {
    pub name: String,
    pub ready: bool,
    /// Why it is not ready.
    pub waiting: Option<String>,
    /// Whether the version no longer has it.
    pub orphan: bool,
    /// Whether it is switched off.
    pub off: bool,
}
