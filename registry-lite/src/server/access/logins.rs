//! Logins checked against a file of users.

use std::collections::BTreeSet;
use std::fmt;
use std::thread;
use std::time::{Duration, Instant};

use super::error::AccessError;
use super::gate::{Gate, Limits};
use super::htpasswd::Htpasswd;
use super::login::Login;
use super::proofs::{Proof, Proofs};
use super::users::{Hash, UserName, Users};
use super::{ONLY_READS, Right, Verdict};

/// As many hashes as a small machine has cores for, twice; half of the threads that may block wait at most.
const GATE: Limits = Limits { through: 4, waiting: 32, patience: Duration::from_secs(2) };
/// A wrong login keeps its place in the gate for this long at least. Hashes of htpasswd's default cost take 2 ms: without this,
/// passwords could be tried 2000 times a second.
const WRONG_TAKES: Duration = Duration::from_millis(100);

pub(super) struct Logins {
    users: Htpasswd,
    writers: BTreeSet<UserName>,
    anonymous_pull: bool,
    proofs: Proofs,
    gate: Gate,
}

/// A login's password against a hash.
struct Check<'u> {
    /// Whether the hash is the user's.
    exists: bool,
    hash: &'u Hash,
    proof: Proof,
}

impl Logins {
    pub(super) fn new(users: Htpasswd, writers: BTreeSet<UserName>, anonymous_pull: bool) -> Result<Self, AccessError> {
        let known = users.current();
        if let Some(user) = writers.iter().find(|user| known.get(user).is_none()) {
            return Err(AccessError::NoSuchWriter { user: user.clone(), path: users.path().to_owned() });
        }
        Ok(Self { users, writers, anonymous_pull, proofs: Proofs::new()?, gate: Gate::new(GATE) })
    }

    pub(super) fn users(&self) -> &Htpasswd {
        &self.users
    }

    pub(super) fn recall(&self, authorization: Option<&[u8]>, right: Right) -> Option<Verdict> {
        let login = match self.who(authorization, right) {
            Err(verdict) => return Some(verdict),
            Ok(login) => login,
        };
        let users = self.users.at_hand()?;
        match self.check(&users, &login) {
            Some(check) => self.remembered(&check, &login, right),
            None => Some(Verdict::Unauthorized),
        }
    }

    pub(super) fn prove(&self, authorization: Option<&[u8]>, right: Right) -> Verdict {
        let login = match self.who(authorization, right) {
            Err(verdict) => return verdict,
            Ok(login) => login,
        };
        let users = self.users.current();
        let Some(check) = self.check(&users, &login) else { return Verdict::Unauthorized };
        if let Some(verdict) = self.remembered(&check, &login, right) {
            return verdict;
        }
        let Some(_through) = self.gate.enter() else { return Verdict::Busy };
        // A cluster that starts sends one login a hundred times at once.
        if let Some(verdict) = self.remembered(&check, &login, right) {
            return verdict;
        }
        let begun = Instant::now();
        let is_right = check.hash.verifies(login.password()) & check.exists;
        self.proofs.remember(check.proof, is_right);
        if is_right {
            return self.verdict(login.user(), right);
        }
        thread::sleep(WRONG_TAKES.saturating_sub(begun.elapsed()));
        Verdict::Unauthorized
    }

    /// What there is to check; `None` if nobody can log in. For a name that nobody has it is the hash of some user, always
    /// the same for one name: that takes as long as for a user's name, whatever costs the hashes have.
    fn check<'u>(&self, users: &'u Users, login: &Login) -> Option<Check<'u>> {
        let (exists, hash) = match users.get(login.user()) {
            Some(hash) => (true, hash),
            None => (false, users.any(self.proofs.number(login))?),
        };
        Some(Check { exists, hash, proof: self.proofs.proof(login, hash) })
    }

    /// The login that is to be checked, or what follows from there being none.
    fn who(&self, authorization: Option<&[u8]>, right: Right) -> Result<Login, Verdict> {
        // A malformed login is refused also where nobody needs one: who tries to log in is told that it failed.
        let login = authorization.map_or(Ok(None), Login::parse).map_err(|_| Verdict::Unauthorized)?;
        login.ok_or(match self.anonymous_pull && right == Right::Read {
            true => Verdict::Allowed { user: None },
            false => Verdict::Unauthorized,
        })
    }

    fn remembered(&self, check: &Check<'_>, login: &Login, right: Right) -> Option<Verdict> {
        match self.proofs.recall(&check.proof)? & check.exists {
            true => Some(self.verdict(login.user(), right)),
            false => Some(Verdict::Unauthorized),
        }
    }

    /// What somebody may who proved who they are.
    fn verdict(&self, user: &UserName, right: Right) -> Verdict {
        match right == Right::Read || self.writers.contains(user) {
            true => Verdict::Allowed { user: Some(user.clone()) },
            false => Verdict::Forbidden { why: ONLY_READS },
        }
    }
}

impl fmt::Debug for Logins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Logins")
            .field("users", &self.users)
            .field("writers", &self.writers)
            .field("anonymous_pull", &self.anonymous_pull)
            .finish_non_exhaustive()
    }
}
