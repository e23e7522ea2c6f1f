//! The rules that hold between the fields of a template (spec/template.md sections 4 and 5).

mod component;
mod labels;
mod mounts;
mod objects;
mod parts;
mod plugins;
mod references;
mod routes;
mod sizes;
mod syntax;
mod whole;
mod workload;

use std::collections::{HashMap, HashSet};
use std::fmt::Display;
use std::hash::Hash;

use super::Template;
use super::limits::PROBLEMS;
use super::node::{Node, Value};
use super::place::{Place, Step};
use super::problem::{Code, Position, Problem, Severity};

pub(super) use syntax::{is_header_name, is_header_value};

/// Everything that is wrong with `template`, which was read from `root` without the nodes `left_out`. What a partial version
/// names may be in another one.
pub(super) fn check(template: &Template, root: &Node, left_out: &HashSet<*const Node>) -> Vec<Problem> {
    // One that was left out as wrong is meant all the same.
    let partial = root.get("metadata").and_then(|m| m.get("completes")).is_some();
    check_all(template, root, left_out, partial)
}

/// Everything that is wrong with a version that was completed, as it is in `root`.
pub(super) fn check_whole(template: &Template, root: &Node) -> Vec<Problem> {
    check_all(template, root, &HashSet::new(), false)
}

fn check_all(template: &Template, root: &Node, left_out: &HashSet<*const Node>, partial: bool) -> Vec<Problem> {
    let mut check = Check { template, root, left_out, partial, problems: Vec::new() };
    // The rules compare entries with each other: only where there are not too many.
    if !check.sizes() {
        return check.problems;
    }
    check.whole();
    for (i, component) in template.components.iter().enumerate() {
        check.component(component, &Place::default().field("components").index(i));
    }
    check.dependencies();
    check.parts();
    check.routes();
    check.problems
}

struct Check<'a> {
    template: &'a Template,
    root: &'a Node,
    left_out: &'a HashSet<*const Node>,
    /// Whether what is named may be in another version.
    partial: bool,
    problems: Vec<Problem>,
}

/// A place in the text. Without a node, the position is that of the nearest node above.
struct Found<'a> {
    node: Option<&'a Node>,
    position: Position,
    path: Place,
}

impl Check<'_> {
    fn error(&mut self, place: &Place, code: Code, message: String, hint: Option<&str>) {
        self.report(place, Severity::Error, code, message, hint);
    }

    fn warning(&mut self, place: &Place, code: Code, message: String, hint: Option<&str>) {
        self.report(place, Severity::Warning, code, message, hint);
    }

    fn report(&mut self, place: &Place, severity: Severity, code: Code, message: String, hint: Option<&str>) {
        if self.full(severity) {
            return;
        }
        let (position, path) = self.locate(place);
        self.problems.push(Problem { position, path, severity, code, message, hint: hint.map(str::to_owned) });
    }

    /// Whether enough problems of this severity are reported.
    fn full(&self, severity: Severity) -> bool {
        self.problems.iter().filter(|p| p.severity == severity).count() >= PROBLEMS
    }

    /// Where `place` stands in the text, as far down as the text has it, and how it is called there.
    fn locate(&self, place: &Place) -> (Position, String) {
        let Found { position, path, .. } = self.find(place);
        (position, path.to_string())
    }

    /// Follows `place`, which counts only elements that were read, through the tree, which has all.
    fn find(&self, place: &Place) -> Found<'_> {
        let mut found = Found { node: Some(self.root), position: self.root.position, path: Place::default() };
        for step in place.steps() {
            (found.node, found.path) = match step {
                Step::Field(name) => (found.node.and_then(|n| n.get(name)), found.path.field(name)),
                Step::Index(index) => {
                    let elements = found.node.map(Node::elements).unwrap_or_default().iter().enumerate();
                    let mut read = elements.filter(|(_, n)| !self.left_out.contains(&std::ptr::from_ref(*n)));
                    match read.nth(*index) {
                        Some((i, node)) => (Some(node), found.path.index(i)),
                        None => (None, found.path.index(*index)),
                    }
                }
            };
            found.position = found.node.map_or(found.position, |n| n.position);
        }
        found
    }

    /// Reports each of `items` that an earlier one is equal to. `what` is the kind of thing, with its article.
    fn unique<T: Eq + Hash + Display>(&mut self, what: &str, items: impl IntoIterator<Item = (Place, T)>) {
        let mut seen: HashMap<T, Place> = HashMap::new();
        for (place, item) in items {
            match seen.get(&item) {
                Some(_) if self.full(Severity::Error) => return,
                Some(first) => {
                    let (position, path) = self.locate(first);
                    let message = format!("{what} `{item}` stands already at line {}, {path}", position.line);
                    self.error(&place, Code::Duplicate, message, None);
                }
                None => _ = seen.insert(item, place),
            }
        }
    }

    /// Reports unless exactly one of the fields `given` is there.
    fn exactly_one(&mut self, place: &Place, given: &[(&str, bool)]) {
        let there: Vec<&str> = given.iter().filter(|(_, there)| *there).map(|(name, _)| *name).collect();
        // A field that was left out as wrong is there all the same.
        if there.len() == 1 || (there.is_empty() && given.iter().any(|(name, _)| self.is_written(place, name))) {
            return;
        }
        let all = given.iter().map(|(name, _)| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let message = match there.as_slice() {
            [] => format!("one of {all} is missing"),
            several => format!("{} are given, and only one of {all} may be", several.join(" and ")),
        };
        self.error(place, Code::OneOf, message, None);
    }

    fn is_written(&self, place: &Place, field: &str) -> bool {
        self.find(place).node.and_then(|n| n.get(field)).is_some_and(|n| !matches!(n.value, Value::Null))
    }

    /// Whether the list `field` of `owner`, an element of the document's list `list`, was not read as a whole. What it lacks
    /// is another problem already.
    fn is_cut(&self, list: &str, owner: &str, field: &str) -> bool {
        if self.left_out.is_empty() || self.full(Severity::Error) {
            return false;
        }
        let owners = self.root.get(list).map(Node::elements).unwrap_or_default().iter();
        let mut fields =
            owners.filter(|n| n.get("name").and_then(Node::text) == Some(owner)).filter_map(|n| n.get(field));
        fields.any(|n| self.is_left_out(n) || n.elements().iter().any(|n| self.is_left_out(n) || self.lacks_field(n)))
    }

    fn lacks_field(&self, node: &Node) -> bool {
        matches!(&node.value, Value::Map(entries) if entries.iter().any(|e| self.is_left_out(&e.value)))
    }

    /// The values of all fields `key` in the text, if parts of it were left out: there may be the use of what nothing seems to
    /// use.
    fn meant(&self, key: &str) -> Vec<&Node> {
        let mut found = Vec::new();
        let mut nodes = vec![self.root];
        while let Some(node) = nodes.pop().filter(|_| !self.left_out.is_empty()) {
            match &node.value {
                Value::List(elements) => nodes.extend(elements),
                Value::Map(entries) => {
                    found.extend(entries.iter().filter(|e| e.key == key).map(|e| &e.value));
                    nodes.extend(entries.iter().map(|e| &e.value));
                }
                _ => {}
            }
        }
        found
    }

    fn is_left_out(&self, node: &Node) -> bool {
        self.left_out.contains(&std::ptr::from_ref(node))
    }

    /// Whether an element of the document's list `field` was not read, and has no name either that could be referred to.
    fn has_nameless(&self, field: &str) -> bool {
        self.root.get(field).is_some_and(|list| {
            let named = |n: &Node| n.get("name").and_then(Node::text).is_some();
            self.is_left_out(list) || list.elements().iter().any(|n| self.is_left_out(n) && !named(n))
        })
    }

    /// The names in the list `field` of the document, those of elements that were left out included: a reference to one
    /// of these is not another problem.
    fn names(&self, field: &str) -> Vec<&str> {
        let elements = self.root.get(field).map(Node::elements).unwrap_or_default();
        elements.iter().filter_map(|n| n.get("name")?.text()).collect()
    }
}
