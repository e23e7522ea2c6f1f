//! From a file to an installation.

use std::collections::BTreeMap;

use bundle_format::template::ComponentName;
use serde_json::{Value, json};

use super::file::Exact;
use super::{Identities, MoveError, Moved, Secrets};
use crate::engine::{Engine, EngineError, Forward, Outcome, Plan, Version};
use crate::holdings::HoldingError;
use crate::plan::Overlay;
use crate::render::RenderedFile;
use crate::target::{Fill, Filled, Helper};

/// How an installation is imported.
pub struct Import<'a> {
    /// The file.
    pub moved: &'a Moved,
    /// Keys that open it.
    pub identities: &'a Identities,
    /// The pod that fills claims, if data is carried and not left.
    pub data: Option<&'a Helper>,
    /// What the site decides beyond the file.
    pub forward: Forward,
}

impl Moved {
    /// The version that the installation is at, which the site must hold.
    ///
    /// # Errors
    /// [`MoveError::NoVersion`].
    pub fn version(&self, store: &registry_lite::Store) -> Result<Version, MoveError> {
        let missing = |label: &str, digest| MoveError::NoVersion {
            dir: store.dir().display().to_string(),
            label: label.to_owned(),
            digest,
        };
        let document = self.document();
        let digest = self.statement().value().subject_digest();
        let absent = |e: &EngineError| matches!(e, EngineError::Holding(HoldingError::NotFound { .. }));
        for ahead in document.ahead.values() {
            match Version::with_digest(store, &ahead.digest) {
                Err(e) if absent(&e) => return Err(missing(&ahead.label, ahead.digest)),
                other => other.map(drop)?,
            }
        }
        let ahead: BTreeMap<ComponentName, _> =
            document.ahead.iter().map(|(component, ahead)| (component.clone(), ahead.digest)).collect();
        let version = match Version::ahead(store, &digest, &ahead) {
            Err(e) if absent(&e) => return Err(missing(&document.label(), digest)),
            other => other?,
        };
        match version.template.metadata.name == document.name {
            true => Ok(version),
            false => Err(MoveError::Document { why: format!("{digest} is not of {}", document.name) }),
        }
    }

    /// The site's values of the file, those that it keeps encrypted included.
    #[must_use]
    pub fn values(&self, secrets: &Secrets) -> Overlay {
        self.document().values.clone().under(secrets.values.clone())
    }

    /// What the file says, under what is given now.
    fn forward(&self, secrets: Secrets, given: Forward) -> Forward {
        let values = self.values(&secrets).under(given.values);
        let mut switched = self.document().modules.clone();
        switched.extend(given.switched);
        Forward { values, switched, secrets: secrets.generated, ..given }
    }
}

impl Engine<'_> {
    /// What importing would do. Data is not looked at.
    ///
    /// # Errors
    /// [`MoveError`].
    pub fn plan_import(&self, import: &Import<'_>) -> Result<Plan, MoveError> {
        let (version, forward) = self.prepare(import)?;
        Ok(self.plan_anew(version, &forward)?)
    }

    /// Fills the claims, and installs (spec/installation.md section 6). `shown` is given the plan before its first step.
    ///
    /// # Errors
    /// [`MoveError`].
    pub fn import(&mut self, import: &Import<'_>, shown: &dyn Fn(&Plan)) -> Result<Outcome, MoveError> {
        let lock = self.records.lock(&self.place, &self.settings.by).map_err(MoveError::from)?;
        let (version, forward) = self.prepare(import)?;
        if let Some(helper) = import.data {
            let plan = self.plan_anew(version.clone(), &forward)?;
            self.fill(import, &version, &forward, &plan, helper)?;
        }
        lock.check().map_err(MoveError::from)?;
        Ok(self.forward_under(&*lock, version, (&forward, false), shown)?)
    }

    fn prepare(&self, import: &Import<'_>) -> Result<(Version, Forward), MoveError> {
        if let Some(holds) = self.standing()?.holds() {
            let there = holds.version.tag(holds.revision);
            return Err(MoveError::Installed { place: self.place.clone(), there });
        }
        let version = import.moved.version(self.store)?;
        let secrets = import.moved.secrets(import.identities)?;
        Ok((version, import.moved.forward(secrets, import.forward.clone())))
    }

    /// Checks all claims before the first is filled.
    fn fill(
        &mut self,
        import: &Import<'_>,
        version: &Version,
        forward: &Forward,
        plan: &Plan,
        helper: &Helper,
    ) -> Result<(), MoveError> {
        let moved = import.moved;
        if moved.document().data.is_empty() {
            return Ok(());
        }
        let standing = self.standing()?;
        let kept = self.kept_secrets(&standing, version)?;
        if kept.iter().any(|(name, keys)| {
            let given = forward.secrets.get(name);
            given.is_some_and(|given| keys.iter().any(|(key, value)| given.get(key).is_some_and(|g| g != value)))
        }) {
            return Err(MoveError::OtherSecrets { place: self.place.clone() });
        }
        let (patience, watch, target) = (self.settings.patience, self.watch, self.target.name());
        let hint = "--no-data leaves the data in the file";
        let data = self.target.data().ok_or(MoveError::NoData { target, hint })?;
        let mut wanted = Vec::new();
        for (n, volume) in moved.document().data.iter().enumerate() {
            let claim = volume.claim.clone();
            let Some(object) = claim_of(&plan.files, &claim) else {
                return Err(MoveError::NoClaim { label: version.label(), claim });
            };
            let digest = moved.content(n, import.identities)?.0;
            match data.filled(&claim, &digest)? {
                Filled::Done => {}
                Filled::Other => return Err(MoveError::ClaimExists { claim }),
                Filled::Absent | Filled::Begun => wanted.push((n, object, digest, volume)),
            }
        }
        // Whatever ends this half way, who installs something else on one of them is told.
        let left = || wanted.iter().map(|(.., volume)| volume.claim.clone()).collect();
        let namespace = self.place.namespace.to_string();
        let partly = |e: MoveError| MoveError::partly(e, namespace.clone(), left());
        for (_, object, digest, _) in &wanted {
            data.begin(object, digest, patience, watch).map_err(|e| partly(e.into()))?;
        }
        for (n, _, digest, volume) in &wanted {
            let mut tar = Exact { inner: moved.content(*n, import.identities)?.1, left: volume.size };
            let fill = Fill { helper, tar: &mut tar, patience, watch };
            data.fill(&volume.claim, (digest, volume.size), fill).map_err(|e| partly(e.into()))?;
        }
        Ok(())
    }
}

/// The claim of this name: one that is rendered, or one that a stateful set will make for a pod.
fn claim_of(files: &[RenderedFile], name: &str) -> Option<Value> {
    let text = |object: &Value, path: &str| object.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned();
    let objects = || files.iter().flat_map(RenderedFile::objects);
    let is = |object: &&Value, kind: &str| text(object, "/kind") == kind;
    if let Some(claim) = objects().find(|o| is(o, "PersistentVolumeClaim") && text(o, "/metadata/name") == name) {
        return Some(claim.clone());
    }
    for set in objects().filter(|o| is(o, "StatefulSet")) {
        let of_set = format!("-{}-", text(set, "/metadata/name"));
        for template in set.pointer("/spec/volumeClaimTemplates").and_then(Value::as_array).into_iter().flatten() {
            let rest = name.strip_prefix(&text(template, "/metadata/name")).and_then(|n| n.strip_prefix(&of_set));
            if !rest.is_some_and(|n| n.parse::<u32>().is_ok_and(|number| number.to_string() == n)) {
                continue;
            }
            // As the set's controller labels it.
            let mut labels = template.pointer("/metadata/labels").cloned().unwrap_or_else(|| json!({}));
            let more = set.pointer("/spec/selector/matchLabels").and_then(Value::as_object).cloned();
            if let (Some(labels), Some(more)) = (labels.as_object_mut(), more) {
                labels.extend(more);
            }
            let mut claim = json!({
                "apiVersion": "v1", "kind": "PersistentVolumeClaim",
                "metadata": {"name": name, "namespace": text(set, "/metadata/namespace"), "labels": labels},
                "spec": template.get("spec").cloned().unwrap_or_default(),
            });
            if let Some(annotations) = template.pointer("/metadata/annotations") {
                claim["metadata"]["annotations"] = annotations.clone();
            }
            return Some(claim);
        }
    }
    None
}
