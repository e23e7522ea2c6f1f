//! The ceilings of the template's parser, beside [`crate::limits::TEMPLATE_BYTES`] (spec/template.md section 2).

/// Most values in one YAML document, counting those that aliases repeat.
pub const YAML_NODES: usize = 250_000;
/// Deepest nesting of a template.
pub const YAML_DEPTH: usize = 32;
/// Deepest nesting of a file of Kubernetes objects: definitions of custom resources nest their schemas.
pub const MANIFEST_DEPTH: usize = 64;
/// Most components of a template.
pub const COMPONENTS: usize = 500;
/// Most entries of every other list: images, secrets, manifests, files, and what a component has of one thing.
pub const ENTRIES: usize = 1000;
/// Most values of a chart that a site may set: packing renders the chart for each of them.
pub const ADJUSTABLE: usize = 100;
/// Most problems of one kind of check that are collected before a template is given up.
pub const PROBLEMS: usize = 100;
/// Longest name, in characters, of a Kubernetes object that a component becomes, `INSTALLATION-COMPONENT`: Kubernetes
/// names pods of a `StatefulSet` and of a `Job` after it, in labels of at most 63 characters.
pub const OBJECT_NAME: usize = 52;
