//! Applying objects (spec/plan.md 6.4, 8.1).

use serde_json::{Value, json};

use super::defaults;
use super::discovery::{Resource, check_name};
use super::failure::Failure;
use super::immutable;
use super::owner;
use super::patience::{BRIEF, Patience};
use super::target::KubeTarget;
use crate::plan::leftovers::operations;
use crate::plan::{Leftover, Leftovers};
use crate::target::{Event, ObjectId, TargetError, Watch};

/// Objects of others that are named; the rest is counted.
const NAMED: usize = 10;

impl KubeTarget {
    /// Refuses objects of others among those that are there, unless they are to be adopted, all in one word. For all objects of a
    /// plan, before its first step.
    ///
    /// # Errors
    /// [`TargetError::Foreign`]; what a cluster answers.
    pub fn refuse_foreign(&self, objects: &[ObjectId]) -> Result<(), TargetError> {
        let mut foreign = Vec::new();
        for id in objects {
            // A type that is not there has no objects.
            let found = Patience::new(BRIEF).insist("looking", &(), || self.live(id));
            if let Some(live) = found.map_err(|e| e.doing(format!("looking for {id}")))? {
                match self.check_owner(id, &live) {
                    Err(TargetError::Foreign { object }) => foreign.push(object),
                    other => other?,
                }
            }
        }
        if foreign.is_empty() {
            return Ok(());
        }
        let more = foreign.len().saturating_sub(NAMED);
        foreign.truncate(NAMED);
        let mut object = foreign.join(", ");
        if more > 0 {
            object.push_str(&format!(" and {more} more"));
        }
        Err(TargetError::Foreign { object })
    }

    /// Refuses objects of types that this Kubernetes does not have, under the version that they say, and that nothing brings.
    pub(super) fn refuse_unknown(&self, objects: &[Value]) -> Result<(), TargetError> {
        for object in objects {
            let Some(id) = ObjectId::of(object) else { continue };
            let version = object.get("apiVersion").and_then(Value::as_str).unwrap_or_default();
            let never = || self.cluster.types().never(&id, version);
            if never().is_none() {
                continue;
            }
            // A server that was upgraded since has others.
            self.cluster.rediscover();
            if let Some(why) = never() {
                return Err(TargetError::Refused { object: id, what: "applying", why });
            }
        }
        Ok(())
    }

    pub(super) fn check_owner(&self, id: &ObjectId, live: &Value) -> Result<(), TargetError> {
        // The installation's namespace belongs to the team, and outlives it; so does one that is only to be there.
        if self.adopts || is_namespace(id) || owner::owns(&self.place, live) {
            return Ok(());
        }
        let object = match &id.namespace {
            Some(namespace) => format!("{id} in {namespace}"),
            None => id.to_string(),
        };
        Err(TargetError::Foreign { object })
    }

    /// Applies one object. What is left over in it is taken away first: a server keeps what another manager of fields wrote, and
    /// refuses what would then stand beside it.
    pub(super) fn apply_one(
        &self,
        object: &Value,
        leftovers: &Leftovers,
        patience: &Patience,
        watch: &dyn Watch,
    ) -> Result<(), TargetError> {
        let Some(id) = ObjectId::of(object) else {
            let why = "an object has no apiVersion, kind or name".to_owned();
            return Err(TargetError::Cluster { what: "applying".to_owned(), why });
        };
        let what = format!("applying {id}");
        if is_namespace(&id) && !says_more(object) {
            self.make_namespace(&id.name, patience, watch)?;
            watch.event(&Event::Applied(&id));
            return Ok(());
        }
        let version = object.get("apiVersion").and_then(Value::as_str).unwrap_or_default();
        let mut ours = owner::signed(&self.place, object);
        defaults::fill(&mut ours);
        let mut live = None;
        let mut foreign = None;
        let result = patience.insist(&what, watch, || {
            let resource = self.resource(&id, version)?;
            let (path, name) = (resource.collection(id.namespace.as_deref())?, check_name(&id.name)?);
            live = self.cluster.session.find(&path, name)?;
            if let Some(live) = &live {
                let is_others = is_namespace(&id) && id.name != self.place.namespace.as_str();
                let is_refused = is_others && !self.adopts && !owner::owns(&self.place, live);
                let owned = match is_refused {
                    true => Err(TargetError::Foreign { object: id.to_string() }),
                    false => self.check_owner(&id, live),
                };
                if let Err(e) = owned {
                    foreign = Some(e);
                    return Ok(());
                }
                // What ends would take the change with it.
                if live.pointer("/metadata/deletionTimestamp").is_some() {
                    return Err(Failure::Silence(format!("the {id} before is still being removed")));
                }
            }
            if let (Some(live), Some(leftovers)) = (&live, leftovers.get(&id)) {
                self.take_away(&path, name, live, leftovers)?;
            }
            self.cluster.session.apply(&path, name, &ours).map(drop)
        });
        if let Some(e) = foreign {
            return Err(e);
        }
        let Err(failure) = result else {
            watch.event(&Event::Applied(&id));
            return Ok(());
        };
        Err(refusal(id, failure, live.as_ref(), &ours))
    }

    /// Takes away what is left over in a live object, in one request, which the server refuses if the object changed meanwhile.
    fn take_away(&self, path: &str, name: &str, live: &Value, leftovers: &[Leftover]) -> Result<(), Failure> {
        let mut operations = operations(leftovers, live);
        if operations.is_empty() {
            return Ok(());
        }
        if let Some(seen) = live.pointer("/metadata/resourceVersion") {
            operations.push(json!({"op": "replace", "path": "/metadata/resourceVersion", "value": seen}));
        }
        self.cluster.session.patch(path, name, &operations).map(drop)
    }

    /// The type of an object; asks the server anew if it is unknown, because its definition may just have been applied.
    fn resource(&self, id: &ObjectId, version: &str) -> Result<Resource, Failure> {
        let find = || self.cluster.types().exact(id, version).cloned();
        if let Some(found) = find() {
            return Ok(found);
        }
        self.cluster.rediscover();
        find().ok_or_else(|| Failure::Silence(format!("the cluster takes no {} of {version}", id.kind)))
    }

    /// Makes a namespace if it is not there. Who may not look, or not make one, can still have been given rights in one.
    pub(super) fn make_namespace(&self, name: &str, patience: &Patience, watch: &dyn Watch) -> Result<(), TargetError> {
        let what = format!("making the namespace {name}");
        let done = patience.insist(&what, watch, || self.cluster.make_namespace(name));
        done.map_err(|e| e.doing(what))
    }
}

pub(super) fn is_namespace(id: &ObjectId) -> bool {
    id.group.is_empty() && id.kind == "Namespace"
}

/// Whether a namespace has labels, annotations or anything else of a vendor's wish, and is not only to be there.
fn says_more(namespace: &Value) -> bool {
    let has = |map: &str, but: &str| {
        let entries = namespace.get("metadata").and_then(|m| m.get(map)).and_then(Value::as_object);
        entries.is_some_and(|entries| entries.keys().any(|key| key != but))
    };
    has("labels", "") || has("annotations", owner::ANNOTATION) || namespace.get("spec").is_some()
}

/// Why an object was not applied.
fn refusal(object: ObjectId, failure: Failure, live: Option<&Value>, ours: &Value) -> TargetError {
    let what = "applying";
    match &failure {
        Failure::Answer(answer) if !matches!(answer.code, 401 | 403) => {
            let mut why = immutable::explain(&object.kind, answer, live, ours).unwrap_or_else(|| failure.text());
            if object.kind == "Secret" {
                // Here the server repeats what it was sent.
                why.truncate(why.find(", got ").unwrap_or(why.len()));
            }
            TargetError::Refused { object, what, why }
        }
        Failure::Nonsense(_) => TargetError::Refused { object, what, why: failure.text() },
        _ => failure.doing(format!("{what} {object}")),
    }
}
