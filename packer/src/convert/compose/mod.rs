//! docker-compose files (compose specification, <https://compose-spec.io>).

mod deploy;
mod extends;
mod health;
mod interpolate;
mod mounts;
mod ports;
mod security;
mod service;
mod wiring;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use bundle_format::template::ComponentName;

use self::interpolate::{Variables, env_file};
pub(super) use self::mounts::{free_name, size, volume};
pub(super) use self::ports::{protocol_of, route_to};
pub(super) use self::words::split;
use super::draft::{Draft, NoteKind};
use super::tree::{BYTES, Tree};
use super::{ConvertError, Naming, connect, passwords};
use crate::plan::read_file;

/// Most services of a file: as many as a template has components.
const SERVICES: usize = bundle_format::template::limits::COMPONENTS;

/// A compose file that is being converted.
struct Project {
    /// The folder that it lies in, with links resolved. No file outside of it is read.
    base: PathBuf,
    /// What the compose file is called there.
    file: String,
    tree: Tree,
    variables: Variables,
    name: String,
    /// Components by the names of services.
    services: BTreeMap<String, ComponentName>,
    /// Volumes that exist already: name, and the component that owns them.
    volumes: BTreeMap<String, (ComponentName, bundle_format::template::VolumeName)>,
    /// Services that others wait for to end.
    jobs: BTreeSet<String>,
}

/// Converts the compose file at `path`. Values for its variables come from `.env` beside it, not from the environment.
///
/// # Errors
/// A file that cannot be read or is none; more than a converter takes.
pub fn from_compose(path: &Path, naming: &Naming) -> Result<Draft, ConvertError> {
    let read =
        |path: &Path| read_file(path, BYTES).map_err(|source| ConvertError::Read { path: path.to_owned(), source });
    let mut tree = Tree::read(&read(path)?, &path.display().to_string())?;
    let foreign = |why: &str| ConvertError::Foreign { place: path.display().to_string(), why: why.to_owned() };
    if !matches!(tree.get("services"), Some(Tree::Map(services)) if !services.is_empty()) {
        return Err(foreign("there are no `services`, so it is no compose file"));
    }
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let base = folder.canonicalize().map_err(|source| ConvertError::Read { path: folder.to_owned(), source })?;
    let mut variables = Variables::new(BTreeMap::new());
    let dotenv = base.join(".env");
    if dotenv.is_file() {
        for (name, value) in env_file(&String::from_utf8_lossy(&read(&dotenv)?)).pairs {
            let value = variables.text(&value, 0)?;
            variables.known.insert(name, value);
        }
        variables.missing.clear();
    }
    variables.tree(&mut tree)?;
    let folder_name = base.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let name = tree.text_of("name").unwrap_or(folder_name);
    let (template, version) = naming.or(&name, "1.0.0")?;
    let mut draft = Draft::new(template, version);
    let mut project = Project {
        base,
        file: path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default(),
        tree,
        variables,
        name,
        services: BTreeMap::new(),
        volumes: BTreeMap::new(),
        jobs: BTreeSet::new(),
    };
    project.convert(&mut draft)?;
    Ok(draft.finish())
}

impl Project {
    fn convert(&mut self, draft: &mut Draft) -> Result<(), ConvertError> {
        let services: Vec<(String, Tree)> = self.tree.get("services").map(Tree::fields).unwrap_or_default().to_vec();
        if services.len() > SERVICES {
            return Err(ConvertError::TooMuch { what: "services", limit: SERVICES as u64 });
        }
        for (key, _) in self.tree.fields().iter() {
            match key.as_str() {
                "include" => draft.note(
                    NoteKind::Left,
                    None,
                    "`include`: convert each file, or merge them with `docker compose config`",
                ),
                "networks" => {
                    draft.note(NoteKind::Changed, None, "networks: all components of an installation reach each other")
                }
                "version" | "name" | "services" | "volumes" | "configs" | "secrets" => {}
                other if other.starts_with("x-") => {}
                other => draft.note(NoteKind::Left, None, format!("`{other}` has no word in a template")),
            }
        }
        self.beside(draft);
        let services: Vec<(String, Tree)> = (services.iter())
            .map(|(name, service)| (name.clone(), extends::extended(&services, service, draft)))
            .collect();
        for (name, _) in &services {
            let component = draft.component_name(name)?;
            if component.as_str() != name {
                draft.note(
                    NoteKind::Changed,
                    Some(&component),
                    format!("the service {name:?} is called `{component}` here"),
                );
            }
            self.services.insert(name.clone(), component);
        }
        self.jobs = wiring::jobs(&services);
        for (name, service) in &services {
            let component = self.service(draft, name, service)?;
            draft.template.components.push(component);
        }
        self.wire(draft, &services)?;
        let hosts = self.hosts(&services);
        passwords::generate(draft)?;
        connect::rewrite(draft, &hosts)?;
        for name in std::mem::take(&mut self.variables.missing) {
            let text = format!(
                "the variable {name} has no value: give it one in `.env` beside the compose file and convert again"
            );
            draft.note(NoteKind::Look, None, text);
        }
        Ok(())
    }

    /// Notes files that compose reads of itself, and a converter does not.
    fn beside(&self, draft: &mut Draft) {
        let names = ["compose", "docker-compose"]
            .into_iter()
            .flat_map(|stem| ["yaml", "yml"].into_iter().map(move |end| format!("{stem}.override.{end}")));
        for name in names.filter(|name| self.base.join(name).is_file() && *name != self.file) {
            let text = format!("{name}, which compose reads too: merge them with `docker compose config`");
            draft.note(NoteKind::Left, None, text);
        }
    }

    /// A path in the compose file as one on this machine; `None` if it leads out of the compose file's folder.
    fn inside(&self, path: &str) -> Option<PathBuf> {
        let path = self.base.join(path).canonicalize().ok()?;
        path.starts_with(&self.base).then_some(path)
    }
}
