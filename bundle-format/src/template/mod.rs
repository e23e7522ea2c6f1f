//! The template: an application as its vendor describes it in `sealift.yaml` (spec/template.md).
//!
//! [`Template::check`] reads one and reports everything that is wrong with it; [`Template::parse`] gives it, or that report.

mod chart;
mod check;
mod complete;
mod component;
mod decode;
mod env;
mod image_use;
pub mod kinds;
mod kubernetes;
pub mod limits;
mod manifest;
mod mounts;
mod names;
mod node;
mod order;
mod parts;
mod path;
mod place;
mod plugin;
mod probe;
mod problem;
mod quantity;
mod route;
mod scaling;
mod schema;
pub(crate) mod text;

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ImageRef;

pub use chart::{Chart, ChartValue, ChartValues, Fill, Part, Places, PlacesError, RELEASE_NAMESPACE, ValuePlace};
pub use complete::{CompleteError, Supplier, Suppliers};
pub use component::{Component, Port, Protocol, Resources, WorkloadKind};
pub use env::{Env, Secret, SecretRef, ServiceRef};
pub use image_use::ImageUse;
pub use kubernetes::KubernetesAttributes;
pub use manifest::{Manifest, ManifestError};
pub use mounts::{AccessMode, ConfigFile, EmptyDir, SharedMount, Volume};
pub use names::{
    ComponentName, EnvName, ImageSource, PartName, PortName, SecretKey, SecretName, TemplateName, TemplateVersion,
    ValuePath, VolumeName,
};
pub use parts::{Completes, ConfigGroup, ConfigItem, External, ExternalPort, Graph, Kustomization, Monitor};
pub use path::{MountPath, RelativePath};
pub use plugin::{Plugin, PluginKind, PluginUse};
pub use probe::{ExecProbe, HttpProbe, Probe, Probes, Scheme, TcpProbe};
pub use problem::{Code, Position, Problem, Severity, TemplateError, did_you_mean};
pub use quantity::{Duration, Quantity, Timestamp};
pub use route::{Exposure, Route, Stream};
pub use scaling::Scaling;
pub use schema::json_schema;
pub use text::TextError;

/// A template version, as `sealift.yaml` describes it. It holds together: every reference within it resolves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Template {
    /// Version of this format.
    pub api_version: ApiVersion,
    /// What the document describes.
    pub kind: Kind,
    /// What it is called, and what people are told about it.
    pub metadata: Metadata,
    /// Where the packer finds images that are not in the registry which their name says, and images that no component
    /// but a raw manifest uses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<ImageEntry>,
    /// Secrets that the site generates.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<Secret>,
    /// The parts of the application.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub components: Vec<Component>,
    /// Things that run elsewhere, and that components reach like one of their own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub externals: Vec<External>,
    /// Plugins that components may use.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub plugins: Vec<Plugin>,
    /// Variables that several components share.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub config_groups: Vec<ConfigGroup>,
    /// HTTP routes from outside.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<Route>,
    /// TCP and UDP ports that are reached from outside.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub streams: Vec<Stream>,
    /// Helm charts beside the template, rendered when it is packed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub charts: Vec<Chart>,
    /// Folders of kustomize beside the template, rendered when it is packed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kustomizations: Vec<Kustomization>,
    /// Files of Kubernetes objects beside the template, applied after the components.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub manifests: Vec<RelativePath>,
    /// Further files beside the template that travel with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<FileEntry>,
}

/// Versions of the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ApiVersion {
    /// This one.
    #[serde(rename = "sealift.dev/v1")]
    V1,
}

/// Kinds of document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Kind {
    /// A template.
    Template,
}

/// What a template is called, and what people are told about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Metadata {
    /// Name of the template, the same in all its versions.
    pub name: TemplateName,
    /// The version.
    pub version: TemplateVersion,
    /// Counts publications of one version, from 1.
    #[serde(default = "first")]
    pub revision: NonZeroU32,
    /// Name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What the application is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Who makes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor: Option<String>,
    /// A picture beside the template.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub icon: Option<RelativePath>,
    /// Labels, with the syntax of Kubernetes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Who may install it, where a site asks: everybody, or the team that imported it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<Scope>,
    /// Categories that a catalogue sorts it under.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub categories: Vec<String>,
    /// Name of the version for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
    /// What is new in the version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
    /// Whether it is an extension of the platform rather than an application.
    #[serde(default)]
    pub plugin: bool,
    /// The earlier version that supplies the components which this one does not describe.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completes: Option<Completes>,
    /// The line of versions that this one belongs to, such as `stable`; a tag by its syntax.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<TemplateVersion>,
    /// Rises when earlier versions must never be installed again (spec/trust.md). 0 to 2^53-1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 9_007_199_254_740_991_u64))]
    pub epoch: Option<u64>,
    /// Rises with every version within an epoch (spec/trust.md). 0 to 2^53-1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 9_007_199_254_740_991_u64))]
    pub counter: Option<u64>,
    /// When the version was made. It fixes the time in what is packed, so that packing again gives the same bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<Timestamp>,
}

/// Who may install a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// The team that imported it.
    Team,
    /// Everybody.
    Enterprise,
}

fn first() -> NonZeroU32 {
    NonZeroU32::MIN
}

impl Metadata {
    /// The tag that names this revision of this version: see [`TemplateVersion::tag`].
    #[must_use]
    pub fn tag(&self) -> String {
        self.version.tag(self.revision.get())
    }
}

/// An image and where the packer finds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ImageEntry {
    /// Name of the image, as components and manifests use it.
    #[schemars(with = "String")]
    pub name: ImageRef,
    /// Where the packer finds it; the registry that its name says unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<ImageSource>,
}

/// A file that travels with the template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    /// Its path beside the template.
    pub path: RelativePath,
}

/// What came of checking a template.
#[derive(Debug, Clone, PartialEq)]
pub struct Checked {
    /// The template, if nothing is wrong with it.
    pub template: Option<Template>,
    /// Everything that was found, in the order of the text; warnings alone leave the template usable.
    pub problems: Vec<Problem>,
}

impl Template {
    /// Reads and checks a template's text, all of it: the report does not stop at the first problem.
    #[must_use]
    pub fn check(bytes: &[u8]) -> Checked {
        Self::check_read(node::read(bytes))
    }

    /// Where the text of a template first says `value`, as a whole value.
    #[must_use]
    pub fn position_of(bytes: &[u8], value: &str) -> Option<Position> {
        node::read(bytes).ok()?.position_of(value)
    }

    /// Checks a template that is data already. Its problems have places in the document, and none in a text.
    #[must_use]
    pub fn check_value(value: &serde_json::Value) -> Checked {
        Self::check_read(node::of_json(value))
    }

    fn check_read(root: Result<node::Node, Problem>) -> Checked {
        let root = match root {
            Ok(root) => root,
            Err(problem) => return Checked { template: None, problems: vec![problem] },
        };
        let decode::Decoded { value, mut problems, left_out } = decode::decode::<Self>(&root);
        if let Some(template) = &value {
            problems.extend(check::check(template, &root, &left_out));
        }
        problems.sort();
        let bad = problems.iter().any(|p| p.severity == Severity::Error);
        Checked { template: value.filter(|_| !bad), problems }
    }

    /// Reads a template's text.
    ///
    /// # Errors
    /// Everything that is wrong with it, if anything but a warning is.
    pub fn parse(bytes: &[u8]) -> Result<Self, TemplateError> {
        let Checked { template, problems } = Self::check(bytes);
        template.ok_or(TemplateError { problems })
    }

    /// The images that must be packed: those of the components and plugins, and those of the entries in `images`.
    #[must_use]
    pub fn images(&self) -> BTreeSet<&ImageRef> {
        let components = self.components.iter().map(|c| &c.image);
        components.chain(self.plugins.iter().map(|p| &p.image)).chain(self.images.iter().map(|i| &i.name)).collect()
    }

    /// Where the packer finds `image`, if the template says.
    #[must_use]
    pub fn image_source(&self, image: &ImageRef) -> Option<&ImageSource> {
        self.images.iter().find(|i| i.name == *image)?.from.as_ref()
    }

    /// The documents beside the template that must be packed: manifests, files, the icon, files of configuration.
    #[must_use]
    pub fn documents(&self) -> BTreeSet<&RelativePath> {
        let config = self.config_files().filter_map(|c| c.file.as_ref());
        let files = self.files.iter().map(|f| &f.path);
        self.manifests.iter().chain(files).chain(&self.metadata.icon).chain(config).collect()
    }

    /// The configuration files of components and plugins.
    pub fn config_files(&self) -> impl Iterator<Item = &ConfigFile> {
        let plugins = self.plugins.iter().flat_map(|p| &p.config);
        self.components.iter().flat_map(|c| &c.config).chain(plugins)
    }

    /// The documents that packing makes: what each chart renders to and where its adjustable values go, then what each kustomization
    /// renders to.
    #[must_use]
    pub fn rendered_documents(&self) -> Vec<RelativePath> {
        let charts = self.charts.iter().flat_map(|chart| [chart.document()].into_iter().chain(chart.places_document()));
        charts.chain(self.kustomizations.iter().map(Kustomization::document)).collect()
    }

    /// All documents that a packed version has: those beside the template, and those that packing makes.
    #[must_use]
    pub fn carried_documents(&self) -> BTreeSet<RelativePath> {
        self.documents().into_iter().cloned().chain(self.rendered_documents()).collect()
    }

    /// Every environment variable that the template gives anything: components, what they tell others, plugins.
    pub fn variables(&self) -> impl Iterator<Item = &Env> {
        let components = self
            .components
            .iter()
            .flat_map(|c| c.env.iter().chain(&c.connection).chain(c.plugins.iter().flat_map(|used| &used.env)));
        components.chain(self.plugins.iter().flat_map(|p| &p.env))
    }

    /// What runs elsewhere and is called `name`.
    #[must_use]
    pub fn external(&self, name: &ComponentName) -> Option<&External> {
        self.externals.iter().find(|e| e.name == *name)
    }

    /// The component called `name`.
    #[must_use]
    pub fn component(&self, name: &ComponentName) -> Option<&Component> {
        self.components.iter().find(|c| c.name == *name)
    }
}
