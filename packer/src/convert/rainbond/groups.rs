//! Groups of variables that several components share.

use bundle_format::template::{ComponentName, ConfigGroup, ConfigItem};

use super::super::ConvertError;
use super::super::draft::{Draft, NoteKind, literal};
use super::{App, list_at, map_at, word, yes};

impl App {
    pub(super) fn groups(&self, draft: &mut Draft) -> Result<(), ConvertError> {
        for given in list_at(&self.root, &["app_config_groups"]) {
            let called = word(given, "name").unwrap_or_default();
            if given.get("enable").is_some() && !yes(given, "enable") {
                draft.note(NoteKind::Left, None, format!("the group {called}, which is switched off there"));
                continue;
            }
            let mut items = Vec::new();
            for (key, value) in map_at(given, &["config_items"]) {
                let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                match key.parse() {
                    Ok(name) if !value.starts_with("**None") => items.push(ConfigItem { name, value: literal(&value) }),
                    Ok(_) => draft.note(
                        NoteKind::Left,
                        None,
                        format!("{key} of the group {called} is random; give it to components as a secret"),
                    ),
                    Err(_) => draft.note(
                        NoteKind::Left,
                        None,
                        format!("{key:?} of the group {called}: that is no name of a variable"),
                    ),
                }
            }
            let runs = |name: &ComponentName| draft.template.component(name).is_some();
            let (mut components, mut missing) = (Vec::new(), Vec::new());
            for key in list_at(given, &["component_keys"]) {
                match key.as_str().and_then(|key| self.find(key)).filter(runs) {
                    Some(name) if components.contains(&name) => {}
                    Some(name) => components.push(name),
                    None => missing.push(key.as_str().map_or_else(|| key.to_string(), str::to_owned)),
                }
            }
            if word(given, "injection_type").is_some_and(|i| i != "env") {
                draft.note(
                    NoteKind::Look,
                    None,
                    format!("the group {called} was not injected as variables; here it is"),
                );
            }
            // No component at all would mean every one.
            if components.is_empty() && !list_at(given, &["component_keys"]).is_empty() {
                draft.note(NoteKind::Left, None, format!("the group {called}: its components are not here"));
                continue;
            }
            if !missing.is_empty() {
                let text =
                    format!("of the components of the group {called}, which are not here: {}", missing.join(", "));
                draft.note(NoteKind::Left, None, text);
            }
            let name = draft.part("groups", &called)?;
            draft.template.config_groups.push(ConfigGroup { name, items, components });
        }
        Ok(())
    }
}
