//! Who may do what (spec/registry.md, "Who may read and write").
//!
//! A request goes one way: [`Access::recall`] answers what can be answered at once, without a disk and without a hash;
//! where it cannot, [`Access::prove`] does, on a thread that may block.

mod error;
mod gate;
mod htpasswd;
mod login;
mod logins;
mod proofs;
mod users;

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

pub use error::AccessError;
pub use htpasswd::Htpasswd;
pub use login::{HEADER_BYTES, Login, Malformed};
use logins::Logins;
pub use users::{FILE_BYTES, UserName, Users};

/// What a request wants to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Right {
    /// Only look: GET and HEAD of everything but an upload.
    Read,
    /// Change something, or ask about a change that is under way.
    Write,
}

/// Whether a request may do what it wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It may.
    Allowed {
        /// Who asks, if they proved it.
        user: Option<UserName>,
    },
    /// It may if the client says who it is: 401 `UNAUTHORIZED` with [`Access::challenge`]. Also if what it said is wrong.
    Unauthorized,
    /// It may not, whoever asks in this way: 403 `DENIED`.
    Forbidden {
        /// The reason, for the client's user.
        why: &'static str,
    },
    /// Too many logins are being checked: 429 `TOOMANYREQUESTS` with `Retry-After`: [`RETRY_AFTER`].
    Busy,
}

/// When a client that was told [`Verdict::Busy`] should come again.
pub const RETRY_AFTER: Duration = Duration::from_secs(2);

const CHALLENGE: &str = r#"Basic realm="sealift", charset="UTF-8""#;
const NOT_FROM_ELSEWHERE: &str =
    "this registry has no logins, and so takes changes only from the machine that it runs on: ask its operator";
const ONLY_READS: &str = "this user may read, but not change anything: ask the registry's operator";

/// Who may read and who may write. Clones share what they remember.
#[derive(Clone)]
pub struct Access(Rule);

#[derive(Clone)]
enum Rule {
    Open { to_all: bool },
    Logins(Arc<Logins>),
}

impl Access {
    /// No logins: everybody reads, and this machine alone (peers with a loopback address) writes. Behind a proxy on the same
    /// machine everybody is this machine.
    #[must_use]
    pub fn open() -> Self {
        Self(Rule::Open { to_all: false })
    }

    /// No logins: everybody who reaches the server reads and writes.
    #[must_use]
    pub fn open_to_all() -> Self {
        Self(Rule::Open { to_all: true })
    }

    /// The users of an htpasswd file read, and those in `writers` write too. With `anonymous_pull`, reading needs no login.
    ///
    /// # Errors
    /// [`AccessError::NoSuchWriter`]: one of `writers` is not in the file.
    pub fn with_logins(
        users: Htpasswd,
        writers: BTreeSet<UserName>,
        anonymous_pull: bool,
    ) -> Result<Self, AccessError> {
        Ok(Self(Rule::Logins(Arc::new(Logins::new(users, writers, anonymous_pull)?))))
    }

    /// Tells `report` when the file of users changed and cannot be used: the users from before stay. Only the first call
    /// counts; without logins there is nothing to tell.
    pub fn report_to(&self, report: impl Fn(&AccessError) + Send + Sync + 'static) {
        if let Rule::Logins(logins) = &self.0 {
            logins.users().report_to(Box::new(report));
        }
    }

    /// Answers at once if neither a file nor a password hash is needed: no login is asked for, it is missing or malformed, or
    /// this one was seen before. `None`: [`Access::prove`] is needed, with the same arguments.
    ///
    /// `authorization` is the value of the one header of that name; a request with more than one is malformed, and
    /// is to be given as `Some(b"")`. `peer` is the other end of the connection, whatever its headers say.
    #[must_use]
    pub fn recall(&self, authorization: Option<&[u8]>, peer: IpAddr, right: Right) -> Option<Verdict> {
        match &self.0 {
            Rule::Open { to_all } => Some(open(*to_all, peer, right)),
            Rule::Logins(logins) => logins.recall(authorization, right),
        }
    }

    /// As [`Access::recall`], but reads the file of users again if it changed, and computes the hash. Takes tens of
    /// milliseconds, and up to two seconds while other logins are checked: for a thread that may block.
    #[must_use]
    pub fn prove(&self, authorization: Option<&[u8]>, peer: IpAddr, right: Right) -> Verdict {
        match &self.0 {
            Rule::Open { to_all } => open(*to_all, peer, right),
            Rule::Logins(logins) => logins.prove(authorization, right),
        }
    }

    /// The value of `WWW-Authenticate`, if there are logins. It belongs to every 401, and to a 200 of `/v2/` too: where
    /// reading needs no login, podman and skopeo learn from it that a login is of use.
    #[must_use]
    pub fn challenge(&self) -> Option<&str> {
        match &self.0 {
            Rule::Open { .. } => None,
            Rule::Logins(_) => Some(CHALLENGE),
        }
    }
}

fn open(to_all: bool, peer: IpAddr, right: Right) -> Verdict {
    // A socket that takes both families names an IPv4 peer ::ffff:127.0.0.1, which is not in ::1/128.
    match to_all || right == Right::Read || peer.to_canonical().is_loopback() {
        true => Verdict::Allowed { user: None },
        false => Verdict::Forbidden { why: NOT_FROM_ELSEWHERE },
    }
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Rule::Open { to_all } => f.debug_struct("Open").field("to_all", to_all).finish(),
            Rule::Logins(logins) => logins.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_logins_everybody_reads_and_this_machine_writes() {
        for (why, peer, writes) in [
            ("IPv4 loopback", "127.0.0.1", true),
            ("all of 127/8 is loopback", "127.8.9.10", true),
            ("IPv6 loopback", "::1", true),
            ("IPv4 on a socket for both families", "::ffff:127.0.0.1", true),
            ("another machine", "192.0.2.1", false),
            ("another machine, IPv6", "2001:db8::1", false),
            ("another machine on a socket for both families", "::ffff:192.0.2.1", false),
            ("a private network is not this machine", "10.0.0.1", false),
            ("link-local is not this machine", "fe80::1", false),
            ("unspecified is not loopback", "0.0.0.0", false),
        ] {
            let peer: IpAddr = peer.parse().unwrap();
            let allowed = Some(Verdict::Allowed { user: None });
            assert_eq!(Access::open().recall(None, peer, Right::Read), allowed, "{why}");
            assert_eq!(Access::open_to_all().recall(None, peer, Right::Write), allowed, "{why}");
            let write = Access::open().recall(None, peer, Right::Write).unwrap();
            assert_eq!(matches!(write, Verdict::Allowed { .. }), writes, "{why}");
            assert_eq!(Access::open().prove(Some(b"Basic dTpw"), peer, Right::Write), write, "a login changes nothing");
        }
        assert_eq!(Access::open().challenge(), None);
    }
}
