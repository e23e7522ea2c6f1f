//! Attributes put back into the template as JSON: the table's cuts, the other way round.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::AttributePath;
use super::rule::{Cut, Row, Scope};

/// The list of the template's document that a scope's things are in.
pub(super) fn list_of(scope: Scope) -> &'static str {
    match scope {
        Scope::Component => "components",
        Scope::Plugin => "plugins",
        Scope::Group => "configGroups",
        Scope::Route => "routes",
        Scope::Stream => "streams",
        Scope::External => "externals",
        Scope::Object => "manifests",
        Scope::Chart => "charts",
    }
}

/// The thing called `name` in one of the document's lists. One that is not there is made if `make`.
pub(super) fn thing<'d>(
    document: &'d mut Value,
    scope: Scope,
    name: &str,
    make: bool,
) -> Option<&'d mut Map<String, Value>> {
    let list = document.as_object_mut()?.entry(list_of(scope)).or_insert_with(|| json!([])).as_array_mut()?;
    let at = match list.iter().position(|item| item.get("name").and_then(Value::as_str) == Some(name)) {
        Some(at) => at,
        None if make => {
            list.push(json!({ "name": name }));
            list.len().checked_sub(1)?
        }
        None => return None,
    };
    list.get_mut(at)?.as_object_mut()
}

/// Sets an attribute of a thing, or removes it. Contents of files and memberships of groups are not put here.
pub(super) fn put(thing: &mut Map<String, Value>, row: &Row, path: &AttributePath, value: Option<&Value>) {
    let field = path.field();
    let key = path.key().unwrap_or_default();
    match row.cut {
        Cut::Whole => set(thing, field, value),
        Cut::By(member) => put_item(thing, field, member, key, value),
        Cut::Items => put_item(thing, "items", "name", field, value),
        Cut::Names => put_name(thing, field, key, value == Some(&Value::Bool(true))),
        Cut::Map => within(thing, field, |entries| set(entries, key, value)),
        Cut::Nested => {
            let (part, name) = key.split_once('.').unwrap_or((key, ""));
            within(thing, field, |parts| within(parts, part, |entries| set(entries, name, value)));
        }
        Cut::Modes => {
            let executable = json!(value.and_then(Value::as_str) == Some("0755"));
            if let Some(file) = file(thing, key) {
                file.insert("executable".to_owned(), executable);
            }
        }
        Cut::Value => {
            let name = path.key().map_or(field.to_owned(), |key| format!("{field}.{key}"));
            within(thing, "adjustable", |values| set(values, &name, value));
        }
        Cut::Contents | Cut::Groups | Cut::Object => {}
    }
}

/// Gives the file at `path` the content that `content` says: members of a file in `config`. No content, no file.
pub(super) fn put_file(thing: &mut Map<String, Value>, path: &str, content: Option<(&str, Value)>) {
    let Some((member, content)) = content else {
        return retain(thing, "config", |item| item.get("path").and_then(Value::as_str) != Some(path));
    };
    if file(thing, path).is_none()
        && let Some(list) = list(thing, "config")
    {
        list.push(json!({ "path": path }));
    }
    if let Some(file) = file(thing, path) {
        file.remove("content");
        file.remove("file");
        file.insert(member.to_owned(), content);
    }
}

/// The file at `path` in a thing's `config`.
pub(super) fn file<'t>(thing: &'t mut Map<String, Value>, path: &str) -> Option<&'t mut Map<String, Value>> {
    let list = thing.get_mut("config")?.as_array_mut()?;
    list.iter_mut().find(|item| item.get("path").and_then(Value::as_str) == Some(path))?.as_object_mut()
}

fn set(fields: &mut Map<String, Value>, field: &str, value: Option<&Value>) {
    match value {
        Some(value) => _ = fields.insert(field.to_owned(), value.clone()),
        None => _ = fields.remove(field),
    }
}

fn list<'t>(thing: &'t mut Map<String, Value>, field: &str) -> Option<&'t mut Vec<Value>> {
    thing.entry(field).or_insert_with(|| json!([])).as_array_mut()
}

fn retain(thing: &mut Map<String, Value>, field: &str, keep: impl Fn(&Value) -> bool) {
    if let Some(Value::Array(items)) = thing.get_mut(field) {
        items.retain(keep);
    }
}

/// Acts on an object within, which goes when nothing is left in it.
fn within(fields: &mut Map<String, Value>, field: &str, act: impl FnOnce(&mut Map<String, Value>)) {
    if let Some(entries) = fields.entry(field).or_insert_with(|| json!({})).as_object_mut() {
        act(entries);
        if entries.is_empty() {
            fields.remove(field);
        }
    }
}

fn put_item(thing: &mut Map<String, Value>, field: &str, member: &str, key: &str, value: Option<&Value>) {
    let is = |item: &Value| item.get(member).and_then(Value::as_str) == Some(key);
    let Some(value) = value else { return retain(thing, field, |item| !is(item)) };
    let mut item = match value {
        Value::Object(fields) => fields.clone(),
        // What has only a `value` is that value.
        value => Map::from_iter([("value".to_owned(), value.clone())]),
    };
    item.insert(member.to_owned(), key.into());
    if let Some(list) = list(thing, field) {
        match list.iter_mut().find(|item| is(item)) {
            Some(found) => *found = Value::Object(item),
            None => list.push(Value::Object(item)),
        }
    }
}

fn put_name(thing: &mut Map<String, Value>, field: &str, name: &str, there: bool) {
    let is = |item: &Value| item.as_str() == Some(name);
    if !there {
        retain(thing, field, |item| !is(item));
    } else if let Some(list) = list(thing, field)
        && !list.iter().any(is)
    {
        list.push(name.into());
    }
}

/// Puts variables that are not in `known`, the template's, before those that refer to them: `$(NAME)` stands for an earlier one.
pub(super) fn order(thing: &mut Map<String, Value>, field: &str, known: &BTreeSet<String>) {
    let Some(Value::Array(list)) = thing.get_mut(field) else { return };
    let mut left: Vec<Option<Value>> = std::mem::take(list).into_iter().map(Some).collect();
    let beyond: Vec<(String, usize)> = left
        .iter()
        .enumerate()
        .filter_map(|(at, item)| Some((item.as_ref()?.get("name")?.as_str()?.to_owned(), at)))
        .filter(|(name, _)| !known.contains(name))
        .collect();
    for start in 0..left.len() {
        // A variable waits on the stack until those that it refers to are out. One that is on it already is a circle's, and is left.
        let mut stack = vec![(start, false)];
        let mut seen = BTreeSet::new();
        while let Some((at, ready)) = stack.pop() {
            if ready {
                list.extend(left.get_mut(at).and_then(Option::take));
                continue;
            }
            let Some(Some(item)) = left.get(at) else { continue };
            if !seen.insert(at) {
                continue;
            }
            stack.push((at, true));
            let text = item.get("value").and_then(Value::as_str).unwrap_or_default();
            stack.extend(
                beyond.iter().filter(|(name, _)| text.contains(&format!("$({name})"))).map(|(_, at)| (*at, false)),
            );
        }
    }
}
