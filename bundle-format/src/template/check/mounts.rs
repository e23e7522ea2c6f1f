//! Rules of configuration files and volumes.

use super::super::place::Place;
use super::super::{AccessMode, Code, Component, Volume, WorkloadKind};
use super::{Check, labels};

/// Most bytes that the configuration files of one component have together: what a `ConfigMap` holds.
const CONFIG_BYTES: usize = 1 << 20;

impl Check<'_> {
    pub(super) fn mounts(&mut self, component: &Component, place: &Place) {
        let (config, volumes) = (place.field("config"), place.field("volumes"));
        let files = || component.config.iter().enumerate().map(|(i, c)| (config.index(i), c));
        let folders = component.volumes.iter().enumerate().map(|(i, v)| (volumes.index(i).field("path"), &v.path));
        self.unique("the path", files().map(|(at, c)| (at.field("path"), &c.path)).chain(folders));
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
        let bytes: usize = component.config.iter().filter_map(|c| c.content.as_ref()).map(String::len).sum();
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

    /// A claim that several pods share must be one that several nodes can mount.
    fn shared(&mut self, component: &Component, volume: &Volume, place: &Place) {
        let many = [AccessMode::ReadWriteMany, AccessMode::ReadOnlyMany];
        if volume.size.is_none() || volume.access_modes.iter().any(|mode| many.contains(mode)) {
            return;
        }
        let hint = Some("give it `accessModes: [ReadWriteMany]`, or make the component a StatefulSet");
        match component.kind {
            WorkloadKind::DaemonSet => {
                let message =
                    format!("every node would mount the volume `{}`, which one node at a time can", volume.name);
                self.error(place, Code::NotForKind, message, hint);
            }
            WorkloadKind::Deployment if component.replicas.is_some_and(|n| n > 1) => {
                let message =
                    format!("the replicas share the volume `{}`, which one node at a time can mount", volume.name);
                self.warning(place, Code::Risky, message, hint);
            }
            WorkloadKind::Deployment | WorkloadKind::StatefulSet | WorkloadKind::Job | WorkloadKind::CronJob => {}
        }
    }
}
