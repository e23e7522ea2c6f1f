//! Names of other systems as names of a template.

use std::collections::BTreeSet;
use std::str::FromStr;

use bundle_format::template::{MountPath, PortName, TextError};

/// Names that were given already, so that none is given twice.
#[derive(Debug, Default)]
pub(super) struct Names(BTreeSet<String>);

impl Names {
    /// A name like `wanted` that was not given yet, a DNS label of at most `room` characters; `otherwise` where nothing of
    /// it can be kept.
    pub fn take<T: FromStr<Err = TextError>>(
        &mut self,
        wanted: &str,
        otherwise: &str,
        room: usize,
    ) -> Result<T, TextError> {
        let base = match label(wanted, room) {
            empty if empty.is_empty() => label(otherwise, room),
            base => base,
        };
        let mut name = base.clone();
        let mut n = 1_u32;
        while !self.0.insert(name.clone()) {
            n = n.saturating_add(1);
            let tail = format!("-{n}");
            name = format!("{}{tail}", label(&base, room.saturating_sub(tail.len())));
        }
        name.parse()
    }
}

/// `text` as a DNS label of at most `room` characters; empty if nothing of it can be kept.
pub(super) fn label(text: &str, room: usize) -> String {
    let mut out = String::new();
    for c in text.chars().take(4 * room) {
        match c.to_ascii_lowercase() {
            c if c.is_ascii_lowercase() || c.is_ascii_digit() => out.push(c),
            _ if out.ends_with('-') || out.is_empty() => {}
            _ => out.push('-'),
        }
    }
    out.truncate(room);
    out.trim_matches('-').to_owned()
}

/// `text` as the name of a template: a label that begins with a letter.
pub(super) fn template_name(text: &str) -> String {
    let text = label(text, 30);
    match text.starts_with(|c: char| c.is_ascii_digit()) || text.is_empty() {
        true => label(&format!("app-{text}"), 30),
        false => text,
    }
}

/// `text` as a version; `1.0.0` if nothing of it can be kept.
pub(super) fn version(text: &str) -> String {
    let kept: String =
        text.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-')).take(64).collect();
    match kept.trim_start_matches(['.', '-']) {
        "" => "1.0.0".to_owned(),
        kept => kept.to_owned(),
    }
}

/// The name of a port: `wanted` as far as it can be one, otherwise what is usually spoken at `number`.
pub(super) fn port(wanted: Option<&str>, number: u16, taken: &mut Names) -> Result<PortName, TextError> {
    let usual = match number {
        80 | 3000 | 5000 | 8000 | 8080 | 8081 | 8888 => "http".to_owned(),
        443 | 8443 => "https".to_owned(),
        3306 => "mysql".to_owned(),
        5432 => "postgres".to_owned(),
        6379 => "redis".to_owned(),
        27017 => "mongodb".to_owned(),
        5672 => "amqp".to_owned(),
        9092 => "kafka".to_owned(),
        other => format!("port-{other}"),
    };
    let wanted = wanted.map(|w| label(w, 15)).filter(|w| w.bytes().any(|b| b.is_ascii_lowercase()));
    let wanted = wanted.unwrap_or(usual);
    taken.take(&wanted, "port", 15)
}

/// `text` as a path in a container: normal form, no trailing slash. `None` if it can be none.
pub(super) fn mount_path(text: &str) -> Option<MountPath> {
    let parts: Vec<&str> = text.split('/').filter(|p| !matches!(*p, "" | ".")).collect();
    if !text.starts_with('/') || parts.contains(&"..") {
        return None;
    }
    format!("/{}", parts.join("/")).parse().ok()
}

/// `text` as a name of a file: no separators, nothing that a shell or a path would read otherwise.
pub(super) fn file_name(text: &str) -> String {
    let kept: String = text
        .chars()
        .take(100)
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_') { c } else { '_' })
        .collect();
    match kept.trim_start_matches('.') {
        "" => "file".to_owned(),
        kept => kept.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bundle_format::template::ComponentName;

    #[test]
    fn names_of_other_systems_become_names_of_a_template() {
        for (text, name) in [("My_App", "my-app"), ("-x-", "x"), ("a..b", "a-b"), ("商城", ""), ("a/../../b", "a-b")]
        {
            assert_eq!(label(text, 40), name, "{text}");
        }
        let long = "a".repeat(300);
        assert_eq!(label(&long, 40).len(), 40);
        assert_eq!(template_name("2048"), "app-2048");
        assert_eq!(version("v1.0 (final)"), "v1.0final");
        assert_eq!(version(".."), "1.0.0");
    }

    #[test]
    fn no_name_is_given_twice() {
        let mut names = Names::default();
        let mut take = |text| names.take::<ComponentName>(text, "component", 6).unwrap().to_string();
        assert_eq!(
            [take("web"), take("WEB"), take("商"), take("abcdefgh"), take("abcdefxy")],
            ["web", "web-2", "compon", "abcdef", "abcd-2"]
        );
    }

    #[test]
    fn a_file_keeps_no_path() {
        for (text, name) in
            [("../../etc/passwd", "_.._etc_passwd"), ("nginx.conf", "nginx.conf"), ("..", "file"), ("a\0b", "a_b")]
        {
            assert_eq!(file_name(text), name, "{text:?}");
        }
        assert_eq!(mount_path("/etc//nginx/./conf.d/").map(|p| p.to_string()).as_deref(), Some("/etc/nginx/conf.d"));
        for text in ["etc", "/", "/a/../b", "/a:b"] {
            assert_eq!(mount_path(text), None, "{text}");
        }
    }
}
