//! Storage and files of configuration, and what components share of them.

use bundle_format::template::{AccessMode, Component, ComponentName, ConfigFile, EmptyDir, SharedMount, WorkloadKind};
use serde_json::Value;

use super::super::ConvertError;
use super::super::compose::{free_name, volume};
use super::super::draft::{Draft, NoteKind};
use super::super::names::mount_path;
use super::{App, list_at, number, word};

impl App {
    pub(super) fn volumes(&mut self, draft: &mut Draft, app: &Value, made: &mut Component) -> Result<(), ConvertError> {
        for given in list_at(app, &["service_volume_map_list"]) {
            let called = word(given, "volume_name").unwrap_or_default();
            let target = word(given, "volume_path").unwrap_or_default();
            let Some(path) = mount_path(&target) else {
                draft.note(NoteKind::Left, Some(&made.name), format!("the volume {called} at {target:?}"));
                continue;
            };
            let capacity = number::<u32>(given, "volume_capacity").filter(|n| *n != 0);
            let kind = word(given, "volume_type").unwrap_or_default();
            if kind == "config-file" {
                let content = word(given, "file_content").unwrap_or_default();
                let executable = word(given, "mode").is_some_and(|m| m.contains(['1', '3', '5', '7']));
                let mode = word(given, "mode").filter(|m| !["0", "644", "0644", "755", "0755"].contains(&m.as_str()));
                if let Some(mode) = mode {
                    let now = if executable { "0755" } else { "0644" };
                    draft.note(
                        NoteKind::Look,
                        Some(&made.name),
                        format!("{path} had the mode {mode}, and has {now} here"),
                    );
                }
                policies(draft, given, &called, &made.name);
                let file = draft.config(&made.name, path, content.into_bytes(), executable)?;
                made.config.push(file);
                continue;
            }
            policies(draft, given, &called, &made.name);
            let name = free_name(made, &called)?;
            let mut made_of = volume(name.clone(), path);
            if kind == "memoryfs" {
                let size_limit = capacity.and_then(|n| format!("{n}Mi").parse().ok());
                made_of.empty_dir = Some(EmptyDir { memory: true, size_limit });
            } else {
                made_of.size = format!("{}Gi", capacity.unwrap_or(10)).parse().ok();
                if capacity.is_none() {
                    draft.note(
                        NoteKind::Look,
                        Some(&made.name),
                        format!("the volume `{name}` had no limit; it has a size of 10Gi here"),
                    );
                }
                if let Some(mode) = word(given, "access_mode") {
                    made_of.access_modes = match mode.as_str() {
                        "RWX" | "ReadWriteMany" => vec![AccessMode::ReadWriteMany],
                        "ROX" | "ReadOnlyMany" => vec![AccessMode::ReadOnlyMany],
                        "RWO" | "ReadWriteOnce" => Vec::new(),
                        _ => {
                            let text = format!("the access mode {mode:?} of the volume `{name}`");
                            draft.note(NoteKind::Left, Some(&made.name), text);
                            Vec::new()
                        }
                    };
                }
                let replicated = made.kind == WorkloadKind::DaemonSet
                    || (made.kind == WorkloadKind::Deployment && made.replicas.is_some());
                if kind == "share-file" && replicated {
                    made_of.access_modes = vec![AccessMode::ReadWriteMany];
                }
                // The platform gives its own storage the mode that it needs; a cluster does not.
                if kind == "share-file" && !replicated {
                    made_of.access_modes.clear();
                }
                if !["share-file", "local", ""].contains(&kind.as_str()) {
                    draft.note(
                        NoteKind::Look,
                        Some(&made.name),
                        format!(
                            "the volume `{name}` was of the storage class {kind}; here it is the cluster's default"
                        ),
                    );
                }
            }
            made.volumes.push(made_of);
        }
        Ok(())
    }

    /// `mnt_relation_list`: volumes and files of other components.
    pub(super) fn shared_mounts(&self, draft: &mut Draft, given: &[&Value]) -> Result<(), ConvertError> {
        let mut components = std::mem::take(&mut draft.template.components);
        for (index, app) in given.iter().enumerate() {
            for relation in list_at(app, &["mnt_relation_list"]) {
                let (key, called) = (
                    word(relation, "service_share_uuid").unwrap_or_default(),
                    word(relation, "mnt_name").unwrap_or_default(),
                );
                let path = mount_path(&word(relation, "mnt_dir").unwrap_or_default());
                let me = components[index].name.clone();
                let owner =
                    self.find(&key).and_then(|o| components.iter().position(|c| c.name == o)).filter(|o| *o != index);
                let (Some(owner), Some(path)) = (owner, path) else {
                    draft.note(
                        NoteKind::Left,
                        Some(&me),
                        format!("the shared storage {called}: its component is not here"),
                    );
                    continue;
                };
                // The export names what is shared, and the owner's list says what that is.
                let entry = list_at(given[owner], &["service_volume_map_list"])
                    .iter()
                    .find(|v| word(v, "volume_name").as_deref() == Some(called.as_str()));
                let place = entry.and_then(|v| mount_path(&word(v, "volume_path")?));
                if let Some(file) = components[owner].config.iter().find(|c| Some(&c.path) == place.as_ref()).cloned() {
                    components[index].config.push(ConfigFile { path, ..file });
                    continue;
                }
                let owned = &mut components[owner];
                let Some(volume) =
                    owned.volumes.iter_mut().find(|v| Some(&v.path) == place.as_ref() && v.size.is_some())
                else {
                    draft.note(
                        NoteKind::Left,
                        Some(&me),
                        format!("the shared storage {called} of {}: it cannot be shared", owned.name),
                    );
                    continue;
                };
                volume.access_modes = vec![AccessMode::ReadWriteMany];
                let mount =
                    SharedMount { component: owned.name.clone(), volume: volume.name.clone(), path, read_only: false };
                if owned.kind == WorkloadKind::StatefulSet {
                    (owned.kind, owned.singleton) = (WorkloadKind::Deployment, owned.replicas.is_none());
                    let text = "a Deployment, because others mount its volume: each replica of a StatefulSet would have one of its own";
                    draft.note(NoteKind::Look, Some(&owned.name.clone()), text);
                }
                let text = format!(
                    "it shares the volume `{}` of {}, which needs a storage class that many nodes can mount",
                    mount.volume, mount.component
                );
                draft.note(NoteKind::Look, Some(&me), text);
                components[index].mounts.push(mount);
            }
        }
        draft.template.components = components;
        Ok(())
    }
}

/// Notes what only the platform's own storage knows. It writes `exclusive` where nobody said anything.
fn policies(draft: &mut Draft, given: &Value, called: &str, of: &ComponentName) {
    let said = ["share_policy", "backup_policy"].into_iter().filter_map(|key| Some((key, word(given, key)?)));
    let said = said.filter(|(_, policy)| policy != "exclusive");
    let provider = word(given, "volume_provider_name").map(|name| ("volume_provider_name", name));
    for (key, value) in said.chain(provider) {
        draft.note(NoteKind::Left, Some(of), format!("`{key}` {value} of the volume {called}"));
    }
}
