//! Rules of configuration files and volumes.

use super::super::place::Place;
use super::super::{AccessMode, Code, Component, ConfigFile, MountPath, SharedMount, Volume, WorkloadKind};
use super::{Check, labels};

/// Most bytes that the configuration files of one component have together: what a `ConfigMap` holds.
const CONFIG_BYTES: usize = 1 << 20;
/// The modes with which pods on several nodes mount a volume together.
const MANY: [AccessMode; 2] = [AccessMode::ReadWriteMany, AccessMode::ReadOnlyMany];

impl Check<'_> {
    pub(super) fn mounts(&mut self, component: &Component, place: &Place) {
        let (volumes, mounts) = (place.field("volumes"), place.field("mounts"));
        let own = component.volumes.iter().enumerate().map(|(i, v)| (volumes.index(i).field("path"), &v.path));
        let shared = component.mounts.iter().enumerate().map(|(i, m)| (mounts.index(i).field("path"), &m.path));
        self.files(&component.config, own.chain(shared), place);
    }

    /// Files of configuration, beside `folders` that are mounted as well.
    pub(super) fn files<'p>(
        &mut self,
        list: &'p [ConfigFile],
        folders: impl Iterator<Item = (Place, &'p MountPath)>,
        place: &Place,
    ) {
        let config = place.field("config");
        let files = || list.iter().enumerate().map(|(i, c)| (config.index(i), c));
        let paths: Vec<(Place, &MountPath)> = files().map(|(at, c)| (at.field("path"), &c.path)).collect();
        self.unique("the path", paths.into_iter().chain(folders));
        let mut seen = std::collections::HashMap::new();
        for (at, file) in files() {
            self.exactly_one(&at, &[("content", file.content.is_some()), ("file", file.file.is_some())]);
            if let Some(other) = seen.insert(file.path.key(), &file.path)
                && *other != file.path
            {
                let message =
                    format!("{} and {other} become the same key of a ConfigMap, `{}`", file.path, file.path.key());
                self.error(&at.field("path"), Code::Duplicate, message, Some("rename one of the two"));
            }
        }
        let bytes: usize = list.iter().filter_map(|c| c.content.as_ref()).map(String::len).sum();
        if bytes > CONFIG_BYTES {
            let message =
                format!("{bytes} bytes are more than the {CONFIG_BYTES} that a component's files may have together");
            self.error(&config, Code::InvalidValue, message, Some("put large files into the image"));
        }
    }

    pub(super) fn volumes(&mut self, component: &Component, place: &Place) {
        let place = place.field("volumes");
        let volumes = || component.volumes.iter().enumerate().map(|(i, v)| (place.index(i), v));
        self.unique("the volume", volumes().map(|(at, v)| (at.field("name"), &v.name)));
        for (at, volume) in volumes() {
            let (size, empty) = (volume.size.is_some(), volume.empty_dir.is_some());
            self.exactly_one(&at, &[("size", size), ("emptyDir", empty)]);
            if empty && !size {
                for (field, given) in
                    [("accessModes", !volume.access_modes.is_empty()), ("storageClass", volume.storage_class.is_some())]
                {
                    if given {
                        let message = format!("an `emptyDir` has no `{field}`");
                        self.error(&at.field(field), Code::OneOf, message, Some("remove it"));
                    }
                }
            }
            if volume.storage_class.as_ref().is_some_and(|class| !labels::is_subdomain(class)) {
                let message = format!("{:?} is not the name of a storage class", volume.storage_class.as_deref());
                self.error(&at.field("storageClass"), Code::InvalidValue, message, None);
            }
            let modes = at.field("accessModes");
            self.unique(
                "the mode",
                volume.access_modes.iter().enumerate().map(|(i, m)| (modes.index(i), format!("{m:?}"))),
            );
            if volume.access_modes.contains(&AccessMode::ReadWriteOncePod) && volume.access_modes.len() > 1 {
                let message = "`ReadWriteOncePod` goes with no other mode".to_owned();
                self.error(&modes, Code::InvalidValue, message, None);
            }
            self.shared(component, volume, &at);
        }
    }

    /// Volumes of other components.
    pub(super) fn shared_mounts(&mut self, component: &Component, place: &Place) {
        let mounts = || component.mounts.iter().enumerate().map(|(i, m)| (place.index(i), m));
        self.unique("the mount", mounts().map(|(at, m)| (at.field("volume"), format!("{}.{}", m.component, m.volume))));
        for (at, mount) in mounts() {
            self.shared_mount(component, mount, &at);
        }
    }

    fn shared_mount(&mut self, component: &Component, mount: &SharedMount, place: &Place) {
        let at = place.field("component");
        if mount.component == component.name {
            let message = "a component has its own volumes anyway".to_owned();
            return self.error(&at, Code::InvalidValue, message, Some("mount a volume of another component"));
        }
        let Some(owner) = self.template.component(&mount.component) else {
            return self.unknown_named("component", &["components"], mount.component.as_str(), &at);
        };
        if owner.kind == WorkloadKind::StatefulSet {
            let message = format!("each pod of the StatefulSet `{}` has a volume of its own", owner.name);
            return self.error(&at, Code::NotForKind, message, Some("make the owner another `kind`"));
        }
        let Some(volume) = owner.volumes.iter().find(|v| v.name == mount.volume) else {
            if self.is_cut("components", owner.name.as_str(), "volumes") {
                return;
            }
            let known: Vec<&str> = owner.volumes.iter().map(|v| v.name.as_str()).collect();
            let what = format!("volume of `{}` called", owner.name);
            return self.unknown(&what, mount.volume.as_str(), &known, &place.field("volume"));
        };
        if volume.size.is_none() && self.is_cut("components", owner.name.as_str(), "volumes") {
            return;
        }
        if volume.size.is_none() {
            let message =
                format!("the volume `{}` of `{}` has no `size`: it ends with its pod", volume.name, owner.name);
            return self.error(&place.field("volume"), Code::InvalidValue, message, Some("give it a `size`"));
        }
        if !volume.access_modes.iter().any(|mode| MANY.contains(mode)) {
            let message = format!("both components mount the volume `{}`, which one node at a time can", volume.name);
            self.warning(place, Code::Risky, message, Some("give it `accessModes: [ReadWriteMany]`"));
        }
    }

    /// A claim that several pods share must be one that several nodes can mount.
    fn shared(&mut self, component: &Component, volume: &Volume, place: &Place) {
        if volume.size.is_none() || volume.access_modes.iter().any(|mode| MANY.contains(mode)) {
            return;
        }
        let hint = Some("give it `accessModes: [ReadWriteMany]`, or make the component a StatefulSet");
        match component.kind {
            WorkloadKind::DaemonSet => {
                let message =
                    format!("every node would mount the volume `{}`, which one node at a time can", volume.name);
                self.error(place, Code::NotForKind, message, hint);
            }
            WorkloadKind::Deployment if most_replicas(component) > 1 => {
                let message =
                    format!("the replicas share the volume `{}`, which one node at a time can mount", volume.name);
                self.warning(place, Code::Risky, message, hint);
            }
            WorkloadKind::Deployment | WorkloadKind::StatefulSet | WorkloadKind::Job | WorkloadKind::CronJob => {}
        }
    }
}

/// How many replicas there may be.
fn most_replicas(component: &Component) -> u32 {
    let scaled = component.scaling.as_ref().map_or(1, |s| s.max.get());
    scaled.max(component.replicas.unwrap_or(1))
}
