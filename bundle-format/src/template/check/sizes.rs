//! How many entries lists have.

use super::super::Code;
use super::super::limits::{ADJUSTABLE, COMPONENTS, ENTRIES};
use super::super::place::Place;
use super::Check;

impl Check<'_> {
    /// Whether no list has more entries than it may.
    pub(super) fn sizes(&mut self) -> bool {
        let template = self.template;
        let root = Place::default();
        let mut lists = vec![
            (root.field("components"), template.components.len(), COMPONENTS),
            (root.field("images"), template.images.len(), ENTRIES),
            (root.field("secrets"), template.secrets.len(), ENTRIES),
            (root.field("externals"), template.externals.len(), ENTRIES),
            (root.field("plugins"), template.plugins.len(), ENTRIES),
            (root.field("configGroups"), template.config_groups.len(), ENTRIES),
            (root.field("routes"), template.routes.len(), ENTRIES),
            (root.field("streams"), template.streams.len(), ENTRIES),
            (root.field("charts"), template.charts.len(), ENTRIES),
            (root.field("kustomizations"), template.kustomizations.len(), ENTRIES),
            (root.field("manifests"), template.manifests.len(), ENTRIES),
            (root.field("files"), template.files.len(), ENTRIES),
            (root.field("metadata").field("categories"), template.metadata.categories.len(), ENTRIES),
        ];
        let inner = |place: &Place, sizes: &[(&str, usize)]| -> Vec<_> {
            sizes.iter().map(|(field, length)| (place.field(field), *length, ENTRIES)).collect()
        };
        for (i, component) in template.components.iter().enumerate().take(COMPONENTS) {
            let place = root.field("components").index(i);
            lists.extend(inner(
                &place,
                &[
                    ("ports", component.ports.len()),
                    ("env", component.env.len()),
                    ("connection", component.connection.len()),
                    ("config", component.config.len()),
                    ("volumes", component.volumes.len()),
                    ("mounts", component.mounts.len()),
                    ("plugins", component.plugins.len()),
                    ("monitors", component.monitors.len()),
                    ("graphs", component.graphs.len()),
                ],
            ));
            let kubernetes = &component.kubernetes;
            lists.extend(inner(
                &place.field("kubernetes"),
                &[
                    ("tolerations", kubernetes.tolerations.len()),
                    ("topologySpreadConstraints", kubernetes.topology_spread_constraints.len()),
                    ("hostAliases", kubernetes.host_aliases.len()),
                ],
            ));
            for (u, used) in component.plugins.iter().enumerate() {
                lists.extend(inner(&place.field("plugins").index(u), &[("env", used.env.len())]));
            }
        }
        for (i, plugin) in template.plugins.iter().enumerate() {
            let sizes = [("ports", plugin.ports.len()), ("env", plugin.env.len()), ("config", plugin.config.len())];
            lists.extend(inner(&root.field("plugins").index(i), &sizes));
        }
        for (i, external) in template.externals.iter().enumerate() {
            let sizes = [("addresses", external.addresses.len()), ("ports", external.ports.len())];
            lists.extend(inner(&root.field("externals").index(i), &sizes));
        }
        for (i, group) in template.config_groups.iter().enumerate() {
            let sizes = [("items", group.items.len()), ("components", group.components.len())];
            lists.extend(inner(&root.field("configGroups").index(i), &sizes));
        }
        for (i, chart) in template.charts.iter().enumerate() {
            let place = root.field("charts").index(i);
            lists.extend(inner(&place, &[("values", chart.values.len())]));
            lists.push((place.field("adjustable"), chart.adjustable.len(), ADJUSTABLE));
        }
        lists.retain(|(_, length, limit)| length > limit);
        for (place, length, limit) in &lists {
            self.error(place, Code::InvalidValue, format!("{length} entries are more than {limit}"), None);
        }
        lists.is_empty()
    }
}
