//! Other people's texts in logs.

use std::fmt;

/// A text that cannot be taken for anything but a part of the line that it stands in: printable ASCII; everything else, the quote and the
/// backslash are escaped (`\x1b`, `\"`, `\\`). What is longer than the limit is cut, and ends in `...`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Printable(String);

impl Printable {
    /// The first `limit` bytes of `text`, escaped.
    #[must_use]
    pub fn new(text: &[u8], limit: usize) -> Self {
        let kept = text.get(..limit).unwrap_or(text);
        let mut escaped = String::with_capacity(kept.len());
        for byte in kept {
            match byte {
                b'"' | b'\\' => escaped.extend(['\\', char::from(*byte)]),
                b' '..=b'~' => escaped.push(char::from(*byte)),
                _ => escaped.push_str(&format!("\\x{byte:02x}")),
            }
        }
        if kept.len() < text.len() {
            escaped.push_str("...");
        }
        Self(escaped)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Printable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_leaves_its_line_or_its_quotes() {
        for (why, text, expected) in [
            ("plain", &b"containerd/1.7 (linux)"[..], "containerd/1.7 (linux)"),
            ("a line's end", b"a\r\nb", "a\\x0d\\x0ab"),
            ("a terminal's command", b"\x1b[2J", "\\x1b[2J"),
            ("a quote", b"a\" 200", "a\\\" 200"),
            ("a backslash, or it could be taken for an escape", b"\\x0a", "\\\\x0a"),
            ("UTF-8, and what is none", b"\xc3\xa9\xff", "\\xc3\\xa9\\xff"),
            ("NUL and DEL", b"\0\x7f", "\\x00\\x7f"),
            ("too long", b"0123456789abcdefg", "0123456789abcdef..."),
        ] {
            assert_eq!(Printable::new(text, if why == "too long" { 16 } else { 100 }).as_str(), expected, "{why}");
        }
    }
}
