//! `sealift install`, `upgrade`, `rollback` and `uninstall`.

use std::cell::RefCell;

use bundle_format::Code;
use bundle_format::template::ComponentName;
use importer::engine::{
    Back, Engine, EngineError, Forward, Outcome, Plan, Removal, Settings, Standing, Uninstall as Ending, Version,
};
use importer::plan::Overlay;
use importer::target::TargetError;

use super::open::{Opened, forward, name_and_version, opened, plain, settings};
use super::told::Told;
use super::{asked, choose};
use crate::args::{Acceptance, Admission, Install, Rollback, Uninstall, Upgrade, Values};
use crate::failure::Failure;
use crate::output::Output;
use crate::report::{PlanReport, RecordReport, Subject, UninstallReport, write_plan};

pub fn install(args: &Install, out: &Output) -> Result<(), Failure> {
    let report = install_and_tell(args, out)?;
    out.data(&report, |text| text.push_str(&done("installed", &report)))?;
    hint_of_dir(&report, out);
    Ok(())
}

/// Installs, and gives the report, for the demonstration too.
pub fn install_and_tell(args: &Install, out: &Output) -> Result<PlanReport, Failure> {
    let (name, _) = name_and_version(&args.name, None)?;
    let mut opened = opened(name, &args.place, args.how.adopt)?;
    let standing = Standing::new(opened.records.all(&opened.place)?);
    let version = choose::version(&opened.store, &args.name, &standing, &args.admission, out)?;
    if let Some(holds) = standing.holds()
        && holds.digest != version.digest
    {
        let there = holds.version.tag(holds.revision);
        return Err(EngineError::OtherVersion { place: opened.place.clone(), there }.into());
    }
    let forward = forward(&version, &in_force(&standing), &args.values, &Acceptance::default())?;
    let forward = Forward { again: true, ..forward };
    tell_continued(&forward, &standing, &version, out);
    let settings = settings(&args.how, args.atomic)?;
    if !args.how.dry_run {
        let login = args.how.registry_login.as_deref();
        asked::check(&version, settings.images.as_ref(), login, &standing, out)?;
    }
    let to = Change { from: installed(&standing), to: version.version.tag(version.revision) };
    let told = told(out, args.how.dry_run)?;
    change(&mut opened, settings, (out, &told), to, &mut |engine, shown| match args.how.dry_run {
        true => Ok(Done::Planned(engine.plan_forward(version.clone(), &forward)?)),
        false => Ok(Done::Applied(Box::new(engine.forward(version.clone(), &forward, shown)?))),
    })
}

pub fn upgrade(args: &Upgrade, out: &Output) -> Result<(), Failure> {
    let report = upgrade_and_tell(args, out)?;
    out.data(&report, |text| text.push_str(&done("upgraded", &report)))?;
    hint_of_dir(&report, out);
    Ok(())
}

/// Upgrades, and gives the report, for the demonstration too.
pub fn upgrade_and_tell(args: &Upgrade, out: &Output) -> Result<PlanReport, Failure> {
    let (name, to) = name_and_version(&args.name, args.change.to.as_deref())?;
    let mut opened = opened(name, &args.change.place, args.how.adopt)?;
    let standing = Standing::new(opened.records.all(&opened.place)?);
    if standing.holds().is_none() {
        return Err(EngineError::NotInstalled { place: opened.place.clone(), target: opened.target.name() }.into());
    }
    let version = wanted(&opened, name, to, (&standing, &args.change.admission), out)?;
    if to.is_none() {
        refuse_two_wishes(&args.change.values, &standing, &version)?;
    }
    let forward = forward(&version, &in_force(&standing), &args.change.values, &args.change.acceptance)?;
    tell_continued(&forward, &standing, &version, out);
    let settings = settings(&args.how, args.atomic)?;
    if !args.how.dry_run {
        let login = args.how.registry_login.as_deref();
        asked::check(&version, settings.images.as_ref(), login, &standing, out)?;
    }
    let to = Change { from: installed(&standing), to: version.version.tag(version.revision) };
    let told = told(out, args.how.dry_run)?;
    change(&mut opened, settings, (out, &told), to, &mut |engine, shown| match args.how.dry_run {
        true => Ok(Done::Planned(engine.plan_forward(version.clone(), &forward)?)),
        false => Ok(Done::Applied(Box::new(engine.forward(version.clone(), &forward, shown)?))),
    })
}

pub fn rollback(args: &Rollback, out: &Output) -> Result<(), Failure> {
    let report = rollback_and_tell(args, out)?;
    out.data(&report, |text| text.push_str(&done("rolled back", &report)))?;
    hint_of_dir(&report, out);
    Ok(())
}

/// Rolls back, and gives the report, for the demonstration too.
pub fn rollback_and_tell(args: &Rollback, out: &Output) -> Result<PlanReport, Failure> {
    let mut opened = opened(&args.name, &args.place, args.how.adopt)?;
    let standing = Standing::new(opened.records.all(&opened.place)?);
    let back = Back { to: args.record, exact: args.exact };
    let to = args.record.map_or_else(|| standing.before_last(), |number| standing.record(number));
    if let Some(to) = to {
        let label = format!("{}:{}", opened.place.name, to.version.tag(to.revision));
        choose::warn_if_withdrawn(&opened.store, &to.digest, &label, out);
    }
    let to = to.map(|r| r.version.tag(r.revision)).unwrap_or_default();
    let to = Change { from: installed(&standing), to };
    let settings = settings(&args.how, false)?;
    let told = told(out, args.how.dry_run)?;
    change(&mut opened, settings, (out, &told), to, &mut |engine, shown| match args.how.dry_run {
        true => Ok(Done::Planned(engine.plan_back(back)?)),
        false => Ok(Done::Applied(Box::new(engine.back(back, shown)?))),
    })
}

pub fn uninstall(args: &Uninstall, out: &Output) -> Result<(), Failure> {
    let report = uninstall_and_tell(args, out)?;
    out.data(&report, |text| {
        // What was only planned is shown already.
        if report.record.is_none() {
            return;
        }
        text.push_str(&format!("removed {} from {} on {}\n", report.name, report.namespace, report.target));
        for kept in &report.kept {
            text.push_str(&format!("kept      {kept}\n"));
        }
    })
}

/// Removes, and gives the report, for the demonstration too.
pub fn uninstall_and_tell(args: &Uninstall, out: &Output) -> Result<UninstallReport, Failure> {
    let mut opened = opened(&args.name, &args.place, false)?;
    let told = told(out, args.dry_run)?;
    let (namespace, target) = (args.place.namespace.clone(), opened.target.name());
    let of = |removal: &Removal| UninstallReport::of((args.name.clone(), namespace.clone(), target.clone()), removal);
    let text = |removal: &Removal| UninstallReport::write_plan(removal, (&args.name, &namespace, &target));
    let mut engine = opened.engine(plain(args.timeout), &told);
    let ending = Ending { keep_data: args.keep_data };
    if args.dry_run {
        let removal = engine.plan_uninstall(ending).map_err(failure)?;
        if !out.json() {
            out.text(&text(&removal))?;
        }
        return Ok(of(&removal));
    }
    let planned = RefCell::new(Removal::default());
    let shown = |removal: &Removal| {
        out.say(text(removal).trim_end());
        removal.clone_into(&mut planned.borrow_mut());
    };
    let record = engine.uninstall(ending, &shown).map_err(failure)?;
    Ok(UninstallReport { record: Some(RecordReport::of(&record)), ..of(&planned.borrow()) })
}

/// The version that `to` names, or the highest that may be chosen.
pub fn wanted(
    opened: &Opened,
    name: &str,
    to: Option<&str>,
    (standing, admission): (&Standing, &Admission),
    out: &Output,
) -> Result<Version, Failure> {
    let wanted = to.map_or_else(|| name.to_owned(), |to| format!("{name}:{to}"));
    choose::version(&opened.store, &wanted, standing, admission, out)
}

/// Who changes one value is not to get another version with it, unasked.
fn refuse_two_wishes(values: &Values, standing: &Standing, version: &Version) -> Result<(), Failure> {
    let given = [&values.set, &values.unset, &values.with, &values.without].into_iter().any(|all| !all.is_empty());
    let Some(holds) = standing.holds().filter(|holds| given && holds.digest != version.digest) else { return Ok(()) };
    let (there, new) = (holds.version.tag(holds.revision), version.version.tag(version.revision));
    let message = format!("a value is given, and {new} would come with it in the place of {there}");
    let ahead: Vec<&str> = holds.ahead.keys().map(ComponentName::as_str).collect();
    let alone = match ahead.is_empty() {
        true => "changes the value alone".to_owned(),
        false => format!("changes the value, and takes {} back to it", ahead.join(", ")),
    };
    Err(Failure::new(Code::Usage, message).hint(format!("`--to {there}` {alone}, `--to {new}` upgrades as well")))
}

/// The version that is installed.
pub fn installed(standing: &Standing) -> Option<String> {
    standing.holds().map(|r| r.version.tag(r.revision))
}

/// The site's values as the last action left them.
pub fn in_force(standing: &Standing) -> Overlay {
    standing.holds().map(|r| r.overlay.clone()).unwrap_or_default()
}

/// Says what an interrupted action was given, where this one continues it.
pub fn tell_continued(forward: &Forward, standing: &Standing, version: &Version, out: &Output) {
    let Some(record) = forward.continues(standing, version) else { return };
    let given = record.given.as_ref().map(ToString::to_string).filter(|given| !given.is_empty());
    if let Some(given) = given {
        out.say(format_args!("continues record {} with what that was given: {given}", record.number));
    }
}

/// What is to be changed.
struct Change {
    from: Option<String>,
    to: String,
}

enum Done {
    Planned(Plan),
    Applied(Box<Outcome>),
}

/// Who watches: a plan may be killed, an action ends by itself.
pub fn told(out: &Output, dry_run: bool) -> Result<Told<'_>, Failure> {
    if dry_run { Ok(Told::harmless(out)) } else { Told::ending(out) }
}

type Shown<'a> = &'a dyn Fn(&Plan);

fn change(
    opened: &mut Opened,
    settings: Settings,
    (out, told): (&Output, &Told<'_>),
    change: Change,
    act: &mut dyn FnMut(&mut Engine<'_>, Shown<'_>) -> Result<Done, EngineError>,
) -> Result<PlanReport, Failure> {
    let subject = Subject {
        name: opened.place.name.to_string(),
        namespace: opened.place.namespace.to_string(),
        target: opened.target.name(),
        from: change.from,
        to: change.to,
    };
    let show = |plan: &Plan| out.say(write_plan(&subject, plan).trim_end());
    let mut engine = opened.engine(settings, told);
    let done = act(&mut engine, &show).map_err(failure)?;
    Ok(match done {
        Done::Planned(plan) => {
            if !out.json() {
                out.text(&write_plan(&subject, &plan))?;
            }
            PlanReport::of(subject, &plan, None)
        }
        Done::Applied(outcome) => PlanReport::of(subject, &outcome.plan, Some(&outcome)),
    })
}

/// The closing line of an action; nothing of one that was only planned, which is shown.
pub fn done(what: &str, report: &PlanReport) -> String {
    match &report.record {
        Some(record) if !report.recorded => format!(
            "nothing to do: {} {} for {} on {} is as it was (record {})\n",
            report.name,
            record.state(),
            report.namespace,
            report.target,
            record.number
        ),
        Some(record) => format!(
            "{what} {} {} for {} on {} (record {})\n",
            report.name,
            record.state(),
            report.namespace,
            report.target,
            record.number
        ),
        None => String::new(),
    }
}

pub fn hint_of_dir(report: &PlanReport, out: &Output) {
    if let (Some(_), Some(path)) = (&report.record, report.target.strip_prefix("dir:")) {
        out.say(format_args!("apply it with: kubectl apply -f {path}"));
    }
}

/// A failure that says what the cluster says of it, line by line.
pub fn failure(e: EngineError) -> Failure {
    let details = match cause(&e) {
        EngineError::Target(TargetError::NotReady { details, .. } | TargetError::Failed { details, .. }) => {
            details.clone()
        }
        _ => Vec::new(),
    };
    let mut failure = Failure::from(e);
    if !details.is_empty() {
        failure.message.push_str(&format!("\n  {}", details.join("\n  ")));
        failure.details = Some(serde_json::json!({ "cluster": details }));
    }
    failure
}

fn cause(e: &EngineError) -> &EngineError {
    match e {
        EngineError::TakenBack { cause: inner, .. } | EngineError::Stuck { cause: inner, .. } => cause(inner),
        other => other,
    }
}
