//! `volumes`, `tmpfs`, `configs` and `secrets`.

use std::fs;
use std::path::Path;

use bundle_format::template::{
    AccessMode, Component, EmptyDir, Env, EnvName, MountPath, Quantity, SharedMount, Volume, VolumeName,
};

use super::super::ConvertError;
use super::super::draft::{CONFIG_BYTES, Draft, NoteKind};
use super::super::names::{Names, mount_path};
use super::super::tree::Tree;
use super::service::base_name;
use super::{Project, words};
use crate::plan::read_file;

/// Most files of a folder that become files of configuration.
const FOLDER_FILES: usize = 50;

/// A mount as compose has it.
struct Mount {
    kind: &'static str,
    source: String,
    target: String,
    read_only: bool,
    size: Option<String>,
    /// The part of the volume that is mounted.
    part: Option<String>,
}

fn mount(tree: &Tree) -> Option<Mount> {
    if let Tree::Map(_) = tree {
        let kind = match tree.text_of("type").as_deref() {
            Some("bind") => "bind",
            Some("tmpfs") => "tmpfs",
            Some("volume") | None => "volume",
            Some(_) => return None,
        };
        let size = tree.get("tmpfs").and_then(|t| t.text_of("size"));
        let source = tree.text_of("source").unwrap_or_default();
        return Some(Mount {
            kind,
            source,
            target: tree.text_of("target")?,
            read_only: tree.get("read_only").is_some_and(Tree::yes),
            size,
            part: tree.get("volume").and_then(|v| v.text_of("subpath")),
        });
    }
    let text = tree.text()?;
    let mut parts = text.split(':');
    let (first, second, mode) = (parts.next()?, parts.next(), parts.next());
    let Some(target) = second else {
        return Some(Mount {
            kind: "volume",
            source: String::new(),
            target: first.to_owned(),
            read_only: false,
            size: None,
            part: None,
        });
    };
    let kind = if first.starts_with(['.', '/', '~']) { "bind" } else { "volume" };
    let read_only = mode.is_some_and(|m| m.split(',').any(|m| m == "ro"));
    Some(Mount { kind, source: first.to_owned(), target: target.to_owned(), read_only, size: None, part: None })
}

/// The named volume that an entry of `volumes` mounts.
pub(super) fn source(tree: &Tree) -> Option<String> {
    mount(tree).filter(|m| m.kind == "volume" && !m.source.is_empty()).map(|m| m.source)
}

impl Project {
    /// Volumes, files and secrets of a service. Gives the places of files of secrets, and the variables that they became.
    pub(super) fn mounts(
        &mut self,
        draft: &mut Draft,
        name: &str,
        service: &Tree,
        made: &mut Component,
    ) -> Result<Vec<(String, EnvName)>, ConvertError> {
        for entry in service.get("volumes").map(Tree::elements).unwrap_or_default() {
            let Some((mount, path)) = mount(entry).and_then(|m| mount_path(&m.target).map(|p| (m, p))) else {
                draft.note(NoteKind::Left, Some(&made.name), format!("the volume {}", said(entry)));
                continue;
            };
            match mount.kind {
                "bind" => self.bind(draft, &mount, path, service, made)?,
                "tmpfs" => memory(draft, path, mount.size.as_deref(), made)?,
                _ => self.volume(draft, &mount, path, name, made)?,
            }
        }
        for text in service.get("tmpfs").map(Tree::texts).unwrap_or_default() {
            let (path, options) = text.split_once(':').unwrap_or((&text, ""));
            let size = options.split(',').find_map(|o| o.strip_prefix("size="));
            match mount_path(path) {
                Some(path) => memory(draft, path, size, made)?,
                None => draft.note(NoteKind::Left, Some(&made.name), format!("the memory at {path}")),
            }
        }
        if let Some(size) = service.text_of("shm_size")
            && let Some(path) = mount_path("/dev/shm")
        {
            memory(draft, path, Some(&size), made)?;
        }
        self.configs(draft, service, made)?;
        self.secrets(draft, service, made)
    }

    fn volume(
        &mut self,
        draft: &mut Draft,
        mount: &Mount,
        path: MountPath,
        service: &str,
        made: &mut Component,
    ) -> Result<(), ConvertError> {
        if mount.source.is_empty() {
            let name = free_name(made, base_name(Path::new(path.as_str())).as_str())?;
            made.volumes.push(Volume { empty_dir: Some(EmptyDir::default()), ..volume(name, path.clone()) });
            draft.note(
                NoteKind::Look,
                Some(&made.name),
                format!("{path} lives as long as a pod: an anonymous volume; give it a `size` to keep it"),
            );
            return Ok(());
        }
        if let Some(part) = &mount.part {
            let text = format!("{path} was the folder {part} of its volume; here it is the volume itself");
            draft.note(NoteKind::Look, Some(&made.name), text);
        }
        if self.volumes.get(&mount.source).is_some_and(|(owner, _)| *owner == made.name) {
            let text = format!("the volume {} is mounted a second time, at {path}", mount.source);
            draft.note(NoteKind::Left, Some(&made.name), text);
            return Ok(());
        }
        if let Some((owner, name)) = self.volumes.get(&mount.source).filter(|(owner, _)| *owner != made.name).cloned() {
            made.mounts.push(SharedMount {
                component: owner.clone(),
                volume: name.clone(),
                path,
                read_only: mount.read_only,
            });
            if let Some(there) = draft.template.components.iter_mut().find(|c| c.name == owner)
                && let Some(volume) = there.volumes.iter_mut().find(|v| v.name == name)
            {
                volume.access_modes = vec![AccessMode::ReadWriteMany];
            }
            let text = format!(
                "it shares the volume `{name}` of {owner}, which needs a storage class that many nodes can mount"
            );
            draft.note(NoteKind::Look, Some(&made.name), text);
            return Ok(());
        }
        let name = free_name(made, &mount.source)?;
        self.volumes.insert(mount.source.clone(), (made.name.clone(), name.clone()));
        made.volumes.push(Volume { size: size("1Gi"), read_only: mount.read_only, ..volume(name.clone(), path) });
        draft.note(
            NoteKind::Look,
            Some(&made.name),
            format!("the volume `{name}` has a size of 1Gi: compose names none"),
        );
        let top = self.tree.get("volumes").and_then(|v| v.get(&mount.source));
        if top.is_some_and(|v| v.get("external").is_some()) {
            let text =
                format!("the volume {} of {service} exists outside of compose; a site's begins empty", mount.source);
            draft.note(NoteKind::Look, Some(&made.name), text);
        }
        if let Some(options) = top.and_then(|v| v.get("driver_opts")) {
            let words: Vec<String> =
                options.pairs().into_iter().map(|(k, v)| format!("{k}={}", v.unwrap_or_default())).collect();
            let text =
                format!("where the volume {} lies ({}): a site has its own storage", mount.source, words.join(", "));
            draft.note(NoteKind::Left, Some(&made.name), text);
        }
        Ok(())
    }

    fn bind(
        &mut self,
        draft: &mut Draft,
        mount: &Mount,
        path: MountPath,
        service: &Tree,
        made: &mut Component,
    ) -> Result<(), ConvertError> {
        let found = self.inside(&mount.source);
        if found.as_ref().is_some_and(|folder| self.is_source(folder, service)) {
            let text = format!(
                "{} at {path} is what the application is made of, passwords in `.env` included: it is mounted for development, and \
                 belongs into the image",
                mount.source
            );
            draft.note(NoteKind::Left, Some(&made.name), text);
            return Ok(());
        }
        match found {
            Some(file) if file.is_file() => self.config_file(draft, &file, path, made)?,
            Some(folder) if folder.is_dir() => match files_below(&folder) {
                Some(files) if !files.is_empty() && files.len() <= FOLDER_FILES => {
                    draft.note(
                        NoteKind::Look,
                        Some(&made.name),
                        format!("the files of {} became files of configuration", mount.source),
                    );
                    for file in files {
                        let below =
                            file.strip_prefix(&folder).map(|p| p.to_string_lossy().into_owned()).unwrap_or_default();
                        if let Some(path) = mount_path(&format!("{path}/{below}")) {
                            self.config_file(draft, &file, path, made)?;
                        }
                    }
                }
                _ => kept(draft, mount, path, made)?,
            },
            None if mount.source.starts_with('.') && !self.base.join(&mount.source).exists() => {
                kept(draft, mount, path, made)?
            }
            _ => {
                let text = format!(
                    "{} lies outside of the compose file's folder and is not carried: {path} comes from the image",
                    mount.source
                );
                draft.note(NoteKind::Left, Some(&made.name), text);
            }
        }
        Ok(())
    }

    /// Whether `folder` has the compose file, or is what the service's image is built from.
    fn is_source(&self, folder: &Path, service: &Tree) -> bool {
        let context = service.get("build").and_then(|b| b.text().or_else(|| b.text_of("context")));
        let context = context.and_then(|context| self.inside(&context));
        folder.is_dir() && (self.base.starts_with(folder) || context.is_some_and(|context| context.starts_with(folder)))
    }

    fn config_file(
        &self,
        draft: &mut Draft,
        file: &Path,
        path: MountPath,
        made: &mut Component,
    ) -> Result<(), ConvertError> {
        use std::os::unix::fs::PermissionsExt as _;
        let large = file.metadata().is_ok_and(|m| m.len() > CONFIG_BYTES);
        if large || !file.canonicalize().is_ok_and(|f| f.starts_with(&self.base)) {
            let text = format!(
                "{path}: {} has more than 1 MiB or is a link that leads outside; put it into the image",
                base_name(file)
            );
            draft.note(NoteKind::Left, Some(&made.name), text);
            return Ok(());
        }
        let read = |source| ConvertError::Read { path: file.to_owned(), source };
        let content = read_file(file, CONFIG_BYTES).map_err(read)?;
        let executable = file.metadata().is_ok_and(|m| m.permissions().mode() & 0o111 != 0);
        let made_of = draft.config(&made.name, path, content, executable)?;
        made.config.push(made_of);
        Ok(())
    }

    fn configs(&mut self, draft: &mut Draft, service: &Tree, made: &mut Component) -> Result<(), ConvertError> {
        for entry in service.get("configs").map(Tree::elements).unwrap_or_default() {
            let name = entry.text().or_else(|| entry.text_of("source")).unwrap_or_default();
            let target = entry.text_of("target").unwrap_or_else(|| format!("/{name}"));
            let top = self.tree.get("configs").and_then(|c| c.get(&name)).cloned().unwrap_or(Tree::Null);
            // What is no whole path lies in the container's root.
            let target = if target.starts_with('/') { target } else { format!("/{target}") };
            let Some(path) = mount_path(&target) else {
                draft.note(NoteKind::Left, Some(&made.name), format!("the config {name:?}, mounted at {target}"));
                continue;
            };
            let (own, before) = (["uid", "gid"].iter().any(|k| entry.get(k).is_some()), made.config.len());
            if own {
                let text = format!("who owns {path}: files of configuration are root's, and all may read them");
                draft.note(NoteKind::Left, Some(&made.name), text);
            }
            if let Some(content) = top.text_of("content") {
                let made_of = draft.config(&made.name, path, content.into_bytes(), false)?;
                made.config.push(made_of);
            } else if let Some(file) = top.text_of("file").and_then(|f| self.inside(&f)).filter(|f| f.is_file()) {
                self.config_file(draft, &file, path, made)?;
            } else {
                let text =
                    format!("the config {name:?}, mounted at {target}: its content is not here; add it to `config`");
                draft.note(NoteKind::Left, Some(&made.name), text);
            }
            if let (Some(file), Some(mode)) = (made.config.get_mut(before), entry.text_of("mode")) {
                file.executable = mode.bytes().rev().take(3).any(|digit| digit.is_ascii_digit() && digit & 1 == 1);
            }
        }
        Ok(())
    }

    /// A secret is read from a file there, and from a variable here: `X_FILE=/run/secrets/NAME` becomes `X`.
    fn secrets(
        &mut self,
        draft: &mut Draft,
        service: &Tree,
        made: &mut Component,
    ) -> Result<Vec<(String, EnvName)>, ConvertError> {
        let mut places = Vec::new();
        for entry in service.get("secrets").map(Tree::elements).unwrap_or_default() {
            let name = entry.text().or_else(|| entry.text_of("source")).unwrap_or_default();
            let target = entry.text_of("target").unwrap_or_else(|| name.clone());
            let place = if target.starts_with('/') { target } else { format!("/run/secrets/{target}") };
            let reference = draft.secret(&name, "value")?;
            let user = made.env.iter_mut().find(|e| e.value.as_deref() == Some(place.as_str()));
            let renamed = user.and_then(|e| {
                let plain: EnvName = e.name.as_str().strip_suffix("_FILE")?.parse().ok()?;
                *e = Env { name: plain.clone(), value: None, secret: Some(reference.clone()), service: None };
                Some(plain)
            });
            let text = match renamed {
                Some(plain) => {
                    places.push((place, plain.clone()));
                    format!(
                        "the secret {name:?} is generated by the site and handed over in {plain}; the value that was in use is not carried"
                    )
                }
                None => {
                    let plain: EnvName = format!(
                        "SECRET_{}",
                        name.to_ascii_uppercase().replace(|c: char| !c.is_ascii_alphanumeric(), "_")
                    )
                    .parse()?;
                    made.env.push(Env { name: plain.clone(), value: None, secret: Some(reference), service: None });
                    let text = format!(
                        "the secret {name:?} was a file at {place}; here the site generates it and hands it over in {plain}: let the application read that"
                    );
                    places.push((place, plain));
                    text
                }
            };
            draft.note(NoteKind::Look, Some(&made.name), text);
        }
        Ok(places)
    }
}

/// An entry of `volumes` in few words.
fn said(entry: &Tree) -> String {
    let of = |key: &str| entry.text_of(key).unwrap_or_default();
    entry.text().unwrap_or_else(|| format!("{} at {}, of the type {:?}", of("source"), of("target"), of("type")))
}

/// A folder that holds data: a volume that begins empty.
fn kept(draft: &mut Draft, mount: &Mount, path: MountPath, made: &mut Component) -> Result<(), ConvertError> {
    let name = free_name(made, base_name(Path::new(&mount.source)).as_str())?;
    let text = format!(
        "the folder {} became the volume `{name}` of 1Gi, which begins empty; its files are not carried",
        mount.source
    );
    draft.note(NoteKind::Look, Some(&made.name), text);
    made.volumes.push(Volume { size: size("1Gi"), read_only: mount.read_only, ..volume(name, path) });
    Ok(())
}

fn memory(draft: &Draft, path: MountPath, limit: Option<&str>, made: &mut Component) -> Result<(), ConvertError> {
    let _ = draft;
    let size_limit = limit.and_then(words::bytes).and_then(|s| s.parse().ok());
    let name = free_name(made, &base_name(Path::new(path.as_str())))?;
    made.volumes.push(Volume { empty_dir: Some(EmptyDir { memory: true, size_limit }), ..volume(name, path) });
    Ok(())
}

/// The regular files of a folder, sorted; `None` if there are too many, or if one is too large.
fn files_below(folder: &Path) -> Option<Vec<std::path::PathBuf>> {
    let (mut files, mut folders) = (Vec::new(), vec![(folder.to_owned(), 0)]);
    while let Some((at, depth)) = folders.pop() {
        for entry in fs::read_dir(&at).ok()? {
            let entry = entry.ok()?;
            let kind = entry.file_type().ok()?;
            match (kind.is_dir(), kind.is_file()) {
                (true, _) if depth < 8 => folders.push((entry.path(), depth + 1)),
                (_, true) if entry.metadata().is_ok_and(|m| m.len() <= CONFIG_BYTES) => files.push(entry.path()),
                _ => return None,
            }
            if files.len() > FOLDER_FILES || folders.len() > FOLDER_FILES {
                return None;
            }
        }
    }
    files.sort();
    Some(files)
}

pub(in super::super) fn free_name(made: &Component, wanted: &str) -> Result<VolumeName, ConvertError> {
    let mut taken = Names::default();
    for there in &made.volumes {
        let _: Result<VolumeName, _> = taken.take(there.name.as_str(), "data", 30);
    }
    Ok(taken.take(wanted.trim_start_matches("sealift-"), "data", 30)?)
}

pub(in super::super) fn volume(name: VolumeName, path: MountPath) -> Volume {
    Volume { name, path, size: None, access_modes: Vec::new(), storage_class: None, empty_dir: None, read_only: false }
}

pub(in super::super) fn size(text: &str) -> Option<Quantity> {
    text.parse().ok()
}
