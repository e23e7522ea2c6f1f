//! One action at a time: a Lease of the installation's namespace (spec/plan.md 7.3).

use std::fs;
use std::path::Path;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use kube::api::{DeleteParams, Preconditions};
use serde_json::{Value, json};

use super::cluster::Cluster;
use super::failure::{Failure, plain};
use super::patience::{BRIEF, Patience};
use crate::target::{Lock, Place, TargetError};

/// How long a Lease holds that is not renewed.
const HOLDS: Duration = Duration::from_secs(60);

/// How often it is renewed.
const RENEWS: Duration = Duration::from_secs(15);

/// The Lease `sealift.INSTALLATION`, held until it is dropped.
pub struct Lease {
    inner: Arc<Inner>,
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

struct Inner {
    cluster: Arc<Cluster>,
    path: String,
    name: String,
    /// Who holds it: a text that no other process has.
    holder: String,
    state: Mutex<State>,
}

struct State {
    /// The Lease as it was written last.
    object: Value,
    renewed: Instant,
    /// Who has it, if it was lost.
    lost: Option<TargetError>,
}

fn text<'a>(object: &'a Value, path: &str) -> &'a str {
    object.pointer(path).and_then(Value::as_str).unwrap_or_default()
}

/// A time as Kubernetes writes those of Leases.
fn micros(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()
}

/// Whether a Lease holds at `now`; one that cannot be understood does not.
fn holds(lease: &Value, now: Timestamp) -> bool {
    let Ok(renewed) = text(lease, "/spec/renewTime").parse::<Timestamp>() else { return false };
    let seconds = lease.pointer("/spec/leaseDurationSeconds").and_then(Value::as_i64).unwrap_or_default();
    // Nobody may hold it longer than we would: not by what it says, and not by a clock that was put back since.
    let longest = i64::try_from(HOLDS.as_secs()).unwrap_or(i64::MAX);
    let after = |time: Timestamp, seconds: i64| time.checked_add(SignedDuration::from_secs(seconds));
    !text(lease, "/spec/holderIdentity").is_empty()
        && after(renewed, seconds.clamp(0, longest)).is_ok_and(|end| now < end)
        && after(now, longest).is_ok_and(|latest| renewed <= latest)
}

/// Who holds a Lease, for people: without what tells processes apart.
fn locked(lease: &Value) -> TargetError {
    let holder = text(lease, "/spec/holderIdentity");
    let holder = holder.rsplit_once('/').map_or(holder, |(by, _)| by);
    let since = text(lease, "/spec/acquireTime");
    let since = since.parse::<Timestamp>().ok().map(|t| t.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
    TargetError::Locked { holder: plain(holder, 200), since }
}

/// What tells a process from every other that runs: the boot of its machine, its namespace of processes, its number. Empty parts
/// where the system does not say.
fn process(number: u32) -> String {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let boot: String = boot.chars().filter(char::is_ascii_hexdigit).take(16).collect();
    let space = fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    let space: String = space.to_string_lossy().chars().filter(char::is_ascii_digit).collect();
    format!("{boot}-{space}-{number}")
}

/// Whether a holder was a process of this machine that is no more: nobody has to wait for its Lease to run out.
fn is_dead(holder: &str) -> bool {
    is_gone(Path::new("/proc"), holder)
}

/// As [`is_dead`], by what `proc` shows of processes.
fn is_gone(proc: &Path, holder: &str) -> bool {
    let Some((_, process_of)) = holder.rsplit_once('/').and_then(|(_, rest)| rest.split_once('-')) else {
        return false;
    };
    let Some(number) = process_of.rsplit_once('-').and_then(|(_, number)| number.parse::<u32>().ok()) else {
        return false;
    };
    let known = !process_of.starts_with('-') && !process_of.contains("--");
    // The first process always runs. Where it does not show, others' processes are hidden (proc(5), hidepid), and may run as well.
    let shows = |number: u32| proc.join(number.to_string()).exists();
    known && process(number) == process_of && !shows(number) && shows(1)
}

impl Lease {
    /// Who has the Lease now, if it holds, in words.
    pub(super) fn held(cluster: &Cluster, place: &Place) -> Result<Option<String>, TargetError> {
        let (path, name) = at(place);
        let look = || {
            let Some(there) = cluster.session.find(&path, &name)? else { return Ok(None) };
            let is_held = !is_dead(text(&there, "/spec/holderIdentity")) && holds(&there, cluster.session.now()?);
            Ok(is_held.then(|| locked(&there).to_string()))
        };
        let found = Patience::new(BRIEF).insist("looking for a lease", &(), look);
        found.map_err(|e| e.doing(format!("looking for the lease {name} in {}", place.namespace)))
    }

    /// Takes the Lease, for `by`, in a namespace that is made if it is not there. One that has run out is taken over.
    ///
    /// # Errors
    /// [`TargetError::Locked`]; what a cluster answers.
    pub(super) fn take(cluster: &Arc<Cluster>, place: &Place, by: &str) -> Result<Self, TargetError> {
        let (path, name) = at(place);
        let fail = |e: Failure| e.doing(format!("taking the lease {name} in {}", place.namespace));
        let mut bytes = [0; 8];
        getrandom::fill(&mut bytes)
            .map_err(|e| fail(Failure::Nonsense(format!("the system gives no random bytes: {e}"))))?;
        let holder = format!("{by}/{:016x}-{}", u64::from_le_bytes(bytes), process(std::process::id()));
        let started = Instant::now();
        let patience = Patience::new(BRIEF);
        let now = patience.insist("taking a lease", &(), || cluster.session.now()).map_err(fail)?;
        let now = micros(now);
        let mut wanted = json!({
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": name, "namespace": place.namespace.as_str(), "labels": {"app.kubernetes.io/managed-by": "sealift"}},
            "spec": {
                "holderIdentity": holder, "leaseDurationSeconds": HOLDS.as_secs(), "acquireTime": now, "renewTime": now,
            },
        });
        // A conflict says that somebody else was faster; who it was, the next look says.
        let seized = patience.insist("taking a lease", &(), || seize(cluster, &path, &name, &mut wanted, place));
        let object = match seized.map_err(fail)? {
            Seized::Ours(object) => object,
            Seized::Held(held) => return Err(locked(&held)),
        };
        let state = Mutex::new(State { object, renewed: started, lost: None });
        let inner = Arc::new(Inner { cluster: Arc::clone(cluster), path, name: name.clone(), holder, state });
        let (stop, stopped) = mpsc::channel::<()>();
        let renewing = Arc::clone(&inner);
        let spawned = thread::Builder::new()
            .name("lease".to_owned())
            .spawn(move || while stopped.recv_timeout(RENEWS) == Err(RecvTimeoutError::Timeout) && renewing.renew() {});
        let thread = spawned.map_err(|e| fail(Failure::Nonsense(format!("no thread can be started: {e}"))))?;
        Ok(Self { inner, stop: Some(stop), thread: Some(thread) })
    }
}

/// The collection of an installation's Lease, and its name.
fn at(place: &Place) -> (String, String) {
    (format!("/apis/coordination.k8s.io/v1/namespaces/{}/leases", place.namespace), format!("sealift.{}", place.name))
}

/// What has become of a Lease that was to be taken.
enum Seized {
    /// It is ours, as it was written.
    Ours(Value),
    /// Somebody else has it, and it holds.
    Held(Value),
}

fn seize(cluster: &Cluster, path: &str, name: &str, wanted: &mut Value, place: &Place) -> Result<Seized, Failure> {
    let Some(there) = cluster.session.find(path, name)? else {
        return Ok(Seized::Ours(match cluster.session.create(path, wanted) {
            Err(e) if e.is_missing_namespace() => {
                cluster.make_namespace(place.namespace.as_str())?;
                cluster.session.create(path, wanted)?
            }
            other => other?,
        }));
    };
    // The answer to the request before was lost.
    if text(&there, "/spec/holderIdentity") == text(wanted, "/spec/holderIdentity") {
        return Ok(Seized::Ours(there));
    }
    if !is_dead(text(&there, "/spec/holderIdentity")) && holds(&there, cluster.session.now()?) {
        return Ok(Seized::Held(there));
    }
    if let (Some(metadata), Some(version)) =
        (wanted.get_mut("metadata").and_then(Value::as_object_mut), there.pointer("/metadata/resourceVersion"))
    {
        metadata.insert("resourceVersion".to_owned(), version.clone());
    }
    Ok(Seized::Ours(cluster.session.replace(path, name, wanted)?))
}

impl Inner {
    /// Writes the Lease as it was read, with the time that it is now.
    fn write(&self, mut object: Value) -> Result<Value, Failure> {
        let now = self.cluster.session.now()?;
        if let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut) {
            spec.insert("renewTime".to_owned(), micros(now).into());
        }
        self.cluster.session.replace(&self.path, &self.name, &object)
    }

    /// Writes the Lease anew; whether it is still ours.
    fn renew(&self) -> bool {
        let started = Instant::now();
        let object = self.state.lock().unwrap_or_else(PoisonError::into_inner).object.clone();
        let result = match self.write(object) {
            // Somebody touched it, or an answer was lost. It may still be ours: then it is as old as it was, and written again.
            Err(e) if e.is_conflict() => match self.cluster.session.get(&self.path, &self.name) {
                Ok(there) if text(&there, "/spec/holderIdentity") == self.holder => self.write(there),
                other => other,
            },
            other => other,
        };
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match result {
            Ok(object) if text(&object, "/spec/holderIdentity") == self.holder => {
                state.object = object;
                state.renewed = started;
            }
            Ok(object) => state.lost = Some(locked(&object)),
            Err(e) if e.is_absence() => state.lost = Some(gone("somebody who has removed the lease")),
            // What it holds for is what is left; `check` looks at the clock.
            Err(_) => {}
        }
        state.lost.is_none()
    }
}

fn gone(who: &str) -> TargetError {
    TargetError::Locked { holder: who.to_owned(), since: None }
}

impl Lock for Lease {
    fn check(&self) -> Result<(), TargetError> {
        let state = self.inner.state.lock().unwrap_or_else(PoisonError::into_inner);
        match &state.lost {
            Some(TargetError::Locked { holder, since }) => {
                Err(TargetError::Locked { holder: holder.clone(), since: since.clone() })
            }
            Some(_) => Err(gone("somebody else")),
            None if state.renewed.elapsed() >= HOLDS => Err(gone(
                "somebody else, perhaps (the cluster has not answered for a minute, and the lease has run out)",
            )),
            None => Ok(()),
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It does not panic; and if it did, the Lease would still have to go.
            let _ = thread.join();
        }
        let state = self.inner.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.lost.is_some() {
            return;
        }
        let only = Preconditions {
            uid: Some(text(&state.object, "/metadata/uid").to_owned()),
            resource_version: Some(text(&state.object, "/metadata/resourceVersion").to_owned()),
        };
        let params = DeleteParams::background().preconditions(only);
        // What cannot be released runs out.
        let _ = self.inner.cluster.session.delete(&self.inner.path, &self.inner.name, &params);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_holds_for_as_long_as_it_says_and_never_longer_than_a_minute() {
        let lease = |holder: &str, seconds: i64, renewed: &str| json!({"spec": {"holderIdentity": holder, "leaseDurationSeconds": seconds, "renewTime": renewed}});
        let now: Timestamp = "2026-01-01T00:01:00Z".parse().unwrap();
        for (lease, expected) in [
            (lease("a/1", 60, "2026-01-01T00:00:01.000000Z"), true),
            (lease("a/1", 60, "2026-01-01T00:00:00.000000Z"), false),
            (lease("a/1", 10, "2026-01-01T00:00:45.000000Z"), false),
            (lease("a/1", i64::MAX, "2025-12-31T23:00:00.000000Z"), false),
            (lease("", 60, "2026-01-01T00:00:59.000000Z"), false),
            // Servers' clocks differ a little; one that was put back would have it held for years.
            (lease("a/1", 60, "2026-01-01T00:01:05.000000Z"), true),
            (lease("a/1", 60, "2027-01-01T00:00:00.000000Z"), false),
            (lease("a/1", 60, "soon"), false),
            (json!({}), false),
        ] {
            assert_eq!(holds(&lease, now), expected, "{lease}");
        }
    }

    #[test]
    fn who_holds_it_is_told_without_what_tells_processes_apart() {
        let lease = json!({"spec": {"holderIdentity": "eva@host/0123", "acquireTime": "2026-01-01T00:00:00.123456Z"}});
        assert_eq!(locked(&lease).to_string(), "eva@host is working on this installation, since 2026-01-01T00:00:00Z");
    }
}

#[cfg(test)]
mod dead {
    use super::*;

    #[test]
    fn a_killed_process_of_this_machine_holds_nothing() {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let number = child.id();
        child.wait().unwrap();
        let holder = |process: &str| format!("me@here/0123456789abcdef-{process}");
        assert!(is_dead(&holder(&process(number))), "it has ended");
        assert!(!is_dead(&holder(&process(std::process::id()))), "it runs");
        let hidden = tempfile::tempdir().unwrap();
        assert!(!is_gone(hidden.path(), &holder(&process(number))), "nobody sees whether it runs");
        let elsewhere = process(number).replacen(|c: char| c.is_ascii_hexdigit(), "x", 1);
        assert!(!is_dead(&holder(&elsewhere)), "another machine's, or another boot's");
        for text in ["", "me", "me@here/0123456789abcdef", "me@here/0-1", "me@here/0--1-2", "a/b/c-d-e-f"] {
            assert!(!is_dead(text), "{text:?}");
        }
    }
}
