//! `healthcheck`.

use std::collections::BTreeMap;
use std::num::NonZeroU16;

use bundle_format::template::{Component, ExecProbe, HttpProbe, Probe, Protocol, Scheme, WorkloadKind};

use super::super::ConvertError;
use super::super::draft::{Draft, NoteKind, port_of, probe};
use super::super::tree::Tree;
use super::words;

pub(super) fn healthcheck(draft: &mut Draft, service: &Tree, made: &mut Component) -> Result<(), ConvertError> {
    let Some(check) = service.get("healthcheck") else { return Ok(()) };
    let test = match check.get("test") {
        Some(Tree::List(_)) => check.get("test").map(Tree::texts).unwrap_or_default(),
        Some(other) => vec!["CMD-SHELL".to_owned(), other.text().unwrap_or_default()],
        None => Vec::new(),
    };
    if check.get("disable").is_some_and(Tree::yes) || test.first().is_some_and(|t| t == "NONE") {
        return Ok(());
    }
    if made.kind == WorkloadKind::Job {
        draft.note(NoteKind::Left, Some(&made.name), "`healthcheck`: a Job is done when its container exits");
        return Ok(());
    }
    if check.get("start_interval").is_some() {
        draft.note(NoteKind::Left, Some(&made.name), "`healthcheck.start_interval`: Kubernetes asks at one pace");
    }
    let command: Vec<String> = match test.split_first() {
        Some((form, words)) if form == "CMD" && !words.is_empty() => words.to_vec(),
        Some((form, [line])) if form == "CMD-SHELL" && !line.trim().is_empty() => {
            vec!["sh".into(), "-c".into(), line.clone()]
        }
        _ => {
            draft.note(
                NoteKind::Left,
                Some(&made.name),
                "`healthcheck` without a test: the image's own is not known here",
            );
            return Ok(());
        }
    };
    let time = |key: &str| check.text_of(key).and_then(|t| words::seconds(&t)).and_then(NonZeroU16::new);
    let mut readiness = Probe {
        period_seconds: time("interval"),
        timeout_seconds: time("timeout").or(Some(TIMEOUT)),
        failure_threshold: check.text_of("retries").and_then(|r| r.parse().ok()),
        initial_delay_seconds: time("start_period").map(NonZeroU16::get),
        ..probe()
    };
    match request(&command) {
        Some((scheme, number, path)) => {
            let port = port_of(made, number, Protocol::Tcp, None)?.name.clone();
            readiness.http = Some(HttpProbe { port, path, scheme, headers: BTreeMap::new() });
            draft.note(NoteKind::Changed, Some(&made.name), "the health check's request is made by Kubernetes");
        }
        None => readiness.exec = Some(ExecProbe { command }),
    }
    made.probes.readiness = Some(readiness);
    Ok(())
}

/// What Docker waits for an answer where nothing is said. Kubernetes waits one second, which many commands need.
const TIMEOUT: NonZeroU16 = NonZeroU16::MIN.saturating_add(29);

/// The one request that a command with curl or wget makes to its own container.
fn request(command: &[String]) -> Option<(Scheme, NonZeroU16, String)> {
    let line = match command {
        [shell, flag, line] if shell.ends_with("sh") && flag == "-c" => line.clone(),
        words => words.join(" "),
    };
    let line = line.replace("|| exit 1", " ");
    if line.contains(['|', '&', ';', '>', '<', '`', '$']) {
        return None;
    }
    let words = words::split(&line);
    let tool = words.first()?.rsplit('/').next()?.to_owned();
    let more = ["-X", "--request", "-d", "--data", "-H", "--header", "--post-data", "-u"];
    if !matches!(tool.as_str(), "curl" | "wget") || words.iter().any(|w| more.contains(&w.as_str())) {
        return None;
    }
    let mut urls =
        words.iter().skip(1).filter(|w| !w.starts_with('-') && w.contains("localhost") || w.contains("127.0.0.1"));
    let (url, None) = (urls.next()?, urls.next()) else { return None };
    let (scheme, rest) = match url.split_once("://") {
        Some(("http", rest)) => (Scheme::Http, rest),
        Some(("https", rest)) => (Scheme::Https, rest),
        Some(_) => return None,
        None => (Scheme::Http, url.as_str()),
    };
    let (authority, path) = rest.split_once('/').map_or((rest, String::new()), |(a, p)| (a, p.to_owned()));
    let (host, port) = authority.split_once(':').map_or((authority, None), |(h, p)| (h, Some(p)));
    if !matches!(host, "localhost" | "127.0.0.1") {
        return None;
    }
    let usual = if scheme == Scheme::Http { 80 } else { 443 };
    let port = port.map_or(NonZeroU16::new(usual), |p| p.parse().ok())?;
    Some((scheme, port, format!("/{path}")))
}
