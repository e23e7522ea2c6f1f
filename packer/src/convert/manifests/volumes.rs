//! Volumes: claims, folders of pods, and files of ConfigMaps.

use base64::Engine as _;
use bundle_format::template::{AccessMode, Component, EmptyDir, SharedMount, Volume};
use serde_json::Value;

use super::super::ConvertError;
use super::super::compose::{free_name, volume};
use super::super::draft::{Draft, NoteKind};
use super::super::names::mount_path;
use super::{World, at, kind, left, list_at, map_at, name, number_at, text_at};

/// Fields of a claim; where it is bound to, and its class, are the cluster's.
const CLAIM: [&str; 4] = ["accessModes", "resources", "storageClassName", "volumeName"];
/// Fields of a mount.
const MOUNT: [&str; 4] = ["name", "mountPath", "readOnly", "subPath"];

impl World {
    /// The mounts of a workload's own container.
    pub(super) fn mounts(
        &mut self,
        draft: &mut Draft,
        object: &Value,
        spec: &Value,
        container: &Value,
        made: &mut Component,
    ) -> Result<(), ConvertError> {
        for mount in list_at(container, &["volumeMounts"]) {
            let (called, target) =
                (text_at(mount, &["name"]).unwrap_or_default(), text_at(mount, &["mountPath"]).unwrap_or_default());
            let Some(path) = mount_path(target) else {
                draft.note(NoteKind::Left, Some(&made.name), format!("the mount {called} at {target}"));
                continue;
            };
            left::fields(draft, Some(&made.name), &format!("the mount at {target}"), mount, &MOUNT);
            let read_only = at(mount, &["readOnly"]).and_then(Value::as_bool).unwrap_or(false);
            let sub = text_at(mount, &["subPath"]);
            let claim = list_at(object, &["spec", "volumeClaimTemplates"]).iter().find(|c| name(c) == called);
            if let Some(claim) = claim {
                left::fields(
                    draft,
                    Some(&made.name),
                    &format!("the claim {called}"),
                    claim.get("spec").unwrap_or(&Value::Null),
                    &CLAIM,
                );
                if made.volumes.iter().any(|v| v.name.as_str() == called) {
                    let text = format!("the claim {called} is mounted a second time, at {path}");
                    draft.note(NoteKind::Left, Some(&made.name), text);
                    continue;
                }
                let volume = Volume { read_only, ..claimed(claim, volume(free_name(made, called)?, path)) };
                made.volumes.push(volume);
                self.claims_of(name(object), called);
                self.sub_path(draft, made, target, sub);
                continue;
            }
            let Some(source) = list_at(spec, &["volumes"]).iter().find(|v| text_at(v, &["name"]) == Some(called))
            else {
                continue;
            };
            if let Some(claim) = text_at(source, &["persistentVolumeClaim", "claimName"]) {
                self.claim(draft, claim, path, read_only, made)?;
                self.sub_path(draft, made, target, sub);
            } else if let Some(empty) = at(source, &["emptyDir"]) {
                let memory = text_at(empty, &["medium"]) == Some("Memory");
                let size_limit = text_at(empty, &["sizeLimit"]).and_then(|s| s.parse().ok());
                let name = free_name(made, called)?;
                if name.as_str() != called && made.volumes.iter().any(|v| v.name.as_str() == called) {
                    let text =
                        format!("the folder {called} is mounted a second time, at {path}: here that is another folder");
                    draft.note(NoteKind::Look, Some(&made.name), text);
                }
                self.sub_path(draft, made, target, sub);
                made.volumes.push(Volume {
                    empty_dir: Some(EmptyDir { memory, size_limit }),
                    read_only,
                    ..volume(name, path)
                });
            } else {
                self.files(draft, source, target, sub, made)?;
            }
        }
        Ok(())
    }

    /// The mounts of a further container. Gives whether it shares the component's volumes.
    pub(super) fn plugin_mounts(
        &mut self,
        draft: &mut Draft,
        spec: &Value,
        container: &Value,
        owner: &mut Component,
        like: &mut Component,
    ) -> Result<bool, ConvertError> {
        let mut shares = false;
        for mount in list_at(container, &["volumeMounts"]) {
            let (called, target) =
                (text_at(mount, &["name"]).unwrap_or_default(), text_at(mount, &["mountPath"]).unwrap_or_default());
            let source = list_at(spec, &["volumes"]).iter().find(|v| text_at(v, &["name"]) == Some(called));
            if let Some(source) =
                source.filter(|s| at(s, &["persistentVolumeClaim"]).is_none() && at(s, &["emptyDir"]).is_none())
            {
                self.files(draft, source, target, text_at(mount, &["subPath"]), like)?;
                continue;
            }
            shares = true;
            if owner.volumes.iter().any(|v| v.path.as_str() == target.trim_end_matches('/')) {
                continue;
            }
            let container = text_at(container, &["name"]).unwrap_or_default();
            let text = format!(
                "the container {container} mounts the volume {called} at {target}: a plugin is given the component's volumes at the component's paths, so one of the two has to move"
            );
            draft.note(NoteKind::Look, Some(&owner.name), text);
        }
        Ok(shares)
    }

    /// The claims that a `StatefulSet` had made of the template `called`, one for each of its pods: a site's makes its own.
    fn claims_of(&mut self, set: &str, called: &str) {
        let prefix = format!("{called}-{set}-");
        let of_pod = |object: &Value| {
            let pod = name(object).strip_prefix(&prefix);
            kind(object) == "PersistentVolumeClaim"
                && pod.is_some_and(|pod| !pod.is_empty() && pod.bytes().all(|b| b.is_ascii_digit()))
        };
        let made = self.objects.iter().enumerate().filter(|(_, object)| of_pod(object)).map(|(index, _)| index);
        self.used.extend(made.collect::<Vec<_>>());
    }

    fn sub_path(&self, draft: &mut Draft, made: &Component, target: &str, sub: Option<&str>) {
        if let Some(sub) = sub {
            let text = format!("{target} was the folder {sub} of its volume; here it is the volume itself");
            draft.note(NoteKind::Look, Some(&made.name), text);
        }
    }

    fn claim(
        &mut self,
        draft: &mut Draft,
        claim: &str,
        path: bundle_format::template::MountPath,
        read_only: bool,
        made: &mut Component,
    ) -> Result<(), ConvertError> {
        if let Some((owner, volume)) = self.claims.get(claim).cloned() {
            if owner == made.name {
                draft.note(
                    NoteKind::Left,
                    Some(&made.name),
                    format!("the claim {claim} is mounted a second time, at {path}"),
                );
            } else {
                made.mounts.push(SharedMount { component: owner, volume, path, read_only });
            }
            return Ok(());
        }
        let found = self.find("PersistentVolumeClaim", claim);
        let name = free_name(made, claim.strip_prefix(&format!("{}-", made.name)).unwrap_or(claim))?;
        let made_of = match found {
            Some(index) => {
                let spec = self.objects[index].get("spec").unwrap_or(&Value::Null);
                left::fields(draft, Some(&made.name), &format!("the claim {claim}"), spec, &CLAIM);
                claimed(&self.objects[index], volume(name.clone(), path))
            }
            None => {
                draft.note(
                    NoteKind::Look,
                    Some(&made.name),
                    format!("the volume `{name}` has a size of 1Gi: the claim {claim} is not here"),
                );
                Volume { size: super::super::compose::size("1Gi"), ..volume(name.clone(), path) }
            }
        };
        self.used.extend(found);
        draft.note(
            NoteKind::Changed,
            Some(&made.name),
            format!("the claim {claim} became the volume `{name}`, which begins empty at a site"),
        );
        made.volumes.push(Volume { read_only, ..made_of });
        self.claims.insert(claim.to_owned(), (made.name.clone(), name));
        Ok(())
    }

    /// Files of a ConfigMap, each mounted on its own; what a template cannot mount is noted.
    fn files(
        &mut self,
        draft: &mut Draft,
        source: &Value,
        target: &str,
        sub: Option<&str>,
        made: &mut Component,
    ) -> Result<(), ConvertError> {
        let Some(map) = text_at(source, &["configMap", "name"]) else {
            let what =
                source.as_object().and_then(|s| s.keys().find(|k| *k != "name")).map_or("volume", String::as_str);
            let text = match what {
                "secret" => {
                    let secret = text_at(source, &["secret", "secretName"]).unwrap_or_default();
                    self.used.extend(self.find("Secret", secret));
                    format!(
                        "the secret {secret} is mounted at {target}: a template hands secrets over in variables, not as files"
                    )
                }
                other => format!("the `{other}` at {target}: a template has no such volume"),
            };
            draft.note(NoteKind::Left, Some(&made.name), text);
            return Ok(());
        };
        let Some(index) = self.find("ConfigMap", map) else {
            draft.note(
                NoteKind::Left,
                Some(&made.name),
                format!("the ConfigMap {map}, mounted at {target}, is not here"),
            );
            return Ok(());
        };
        self.used.insert(index);
        let modes = list_at(source, &["configMap", "items"]).iter().filter_map(|i| number_at::<u32>(i, &["mode"]));
        let modes = modes.chain(number_at::<u32>(source, &["configMap", "defaultMode"]));
        if let Some(mode) = modes.into_iter().find(|mode| ![0o644, 0o755].contains(mode)) {
            let text = format!(
                "the mode {mode:o} of files of the ConfigMap {map}: 755 where anybody may run them, otherwise 644"
            );
            draft.note(NoteKind::Left, Some(&made.name), text);
        }
        let executable =
            at(source, &["configMap", "defaultMode"]).and_then(Value::as_u64).is_some_and(|m| m & 0o111 != 0);
        let items: Vec<(String, String)> = match list_at(source, &["configMap", "items"]) {
            [] => [&["data"], &["binaryData"]]
                .iter()
                .flat_map(|p| map_at(&self.objects[index], *p))
                .map(|(k, _)| (k.clone(), k.clone()))
                .collect(),
            items => (items.iter())
                .filter_map(|i| Some((text_at(i, &["key"])?.to_owned(), text_at(i, &["path"])?.to_owned())))
                .collect(),
        };
        if sub.is_some_and(|sub| !items.iter().any(|(_, below)| below == sub)) {
            let text = format!("the ConfigMap {map} has no file {}, mounted at {target}", sub.unwrap_or_default());
            draft.note(NoteKind::Left, Some(&made.name), text);
        }
        for (key, below) in items {
            let place = match sub {
                Some(sub) if sub == below => target.to_owned(),
                Some(_) => continue,
                None => format!("{target}/{below}"),
            };
            let object = &self.objects[index];
            let binary =
                || base64::engine::general_purpose::STANDARD.decode(text_at(object, &["binaryData", &key])?).ok();
            let content = text_at(object, &["data", &key]).map(|t| t.as_bytes().to_vec()).or_else(binary);
            match (mount_path(&place), content) {
                (Some(path), Some(content)) => {
                    let made_of = draft.config(&made.name, path, content, executable)?;
                    made.config.push(made_of);
                }
                _ => draft.note(NoteKind::Left, Some(&made.name), format!("the file {place} of the ConfigMap {map}")),
            }
        }
        Ok(())
    }
}

/// What a claim says, for a volume.
fn claimed(claim: &Value, volume: Volume) -> Volume {
    let modes = list_at(claim, &["spec", "accessModes"]).iter().filter_map(|m| match m.as_str()? {
        "ReadOnlyMany" => Some(AccessMode::ReadOnlyMany),
        "ReadWriteMany" => Some(AccessMode::ReadWriteMany),
        "ReadWriteOncePod" => Some(AccessMode::ReadWriteOncePod),
        "ReadWriteOnce" => Some(AccessMode::ReadWriteOnce),
        _ => None,
    });
    let mut access_modes: Vec<AccessMode> = modes.collect();
    if access_modes == [AccessMode::ReadWriteOnce] {
        access_modes.clear();
    }
    let size = at(claim, &["spec", "resources", "requests", "storage"])
        .map(|s| s.as_str().map_or_else(|| s.to_string(), str::to_owned));
    // The class of one cluster is not that of another.
    Volume {
        size: size.and_then(|s| s.parse().ok()).or_else(|| super::super::compose::size("1Gi")),
        access_modes,
        ..volume
    }
}
