//! The log of `sealift registry serve`, on stderr: a line for each fault, and for the requests that were asked for.

use std::sync::Arc;
use std::time::SystemTime;

use jiff::Timestamp;
use registry_lite::server::{Event, Log, Printable, Report, Served};

use crate::args::{LogForm, LogRequests};
use crate::output::talk;
use crate::report::{FaultLine, LogLine, RequestLine};

/// Writes faults.
pub fn faults(form: LogForm) -> Report {
    Arc::new(move |event: &Event<'_>| {
        write(
            form,
            &LogLine::Fault(FaultLine {
                time: time(SystemTime::now()),
                kind: event.kind(),
                message: one_line(&event.to_string()),
            }),
        );
    })
}

/// Writes requests; `None` if none are wanted.
pub fn requests(form: LogForm, wanted: LogRequests) -> Option<Log> {
    (wanted != LogRequests::None).then(|| -> Log {
        Arc::new(move |served: &Served| {
            if wanted == LogRequests::All || is_noteworthy(served) {
                write(form, &LogLine::Request(line(served)));
            }
        })
    })
}

/// Whether it changed something, or tried to, or did not go as it should.
fn is_noteworthy(served: &Served) -> bool {
    !matches!(served.method.as_str(), "GET" | "HEAD")
        || served.broken_off
        || served.status.is_none_or(|status| status.is_server_error())
}

fn line(served: &Served) -> RequestLine {
    let text = |text: &Printable| text.as_str().to_owned();
    RequestLine {
        time: time(served.time),
        peer: served.peer.to_string(),
        user: served.user.as_ref().map(text),
        method: text(&served.method),
        target: text(&served.target),
        status: served.status.map(|status| status.as_u16()),
        code: served.code,
        sent: served.sent,
        received: served.received,
        // To the millisecond: more would be noise.
        seconds: (served.duration.as_secs_f64() * 1000.0).round() / 1000.0,
        agent: served.agent.as_ref().map(text),
        broken_off: served.broken_off,
    }
}

fn write(form: LogForm, line: &LogLine) {
    talk(&match form {
        LogForm::Text => text(line),
        // A line of these types has a JSON.
        LogForm::Json => serde_json::to_string(line).unwrap_or_default(),
    });
}

/// Everything that others wrote is in quotes, which it cannot leave, or is a login.
fn text(line: &LogLine) -> String {
    match line {
        LogLine::Fault(FaultLine { time, kind, message }) => format!("{time} fault {kind}: {message}"),
        LogLine::Request(request) => {
            let RequestLine { time, peer, method, target, sent, received, seconds, .. } = request;
            let dash = |text: Option<&str>| text.unwrap_or("-").to_owned();
            let user = dash(request.user.as_deref()).replace(' ', "\\x20");
            let status = request.status.map_or("-".to_owned(), |status| status.to_string());
            let (code, agent) = (dash(request.code), dash(request.agent.as_deref()));
            let end = if request.broken_off { " broken-off" } else { "" };
            format!(
                "{time} {peer} {user} \"{method} {target}\" {status} {code} sent={sent} received={received} \
                 seconds={seconds} \"{agent}\"{end}"
            )
        }
    }
}

fn time(time: SystemTime) -> String {
    // A clock beyond the year 9999 has no such text.
    Timestamp::try_from(time).map_or("-".to_owned(), |time| time.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string())
}

/// Paths may hold anything, also the end of a line.
fn one_line(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut line, c| {
        match c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') {
            true => line.extend(c.escape_default()),
            false => line.push(c),
        }
        line
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn served(method: &str, target: &str) -> Served {
        Served {
            time: SystemTime::UNIX_EPOCH + Duration::from_millis(1_800_000_000_042),
            peer: ([10, 0, 0, 7], 4711).into(),
            method: Printable::new(method.as_bytes(), 20),
            target: Printable::new(target.as_bytes(), 100),
            agent: Some(Printable::new(b"x\" 200\n", 20)),
            user: None,
            status: 200.try_into().ok(),
            code: None,
            sent: 5,
            received: 0,
            duration: Duration::from_micros(12_345),
            broken_off: false,
        }
    }

    #[test]
    fn a_request_is_one_line_in_either_form() {
        let line = LogLine::Request(line(&served("GET", "/v2/\r\n")));
        assert_eq!(
            text(&line),
            "2027-01-15T08:00:00.042Z 10.0.0.7:4711 - \"GET /v2/\\x0d\\x0a\" 200 - sent=5 received=0 seconds=0.012 \
             \"x\\\" 200\\x0a\""
        );
        let json: serde_json::Value = serde_json::from_str(&serde_json::to_string(&line).unwrap()).unwrap();
        assert_eq!(
            (&json["type"], &json["seconds"], &json["agent"]),
            (&"request".into(), &0.012.into(), &"x\\\" 200\\x0a".into())
        );
        assert!(json.get("user").is_none());
    }

    #[test]
    fn a_fault_is_one_line() {
        assert_eq!(one_line("reading /a\nb\u{1b}[2J\u{2028}é"), "reading /a\\nb\\u{1b}[2J\\u{2028}é");
    }

    #[test]
    fn by_default_changes_are_logged_and_what_went_wrong() {
        let with = |change: fn(&mut Served)| {
            let mut served = served("GET", "/");
            change(&mut served);
            is_noteworthy(&served)
        };
        assert!(!with(|_| {}));
        assert!(!with(|served| served.status = 404.try_into().ok()), "what is not there is no news");
        assert!(with(|served| served.method = Printable::new(b"PUT", 9)));
        assert!(with(|served| served.status = 503.try_into().ok()));
        assert!(with(|served| served.status = None));
        assert!(with(|served| served.broken_off = true));
    }
}
