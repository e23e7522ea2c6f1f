//! Asking again what may go better the next time.

use std::io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
use std::thread;
use std::time::Duration;

use ureq::http::HeaderMap;
use ureq::http::header::RETRY_AFTER;

use super::transport::Answered;

/// How long to wait before each further try.
const WAITS: [Duration; 3] = [Duration::from_millis(250), Duration::from_secs(1), Duration::from_secs(3)];
/// The longest wait that the other side may ask for; beyond it the refusal is reported at once.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// The outcome of `send`, or, if that passes (a broken connection, 429, 5xx) and `send` is `repeatable`, of a later try.
pub(super) fn patiently(repeatable: bool, mut send: impl FnMut() -> Answered) -> Answered {
    for wait in WAITS.into_iter().filter(|_| repeatable) {
        let outcome = send();
        let wait = match &outcome {
            Ok(response) => match response.status().as_u16() {
                429 | 500..=599 => retry_after(response.headers(), wait),
                _ => None,
            },
            Err(error) => is_passing(error).then_some(wait),
        };
        match wait {
            Some(wait) => thread::sleep(wait),
            None => return outcome,
        }
    }
    send()
}

/// Whether the next connection may hold where this one broke.
fn is_passing(error: &ureq::Error) -> bool {
    matches!(error, ureq::Error::Io(e)
        if matches!(e.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof))
}

/// What `Retry-After` asks for (RFC 9110 section 10.2.3, in seconds), or `wait`; `None` if that is too long.
fn retry_after(headers: &HeaderMap, wait: Duration) -> Option<Duration> {
    let asked = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok()).map(Duration::from_secs);
    asked.map_or(Some(wait), |asked| (asked <= LONGEST_WAIT).then_some(asked.max(wait)))
}
