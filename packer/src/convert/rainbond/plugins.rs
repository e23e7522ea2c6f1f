//! Plugins, and the components that have them.

use bundle_format::template::{Component, Env, EnvName, PartName, Plugin, PluginKind, PluginUse, Resources};
use serde_json::Value;

use super::super::ConvertError;
use super::super::draft::{Draft, NoteKind, literal, variable};
use super::fields::is_empty;
use super::{App, list_at, number, word, yes};

impl App {
    pub(super) fn plugins(&mut self, draft: &mut Draft) -> Result<(), ConvertError> {
        for given in list_at(&self.root, &["plugins"]) {
            let called = word(given, "plugin_alias").or_else(|| word(given, "plugin_name")).unwrap_or_default();
            let image = word(given, "share_image").or_else(|| word(given, "image"));
            let category = word(given, "category").unwrap_or_default();
            let Some(image) = image.and_then(|i| i.parse().ok()).filter(|_| !category.starts_with("net-plugin")) else {
                let text = format!(
                    "the plugin {called} ({category}): the platform's networks are not part of an application, and without an image there is none"
                );
                draft.note(NoteKind::Left, None, text);
                continue;
            };
            let name: PartName = draft.part("plugins", &word(given, "plugin_name").unwrap_or(called))?;
            for key in ["plugin_key", "plugin_id"] {
                if let Some(key) = word(given, key) {
                    self.plugins.insert(key, name.clone());
                }
            }
            let mut env: Vec<Env> = Vec::new();
            for group in list_at(given, &["config_groups"]) {
                for option in list_at(group, &["options"]) {
                    let called = word(option, "attr_name").unwrap_or_default();
                    let value = literal(&word(option, "attr_default_value").unwrap_or_default());
                    match called.parse::<EnvName>() {
                        Ok(name) if env.iter().all(|e| e.name != name) => env.push(variable(name, value)),
                        Ok(_) => {
                            let text =
                                format!("of several variables {called} of the plugin `{name}` all but the first");
                            draft.note(NoteKind::Left, None, text);
                        }
                        Err(_) => {
                            let text = format!("{called:?} of the plugin `{name}`: that is no name of a variable");
                            draft.note(NoteKind::Left, None, text);
                        }
                    }
                }
                if word(group, "injection").is_some_and(|i| i != "env") {
                    draft.note(
                        NoteKind::Left,
                        None,
                        format!("the plugin `{name}` asked the platform for its configuration; here it gets variables"),
                    );
                }
            }
            shown(draft, given, &name);
            let kind = if category.contains("init") { PluginKind::Init } else { PluginKind::Sidecar };
            draft.template.plugins.push(Plugin {
                name,
                image,
                kind,
                command: Vec::new(),
                args: Vec::new(),
                ports: Vec::new(),
                env,
                config: Vec::new(),
                resources: Resources::default(),
            });
        }
        Ok(())
    }

    /// The plugins that a component has.
    pub(super) fn plugins_of(&self, draft: &mut Draft, app: &Value, made: &mut Component) {
        for given in list_at(app, &["service_related_plugin_config"]) {
            let key = word(given, "plugin_key").or_else(|| word(given, "plugin_id")).unwrap_or_default();
            if given.get("plugin_status").is_some() && !yes(given, "plugin_status") {
                draft.note(NoteKind::Left, Some(&made.name), format!("the plugin {key}, which is switched off there"));
                continue;
            }
            match self.plugins.get(&key) {
                Some(name) if !made.plugins.iter().any(|p| p.name == *name) => {
                    made.plugins.push(PluginUse { name: name.clone(), env: Vec::new(), volumes: false });
                    let room = [("memory_required", "min_memory"), ("cpu_required", "min_cpu")].map(|(key, other)| {
                        let said = number::<u32>(given, key).filter(|n| *n != 0);
                        said.or_else(|| number::<u32>(given, other)).unwrap_or(0)
                    });
                    if room != [0, 0] {
                        let [memory, cpu] = room;
                        let text = format!(
                            "the plugin `{name}` had {memory} MB and {cpu} m of CPU here; `resources` of the plugin hold for all components"
                        );
                        draft.note(NoteKind::Look, Some(&made.name), text);
                    }
                    if given.get("attr").is_some_and(|attr| !is_empty(attr)) {
                        draft.note(
                            NoteKind::Look,
                            Some(&made.name),
                            format!("what it told the plugin `{name}` (`attr`): say it in `plugins.env`"),
                        );
                    }
                }
                Some(_) => {}
                None => draft.note(NoteKind::Left, Some(&made.name), format!("the plugin {key}, which is not carried")),
            }
        }
    }
}

/// Notes what a plugin says to people, and how its image is had.
fn shown(draft: &mut Draft, given: &Value, name: &PartName) {
    let options = || list_at(given, &["config_groups"]).iter().flat_map(|group| list_at(group, &["options"]));
    let told = |key: &str| options().any(|option| word(option, key).is_some());
    let left = [
        (
            told("attr_alt_value") || options().any(|o| word(o, "attr_type").is_some_and(|of| of != "string")),
            "which values its variables may have (`attr_type`, `attr_alt_value`)",
        ),
        (
            options().any(|o| o.get("is_change").is_some() && !yes(o, "is_change")),
            "that variables are not to be changed (`is_change`)",
        ),
        (told("attr_info"), "what its variables are for (`attr_info`)"),
        (word(given, "desc").is_some(), "its description (`desc`)"),
    ];
    for (_, text) in left.into_iter().filter(|(told, _)| *told) {
        draft.note(NoteKind::Left, None, format!("of the plugin `{name}`: {text}"));
    }
    if given.get("plugin_image").is_some_and(|image| word(image, "hub_user").is_some()) {
        let text = format!("the login for the registry of the plugin `{name}` is not carried");
        draft.note(NoteKind::Changed, None, text);
    }
}
