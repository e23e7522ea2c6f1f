//! A template as a person would write it: fields in the order of the reference, short things on one line, nothing that
//! is said by leaving it out.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use bundle_format::template::Template;
use serde_json::{Map, Value};

/// Longest line on which a list or object stands whole.
const WIDTH: usize = 110;

/// Fields of the document in order, each with what is said above it.
const TOP: [(&str, &str); 16] = [
    ("apiVersion", ""),
    ("kind", ""),
    ("metadata", ""),
    ("images", "Where the packer finds images, and images that only manifests use."),
    ("secrets", "Made up by each site, once."),
    ("components", ""),
    ("externals", "What runs elsewhere."),
    ("plugins", "Containers that run beside components, or before them."),
    ("configGroups", "Variables that several components share."),
    ("routes", "How the application is reached over HTTP."),
    ("streams", "How it is reached otherwise."),
    ("charts", ""),
    ("kustomizations", ""),
    ("manifests", "Kubernetes objects as they are."),
    ("files", "Carried along."),
    ("", ""),
];

/// Fields below, in order; others follow by name.
const ORDER: [&str; 66] = [
    "name",
    "version",
    "image",
    "title",
    "description",
    "from",
    "path",
    "component",
    "kind",
    "schedule",
    "singleton",
    "optional",
    "replicas",
    "scaling",
    "min",
    "max",
    "step",
    "command",
    "args",
    "dependsOn",
    "ports",
    "port",
    "protocol",
    "appProtocol",
    "service",
    "servicePort",
    "env",
    "value",
    "secret",
    "key",
    "keys",
    "length",
    "connection",
    "config",
    "content",
    "file",
    "executable",
    "volumes",
    "volume",
    "size",
    "accessModes",
    "storageClass",
    "emptyDir",
    "mounts",
    "readOnly",
    "probes",
    "startup",
    "readiness",
    "liveness",
    "http",
    "tcp",
    "exec",
    "scheme",
    "resources",
    "requests",
    "limits",
    "labels",
    "plugins",
    "monitors",
    "interval",
    "graphs",
    "query",
    "kubernetes",
    "items",
    "components",
    "host",
];

/// Writes `template`, with `head` as comments on top and `notes` above the components that they are about.
pub(super) fn write(
    template: &Template,
    head: &[String],
    notes: &BTreeMap<String, Vec<String>>,
) -> Result<String, serde_json::Error> {
    let mut root = serde_json::to_value(template)?;
    elide(&mut root);
    let mut out = String::new();
    comments(&mut out, head, 0);
    for (key, above) in TOP {
        let Some(value) = root.get(key) else { continue };
        if !matches!(key, "apiVersion" | "kind" | "metadata") {
            out.push('\n');
        }
        if !above.is_empty() {
            comments(&mut out, &[above.to_owned()], 0);
        }
        match (key, value) {
            ("components" | "plugins", Value::Array(items)) => {
                let _ = writeln!(out, "{key}:");
                for (i, item) in items.iter().enumerate() {
                    if i > 0 {
                        out.push('\n');
                    }
                    let name = item.get("name").and_then(Value::as_str).unwrap_or_default();
                    if let Some(notes) = notes.get(name).filter(|_| key == "components") {
                        comments(&mut out, notes, 2);
                    }
                    item_of(&mut out, item, 2, false);
                }
            }
            _ => entry(&mut out, key, value, 0),
        }
    }
    Ok(out)
}

/// A Kubernetes object as a document.
pub(super) fn document(object: &Value) -> String {
    let mut out = String::new();
    let Value::Object(fields) = object else { return out };
    let first = ["apiVersion", "kind", "metadata"];
    for key in first {
        if let Some(value) = fields.get(key) {
            entry(&mut out, key, value, 0);
        }
    }
    for (key, value) in fields.iter().filter(|(k, _)| !first.contains(&k.as_str())) {
        entry(&mut out, key, value, 0);
    }
    out
}

fn comments(out: &mut String, lines: &[String], indent: usize) {
    for line in lines {
        let mut width = usize::MAX;
        for word in line.split(|c: char| c.is_whitespace() || c.is_control()).filter(|w| !w.is_empty()) {
            if width.saturating_add(word.chars().count()) > WIDTH {
                let _ = match width {
                    usize::MAX => write!(out, "{:indent$}#", ""),
                    _ => write!(out, "\n{:indent$}#  ", ""),
                };
                width = indent;
            }
            out.push(' ');
            out.extend(word.chars().map(|c| if shown(c) { c } else { '?' }));
            width = width.saturating_add(word.chars().count() + 1);
        }
        out.push('\n');
    }
}

fn map(out: &mut String, fields: &Map<String, Value>, indent: usize) {
    let rank = |key: &str| ORDER.iter().position(|k| *k == key).unwrap_or(ORDER.len());
    let mut keys: Vec<&String> = fields.keys().collect();
    keys.sort_by_key(|key| (rank(key), key.as_str()));
    for key in keys {
        entry(out, key, &fields[key.as_str()], indent);
    }
}

fn entry(out: &mut String, key: &str, value: &Value, indent: usize) {
    let _ = write!(out, "{:indent$}{}:", "", scalar(key));
    let short = flow(value);
    match value {
        Value::String(text) if literal(text) => block(out, text, indent + 2),
        Value::Object(fields)
            if !fields.is_empty() && (indent == 0 || !fits(value, &short, indent + key.len(), 90)) =>
        {
            out.push('\n');
            map(out, fields, indent + 2);
        }
        Value::Array(items)
            if items.iter().any(|i| i.is_object())
                || (!items.is_empty() && !fits(value, &short, indent + key.len(), WIDTH)) =>
        {
            out.push('\n');
            items.iter().for_each(|item| item_of(out, item, indent + 2, true));
        }
        _ => {
            let _ = writeln!(out, " {short}");
        }
    }
}

fn item_of(out: &mut String, item: &Value, indent: usize, may_flow: bool) {
    let short = flow(item);
    match item {
        Value::Object(fields) if !fields.is_empty() && !(may_flow && fits(item, &short, indent, WIDTH)) => {
            let mut text = String::new();
            map(&mut text, fields, indent + 2);
            let _ = write!(out, "{:indent$}- {}", "", text.trim_start_matches(' '));
        }
        Value::String(text) if literal(text) => {
            let _ = write!(out, "{:indent$}-", "");
            block(out, text, indent + 2);
        }
        _ => {
            let _ = writeln!(out, "{:indent$}- {short}", "");
        }
    }
}

/// Whether `value`, which is `short` on one line, should stand on one.
fn fits(value: &Value, short: &str, indent: usize, width: usize) -> bool {
    fn plain(value: &Value) -> bool {
        match value {
            Value::String(text) => !text.contains('\n'),
            Value::Array(items) => items.iter().all(plain),
            Value::Object(fields) => fields.values().all(plain),
            _ => true,
        }
    }
    short.chars().count().saturating_add(indent) <= width && plain(value)
}

/// `value` on one line.
fn flow(value: &Value) -> String {
    match value {
        Value::String(text) => scalar(text),
        Value::Array(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Value::Object(fields) if fields.is_empty() => "{}".to_owned(),
        Value::Object(fields) => {
            let rank = |key: &str| ORDER.iter().position(|k| *k == key).unwrap_or(ORDER.len());
            let mut keys: Vec<(&String, &Value)> = fields.iter().collect();
            keys.sort_by_key(|(key, _)| (rank(key), key.as_str()));
            let fields: Vec<String> = keys.into_iter().map(|(k, v)| format!("{}: {}", scalar(k), flow(v))).collect();
            format!("{{ {} }}", fields.join(", "))
        }
        other => other.to_string(),
    }
}

/// A text as a scalar: plain where every reader of YAML takes it for a text, otherwise in double quotes.
fn scalar(text: &str) -> String {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '/' | '-' | ':' | '@' | '+');
    let word = ["true", "false", "yes", "no", "on", "off", "y", "n", "null"];
    let plain = text.chars().all(legal)
        && text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/')
        && !text.ends_with(':')
        && !word.contains(&text.to_ascii_lowercase().as_str());
    if plain {
        return text.to_owned();
    }
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if shown(c) => out.push(c),
            c if u32::from(c) < 0x1_0000 => _ = write!(out, "\\u{:04x}", u32::from(c)),
            c => _ = write!(out, "\\U{:08x}", u32::from(c)),
        }
    }
    out.push('"');
    out
}

/// Whether a character can stand in YAML and on a terminal as it is.
fn shown(c: char) -> bool {
    !c.is_control()
        && !matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

/// Whether a text of several lines can stand as a literal block.
fn literal(text: &str) -> bool {
    text.contains('\n')
        && !text.starts_with([' ', '\t', '\n'])
        && text.chars().all(|c| shown(c) || matches!(c, '\n' | '\t'))
        && text.split('\n').all(|line| line.is_empty() || !line.trim_matches([' ', '\t']).is_empty())
}

fn block(out: &mut String, text: &str, indent: usize) {
    let (body, chomp) = match text.strip_suffix('\n') {
        None => (text, "-"),
        Some(body) if body.ends_with('\n') => (body, "+"),
        Some(body) => (body, ""),
    };
    let _ = writeln!(out, " |{chomp}");
    for line in body.split('\n') {
        let _ = match line.is_empty() {
            true => writeln!(out),
            false => writeln!(out, "{:indent$}{line}", ""),
        };
    }
}

/// Takes away what is said by leaving it out.
fn elide(root: &mut Value) {
    drop_if(root.get_mut("metadata"), &[("revision", 1.into()), ("plugin", false.into())]);
    each(root.get_mut("secrets"), |s| drop_if(Some(s), &[("length", 32.into())]));
    each(root.get_mut("components"), |c| {
        drop_if(Some(c), &[("kind", "Deployment".into()), ("singleton", false.into()), ("optional", false.into())]);
        parts(c);
        each(c.get_mut("volumes"), |v| {
            drop_if(Some(v), &[("readOnly", false.into())]);
            drop_if(v.get_mut("emptyDir"), &[("memory", false.into())]);
        });
        each(c.get_mut("mounts"), |m| drop_if(Some(m), &[("readOnly", false.into())]));
        each(c.get_mut("plugins"), |p| drop_if(Some(p), &[("volumes", false.into())]));
        each(c.get_mut("monitors"), |m| drop_if(Some(m), &[("path", "/metrics".into())]));
        drop_if(c.get_mut("kubernetes"), &[("hostNetwork", false.into())]);
        for probe in ["readiness", "liveness", "startup"] {
            let http = c.get_mut("probes").and_then(|p| p.get_mut(probe)).and_then(|p| p.get_mut("http"));
            drop_if(http, &[("scheme", "HTTP".into())]);
        }
    });
    each(root.get_mut("plugins"), |p| {
        drop_if(Some(p), &[("kind", "Sidecar".into())]);
        parts(p);
    });
    each(root.get_mut("routes"), |r| {
        drop_if(Some(r), &[("path", "/".into()), ("exact", false.into()), ("sticky", false.into())]);
    });
    each(root.get_mut("streams"), |s| drop_if(Some(s), &[("through", "NodePort".into())]));
}

fn parts(of: &mut Value) {
    each(of.get_mut("ports"), |p| drop_if(Some(p), &[("protocol", "TCP".into()), ("service", true.into())]));
    each(of.get_mut("config"), |f| drop_if(Some(f), &[("executable", false.into())]));
}

fn each(list: Option<&mut Value>, act: impl FnMut(&mut Value)) {
    list.and_then(Value::as_array_mut).into_iter().flatten().for_each(act);
}

fn drop_if(object: Option<&mut Value>, defaults: &[(&str, Value)]) {
    if let Some(Value::Object(fields)) = object {
        fields.retain(|key, value| !defaults.iter().any(|(k, v)| k == key && v == value));
    }
}
