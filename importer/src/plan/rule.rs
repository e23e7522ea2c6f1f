//! The table of spec/plan.md 3.2 as data: every attribute, how it is cut out of the template, and which rule decides about it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{AttributePath, Rule};

/// What is in force after a plan: a cell of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cell {
    /// The vendor's new value.
    Vendor,
    /// The site's value as it is.
    Site,
    /// The vendor's new value, if it is larger.
    IfLarger,
    /// The larger of both.
    Larger,
    /// It goes.
    Gone,
}

/// What an attribute is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// A component.
    Component,
    /// A plugin.
    Plugin,
    /// A group of configuration.
    Group,
    /// An HTTP route.
    Route,
    /// A stream.
    Stream,
    /// Something that runs elsewhere.
    External,
    /// An object of a manifest, chart or kustomization.
    Object,
    /// A chart, by those of its values that a site may set.
    Chart,
}

/// How a field of the template is cut into attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cut {
    /// The field as a whole.
    Whole,
    /// A list of objects by this member, which the attribute's value is without.
    By(&'static str),
    /// An object by its keys.
    Map,
    /// An object of objects by the keys of both: `limits.cpu`.
    Nested,
    /// A list of names, each of which is there (`true`) or not.
    Names,
    /// The contents of the files in the list `config`, by path.
    Contents,
    /// The modes of the files in the list `config`, by path.
    Modes,
    /// Whether a group of configuration is given to the component, by the group's name.
    Groups,
    /// The items of a group, by name: they are the fields of its scope.
    Items,
    /// An object of Kubernetes.
    Object,
    /// A value of a chart: its path is the field, and the key if it has dots.
    Value,
}

/// Classes of attributes that are accepted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// Environment variables.
    Env,
    /// Connection info.
    Connection,
    /// Contents of configuration files.
    Config,
    /// Items of configuration groups.
    Groups,
    /// Everything.
    All,
}

/// A text that is no [`Class`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a class of attributes: env, connection, config, groups, all")]
pub struct ClassError(pub String);

impl FromStr for Class {
    type Err = ClassError;
    fn from_str(text: &str) -> Result<Self, ClassError> {
        [Self::Env, Self::Connection, Self::Config, Self::Groups, Self::All]
            .into_iter()
            .find(|class| class.to_string() == text)
            .ok_or_else(|| ClassError(text.chars().take(100).collect()))
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Env => "env",
            Self::Connection => "connection",
            Self::Config => "config",
            Self::Groups => "groups",
            Self::All => "all",
        })
    }
}

/// A row of the table: attributes that one rule decides about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// The rule.
    pub rule: Rule,
    /// What the attributes are of.
    pub scope: Scope,
    /// The field; `*` where the attribute is any field.
    pub field: &'static str,
    /// How the path is written in the table.
    pub pattern: &'static str,
    /// What is in force, by what happened: added, vendor, site, both, removed.
    pub cells: [Cell; 5],
    /// The class that it is accepted with, beside `all`.
    pub class: Option<Class>,
    pub(super) cut: Cut,
}

const fn row(rule: Rule, scope: Scope, field: &'static str, pattern: &'static str, cut: Cut) -> Row {
    use Cell::{Gone, Site, Vendor};
    let cells = match rule {
        Rule::Vendor => [Vendor, Vendor, Vendor, Vendor, Gone],
        Merge => [Vendor, Vendor, Site, Site, Gone],
        Held => [Vendor, Site, Site, Site, Site],
        Grow => [Vendor, Vendor, Vendor, Vendor, Site],
    };
    Row { rule, scope, field, pattern, cells, class: None, cut }
}

impl Row {
    const fn of_class(self, class: Class) -> Self {
        Self { class: Some(class), ..self }
    }

    /// What the vendor removes stays.
    const fn lasting(self) -> Self {
        let [added, vendor, site, both, _] = self.cells;
        Self { cells: [added, vendor, site, both, Cell::Site], ..self }
    }

    const fn sized(self) -> Self {
        Self { cells: [Cell::Vendor, Cell::IfLarger, Cell::Site, Cell::Larger, Cell::Site], ..self }
    }

    /// Whether the attributes have a size that only grows.
    pub(super) fn is_sized(&self) -> bool {
        self.cells.contains(&Cell::Larger)
    }

    /// The row of the attribute `path`, if there is such an attribute.
    #[must_use]
    pub fn of(path: &AttributePath) -> Option<&'static Self> {
        let (scope, _) = Scope::split(path.scope());
        let keyed = |row: &&Self| match row.cut {
            Cut::Whole => path.key().is_none(),
            Cut::Nested => {
                path.key().and_then(|k| k.split_once('.')).is_some_and(|(a, b)| !a.is_empty() && !b.is_empty())
            }
            Cut::Items | Cut::Object => path.key().is_none(),
            Cut::Value => true,
            _ => path.key().is_some(),
        };
        TABLE.iter().filter(|r| r.scope == scope && (r.field == path.field() || r.field == "*")).find(keyed)
    }
}

impl Scope {
    /// The kind of scope that the first part of a path is of, and the name within it: `("route", "main")`.
    #[must_use]
    pub fn split(scope: &str) -> (Self, &str) {
        for kind in [Self::Plugin, Self::Group, Self::Route, Self::Stream, Self::External, Self::Object, Self::Chart] {
            if let Some(name) = scope.strip_prefix(kind.prefix()) {
                return (kind, name);
            }
        }
        (Self::Component, scope)
    }

    /// How paths of it begin, before the name.
    #[must_use]
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Component => "",
            Self::Plugin => "plugin/",
            Self::Group => "group/",
            Self::Route => "route/",
            Self::Stream => "stream/",
            Self::External => "external/",
            Self::Object => "object/",
            Self::Chart => "chart/",
        }
    }
}

use Rule::{Grow, Held, Merge, Vendor};
use Scope::{Chart, Component, External, Group, Object, Plugin, Route, Stream};

/// Every attribute, in the order of the table.
pub const TABLE: &[Row] = &[
    row(Vendor, Component, "image", "C.image", Cut::Whole),
    row(Vendor, Component, "kind", "C.kind", Cut::Whole),
    row(Vendor, Component, "schedule", "C.schedule", Cut::Whole),
    row(Vendor, Component, "singleton", "C.singleton", Cut::Whole),
    row(Vendor, Component, "command", "C.command", Cut::Whole),
    row(Vendor, Component, "args", "C.args", Cut::Whole),
    row(Vendor, Component, "dependsOn", "C.dependsOn.COMPONENT", Cut::Names),
    row(Vendor, Component, "configMode", "C.configMode.PATH", Cut::Modes),
    row(Vendor, Component, "mounts", "C.mounts.PATH", Cut::By("path")),
    row(Vendor, Plugin, "image", "plugin/P.image", Cut::Whole),
    row(Vendor, Plugin, "kind", "plugin/P.kind", Cut::Whole),
    row(Vendor, Plugin, "command", "plugin/P.command", Cut::Whole),
    row(Vendor, Plugin, "args", "plugin/P.args", Cut::Whole),
    row(Vendor, Plugin, "ports", "plugin/P.ports", Cut::Whole),
    row(Vendor, Plugin, "resources", "plugin/P.resources", Cut::Whole),
    row(Vendor, Plugin, "configMode", "plugin/P.configMode.PATH", Cut::Modes),
    row(Vendor, Component, "monitors", "C.monitors.NAME", Cut::By("name")),
    row(Vendor, Component, "graphs", "C.graphs.TITLE", Cut::By("title")),
    row(Merge, Component, "replicas", "C.replicas", Cut::Whole),
    row(Merge, Component, "scaling", "C.scaling.FIELD", Cut::Map),
    row(Merge, Component, "resources", "C.resources.requests.NAME", Cut::Nested),
    row(Merge, Component, "resources", "C.resources.limits.NAME", Cut::Nested),
    row(Merge, Component, "probes", "C.probes.NAME", Cut::Map),
    row(Merge, Component, "labels", "C.labels.NAME", Cut::Map),
    row(Merge, Component, "kubernetes", "C.kubernetes.FIELD", Cut::Map),
    row(Merge, Component, "plugins", "C.plugins.NAME", Cut::By("name")),
    row(Merge, Route, "*", "route/R.FIELD", Cut::Whole).lasting(),
    row(Merge, Stream, "*", "stream/S.FIELD", Cut::Whole).lasting(),
    row(Merge, External, "*", "external/E.FIELD", Cut::Whole).lasting(),
    row(Merge, Object, "*", "object/KIND/NAME", Cut::Object).lasting(),
    row(Merge, Chart, "*", "chart/CHART.VALUE", Cut::Value),
    row(Held, Component, "env", "C.env.NAME", Cut::By("name")).of_class(Class::Env),
    row(Held, Plugin, "env", "plugin/P.env.NAME", Cut::By("name")).of_class(Class::Env),
    row(Held, Component, "connection", "C.connection.NAME", Cut::By("name")).of_class(Class::Connection),
    row(Held, Component, "config", "C.config.PATH", Cut::Contents).of_class(Class::Config),
    row(Held, Plugin, "config", "plugin/P.config.PATH", Cut::Contents).of_class(Class::Config),
    row(Held, Group, "*", "group/G.NAME", Cut::Items).of_class(Class::Groups),
    row(Grow, Component, "ports", "C.ports.NAME", Cut::By("name")),
    row(Grow, Component, "groups", "C.groups.GROUP", Cut::Groups),
    row(Grow, Component, "volumes", "C.volumes.NAME", Cut::By("name")).sized(),
];
