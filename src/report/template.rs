//! What `sealift template show` and `sealift template find-images` give.

use bundle_format::template::{External, Template};
use schemars::JsonSchema;
use serde::Serialize;

/// `sealift template show`: what a template describes, in short.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShowReport {
    pub file: String,
    pub name: String,
    pub version: String,
    pub revision: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vendor: Option<String>,
    /// The version that supplies what this one does not describe.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completes: Option<String>,
    pub components: Vec<ShownComponent>,
    pub externals: Vec<ShownExternal>,
    pub plugins: Vec<String>,
    pub config_groups: Vec<String>,
    pub routes: Vec<ShownRoute>,
    pub streams: Vec<ShownRoute>,
    /// Secrets that the site makes up, as `NAME.KEY`.
    pub secrets: Vec<String>,
    pub charts: Vec<String>,
    /// Values of charts that a site may set, as `chart/cache.replicas=2` with the vendor's own.
    pub adjustable: Vec<String>,
    pub kustomizations: Vec<String>,
    pub manifests: Vec<String>,
    /// Images that are carried.
    pub images: Vec<String>,
}

/// A component.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShownComponent {
    pub name: String,
    pub kind: String,
    /// How many run; absent where that is not counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replicas: Option<String>,
    pub image: String,
    /// Whether the site may switch it off.
    pub optional: bool,
    /// As `NAME PORT/PROTOCOL`.
    pub ports: Vec<String>,
    /// As `NAME SIZE PATH`, or `COMPONENT.NAME PATH` for those of others.
    pub volumes: Vec<String>,
    pub depends_on: Vec<String>,
}

/// Something that runs elsewhere.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ShownExternal {
    pub name: String,
    /// A host, or addresses.
    pub at: Vec<String>,
}

/// A route or stream.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ShownRoute {
    pub name: String,
    /// Host and path, or how a stream is reached.
    pub from: String,
    /// As `COMPONENT.PORT`.
    pub to: String,
}

impl ShowReport {
    pub fn of(file: String, template: &Template) -> Self {
        let meta = &template.metadata;
        let texts = |list: Vec<&dyn std::fmt::Display>| list.iter().map(ToString::to_string).collect::<Vec<_>>();
        Self {
            file,
            name: meta.name.to_string(),
            version: meta.version.to_string(),
            revision: meta.revision.get(),
            title: meta.title.clone(),
            description: meta.description.clone(),
            vendor: meta.vendor.clone(),
            completes: meta.completes.as_ref().map(|c| format!("{} ({})", c.version, c.digest)),
            components: template.components.iter().map(component).collect(),
            externals: template.externals.iter().map(external).collect(),
            plugins: texts(template.plugins.iter().map(|p| &p.name as _).collect()),
            config_groups: texts(template.config_groups.iter().map(|g| &g.name as _).collect()),
            routes: template
                .routes
                .iter()
                .map(|r| ShownRoute {
                    name: r.name.to_string(),
                    from: format!("{}{}", r.host.as_deref().unwrap_or("*"), r.path),
                    to: format!("{}.{}", r.component, r.port),
                })
                .collect(),
            streams: template
                .streams
                .iter()
                .map(|s| ShownRoute {
                    name: s.name.to_string(),
                    from: match s.node_port {
                        Some(port) => format!("{:?} {port}", s.through),
                        None => format!("{:?}", s.through),
                    },
                    to: format!("{}.{}", s.component, s.port),
                })
                .collect(),
            secrets: template.secrets.iter().flat_map(|s| s.keys.iter().map(|k| format!("{}.{k}", s.name))).collect(),
            charts: texts(template.charts.iter().map(|c| &c.name as _).collect()),
            adjustable: template
                .charts
                .iter()
                .flat_map(|c| c.adjustable.iter().map(|(path, own)| format!("chart/{}.{path}={own}", c.name)))
                .collect(),
            kustomizations: texts(template.kustomizations.iter().map(|k| &k.name as _).collect()),
            manifests: texts(template.manifests.iter().map(|m| m as _).collect()),
            images: template.images().iter().map(ToString::to_string).collect(),
        }
    }

    /// The summary for people.
    pub fn write(&self, text: &mut String) {
        let revision = if self.revision > 1 { format!(", revision {}", self.revision) } else { String::new() };
        text.push_str(&format!("{} {}{revision}\n", self.name, self.version));
        for line in [&self.title, &self.description, &self.vendor].into_iter().flatten() {
            text.push_str(&format!("  {line}\n"));
        }
        if let Some(base) = &self.completes {
            text.push_str(&format!("  what is not described here is that of {base}\n"));
        }
        for c in &self.components {
            let replicas = c.replicas.as_ref().map(|n| format!(" x{n}")).unwrap_or_default();
            let optional = if c.optional { ", a module" } else { "" };
            text.push_str(&format!("component {} ({}{replicas}{optional}): {}\n", c.name, c.kind, c.image));
            for (what, list) in [("port", &c.ports), ("volume", &c.volumes), ("after", &c.depends_on)] {
                list.iter().for_each(|entry| text.push_str(&format!("  {what:7}{entry}\n")));
            }
        }
        for e in &self.externals {
            text.push_str(&format!("external {}: {}\n", e.name, e.at.join(", ")));
        }
        for (what, list) in [("route", &self.routes), ("stream", &self.streams)] {
            list.iter().for_each(|r| text.push_str(&format!("{what} {}: {} -> {}\n", r.name, r.from, r.to)));
        }
        for (what, list) in [
            ("plugin", &self.plugins),
            ("configuration group", &self.config_groups),
            ("secret", &self.secrets),
            ("chart", &self.charts),
            ("adjustable", &self.adjustable),
            ("kustomization", &self.kustomizations),
            ("manifest", &self.manifests),
            ("image", &self.images),
        ] {
            list.iter().for_each(|entry| text.push_str(&format!("{what} {entry}\n")));
        }
    }
}

fn component(c: &bundle_format::template::Component) -> ShownComponent {
    use bundle_format::template::WorkloadKind::{Deployment, StatefulSet};
    let replicas = match &c.scaling {
        _ if !matches!(c.kind, Deployment | StatefulSet) => None,
        Some(scaling) => Some(format!("{}-{}", scaling.min, scaling.max)),
        None => Some(c.replicas.unwrap_or(1).to_string()),
    };
    let own = c.volumes.iter().map(|v| {
        let size = v.size.as_ref().map_or("emptyDir".to_owned(), ToString::to_string);
        format!("{} {size} {}", v.name, v.path)
    });
    let shared = c.mounts.iter().map(|m| format!("{}.{} {}", m.component, m.volume, m.path));
    ShownComponent {
        name: c.name.to_string(),
        kind: format!("{:?}", c.kind),
        replicas,
        image: c.image.to_string(),
        optional: c.optional,
        ports: c
            .ports
            .iter()
            .map(|p| format!("{} {}/{}", p.name, p.port, format!("{:?}", p.protocol).to_uppercase()))
            .collect(),
        volumes: own.chain(shared).collect(),
        depends_on: c.depends_on.iter().map(ToString::to_string).collect(),
    }
}

fn external(e: &External) -> ShownExternal {
    let at = e.host.iter().chain(&e.addresses).cloned().collect();
    ShownExternal { name: e.name.to_string(), at }
}

/// `sealift template find-images`.
#[cfg(feature = "packer")]
#[derive(Debug, Serialize, JsonSchema)]
pub struct FindImagesReport {
    pub file: String,
    pub images: Vec<FoundImageReport>,
}

/// An image that an application uses.
#[cfg(feature = "packer")]
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FoundImageReport {
    pub name: String,
    /// Whether packing takes it along.
    pub carried: bool,
    /// Where it is found: what the template says, or the registry of its name.
    pub from: String,
    pub used_by: Vec<ImageUserReport>,
}

/// Who uses an image.
#[cfg(feature = "packer")]
#[derive(Debug, Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum ImageUserReport {
    Component {
        name: String,
    },
    Plugin {
        name: String,
    },
    /// An object of a manifest, chart or kustomization.
    Object {
        /// The document that it is in.
        document: String,
        /// As `Deployment/web`.
        object: String,
        /// Where in it.
        path: String,
        /// Whether a pod runs it; otherwise a field is only called as if it named an image.
        pod: bool,
    },
}

#[cfg(feature = "packer")]
impl FindImagesReport {
    pub fn of(file: String, found: Vec<packer::FoundImage>) -> Self {
        let user = |user| match user {
            packer::ImageUser::Component(name) => ImageUserReport::Component { name },
            packer::ImageUser::Plugin(name) => ImageUserReport::Plugin { name },
            packer::ImageUser::Object { document, object, path, pod } => {
                ImageUserReport::Object { document, object, path, pod }
            }
        };
        let image = |found: packer::FoundImage| FoundImageReport {
            from: found.from.map_or_else(|| format!("docker://{}", found.name), |from| from.to_string()),
            name: found.name.to_string(),
            carried: found.carried,
            used_by: found.users.into_iter().map(user).collect(),
        };
        Self { file, images: found.into_iter().map(image).collect() }
    }

    /// The images for people.
    pub fn write(&self, text: &mut String) {
        for image in &self.images {
            let carried = match image.carried {
                true => format!("carried from {}", image.from),
                false => "NOT CARRIED".to_owned(),
            };
            text.push_str(&format!("{}: {carried}\n", image.name));
            for user in &image.used_by {
                text.push_str(&match user {
                    ImageUserReport::Component { name } => format!("  component {name}\n"),
                    ImageUserReport::Plugin { name } => format!("  plugin {name}\n"),
                    ImageUserReport::Object { document, object, path, pod } => {
                        let maybe = if *pod { "" } else { " (perhaps)" };
                        format!("  {document}: {object} at {path}{maybe}\n")
                    }
                });
            }
        }
    }
}
