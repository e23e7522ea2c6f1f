//! `sealift plan`, `history` and `status`: what is and what would be.

use std::time::Duration;

use importer::engine::Standing;

use super::act::{failure, in_force, installed, tell_continued, wanted};
use super::choose;
use super::open::{forward, name_and_version, opened, plain, settings};
use crate::args::{History, Plan, Status};
use crate::failure::Failure;
use crate::output::Output;
use crate::report::{
    ComponentStateReport, HistoryReport, PlanReport, RecordReport, StatusReport, Subject, ValueReport, write_plan,
};

pub fn plan(args: &Plan, out: &Output) -> Result<(), Failure> {
    let change = &args.change;
    let (name, to) = name_and_version(&args.name, change.to.as_deref())?;
    let mut opened = opened(name, &change.place, args.how.adopt)?;
    let standing = Standing::new(opened.records.all(&opened.place)?);
    let version = wanted(&opened, name, to, (&standing, &change.admission), out)?;
    let forward = forward(&version, &in_force(&standing), &change.values, &change.acceptance)?;
    tell_continued(&forward, &standing, &version, out);
    let subject = Subject {
        name: opened.place.name.to_string(),
        namespace: opened.place.namespace.to_string(),
        target: opened.target.name(),
        from: installed(&standing),
        to: version.version.tag(version.revision),
    };
    let engine = opened.engine(settings(&args.how, false)?, &());
    let plan = engine.plan_forward(version, &forward).map_err(failure)?;
    let text = write_plan(&subject, &plan);
    let report = PlanReport::of(subject, &plan, None);
    out.data(&report, |all| all.push_str(&text))
}

pub fn history(args: &History, out: &Output) -> Result<(), Failure> {
    let opened = opened(&args.name, &args.place, false)?;
    let records = opened.records.all(&opened.place)?;
    let report = HistoryReport {
        name: opened.place.name.to_string(),
        namespace: opened.place.namespace.to_string(),
        target: opened.target.name(),
        holds: Standing::new(records.clone()).holds().map(|r| r.number),
        records: records.iter().map(RecordReport::of).collect(),
    };
    out.data(&report, |text| {
        for r in &report.records {
            let holds = if report.holds == Some(r.number) { "*" } else { " " };
            let to = r.to.map(|to| format!(" to record {to}")).unwrap_or_default();
            let message =
                r.message.as_deref().map(|m| format!("  {}", m.lines().next().unwrap_or(m))).unwrap_or_default();
            text.push_str(&format!(
                "{holds} {:>3}  {}  {:9} {:12} {:7} {}{to}{message}\n",
                r.number,
                r.time,
                r.action,
                r.state(),
                r.status,
                r.by
            ));
        }
        if report.records.is_empty() {
            text.push_str("no records\n");
        }
    })
}

pub fn status(args: &Status, out: &Output) -> Result<(), Failure> {
    let mut opened = opened(&args.name, &args.place, false)?;
    let subject = (opened.place.clone(), opened.target.name());
    let state = opened.engine(plain(Duration::ZERO), &()).status().map_err(failure)?;
    let report = StatusReport {
        name: subject.0.name.to_string(),
        namespace: subject.0.namespace.to_string(),
        target: subject.1,
        holds: state.holds.as_ref().map(RecordReport::of),
        release_status: state.holds.as_ref().and_then(|r| choose::status_of(&opened.store, &r.digest, out)),
        running: state.running.clone(),
        unfinished: state.unfinished.as_ref().map(RecordReport::of),
        ready: state.components.iter().all(|c| c.waiting.is_none()),
        components: state
            .components
            .iter()
            .map(|c| ComponentStateReport {
                name: c.name.to_string(),
                ready: c.waiting.is_none(),
                waiting: c.waiting.clone(),
                orphan: c.orphan,
                off: c.off,
            })
            .collect(),
        site: ValueReport::all(&state.site),
        drift: ValueReport::all(&state.drift),
        changed: state.changed.iter().map(ToString::to_string).collect(),
    };
    out.data(&report, |text| write_status(text, &report))
}

fn write_status(text: &mut String, report: &StatusReport) {
    let version = report.holds.as_ref().map_or("not installed".to_owned(), RecordReport::state);
    text.push_str(&format!("{} {version} for {} on {}\n", report.name, report.namespace, report.target));
    if let Some(status) = &report.release_status {
        status.write(text);
    }
    if let Some(who) = &report.running {
        text.push_str(&format!("RUNNING: {who}\n"));
    } else if let Some(r) = &report.unfinished {
        let message = r.message.as_deref().unwrap_or("it is at work, or was interrupted");
        let of = if r.action == "uninstall" { "of" } else { "to" };
        text.push_str(&format!("UNFINISHED: {} {of} {} (record {}): {message}\n", r.action, r.version, r.number));
    }
    for c in &report.components {
        let state = match (&c.waiting, c.off, c.orphan) {
            (Some(why), ..) => format!("NOT READY  {why}"),
            (None, true, _) => "off".to_owned(),
            (None, _, true) => "ready, and not in this version".to_owned(),
            (None, ..) => "ready".to_owned(),
        };
        text.push_str(&format!("  {:20} {state}\n", c.name));
    }
    let lines = |values: &[ValueReport]| values.iter().map(ValueReport::line).collect::<Vec<_>>();
    for (title, lines) in [
        ("the site's values:", lines(&report.site)),
        ("changed since the last action:", lines(&report.drift)),
        (
            // Before an action has ended, nobody knows which of them it has come to.
            if report.unfinished.is_some() {
                "objects that it may not have come to:"
            } else {
                "objects that are not as they were applied:"
            },
            report.changed.clone(),
        ),
    ] {
        // While somebody changes them, they are of course another thing.
        if !lines.is_empty() && report.running.is_none() {
            text.push_str(&format!("{title}\n  {}\n", lines.join("\n  ")));
        }
    }
}
