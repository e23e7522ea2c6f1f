//! Command lines and numbers as compose writes them.

/// A command line as words, with the quotes of a shell.
pub(in super::super) fn split(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(q), c) if c == q => quote = None,
            (Some('"') | None, '\\') => word.get_or_insert_default().extend(chars.next()),
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

/// A length of time (`1m30s`, `500ms`, `10`) in whole seconds, at least 1.
pub(super) fn seconds(text: &str) -> Option<u16> {
    let mut total = 0_u64;
    let mut rest = text.trim();
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let number: f64 = rest.get(..end)?.parse().ok()?;
        rest = &rest[end..];
        let end = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let unit = match &rest[..end] {
            "us" | "µs" => 0.000_001,
            "ms" => 0.001,
            "s" | "" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return None,
        };
        rest = &rest[end..];
        // A float becomes the nearest number that there is: no overflow.
        total = total.saturating_add((number * unit * 1000.0) as u64);
    }
    u16::try_from(total.div_ceil(1000).max(1)).ok()
}

/// An amount of bytes (`512m`, `1gb`, `64k`) as Kubernetes writes it.
pub(super) fn bytes(text: &str) -> Option<String> {
    let text = text.trim().to_ascii_lowercase();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let unit = match unit {
        "" | "b" => "",
        "k" | "kb" | "kib" => "Ki",
        "m" | "mb" | "mib" => "Mi",
        "g" | "gb" | "gib" => "Gi",
        "t" | "tb" | "tib" => "Ti",
        _ => return None,
    };
    (!number.is_empty()).then(|| format!("{number}{unit}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_lines_are_split_as_a_shell_does() {
        assert_eq!(split(r#"sh -c "echo 'a b'" x\ y '' "#), ["sh", "-c", "echo 'a b'", "x y", ""]);
        assert!(split("  ").is_empty());
    }

    #[test]
    fn times_and_sizes_are_those_of_kubernetes() {
        for (text, s) in
            [("30s", Some(30)), ("1m30s", Some(90)), ("500ms", Some(1)), ("1.5s", Some(2)), ("x", None), ("99h", None)]
        {
            assert_eq!(seconds(text), s, "{text}");
        }
        for (text, amount) in
            [("512m", Some("512Mi")), ("1GB", Some("1Gi")), ("100", Some("100")), ("1x", None), ("m", None)]
        {
            assert_eq!(bytes(text).as_deref(), amount, "{text}");
        }
    }
}
