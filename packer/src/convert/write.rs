//! A draft becomes a folder: `sealift.yaml`, the files beside it, and the notes.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use bundle_format::template::{RelativePath, Severity, Template};

use super::draft::{Content, Draft, Note, NoteKind};
use super::rainbond::open_member;
use super::{ConvertError, yaml};

/// What was written.
#[derive(Debug)]
pub struct Written {
    /// The template.
    pub template: PathBuf,
    /// The files beside it, relative to the folder.
    pub files: Vec<RelativePath>,
    /// All notes, the errors of the written template first.
    pub notes: Vec<Note>,
}

impl Written {
    /// Whether the template can be used as it is.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        !self.notes.iter().any(|n| n.kind == NoteKind::Invalid)
    }
}

impl Draft {
    /// The template as YAML, made by `verb` from `source`, with its notes as comments; and the notes, with those fields
    /// that are not valid.
    ///
    /// # Errors
    /// A template that cannot be put into words.
    pub fn yaml(&self, verb: &str, source: &str) -> Result<(String, Vec<Note>), ConvertError> {
        let mut head = vec![format!(
            "Made by `sealift template {verb}` from {source}. Look through it, then `sealift template check`."
        )];
        let mut about: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for note in self.notes.iter().filter(|n| n.kind != NoteKind::Changed) {
            let line = format!("{}: {}", note.kind.word(), note.text);
            match &note.component {
                Some(component) => about.entry(component.clone()).or_default().push(line),
                None => head.push(line),
            }
        }
        head.push(String::new());
        let text = yaml::write(&self.template, &head, &about)?;
        let mut notes: Vec<Note> = Template::check(text.as_bytes())
            .problems
            .into_iter()
            .filter(|p| p.severity == Severity::Error)
            .map(|p| {
                let hint = p.hint.map(|h| format!("; {h}")).unwrap_or_default();
                Note { kind: NoteKind::Invalid, component: None, text: format!("{}: {}{hint}", p.path, p.message) }
            })
            .collect();
        notes.extend(self.notes.iter().cloned());
        Ok((text, notes))
    }

    /// Writes the draft into the folder `dir`, which is made.
    ///
    /// # Errors
    /// A file that is there already, unless `force`; those of the file system.
    pub fn write(&self, dir: &Path, verb: &str, source: &str, force: bool) -> Result<Written, ConvertError> {
        let (text, notes) = self.yaml(verb, source)?;
        let template = dir.join("sealift.yaml");
        let paths = || self.files.keys().map(|path| dir.join(path.as_str()));
        if !force
            && let Some(path) = std::iter::once(template.clone()).chain(paths()).find(|p| p.symlink_metadata().is_ok())
        {
            return Err(ConvertError::Exists { path });
        }
        folder(dir)?;
        for (path, content) in &self.files {
            // Each folder on the way is a real one: a link that lies there already leads nowhere else.
            let mut parent = dir.to_owned();
            for part in path.as_str().split('/').rev().skip(1).collect::<Vec<_>>().into_iter().rev() {
                parent.push(part);
                folder(&parent)?;
            }
            put(&dir.join(path.as_str()), content)?;
        }
        put(&template, &Content::Bytes(text.into_bytes()))?;
        Ok(Written { template, files: self.files.keys().cloned().collect(), notes })
    }
}

fn folder(path: &Path) -> Result<(), ConvertError> {
    let failure = |source| ConvertError::Write { path: path.to_owned(), source };
    match path.symlink_metadata() {
        Ok(meta) if meta.is_dir() => Ok(()),
        // The user may name a link to a folder; there is no name in it that came from elsewhere.
        Ok(_) => Err(failure(io::Error::new(io::ErrorKind::NotADirectory, "it is not a folder"))),
        Err(_) => fs::create_dir_all(path).map_err(failure),
    }
}

fn put(path: &Path, content: &Content) -> Result<(), ConvertError> {
    let failure = |source| ConvertError::Write { path: path.to_owned(), source };
    let parent = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(parent).map_err(failure)?;
    match content {
        Content::Bytes(bytes) => file.write_all(bytes).map_err(failure)?,
        Content::Copy(from) => {
            let mut source = File::open(from).map_err(|source| ConvertError::Read { path: from.clone(), source })?;
            io::copy(&mut source, &mut file).map_err(failure)?;
        }
        Content::Member(archive, member) => {
            open_member(archive, member, &mut |reader| io::copy(reader, &mut file).map(|_| ()))?;
        }
    }
    use std::os::unix::fs::PermissionsExt as _;
    file.as_file().set_permissions(fs::Permissions::from_mode(0o644)).map_err(failure)?;
    file.as_file().sync_all().map_err(failure)?;
    file.persist(path).map_err(|e| failure(e.error))?;
    Ok(())
}
