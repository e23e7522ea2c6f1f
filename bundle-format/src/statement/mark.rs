//! What a tester says of a template version after trying it (spec/status.md).

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Predicate, Release, Statement};
use crate::code::{Code, Coded};
use crate::digest::Digest;
use crate::limits;
use crate::template::Timestamp;
use crate::template::text::checked_text;
use crate::trust::{Distrust, EnvelopeError, Role, Unverified, Verified};

/// Whether a template version may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReleaseStatus {
    /// It was tested, and may.
    Released,
    /// It must not be used any more.
    Withdrawn,
}

impl ReleaseStatus {
    /// The word for it.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Released => "released",
            Self::Withdrawn => "withdrawn",
        }
    }
}

impl fmt::Display for ReleaseStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

checked_text!(
    /// Why a status was given: a few lines for people.
    Note,
    "a note",
    "at most 1024 bytes in at most 16 lines, neither beginning nor ending with a line feed, without other control characters",
    "^[^\\u0000-\\u001f\\u007f-\\u009f]([^\\u0000-\\u0009\\u000b-\\u001f\\u007f-\\u009f]*[^\\u0000-\\u001f\\u007f-\\u009f])?$",
    |text| {
        (1..=limits::NOTE_BYTES).contains(&text.len())
            && text.split('\n').count() <= limits::NOTE_LINES
            && !text.starts_with('\n')
            && !text.ends_with('\n')
            && !text.chars().any(|c| c.is_control() && c != '\n')
    }
);

/// The predicate of a status (spec/status.md section 1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Mark {
    #[serde(default)]
    requires: Vec<String>,
    status: ReleaseStatus,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<Note>,
    marked_at: Timestamp,
}

impl Mark {
    /// A status as of `marked_at`.
    #[must_use]
    pub fn new(status: ReleaseStatus, note: Option<Note>, marked_at: Timestamp) -> Self {
        Self { requires: Vec::new(), status, note, marked_at }
    }

    /// The statement about exactly what `release` is about.
    #[must_use]
    pub fn of(self, release: &Statement<Release>) -> Statement<Self> {
        Statement::new(release.subject_name().to_owned(), release.subject_digest(), self)
    }

    /// The status.
    #[must_use]
    pub fn status(&self) -> ReleaseStatus {
        self.status
    }

    /// Why it was given.
    #[must_use]
    pub fn note(&self) -> Option<&Note> {
        self.note.as_ref()
    }

    /// When it was given, by the clock of whoever gave it.
    #[must_use]
    pub fn marked_at(&self) -> &Timestamp {
        &self.marked_at
    }

    /// What decides among several about one version: the greatest counts (spec/status.md section 2).
    #[must_use]
    pub fn rank(&self) -> (u64, ReleaseStatus) {
        (self.marked_at.unix_seconds(), self.status)
    }
}

impl Predicate for Mark {
    const TYPE: &'static str = "https://sealift.dev/status/v1";
    const WHAT: &'static str = "status";
    const LIMIT: u64 = limits::STATUS_ENVELOPE_BYTES;

    fn requires(&self) -> &[String] {
        &self.requires
    }

    fn check(&self) -> Result<(), String> {
        Ok(())
    }
}

/// Why a status is refused.
#[derive(Debug, thiserror::Error)]
pub enum MarkError {
    /// It is no envelope.
    #[error("it is no signed status: {0}")]
    Envelope(#[source] EnvelopeError),
    /// It is not signed by whom it must be, or is a signed document of another kind.
    #[error("the status is not trusted: {0}")]
    Distrust(#[source] Box<Distrust>),
    /// It is about another template version.
    #[error(
        "it is the status of {label} with the content {digest}, and not of {wanted} with the content {wanted_digest}"
    )]
    Other {
        /// `NAME:TAG` that it is about.
        label: String,
        /// Digest of the version index that it is about.
        digest: Digest,
        /// `NAME:TAG` that it should be about.
        wanted: String,
        /// Digest of the version index that it should be about.
        wanted_digest: Digest,
    },
}

impl Coded for MarkError {
    fn code(&self) -> Code {
        match self {
            Self::Envelope(_) => Code::Envelope,
            Self::Distrust(e) => e.code(),
            Self::Other { .. } => Code::Status,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self.code() {
            Code::Envelope => {
                "a status is the file that `sealift mark` writes; if it is one, it was damaged on the way: get it again"
            }
            Code::Signature => "it was changed after it was signed, or damaged on the way: get it again",
            Code::Untrusted => {
                "--qa-key is the public key of whoever tests, which came to you on another way; all that are given must have signed"
            }
            Code::Statement => {
                "--status takes what `sealift mark` writes; if it is that, it needs a newer sealift here"
            }
            _ => "a status counts for one version and one content: ask for the status of this one",
        };
        Some(hint.to_owned())
    }
}

impl Statement<Mark> {
    /// The status in an envelope that `role` has signed.
    ///
    /// # Errors
    /// [`MarkError::Envelope`], [`MarkError::Distrust`].
    pub fn verify(envelope: Vec<u8>, role: &Role) -> Result<Verified<Self>, MarkError> {
        let unverified = Unverified::parse(envelope).map_err(MarkError::Envelope)?;
        unverified.verify(role).map_err(|e| MarkError::Distrust(Box::new(e)))
    }

    /// Refuses a status of another template version than `label` (`NAME:TAG`), whose version index has `digest`.
    ///
    /// # Errors
    /// [`MarkError::Other`].
    pub fn check_about(&self, label: &str, digest: Digest) -> Result<(), MarkError> {
        if (self.subject_name(), self.subject_digest()) == (label, digest) {
            return Ok(());
        }
        Err(MarkError::Other {
            label: self.subject_name().to_owned(),
            digest: self.subject_digest(),
            wanted: label.to_owned(),
            wanted_digest: digest,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trust::Signed;

    const GOOD: &str = r#"{"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"shop:1.0.0","digest":{"sha256":"0000000000000000000000000000000000000000000000000000000000000000"}}],"predicateType":"https://sealift.dev/status/v1","predicate":{"requires":[],"status":"released","note":"tried","markedAt":"2026-01-31T12:00:00Z"}}"#;

    fn parse(from: &str, to: &str) -> Result<Statement<Mark>, EnvelopeError> {
        assert!(GOOD.contains(from), "{from}");
        Statement::parse(GOOD.replacen(from, to, 1).as_bytes())
    }

    #[test]
    fn a_status_is_read_as_it_was_written() {
        let statement = parse("tried", "tried").unwrap();
        assert_eq!(serde_json::to_string(&statement).unwrap(), GOOD);
        let mark = statement.predicate();
        assert_eq!((mark.status(), mark.note().unwrap().as_str()), (ReleaseStatus::Released, "tried"));
        assert!(parse(r#""note":"tried","#, "").unwrap().predicate().note().is_none());
        assert!(parse(r#""note""#, r#""more":[],"note""#).is_ok(), "unknown members are passed over");
        assert!(parse("tried", r"two\nlines").is_ok());
    }

    #[test]
    fn what_is_not_known_is_refused() {
        let long = "x".repeat(limits::NOTE_BYTES + 1);
        let lines = r"x\n".repeat(limits::NOTE_LINES) + "x";
        for (why, from, to) in [
            ("an unknown status", "released", "blessed"),
            ("a status in capitals", "released", "Released"),
            ("no status", r#""status":"released","#, ""),
            ("a status as a list", r#""released""#, r#"["released"]"#),
            ("a note that is too long", "tried", long.as_str()),
            ("a note of too many lines", "tried", lines.as_str()),
            ("an empty note", "tried", ""),
            ("a note that is null and so no text", r#""tried""#, "7"),
            ("a note with an escape sequence", "tried", r"\u001b[31m"),
            ("a note with a carriage return", "tried", r"a\rb"),
            ("a note with a C1 control character", "tried", "a\u{9b}31m"),
            ("a note that ends with a line feed", "tried", r"tried\n"),
            ("no time", r#","markedAt":"2026-01-31T12:00:00Z""#, ""),
            ("a time that is none", "01-31", "02-31"),
            ("a time with an offset", "12:00:00Z", "12:00:00+01:00"),
            ("a time with fractions", "12:00:00Z", "12:00:00.5Z"),
            ("a requirement that is not known", r#""requires":[]"#, r#""requires":["expiry"]"#),
            ("a release", "status/v1", "release/v1"),
            ("a later version of the format", "status/v1", "status/v2"),
            ("a member twice", r#""note""#, r#""status":"withdrawn","note""#),
            ("white space", r#""requires":[]"#, r#""requires": []"#),
        ] {
            assert!(parse(from, to).is_err(), "{why}");
        }
    }

    #[test]
    fn the_latest_counts_and_on_a_tie_the_withdrawal() {
        let mark = |status, at: &str| Mark::new(status, None, at.parse().unwrap());
        let (released, withdrawn) = (ReleaseStatus::Released, ReleaseStatus::Withdrawn);
        for (all, counts) in [
            (vec![(released, "2026-01-01T00:00:00Z"), (withdrawn, "2026-01-02T00:00:00Z")], withdrawn),
            (vec![(withdrawn, "2026-01-02T00:00:00Z"), (released, "2026-01-03T00:00:00Z")], released),
            (vec![(withdrawn, "2026-01-02T00:00:00Z"), (released, "2026-01-02T00:00:00Z")], withdrawn),
            (vec![(released, "2026-01-02T00:00:00Z"), (withdrawn, "2026-01-02T00:00:00Z")], withdrawn),
        ] {
            let marks = all.iter().map(|(status, at)| mark(*status, at));
            assert_eq!(marks.max_by_key(Mark::rank).unwrap().status(), counts, "{all:?}");
        }
    }

    #[test]
    fn a_status_is_about_one_name_with_one_content() {
        let statement = parse("tried", "tried").unwrap();
        let zero = statement.subject_digest();
        assert!(statement.check_about("shop:1.0.0", zero).is_ok());
        for (label, digest) in [("shop:1.0.1", zero), ("shop:1.0.0", Digest::of(b"other"))] {
            assert_eq!(statement.check_about(label, digest).unwrap_err().code(), Code::Status);
        }
    }
}
