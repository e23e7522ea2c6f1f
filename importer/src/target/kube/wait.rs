//! Waiting until objects are ready (spec/plan.md 6.2, 6.4).

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::failure::Failure;
use super::look::Surroundings;
use super::patience::Patience;
use super::ready::{self, Readiness};
use super::target::KubeTarget;
use crate::target::{Event, Interrupted, ObjectId, TargetError, Watch};

const SHORTEST: Duration = Duration::from_millis(300);
const LONGEST: Duration = Duration::from_secs(2);

/// How often somebody who watches is told of the same, at first.
const TELL: Duration = Duration::from_secs(5);

/// Whether what was told after `told` is told again after `now`: less and less often, so that a long wait stays readable.
fn is_due(told: Duration, now: Duration) -> bool {
    now.saturating_sub(told) >= TELL.max(now.checked_div(4).unwrap_or(TELL))
}

/// How long an image may be refused to a node before that is taken for the last word: a registry may just be starting.
const GRACE: Duration = Duration::from_secs(20);

/// One object that is waited for.
struct Pending<'a> {
    id: &'a ObjectId,
    why: String,
    told: Option<Duration>,
    live: Option<Value>,
    /// How often its pods had been restarted when that was told.
    restarts: BTreeMap<String, i64>,
}

impl KubeTarget {
    pub(super) fn wait_all(
        &self,
        objects: &[ObjectId],
        patience: Duration,
        watch: &dyn Watch,
    ) -> Result<(), TargetError> {
        let patience = Patience::new(patience);
        let mut seen = Seen::default();
        let mut pause = SHORTEST;
        let mut pending: Vec<Pending<'_>> = objects
            .iter()
            .map(|id| Pending { id, why: String::new(), told: None, live: None, restarts: BTreeMap::new() })
            .collect();
        // The cause before what follows from it: pods are told of before the service that they are behind.
        pending.sort_by_key(|p| rank(&p.id.kind));
        loop {
            Interrupted::check(watch)?;
            let mut around = Surroundings::new(&self.cluster);
            let mut left = Vec::new();
            for mut object in pending {
                match self.judge(&mut object, &mut around, &mut seen, (&patience, watch))? {
                    Readiness::Ready => watch.event(&Event::Ready(object.id)),
                    Readiness::Failed(why) => {
                        let details = object.live.as_ref().map(|l| around.details(l)).unwrap_or_default();
                        return Err(TargetError::Failed { object: object.id.clone(), why, details });
                    }
                    Readiness::Waiting(why) => {
                        object.tell(why, patience.spent(), watch);
                        left.push(object);
                    }
                }
            }
            pending = left;
            let Some(first) = pending.first() else { return Ok(()) };
            if patience.is_over() {
                let mut details = first.live.as_ref().map(|l| around.details(l)).unwrap_or_default();
                details.extend(pending.iter().skip(1).map(|p| format!("waiting as well: {}: {}", p.id, p.why)));
                let (object, why) = (first.id.clone(), first.why.clone());
                return Err(TargetError::NotReady { object, waited: patience.spent(), why, details });
            }
            patience.sleep(pause, watch)?;
            pause = pause.saturating_mul(3).checked_div(2).unwrap_or(LONGEST).min(LONGEST);
        }
    }

    fn judge(
        &self,
        object: &mut Pending<'_>,
        around: &mut Surroundings<'_>,
        seen: &mut Seen,
        (patience, watch): (&Patience, &dyn Watch),
    ) -> Result<Readiness, TargetError> {
        let found = self.live(object.id).and_then(|live| match live {
            Some(live) => {
                let readiness = ready::of(&live, &around.of(&live)?);
                let pods = match (&readiness, object.id.kind.as_str()) {
                    (Readiness::Failed(_), _) | (Readiness::Ready, "Job") => Vec::new(),
                    _ => around.pods_of(&live)?,
                };
                let readiness = match readiness {
                    Readiness::Waiting(why) => around.with_pods(&pods, why, &mut |trouble, said| {
                        seen.pulls.hopeless_since(trouble, said, patience.spent())
                    })?,
                    Readiness::Ready => seen.steady(&pods, around, patience.spent())?,
                    Readiness::Failed(why) => Readiness::Failed(why),
                };
                if matches!(readiness, Readiness::Waiting(_)) {
                    object.tell_ends(&pods, around, watch);
                }
                Ok(Some((live, readiness)))
            }
            None => Ok(None),
        });
        match found {
            Ok(Some((live, readiness))) => {
                object.live = Some(live);
                Ok(readiness)
            }
            Ok(None) => {
                object.live = None;
                Ok(Readiness::Waiting("it is not there".to_owned()))
            }
            Err(e) if e.may_pass() => Ok(Readiness::Waiting(format!("the cluster cannot be asked: {}", e.text()))),
            Err(e) => Err(e.doing(format!("looking for {}", object.id))),
        }
    }
}

impl Pending<'_> {
    fn tell(&mut self, why: String, since: Duration, watch: &dyn Watch) {
        let again = self.told.is_none_or(|told| is_due(told, since));
        if why != self.why || again {
            watch.event(&Event::Waiting { object: self.id, why: &why, since });
            self.told = Some(since);
        }
        self.why = why;
    }

    /// Tells of the pods whose containers have ended and were started again since it was told last: what they said before.
    fn tell_ends(&mut self, pods: &[Value], around: &Surroundings<'_>, watch: &dyn Watch) {
        for pod in pods {
            let restarts = ready::restarts(pod);
            let name = pod.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
            if restarts > 0 && self.restarts.get(name) != Some(&restarts) {
                self.restarts.insert(name.to_owned(), restarts);
                for line in ready::states(pod).into_iter().chain(around.log_lines(pod)) {
                    watch.event(&Event::Said { object: self.id, line: &line });
                }
            }
        }
    }
}

/// What was seen in the course of a wait.
#[derive(Default)]
struct Seen {
    pulls: Pulls,
    /// When a container was first seen to run.
    runs: BTreeMap<ready::Run, Duration>,
}

impl Seen {
    /// Whether pods that are ready by what their controller says may be counted on: by the cluster's clock, or, where a node has
    /// another time, by how long they were looked at.
    fn steady(&mut self, pods: &[Value], around: &Surroundings<'_>, spent: Duration) -> Result<Readiness, Failure> {
        if let Some(trouble) = pods.iter().find_map(ready::ended_again) {
            return Ok(Readiness::Waiting(trouble.text()));
        }
        let needy: Vec<ready::Run> = pods.iter().flat_map(ready::runs).filter(|run| run.needs > 0).collect();
        if needy.is_empty() {
            return Ok(Readiness::Ready);
        }
        let now = around.now()?;
        let unsteady = needy.into_iter().find_map(|run| {
            let first = *self.runs.entry(run.clone()).or_insert(spent);
            let looked = i64::try_from(spent.saturating_sub(first).as_secs()).unwrap_or(i64::MAX);
            run.unsteady(run.age(now).max(looked))
        });
        Ok(unsteady.map_or(Readiness::Ready, Readiness::Waiting))
    }
}

fn rank(kind: &str) -> u8 {
    match kind {
        "PersistentVolumeClaim" | "CustomResourceDefinition" => 0,
        "Job" | "Pod" | "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" => 1,
        "Service" => 3,
        _ => 2,
    }
}

/// Since when the images of which containers have not come.
#[derive(Default)]
struct Pulls {
    since: BTreeMap<(String, Option<String>), Duration>,
}

impl Pulls {
    /// Why there is no use in waiting for an image, if it has been refused for long enough.
    fn hopeless_since(&mut self, trouble: &ready::Trouble, said: &str, now: Duration) -> Option<&'static str> {
        let since = *self.since.entry((trouble.pod.clone(), trouble.container.clone())).or_insert(now);
        ready::hopeless(&trouble.reason, said).filter(|_| now.saturating_sub(since) >= GRACE)
    }
}

/// An answer that is not needed: nothing, where who asks may not know it.
pub(super) fn if_allowed<T: Default>(answer: Result<T, Failure>) -> Result<T, Failure> {
    match answer {
        Err(e) if e.is_forbidden() || e.is_absence() => Ok(T::default()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_given_up_only_after_a_while() {
        let trouble = ready::Trouble {
            pod: "p".to_owned(),
            container: Some("main".to_owned()),
            image: "r/a:1".to_owned(),
            reason: "ErrImagePull".to_owned(),
            message: String::new(),
        };
        let mut pulls = Pulls::default();
        let at = |pulls: &mut Pulls, said: &str, s: u64| pulls.hopeless_since(&trouble, said, Duration::from_secs(s));
        assert_eq!(at(&mut pulls, "r/a:1: not found", 3), None);
        assert_eq!(at(&mut pulls, "r/a:1: not found", 22), None);
        assert_eq!(at(&mut pulls, "i/o timeout", 24), None);
        assert_eq!(at(&mut pulls, "r/a:1: not found", 24), Some("the registry does not have the image"));
    }

    #[test]
    fn the_same_is_told_again_less_and_less_often() {
        let (mut told, mut times) = (Duration::ZERO, 0);
        for now in (0..600).map(Duration::from_secs) {
            if is_due(told, now) {
                told = now;
                times += 1;
            }
        }
        assert!((10..=20).contains(&times), "{times} lines in ten minutes");
        assert!(!is_due(Duration::from_secs(1), Duration::from_secs(5)));
        assert!(is_due(Duration::from_secs(1), Duration::from_secs(6)));
    }

    #[test]
    fn a_cause_is_told_before_what_follows_from_it() {
        let mut kinds = ["Service", "Ingress", "Deployment", "PersistentVolumeClaim"];
        kinds.sort_by_key(|kind| rank(kind));
        assert_eq!(kinds, ["PersistentVolumeClaim", "Deployment", "Ingress", "Service"]);
    }
}
