//! `extends`: a service over another of the same file (compose specification, "Merge and override").

use std::path::Path;

use super::super::draft::{Draft, NoteKind};
use super::super::tree::Tree;

/// Longest chain of services that extend each other.
const CHAIN: usize = 16;
/// Lists that replace what they lie over. All others follow it.
const WHOLE: [&str; 3] = ["command", "entrypoint", "test"];
/// What may be written as a list of `KEY=VALUE` or as a map.
const PAIRS: [&str; 5] = ["environment", "labels", "annotations", "sysctls", "extra_hosts"];

/// The service `service` with what it extends under it, and what that extends, and so on.
pub(super) fn extended(services: &[(String, Tree)], service: &Tree, draft: &mut Draft) -> Tree {
    let mut chain = vec![service.clone()];
    let mut at = service;
    while let Some(extends) = at.get("extends") {
        let name = extends.text().or_else(|| extends.text_of("service")).unwrap_or_default();
        let found = services.iter().find(|(n, _)| *n == name && extends.get("file").is_none());
        let Some((_, base)) = found.filter(|_| chain.len() < CHAIN) else {
            let text = match extends.get("file") {
                Some(_) => format!("`extends` of {name:?} in another file: merge them with `docker compose config`"),
                None => format!("`extends` of {name:?}: it is not there, or too many services extend each other"),
            };
            draft.note(NoteKind::Left, None, text);
            break;
        };
        chain.push(base.clone());
        at = base;
    }
    let mut made = chain.pop().unwrap_or(Tree::Null);
    for over in chain.iter().rev() {
        lay("", &mut made, over);
    }
    match made {
        Tree::Map(fields) => Tree::Map(fields.into_iter().filter(|(k, _)| k != "extends").collect()),
        other => other,
    }
}

/// Lays `over` on what is `there` under the field `key`.
fn lay(key: &str, there: &mut Tree, over: &Tree) {
    if PAIRS.contains(&key) && std::mem::discriminant(there) != std::mem::discriminant(over) {
        *there = as_map(there);
        return lay(key, there, &as_map(over));
    }
    // The short form of `depends_on` says the long one's usual condition.
    if key == "depends_on" && std::mem::discriminant(there) != std::mem::discriminant(over) {
        *there = named(there);
        return lay(key, there, &named(over));
    }
    match (there, over) {
        (Tree::Map(fields), Tree::Map(more)) => {
            for (key, value) in more {
                match fields.iter_mut().find(|(k, _)| k == key) {
                    Some((_, old)) => lay(key, old, value),
                    None => fields.push((key.clone(), value.clone())),
                }
            }
        }
        (Tree::List(elements), Tree::List(more)) if !WHOLE.contains(&key) => {
            // One path in a container has one volume, the later one.
            let same = |a: &Tree, b: &Tree| {
                a == b || (key == "volumes" && target(a).is_some_and(|place| Some(place) == target(b)))
            };
            elements.retain(|old| !more.iter().any(|new| same(old, new)));
            elements.extend(more.iter().cloned());
        }
        (there, over) => *there = over.clone(),
    }
}

fn as_map(tree: &Tree) -> Tree {
    let pairs = tree.pairs().into_iter();
    Tree::Map(pairs.map(|(k, v)| (k, v.map_or(Tree::Null, Tree::Text))).collect())
}

fn named(tree: &Tree) -> Tree {
    match tree {
        Tree::Map(_) => tree.clone(),
        list => Tree::Map(list.texts().into_iter().map(|name| (name, Tree::Map(Vec::new()))).collect()),
    }
}

/// Where a volume is mounted.
fn target(volume: &Tree) -> Option<String> {
    let given = volume.text_of("target").or_else(|| {
        let text = volume.text()?;
        let mut parts = text.split(':');
        let first = parts.next()?;
        Some(parts.next().unwrap_or(first).to_owned())
    })?;
    Some(Path::new(&given).components().as_path().display().to_string())
}
