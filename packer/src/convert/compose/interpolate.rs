//! `${VARIABLE}` in a compose file, and `.env` files (compose specification, "Interpolation").

use std::collections::{BTreeMap, BTreeSet};

use super::super::ConvertError;
use super::super::tree::Tree;

/// Most bytes that all values together may grow to.
const BUDGET: usize = 16 << 20;
/// Deepest nesting of defaults within defaults.
const DEPTH: usize = 8;

/// Variables, and which of them nothing gave a value.
pub(super) struct Variables {
    pub known: BTreeMap<String, String>,
    pub missing: BTreeSet<String>,
    left: usize,
}

impl Variables {
    pub fn new(known: BTreeMap<String, String>) -> Self {
        Self { known, missing: BTreeSet::new(), left: BUDGET }
    }

    /// Replaces variables in all texts of `tree`, but not in its keys.
    pub fn tree(&mut self, tree: &mut Tree) -> Result<(), ConvertError> {
        match tree {
            Tree::Text(text) if text.contains('$') => *text = self.text(text, 0)?,
            Tree::List(elements) => elements.iter_mut().try_for_each(|e| self.tree(e))?,
            Tree::Map(fields) => fields.iter_mut().try_for_each(|(_, v)| self.tree(v))?,
            _ => {}
        }
        Ok(())
    }

    /// `text` with its variables replaced; `$$` stands for `$`.
    pub fn text(&mut self, text: &str, depth: usize) -> Result<String, ConvertError> {
        let mut out = String::new();
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            out.push_str(&rest[..at]);
            let after = &rest[at + 1..];
            if let Some(more) = after.strip_prefix('$') {
                out.push('$');
                rest = more;
            } else if let Some((inner, more)) = after.strip_prefix('{').and_then(closing) {
                out.push_str(&self.expression(inner, depth)?);
                rest = more;
            } else {
                let end = after.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(after.len());
                match after[..end].starts_with(|c: char| !c.is_ascii_digit()) {
                    true => out.push_str(&self.value(&after[..end])),
                    false => out.push_str(&rest[at..at + 1 + end]),
                }
                rest = &after[end..];
            }
            self.spend(out.len().min(1 << 16))?;
        }
        out.push_str(rest);
        self.spend(out.len())?;
        Ok(out)
    }

    fn spend(&mut self, bytes: usize) -> Result<(), ConvertError> {
        let too_much = ConvertError::TooMuch { what: "bytes of values after substitution", limit: BUDGET as u64 };
        self.left = self.left.checked_sub(bytes).ok_or(too_much)?;
        Ok(())
    }

    fn value(&mut self, name: &str) -> String {
        match self.known.get(name) {
            Some(value) => value.clone(),
            None => {
                self.missing.insert(name.to_owned());
                String::new()
            }
        }
    }

    fn expression(&mut self, inner: &str, depth: usize) -> Result<String, ConvertError> {
        let end = inner.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(inner.len());
        let (name, rest) = inner.split_at(end);
        if depth > DEPTH {
            return Ok(String::new());
        }
        let given = self.known.get(name).cloned();
        let filled = given.clone().filter(|v| !v.is_empty());
        let operator = |op: &str| rest.strip_prefix(op);
        Ok(if let Some(default) = operator(":-") {
            filled.map_or_else(|| self.text(default, depth + 1), Ok)?
        } else if let Some(default) = operator("-") {
            given.map_or_else(|| self.text(default, depth + 1), Ok)?
        } else if let Some(other) = operator(":+") {
            filled.map_or(Ok(String::new()), |_| self.text(other, depth + 1))?
        } else if let Some(other) = operator("+") {
            given.map_or(Ok(String::new()), |_| self.text(other, depth + 1))?
        } else {
            // With `:?` and `?` compose would stop here; the note about what is missing does as well.
            self.value(name)
        })
    }
}

/// What stands before the brace that closes, and what after it.
fn closing(text: &str) -> Option<(&str, &str)> {
    let mut open = 0_usize;
    let mut before = '\0';
    for (at, c) in text.char_indices() {
        match c {
            '{' if before == '$' => open += 1,
            '}' if open == 0 => return Some((&text[..at], &text[at + 1..])),
            '}' => open -= 1,
            _ => {}
        }
        before = c;
    }
    None
}

/// What a file of variables says.
#[derive(Debug, Default)]
pub(super) struct EnvFile {
    /// Names and values; in the values variables are still to be replaced.
    pub pairs: Vec<(String, String)>,
    /// Lines, from 1, that give no variable a value.
    pub unread: Vec<usize>,
}

/// Reads a file of `NAME=VALUE` or `NAME: VALUE` lines: comments, `export`, single and double quotes, in which a value may go
/// on over lines.
pub(super) fn env_file(text: &str) -> EnvFile {
    let mut read = EnvFile::default();
    let mut rest = text;
    while !rest.is_empty() {
        let (line, after) = rest.split_once('\n').unwrap_or((rest, ""));
        let number = text[..text.len() - rest.len()].matches('\n').count() + 1;
        let begin = line.trim_start();
        let begin = begin.strip_prefix("export ").unwrap_or(begin).trim_start();
        if begin.trim_end().is_empty() || begin.starts_with('#') {
            rest = after;
            continue;
        }
        let Some(at) = begin.find(['=', ':']) else {
            read.unread.push(number);
            rest = after;
            continue;
        };
        let name = begin[..at].trim().to_owned();
        let skipped = line.len() - begin.len() + at + 1;
        let value = rest[skipped..].trim_start_matches([' ', '\t']);
        let quoted = value.chars().next().filter(|q| matches!(q, '"' | '\'')).and_then(|q| quoted(value, q));
        let (value, after) = match quoted {
            Some((value, more)) => (value, more.split_once('\n').map_or("", |(_, after)| after)),
            None => (plain(&line[skipped..]), after),
        };
        read.pairs.push((name, value));
        rest = after;
    }
    read
}

/// The value within the quotes with which `text` begins, and what follows them; `None` if they are never closed.
fn quoted(text: &str, quote: char) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            c if c == quote => return Some((value, &text[at + 1..])),
            // Single quotes keep everything as it is, variables too.
            '$' if quote == '\'' => value.push_str("$$"),
            '\\' if quote == '"' => match chars.next()?.1 {
                'n' => value.push('\n'),
                'r' => value.push('\r'),
                't' => value.push('\t'),
                '$' => value.push_str("$$"),
                c @ ('"' | '\\') => value.push(c),
                c => value.extend(['\\', c]),
            },
            c => value.push(c),
        }
    }
    None
}

fn plain(text: &str) -> String {
    let text = text.trim_start();
    let end = [" #", "\t#"].iter().filter_map(|mark| text.find(mark)).min().unwrap_or(text.len());
    text.get(..end).unwrap_or(text).trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_replaced_as_compose_does() {
        for (text, result) in [
            ("$A-${A}", "1-1"),
            ("${B:-d}${B-d}", "d"),
            ("${C:-d}${C-d}", "dd"),
            ("${C:-${A}}", "1"),
            ("${A:+x}${C:+x}${B+y}", "xy"),
            ("$$A $5 ${open", "$A $5 ${open"),
            ("${C:?must be set}|$C", "|"),
        ] {
            let mut variables = Variables::new([("A".into(), "1".into()), ("B".into(), String::new())].into());
            assert_eq!(variables.text(text, 0).unwrap(), result, "{text}");
        }
    }

    #[test]
    fn nested_defaults_and_long_values_end() {
        let mut variables = Variables::new([("A".into(), "x".repeat(1 << 20))].into());
        assert!(matches!(variables.text(&"$A".repeat(1000), 0), Err(ConvertError::TooMuch { .. })));
        let deep = format!("{}x{}", "${A:-".repeat(10_000), "}".repeat(10_000));
        assert!(Variables::new(BTreeMap::new()).text(&deep, 0).is_ok());
    }

    #[test]
    fn files_of_variables_have_quotes_and_comments() {
        let text = "# no\nA=1\nexport B = \"two words\"\nC='$x'\nD=v # why\nalone\nE: yaml\n\
                    KEY=\"-----BEGIN\nabc\\n-----END\" # say \"when\"\nF=\"a\\\"b \\$x $y\"\r\nG='never closed\nH=\n";
        let read = env_file(text);
        let pairs: Vec<(&str, &str)> = read.pairs.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        assert_eq!(
            pairs,
            [
                ("A", "1"),
                ("B", "two words"),
                ("C", "$$x"),
                ("D", "v"),
                ("E", "yaml"),
                ("KEY", "-----BEGIN\nabc\n-----END"),
                ("F", "a\"b $$x $y"),
                ("G", "'never closed"),
                ("H", ""),
            ]
        );
        assert_eq!(read.unread, [6]);
    }
}
