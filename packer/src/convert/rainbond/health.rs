//! `probes`.

use std::collections::BTreeMap;
use std::num::NonZeroU16;

use bundle_format::template::{Component, ExecProbe, HttpProbe, Probe, Protocol, Scheme, TcpProbe, WorkloadKind};
use serde_json::Value;

use super::super::ConvertError;
use super::super::draft::{Draft, NoteKind, port_of, probe};
use super::{number, word, yes};

pub(super) fn health(draft: &mut Draft, given: &Value, made: &mut Component) -> Result<(), ConvertError> {
    let mode = word(given, "mode").unwrap_or_default();
    let used = given.get("is_used").is_none() || yes(given, "is_used");
    let why = match mode.as_str() {
        _ if !used => Some("it is switched off there"),
        _ if matches!(made.kind, WorkloadKind::Job | WorkloadKind::CronJob) => Some("a job has none"),
        "ignore" => Some("nothing follows from it there"),
        _ => None,
    };
    if let Some(why) = why {
        draft.note(NoteKind::Left, Some(&made.name), format!("a probe of mode {mode}: {why}"));
        return Ok(());
    }
    let positive = |key: &str| number::<u16>(given, key).and_then(NonZeroU16::new);
    let mut made_of = Probe {
        initial_delay_seconds: number::<u16>(given, "initial_delay_second").filter(|n| *n > 0),
        period_seconds: positive("period_second"),
        timeout_seconds: positive("timeout_second"),
        failure_threshold: positive("failure_threshold"),
        success_threshold: positive("success_threshold").filter(|n| n.get() != 1),
        ..probe()
    };
    if !action(draft, given, &mode, made, &mut made_of)? {
        return Ok(());
    }
    if mode != "readiness"
        && let Some(n) = made_of.success_threshold.filter(|_| matches!(mode.as_str(), "liveness" | "startup"))
    {
        made_of.success_threshold = None;
        let text = format!("`success_threshold` {n} of the probe of mode {mode}: Kubernetes takes only 1");
        draft.note(NoteKind::Left, Some(&made.name), text);
    }
    let place = match mode.as_str() {
        "liveness" => &mut made.probes.liveness,
        "startup" => &mut made.probes.startup,
        "readiness" | "" => &mut made.probes.readiness,
        other => {
            let text = format!("the probe of mode {other:?}, which is none of a template's, is one of readiness here");
            draft.note(NoteKind::Look, Some(&made.name), text);
            &mut made.probes.readiness
        }
    };
    if place.replace(made_of).is_some() {
        draft.note(NoteKind::Left, Some(&made.name), format!("of several probes of mode {mode} all but the last"));
    }
    Ok(())
}

/// What a probe does. Gives whether that is anything.
fn action(
    draft: &mut Draft,
    given: &Value,
    mode: &str,
    made: &mut Component,
    made_of: &mut Probe,
) -> Result<bool, ConvertError> {
    let number = number::<u16>(given, "port").and_then(NonZeroU16::new);
    let scheme = word(given, "scheme").unwrap_or_default().to_ascii_lowercase();
    match (scheme.as_str(), number) {
        ("cmd", _) => match word(given, "cmd") {
            Some(line) => {
                made_of.exec = Some(ExecProbe { command: vec!["sh".to_owned(), "-c".to_owned(), line] });
                return Ok(true);
            }
            None => draft.note(NoteKind::Left, Some(&made.name), format!("a probe of mode {mode} without a command")),
        },
        (_, None) => {
            draft.note(NoteKind::Left, Some(&made.name), format!("a probe of mode {mode} without a port"));
        }
        ("http" | "https", Some(number)) => {
            let port = port_of(made, number, Protocol::Tcp, None)?.name.clone();
            let path = word(given, "path").unwrap_or_default();
            let path = if path.starts_with('/') { path } else { format!("/{path}") };
            let scheme = if scheme == "https" { Scheme::Https } else { Scheme::Http };
            let headers = headers(draft, given, made);
            made_of.http = Some(HttpProbe { port, path, scheme, headers });
            return Ok(true);
        }
        (other, Some(number)) => {
            made_of.tcp = Some(TcpProbe { port: port_of(made, number, Protocol::Tcp, None)?.name.clone() });
            if !matches!(other, "tcp" | "") {
                let text = format!("the probe of mode {mode} with the scheme {other:?} only connects here");
                draft.note(NoteKind::Look, Some(&made.name), text);
            }
            return Ok(true);
        }
    }
    Ok(false)
}

/// `http_header`: `NAME=VALUE`, several with commas between.
fn headers(draft: &mut Draft, given: &Value, made: &Component) -> BTreeMap<String, String> {
    let mut headers = BTreeMap::new();
    for part in word(given, "http_header").unwrap_or_default().split(',').filter(|part| !part.trim().is_empty()) {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        if !HttpProbe::add_header(&mut headers, name.trim(), value.trim()) {
            draft.note(NoteKind::Left, Some(&made.name), format!("the header {part:?} of a probe's request"));
        }
    }
    headers
}
