//! From an installation to a file.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use bundle_format::Digest;
use bundle_format::archive::MemberName;
use bundle_format::limits;
use bundle_format::statement::{Exported, ExportedFrom, Member, Statement};
use bundle_format::template::{ComponentName, Template};
use bundle_format::trust::{PrivateKey, Verified};
use serde_json::Value;

use super::write::{Spooled, refuse_existing, spool, write};
use super::{Ahead, Document, MoveError, Recipients, Secrets, Volume};
use crate::engine::{Engine, Standing, Version};
use crate::plan::Overlay;
use crate::render::{SecretValues, secrets_needed};
use crate::target::{Helper, Live, ObjectId, TargetError, Undisturbed};

/// How an installation is exported.
pub struct Export<'a> {
    /// The file to write; one that exists is refused.
    pub out: &'a Path,
    /// Who vouches for it.
    pub key: &'a PrivateKey,
    /// Who can read its secrets and its data.
    pub recipients: &'a Recipients,
    /// The pod that reads what its claims hold, if that is to be carried.
    pub data: Option<&'a Helper>,
}

/// What was written.
#[derive(Debug)]
pub struct Written {
    /// The statement.
    pub statement: Verified<Statement<Exported>>,
    /// What the installation is made of.
    pub document: Document,
    /// Names of the secrets that are carried, and paths of the site's values of Secrets.
    pub secrets: Vec<String>,
    /// What was stopped while its data was read, and runs again.
    pub stopped: Vec<ObjectId>,
    /// Bytes of the file.
    pub len: u64,
}

impl Engine<'_> {
    /// Writes the installation into a file (spec/installation.md section 4).
    ///
    /// # Errors
    /// [`MoveError`]. What was stopped is started again also then.
    pub fn export(&mut self, export: &Export<'_>) -> Result<Written, MoveError> {
        self.exported(export).map_err(|e| match e.is_interruption() {
            true => MoveError::ExportInterrupted { started: Vec::new() },
            false => e,
        })
    }

    fn exported(&mut self, export: &Export<'_>) -> Result<Written, MoveError> {
        refuse_existing(export.out)?;
        let lock = self.records.lock(&self.place, &self.settings.by).map_err(MoveError::from)?;
        self.start_stopped()?;
        let standing = self.standing()?;
        if let Some(record) = standing.unfinished() {
            return Err(MoveError::Unfinished { place: self.place.clone(), record: record.number });
        }
        let (version, plan, generated) = self.made_of(&standing)?;
        self.complete(&version.template, &generated)?;
        let (open, hidden) = plan.overlay.parted();
        let secrets = Secrets { generated, values: hidden };
        let record = standing.holds().map_or(0, |r| r.number);
        let mut document = self.document(&standing, &version, open)?;
        let bytes = secrets.bytes()?;
        let mut encrypted = vec![spool(export.out, export.recipients, |out| {
            out.write_all(&bytes).map_err(|source| MoveError::Io {
                what: "encrypting secrets for",
                path: export.out.to_owned(),
                source,
            })
        })?];
        let mut stopped = Vec::new();
        if let Some(helper) = export.data {
            let (volumes, of_claims);
            (volumes, of_claims, stopped) = self.read_data(&standing, &version, helper, export)?;
            document.data = volumes;
            encrypted.extend(of_claims);
        }
        lock.check().map_err(MoveError::from)?;
        let values = document.bytes()?;
        let first = Member { name: MemberName::Installation, size: values.len() as u64, sha256: Digest::of(&values) };
        let names = [MemberName::Secrets].into_iter().chain((1..).map(MemberName::Data));
        let rest = encrypted.iter().zip(names).map(|(spooled, name)| spooled.listed(name));
        let from = ExportedFrom {
            name: self.place.name.clone(),
            namespace: self.place.namespace.to_string(),
            target: self.target.name(),
            record,
        };
        let time = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let exported = Exported::new(from, time, [first].into_iter().chain(rest).collect());
        let statement = Verified::sign(exported.of(document.label(), version.digest), &[export.key])?;
        let len =
            write(export.out, &statement, &values, encrypted, self.watch).map_err(|e| match e.is_interruption() {
                true => MoveError::ExportInterrupted { started: stopped.clone() },
                false => e,
            })?;
        let names = secrets.generated.keys().map(ToString::to_string);
        let secrets = names.chain(secrets.values.values.keys().map(ToString::to_string)).collect();
        Ok(Written { statement, document, secrets, stopped, len })
    }

    /// Refuses to leave behind a secret that the version needs.
    fn complete(&self, template: &Template, secrets: &SecretValues) -> Result<(), MoveError> {
        for secret in secrets_needed(template) {
            let values = secrets.get(&secret.name);
            if secret.keys.iter().any(|key| values.is_none_or(|v| !v.contains_key(key))) {
                return Err(MoveError::SecretLost { place: self.place.clone(), secret: secret.name.to_string() });
            }
        }
        Ok(())
    }

    fn document(&self, standing: &Standing, version: &Version, values: Overlay) -> Result<Document, MoveError> {
        let mut ahead = BTreeMap::new();
        for (component, digest) in &version.ahead {
            let label = Version::with_digest(self.store, digest)?.label();
            ahead.insert(component.clone(), Ahead { label, digest: *digest });
        }
        let on = standing.holds().map(|r| r.enabled.clone()).unwrap_or_default();
        let optional = version.template.components.iter().filter(|c| c.optional);
        Ok(Document {
            name: self.place.name.clone(),
            version: version.version.clone(),
            revision: version.revision,
            ahead,
            modules: optional.map(|c| (c.name.clone(), on.contains(&c.name))).collect(),
            values,
            data: Vec::new(),
        })
    }

    /// Stops what uses the data, reads it, and starts it again, whatever happens.
    #[expect(clippy::type_complexity, reason = "what is listed, what is carried, what was stopped")]
    fn read_data(
        &mut self,
        standing: &Standing,
        version: &Version,
        helper: &Helper,
        export: &Export<'_>,
    ) -> Result<(Vec<Volume>, Vec<Spooled>, Vec<ObjectId>), MoveError> {
        let live = self.observe(standing)?;
        let workloads = self.workloads(standing);
        let stopped = to_stop(&workloads, &live, &version.template);
        let (patience, watch, target) = (self.settings.patience, self.watch, self.target.name());
        let hint = "copy what its pods keep by other means, and export without --data";
        let data = self.target.data().ok_or(MoveError::NoData { target, hint })?;
        let claims = data.claims()?;
        if claims.len() > limits::CLAIMS {
            return Err(MoveError::TooMany { count: claims.len(), limit: limits::CLAIMS });
        }
        if claims.is_empty() {
            return Ok((Vec::new(), Vec::new(), Vec::new()));
        }
        let read = data.stop(&stopped, &claims, patience, watch).map_err(MoveError::from).and_then(|()| {
            let (mut volumes, mut encrypted) = (Vec::new(), Vec::new());
            for claim in claims {
                let spooled = spool(export.out, export.recipients, |out| {
                    data.read(&claim, helper, patience, watch, out).map(drop)
                })?;
                volumes.push(Volume { claim, size: spooled.plain });
                encrypted.push(spooled);
            }
            Ok((volumes, encrypted))
        });
        let started = data.start(&workloads, patience, &Undisturbed(watch));
        let ((volumes, encrypted), started) = match (read, started) {
            (read, Err(why)) => return Err(MoveError::StillStopped { cause: read.err().map(Box::new), why }),
            (Err(e), Ok(started)) if e.is_interruption() => return Err(MoveError::ExportInterrupted { started }),
            (read, Ok(started)) => (read?, started),
        };
        match self.target.wait(&started, patience, watch) {
            Err(TargetError::Interrupted) => Err(MoveError::ExportInterrupted { started }),
            waited => Ok(waited.map(|()| (volumes, encrypted, started))?),
        }
    }
}

/// What mounts a claim, and what depends on that, in the order in which it is stopped: dependants first.
fn to_stop(workloads: &[ObjectId], live: &Live, template: &Template) -> Vec<ObjectId> {
    let component = |id: &ObjectId| -> Option<ComponentName> {
        live.get(id)?.pointer("/metadata/labels/app.kubernetes.io~1component")?.as_str()?.parse().ok()
    };
    let mut stopped: BTreeSet<ComponentName> =
        workloads.iter().filter(|id| live.get(id).is_some_and(has_claim)).filter_map(component).collect();
    loop {
        let depends = |c: &&bundle_format::template::Component| {
            !stopped.contains(&c.name) && c.depends_on.iter().any(|d| stopped.contains(d))
        };
        let more: Vec<_> = template.components.iter().filter(depends).map(|c| c.name.clone()).collect();
        if more.is_empty() {
            break;
        }
        stopped.extend(more);
    }
    let is_stopped = |id: &&ObjectId| component(id).is_some_and(|c| stopped.contains(&c));
    workloads.iter().rev().filter(is_stopped).cloned().collect()
}

fn has_claim(workload: &Value) -> bool {
    let list = |path: &str| workload.pointer(path).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    !list("/spec/volumeClaimTemplates").is_empty()
        || list("/spec/template/spec/volumes").iter().any(|v| v.get("persistentVolumeClaim").is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_depends_on_data_stops_before_what_keeps_it() {
        let id = |kind: &str, name: &str| ObjectId {
            group: "apps".to_owned(),
            kind: kind.to_owned(),
            namespace: Some("team".to_owned()),
            name: format!("shop-{name}"),
        };
        let workload = |name: &str, spec: Value| json!({"metadata": {"labels": {"app.kubernetes.io/component": name}}, "spec": spec});
        let (db, files) = (id("StatefulSet", "db"), id("Deployment", "files"));
        let (cache, api, web) = (id("Deployment", "cache"), id("Deployment", "api"), id("Deployment", "web"));
        let mut live = Live::default();
        live.objects.insert(db.clone(), workload("db", json!({"volumeClaimTemplates": [{}]})));
        let mounted = json!({"template": {"spec": {"volumes": [{"persistentVolumeClaim": {"claimName": "a"}}]}}});
        live.objects.insert(files.clone(), workload("files", mounted));
        for (object, name) in [(&cache, "cache"), (&api, "api"), (&web, "web")] {
            live.objects
                .insert(object.clone(), workload(name, json!({"template": {"spec": {"volumes": [{"emptyDir": {}}]}}})));
        }
        let text = "apiVersion: sealift.dev/v1\nkind: Template\nmetadata: { name: shop, version: '1.0.0' }\nimages: [{ name: 'x.example/y:1', from: 'oci:y' }]\ncomponents:\n\
                    - { name: db, image: x.example/y:1, kind: StatefulSet }\n- { name: cache, image: x.example/y:1 }\n- { name: files, image: x.example/y:1 }\n\
                    - { name: api, image: x.example/y:1, dependsOn: [db, cache] }\n- { name: web, image: x.example/y:1, dependsOn: [api] }\n";
        let template = Template::parse(text.as_bytes()).unwrap();
        let all = [db.clone(), cache, files.clone(), api.clone(), web.clone()];
        assert_eq!(to_stop(&all, &live, &template), [web, api, files, db]);
    }
}
