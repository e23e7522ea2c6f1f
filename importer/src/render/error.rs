//! Why a template cannot be rendered.

use bundle_format::template::{ComponentName, ManifestError, PartName, RelativePath, SecretKey, SecretName};

/// Why a template cannot be rendered. A template that parsed, with its documents and secrets at hand, can.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// The template names a document that the input does not have.
    #[error("the document {path} is not there")]
    MissingDocument {
        /// Its path beside the template.
        path: RelativePath,
    },
    /// The template needs a secret that the input has no value for.
    #[error("the secret {secret} has no value for its key {key}")]
    MissingSecret {
        /// The secret.
        secret: SecretName,
        /// The key.
        key: SecretKey,
    },
    /// A component is to be switched on that the template does not have.
    #[error("the template has no component {component}")]
    UnknownComponent {
        /// Its name.
        component: ComponentName,
    },
    /// The configuration of a component, plugin or group does not fit into a `ConfigMap`.
    #[error(
        "the configuration of {owner} has {size} bytes together, and Kubernetes takes at most {limit} in a ConfigMap: put \
         large files into the image"
    )]
    ConfigTooLarge {
        /// Whose it is, as `the component web`.
        owner: String,
        /// Bytes of the files or values, and their names.
        size: usize,
        /// Bytes that a `ConfigMap` may have.
        limit: usize,
    },
    /// A container has more variables than an object can say.
    #[error("the component {component} has a container with {count} variables, and at most {limit} can be set")]
    TooManyVariables {
        /// The component.
        component: ComponentName,
        /// Variables, those of groups and dependencies included.
        count: usize,
        /// Variables that it may have.
        limit: usize,
    },
    /// The target has no objects of a kind that a component needs.
    #[error("the component {component} needs a {kind}, and the target has none: it would have to know {versions}")]
    NoSuchKind {
        /// The component.
        component: ComponentName,
        /// The kind.
        kind: &'static str,
        /// The versions of the API in which it would do.
        versions: String,
    },
    /// Two objects would have one name.
    #[error("two parts of the template both become the {object}: rename one of them")]
    SameName {
        /// Kind and name.
        object: String,
    },
    /// A raw object would be one of the records or leases by which installations are known.
    #[error(
        "the template brings the {object}, which is how Sealift keeps its own records: a template has no say in them"
    )]
    Reserved {
        /// Kind and name.
        object: String,
    },
    /// The name of the installation leaves no room for a component's.
    #[error("{name} has more than {limit} characters: give the installation a shorter name")]
    NameTooLong {
        /// The name of a Kubernetes object.
        name: String,
        /// Characters that it may have.
        limit: usize,
    },
    /// A chart or folder of kustomize has no rendered form in the bundle.
    #[error("the {what} {name} was not rendered when the template was packed: pack it again")]
    NotRendered {
        /// `chart` or `kustomization`.
        what: &'static str,
        /// Its name.
        name: PartName,
    },
    /// A file of manifests is not one of Kubernetes objects.
    #[error("{path}: {source}")]
    Manifest {
        /// Its path beside the template.
        path: RelativePath,
        /// What is wrong with it.
        source: ManifestError,
    },
    /// An object could not be written as JSON.
    #[error("writing {file}: {source}")]
    Json {
        /// The file that it belongs to.
        file: String,
        /// The cause.
        source: serde_json::Error,
    },
    /// An object could not be written as YAML.
    #[error("writing {file}: {source}")]
    Yaml {
        /// The file that it belongs to.
        file: String,
        /// The cause.
        source: Box<serde_saphyr::SerializeError>,
    },
}
