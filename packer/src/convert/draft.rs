//! A template in the making, the files beside it, and what there is to say about it.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU16;
use std::path::PathBuf;

use bundle_format::ImageRef;
use bundle_format::template::{
    ApiVersion, Component, ComponentName, ConfigFile, Env, ImageEntry, Kind, KubernetesAttributes, Metadata, MountPath,
    Port, Probe, Probes, Protocol, RelativePath, Resources, Secret, SecretKey, SecretName, SecretRef, Template,
    TemplateName, TemplateVersion, WorkloadKind,
};
use serde::Serialize;

use super::ConvertError;
use super::names::{Names, file_name, port};

/// Most bytes that the files beside a draft have together, copied images aside.
const FILES_BYTES: u64 = 64 << 20;
/// Most bytes of one file of configuration: what a `ConfigMap` holds.
pub(super) const CONFIG_BYTES: u64 = 1 << 20;
/// Most notes that are kept.
const NOTES: usize = 5000;
/// Longest content, in bytes and in lines, that stands in the template rather than beside it.
const INLINE: (usize, usize) = (1500, 25);

/// What a converter made of its input.
#[derive(Debug)]
pub struct Draft {
    /// The template, as far as it could be made.
    pub template: Template,
    /// What was converted how, what was not, and what to look at.
    pub notes: Vec<Note>,
    pub(super) files: BTreeMap<RelativePath, Content>,
    files_bytes: u64,
    secrets: BTreeMap<SecretName, BTreeSet<SecretKey>>,
    names: Names,
}

/// Something to know about a conversion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Note {
    /// What became of it.
    pub kind: NoteKind,
    /// The component that it is about, if it is about one.
    pub component: Option<String>,
    /// What happened, and what to do.
    pub text: String,
}

/// What became of something in the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoteKind {
    /// The written template has an error here.
    Invalid,
    /// It was not converted.
    Left,
    /// It was converted in a way that a person should look at.
    Look,
    /// It was converted, into something that looks different.
    Changed,
}

impl NoteKind {
    /// One word for people.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::Left => "not converted",
            Self::Look => "look at",
            Self::Changed => "changed",
        }
    }
}

/// What a file beside the template holds.
#[derive(Debug)]
pub(super) enum Content {
    /// These bytes.
    Bytes(Vec<u8>),
    /// What another file holds.
    Copy(PathBuf),
    /// What a member of a compressed archive holds.
    Member(PathBuf, String),
}

impl Draft {
    /// An empty one.
    pub(super) fn new(name: TemplateName, version: TemplateVersion) -> Self {
        let metadata = Metadata {
            name,
            version,
            revision: std::num::NonZeroU32::MIN,
            title: None,
            description: None,
            vendor: None,
            icon: None,
            labels: BTreeMap::new(),
            scope: None,
            categories: Vec::new(),
            alias: None,
            notes: None,
            plugin: false,
            completes: None,
            channel: None,
            epoch: None,
            counter: None,
            created: None,
        };
        let template = Template {
            api_version: ApiVersion::V1,
            kind: Kind::Template,
            metadata,
            images: Vec::new(),
            secrets: Vec::new(),
            components: Vec::new(),
            externals: Vec::new(),
            plugins: Vec::new(),
            config_groups: Vec::new(),
            routes: Vec::new(),
            streams: Vec::new(),
            charts: Vec::new(),
            kustomizations: Vec::new(),
            manifests: Vec::new(),
            files: Vec::new(),
        };
        let (files, secrets) = (BTreeMap::new(), BTreeMap::new());
        Self { template, notes: Vec::new(), files, files_bytes: 0, secrets, names: Names::default() }
    }

    /// Most characters of a component's name: `TEMPLATE-COMPONENT` has at most 52 (spec/template.md section 3).
    pub(super) fn room(&self) -> usize {
        51_usize.saturating_sub(self.template.metadata.name.as_str().len()).min(40)
    }

    /// A name for something of the template's that stands beside it in Kubernetes: component, route, secret.
    pub(super) fn part<T: std::str::FromStr<Err = bundle_format::template::TextError>>(
        &mut self,
        list: &str,
        wanted: &str,
    ) -> Result<T, ConvertError> {
        // One set serves all lists: each has names of its own.
        let mut unique: Names = Names::default();
        let taken = self.taken(list);
        for name in &taken {
            let _: Result<T, _> = unique.take(name, "x", 40);
        }
        Ok(unique.take(wanted, list.trim_end_matches('s'), 40)?)
    }

    fn taken(&self, list: &str) -> Vec<String> {
        let t = &self.template;
        match list {
            "routes" | "streams" => {
                let routes = t.routes.iter().map(|r| r.name.to_string());
                routes.chain(t.streams.iter().map(|s| s.name.to_string())).collect()
            }
            "plugins" => t.plugins.iter().map(|p| p.name.to_string()).collect(),
            "groups" => t.config_groups.iter().map(|g| g.name.to_string()).collect(),
            _ => Vec::new(),
        }
    }

    /// A name for a component that none has yet.
    pub(super) fn component_name(&mut self, wanted: &str) -> Result<ComponentName, ConvertError> {
        let room = self.room();
        Ok(self.names.take(wanted, "component", room)?)
    }

    /// Notes something.
    pub(super) fn note(&mut self, kind: NoteKind, component: Option<&ComponentName>, text: impl Into<String>) {
        if self.notes.len() < NOTES {
            let text: String = text.into().chars().take(600).collect();
            self.notes.push(Note { kind, component: component.map(ToString::to_string), text });
        }
    }

    /// A generated secret's key, made known.
    pub(super) fn secret(&mut self, name: &str, key: &str) -> Result<SecretRef, ConvertError> {
        let mut fresh = Names::default();
        let name: SecretName = fresh.take(name, "secret", 40)?;
        let kept: String =
            key.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')).take(63).collect();
        let key: SecretKey = match kept.trim_start_matches(['-', '_', '.']) {
            "" => "value".parse()?,
            kept => kept.parse()?,
        };
        self.secrets.entry(name.clone()).or_default().insert(key.clone());
        Ok(SecretRef { name, key })
    }

    /// A file beside the template. Its path is made of `folder`, which is ours, and of what can be kept of `name`.
    pub(super) fn file(&mut self, folder: &str, name: &str, content: Vec<u8>) -> Result<RelativePath, ConvertError> {
        self.files_bytes = self.files_bytes.saturating_add(content.len() as u64);
        if self.files_bytes > FILES_BYTES {
            return Err(ConvertError::TooMuch { what: "bytes of files beside the template", limit: FILES_BYTES });
        }
        let path = self.free_path(folder, name)?;
        self.files.insert(path.clone(), Content::Bytes(content));
        Ok(path)
    }

    /// A file beside the template that is copied when the draft is written.
    pub(super) fn copied(&mut self, folder: &str, name: &str, content: Content) -> Result<RelativePath, ConvertError> {
        let path = self.free_path(folder, name)?;
        self.files.insert(path.clone(), content);
        Ok(path)
    }

    fn free_path(&self, folder: &str, name: &str) -> Result<RelativePath, ConvertError> {
        let name = file_name(name);
        let (stem, end) = name.rsplit_once('.').map_or((name.as_str(), String::new()), |(s, e)| (s, format!(".{e}")));
        let mut path: RelativePath = format!("{folder}/{name}").parse()?;
        let mut n = 1_u32;
        while self.files.contains_key(&path) {
            n = n.saturating_add(1);
            path = format!("{folder}/{stem}-{n}{end}").parse()?;
        }
        Ok(path)
    }

    /// A file of configuration: in the template if it is short text, otherwise beside it.
    pub(super) fn config(
        &mut self,
        component: &ComponentName,
        path: MountPath,
        content: Vec<u8>,
        executable: bool,
    ) -> Result<ConfigFile, ConvertError> {
        let shown = |c: char| !c.is_control() || matches!(c, '\n' | '\t');
        let short = std::str::from_utf8(&content)
            .ok()
            .filter(|t| t.len() <= INLINE.0 && t.split('\n').count() <= INLINE.1 && t.chars().all(shown));
        if let Some(text) = short {
            return Ok(ConfigFile { path, content: Some(text.to_owned()), file: None, executable });
        }
        let name = path.as_str().rsplit('/').next().unwrap_or_default().to_owned();
        let file = self.file(&format!("config/{component}"), &name, content)?;
        Ok(ConfigFile { path, content: None, file: Some(file), executable })
    }

    /// Says where the packer finds `image`, or that a manifest needs it.
    pub(super) fn image(&mut self, name: ImageRef, from: Option<bundle_format::template::ImageSource>) {
        if !self.template.images.iter().any(|i| i.name == name) {
            self.template.images.push(ImageEntry { name, from });
        }
    }

    /// Puts what was collected into the template.
    pub(super) fn finish(mut self) -> Self {
        let length = std::num::NonZeroU32::MIN.saturating_add(31);
        let secrets = std::mem::take(&mut self.secrets);
        self.template.secrets =
            secrets.into_iter().map(|(name, keys)| Secret { name, keys: keys.into_iter().collect(), length }).collect();
        self.notes.sort_by_key(|n| n.kind);
        self
    }
}

/// A component of which nothing but name and image is known.
pub(super) fn component(name: ComponentName, image: ImageRef) -> Component {
    Component {
        name,
        image,
        title: None,
        kind: WorkloadKind::Deployment,
        schedule: None,
        singleton: false,
        replicas: None,
        command: Vec::new(),
        args: Vec::new(),
        ports: Vec::new(),
        env: Vec::new(),
        connection: Vec::new(),
        config: Vec::new(),
        volumes: Vec::new(),
        mounts: Vec::new(),
        probes: Probes::default(),
        resources: Resources::default(),
        scaling: None,
        depends_on: Vec::new(),
        optional: false,
        labels: BTreeMap::new(),
        kubernetes: KubernetesAttributes::default(),
        plugins: Vec::new(),
        monitors: Vec::new(),
        graphs: Vec::new(),
    }
}

/// A variable with a value.
pub(super) fn variable(name: bundle_format::template::EnvName, value: String) -> Env {
    Env { name, value: Some(value), secret: None, service: None }
}

/// A probe that asks nothing yet.
pub(super) fn probe() -> Probe {
    Probe {
        http: None,
        tcp: None,
        exec: None,
        initial_delay_seconds: None,
        period_seconds: None,
        timeout_seconds: None,
        failure_threshold: None,
        success_threshold: None,
    }
}

/// The port `number` of `component`; added, as a service, if it is not there.
pub(super) fn port_of<'a>(
    component: &'a mut Component,
    number: NonZeroU16,
    protocol: Protocol,
    name: Option<&str>,
) -> Result<&'a mut Port, ConvertError> {
    if let Some(at) = component.ports.iter().position(|p| p.port == number && p.protocol == protocol) {
        return Ok(&mut component.ports[at]);
    }
    let mut taken = Names::default();
    for there in &component.ports {
        let _: Result<bundle_format::template::PortName, _> = taken.take(there.name.as_str(), "port", 15);
    }
    let name = port(name, number.get(), &mut taken)?;
    component.ports.push(Port { name, port: number, protocol, app_protocol: None, service: true, service_port: None });
    let last = component.ports.len().saturating_sub(1);
    Ok(&mut component.ports[last])
}

/// Escapes what Kubernetes would expand in a value: `$(NAME)`, and `$$`.
pub(super) fn literal(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let mut chars = value.chars().peekable();
    while let Some(c) = chars.next() {
        out.push(c);
        if c == '$' && matches!(chars.peek(), Some('$' | '(')) {
            out.push('$');
        }
    }
    out
}
