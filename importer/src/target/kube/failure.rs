//! What goes wrong between us and an API server, and whether time may cure it.

use std::error::Error;

use http_body_util::LengthLimitError;
use kube::client::UpgradeConnectionError;
use kube::core::request;

use crate::target::{Interrupted, TargetError};

/// Longest answer of a server that is repeated to the user, in characters. Refusals of jobs repeat the whole object.
const ANSWER: usize = 1_000;

/// Why a request gave nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    /// The server answered, and said no.
    Answer(Answer),
    /// No answer came.
    Silence(String),
    /// The request cannot be made, or its answer not be read.
    Nonsense(String),
    /// Somebody who watches wants the work to end.
    Interrupted,
}

impl From<Interrupted> for Failure {
    fn from(_: Interrupted) -> Self {
        Self::Interrupted
    }
}

/// The status that a server answered with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Answer {
    /// Code of HTTP.
    pub code: u16,
    /// Reason, one word.
    pub reason: String,
    /// Message.
    pub message: String,
    /// Fields that are complained about, each with what is wrong.
    pub causes: Vec<(String, String)>,
}

impl Answer {
    /// Whether a rule of the cluster refuses what somebody asked for who may ask: a quota, a limit, a standard for pods, a storage
    /// class, a webhook. The code is the one of a missing right; only that names the user.
    fn is_rule(&self) -> bool {
        let of_admission = self.message.contains(" is forbidden: ") && !self.message.to_lowercase().contains("user \"");
        self.code == 403 && (of_admission || self.message.contains("denied the request"))
    }
}

impl From<kube::Error> for Failure {
    fn from(error: kube::Error) -> Self {
        match error {
            kube::Error::Api(status) => Self::Answer(Answer {
                code: status.code,
                reason: status.reason,
                message: status.message,
                causes: status
                    .details
                    .map(|d| d.causes.into_iter().map(|c| (c.field, format!("{} {}", c.reason, c.message))).collect())
                    .unwrap_or_default(),
            }),
            kube::Error::SerdeError(e) => Self::Nonsense(format!("the answer is not what was asked for: {e}")),
            kube::Error::FromUtf8(_) => Self::Nonsense("the answer is no text".to_owned()),
            kube::Error::BuildRequest(e) => e.into(),
            kube::Error::UpgradeConnection(UpgradeConnectionError::ProtocolSwitch(code)) => Self::Answer(Answer {
                code: code.as_u16(),
                message: format!("the server does not connect a command: it answers {code}"),
                ..Answer::default()
            }),
            // Logging in has failed before anything was sent: no server is asked another time for that.
            kube::Error::Auth(e) => Self::Nonsense(chain(&e)),
            other if is_too_long(&other) => Self::Nonsense("its answer is longer than any that is read".to_owned()),
            other => Self::Silence(chain(&other)),
        }
    }
}

/// Whether an answer was cut off because it had more bytes than one may have.
fn is_too_long(error: &(dyn Error + 'static)) -> bool {
    std::iter::successors(Some(error), |e| (*e).source()).any(|e| e.is::<LengthLimitError>())
}

impl From<request::Error> for Failure {
    fn from(error: request::Error) -> Self {
        Self::Nonsense(chain(&error))
    }
}

impl Failure {
    /// Code and reason, if the server answered.
    pub fn answer(&self) -> Option<&Answer> {
        match self {
            Self::Answer(answer) => Some(answer),
            _ => None,
        }
    }

    fn has(&self, code: u16) -> bool {
        self.answer().is_some_and(|a| a.code == code)
    }

    /// Whether what was asked for is not there.
    pub fn is_absence(&self) -> bool {
        self.has(404)
    }

    /// Whether what was asked for is not there because its namespace is not.
    pub fn is_missing_namespace(&self) -> bool {
        self.answer().is_some_and(|a| a.code == 404 && a.message.starts_with("namespaces "))
    }

    /// Whether another request was faster.
    pub fn is_conflict(&self) -> bool {
        self.has(409)
    }

    /// Whether who asks may not.
    pub fn is_forbidden(&self) -> bool {
        self.has(403) && !self.answer().is_some_and(Answer::is_rule)
    }

    /// Whether time may cure it (spec/plan.md 6.4).
    pub fn may_pass(&self) -> bool {
        let Some(answer) = self.answer() else { return matches!(self, Self::Silence(_)) };
        let says = |text: &str| answer.message.contains(text);
        match answer.code {
            408 | 409 | 429 | 502 | 503 | 504 => true,
            // A webhook that is not up is an internal error of the server; so is much else that passes. An object that it cannot
            // read is one as well before 1.22, and stays it.
            500 => !answer.message.starts_with("failed to create typed patch object"),
            // The service account of a new namespace is made a moment after it; a namespace that ends may be made again.
            403 => {
                (says("serviceaccount") || says("service account")) && says("not found") || says("is being terminated")
            }
            // The namespace was asked for a moment ago, or the type's definition is still being taken in.
            404 => self.is_missing_namespace() || says("could not find the requested resource"),
            _ => false,
        }
    }

    /// As text, for people.
    pub fn text(&self) -> String {
        match self {
            Self::Answer(answer) => {
                let text = if answer.message.is_empty() { &answer.reason } else { &answer.message };
                match text.trim() {
                    "" => format!("the server answers {}", answer.code),
                    text => plain(text, ANSWER),
                }
            }
            Self::Silence(why) | Self::Nonsense(why) => plain(why, ANSWER),
            Self::Interrupted => TargetError::Interrupted.to_string(),
        }
    }

    /// As an error of a target, where no object is at fault. `what` is what was asked for, as in "listing pods".
    pub fn doing(self, what: impl Into<String>) -> TargetError {
        let (what, why) = (what.into(), self.text());
        match &self {
            Self::Interrupted => TargetError::Interrupted,
            // No right is missing: the namespace takes nothing more.
            Self::Answer(answer) if answer.code == 403 && answer.message.contains("is being terminated") => {
                let why = format!(
                    "{why}; wait until the namespace is gone, or see what holds it: `kubectl describe namespace`"
                );
                TargetError::Cluster { what, why }
            }
            Self::Answer(answer) if answer.is_rule() => TargetError::Denied { what, why },
            Self::Answer(answer) if answer.code == 403 => TargetError::Forbidden { what, why },
            Self::Answer(answer) if answer.code == 401 => {
                TargetError::Cluster { what, why: format!("the cluster does not accept the login: {why}") }
            }
            _ => TargetError::Cluster { what, why },
        }
    }
}

/// An error with its causes, each once.
pub(super) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(e) = cause {
        let more = e.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = e.source();
    }
    text
}

/// What a cluster or a container says, for a terminal: one line, at most `limit` characters, without control characters.
pub(super) fn plain(text: &str, limit: usize) -> String {
    let mut out = String::new();
    for (count, c) in text.chars().enumerate() {
        if count >= limit {
            out.push('…');
            break;
        }
        out.push(if c.is_control() { ' ' } else { c });
    }
    out
}

#[cfg(test)]
mod tests {
    use bundle_format::{Code, Coded};

    use super::*;

    fn answer(code: u16, message: &str) -> Failure {
        Failure::Answer(Answer { code, message: message.to_owned(), ..Answer::default() })
    }

    #[test]
    fn what_time_may_cure_is_tried_again() {
        for (failure, again) in [
            (
                answer(409, "Operation cannot be fulfilled on deployments.apps \"a\": the object has been modified"),
                true,
            ),
            (answer(500, "failed to create typed patch object: .spec.colour: field not declared in schema"), false),
            (answer(500, "etcdserver: leader changed"), true),
            (answer(429, "too many requests"), true),
            (answer(503, "apiserver is shutting down"), true),
            (answer(500, "failed calling webhook \"a.b.c\": dial tcp 10.0.0.1:443: connect: connection refused"), true),
            (
                answer(
                    403,
                    "pods \"a\" is forbidden: error looking up service account ns/default: serviceaccount \"default\" not found",
                ),
                true,
            ),
            (answer(403, "secrets is forbidden: User \"u\" cannot list resource \"secrets\""), false),
            (answer(403, "unable to create new content in namespace a because it is being terminated"), true),
            (answer(404, "namespaces \"a\" not found"), true),
            (answer(404, "the server could not find the requested resource"), true),
            (answer(404, "services \"a\" not found"), false),
            (answer(422, "Service \"a\" is invalid: spec.ports: Required value"), false),
            (answer(400, "failed to create typed patch object"), false),
            (answer(401, "Unauthorized"), false),
            (Failure::Silence("connection refused".to_owned()), true),
            (Failure::Nonsense("no name".to_owned()), false),
            (Failure::Interrupted, false),
        ] {
            assert_eq!(failure.may_pass(), again, "{failure:?}");
        }
    }

    #[test]
    fn a_rule_of_the_cluster_is_no_missing_right() {
        // As servers from 1.20 to 1.36 say it.
        for (message, is_rule) in [
            (
                r#"services "a" is forbidden: exceeded quota: small, requested: services=1, used: services=1, limited: services=1"#,
                true,
            ),
            (r#"pods "a" is forbidden: violates PodSecurity "restricted:latest": runAsUser=0"#, true),
            (r#"pods "a" is forbidden: maximum cpu usage per Container is 1, but limit is 2"#, true),
            (
                r#"persistentvolumeclaims "a" is forbidden: only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize"#,
                true,
            ),
            (r#"admission webhook "a.example" denied the request: not here"#, true),
            (
                r#"deployments.apps is forbidden: User "eva" cannot create resource "deployments" in API group "apps""#,
                false,
            ),
            (
                r#"roles.rbac.authorization.k8s.io "a" is forbidden: user "eva" (groups=["a"]) is attempting to grant RBAC permissions not currently held"#,
                false,
            ),
            (r#"forbidden: User "system:anonymous" cannot get path "/api""#, false),
            ("access denied", false),
        ] {
            let failure = answer(403, message);
            assert_eq!(failure.is_forbidden(), !is_rule, "{message}");
            let e = failure.doing("applying a");
            let (code, hint) = (e.code(), e.hint().unwrap_or_default());
            let (expected, says) =
                if is_rule { (Code::Refused, "kubectl describe") } else { (Code::Forbidden, "rbac.yaml") };
            assert_eq!(code, expected, "{message}");
            assert!(hint.contains(says), "{message}: {hint}");
        }
    }

    #[test]
    fn a_command_that_may_not_be_run_is_a_missing_right() {
        let refused = |code: u16| {
            let code = code.try_into().unwrap();
            Failure::from(kube::Error::UpgradeConnection(UpgradeConnectionError::ProtocolSwitch(code)))
        };
        assert_eq!(refused(403).doing("reading the claim a").code(), Code::Forbidden);
        assert!(!refused(403).may_pass() && refused(503).may_pass());
    }

    #[test]
    fn a_namespace_that_ends_is_no_missing_right() {
        let ends = answer(
            403,
            "leases \"a\" is forbidden: unable to create new content in namespace a because it is being terminated",
        );
        let e = ends.doing("taking the lease");
        assert!(
            matches!(&e, TargetError::Cluster { why, .. } if why.contains("wait until the namespace is gone")),
            "{e}"
        );
        let e =
            answer(403, "leases is forbidden: User \"u\" cannot create resource \"leases\"").doing("taking the lease");
        assert!(matches!(e, TargetError::Forbidden { .. }), "{e}");
    }

    #[test]
    fn what_a_cluster_says_is_one_harmless_line() {
        assert_eq!(plain("a\nb\u{1b}[31mc", 100), "a b [31mc");
        assert_eq!(plain("abcd", 3), "abc…");
    }
}
