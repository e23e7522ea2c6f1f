//! Byte ranges (RFC 9110 section 14).

/// What of a content is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Range {
    /// All of it: no range, more than one, or one in no known form, which a server may ignore.
    Whole,
    /// Bytes `first` to `last`, both included; both lie in the content.
    Part {
        /// First byte.
        first: u64,
        /// Last byte.
        last: u64,
    },
    /// Nothing that the content has.
    Unsatisfiable,
}

impl Range {
    /// Reads a `Range` header for a content of `size` bytes: `bytes=first-last`, `bytes=first-`, `bytes=-length`.
    #[must_use]
    pub fn parse(header: &str, size: u64) -> Self {
        let Some((unit, spec)) = header.split_once('=') else { return Self::Whole };
        if !unit.trim().eq_ignore_ascii_case("bytes") {
            return Self::Whole;
        }
        let Some((first, last)) = spec.trim().split_once('-') else { return Self::Whole };
        let end = size.checked_sub(1);
        let (first, last) = match (number(first), number(last)) {
            (Number::None, Number::Some(length)) => (size.saturating_sub(length), if length == 0 { None } else { end }),
            (Number::Some(first), Number::None) => (first, end),
            // Reversed: the grammar calls it invalid, and a whole answer would be taken for the part that was meant.
            (Number::Some(first), Number::Some(last)) => (first, end.map(|end| end.min(last))),
            _ => return Self::Whole,
        };
        match last {
            Some(last) if first <= last => Self::Part { first, last },
            _ => Self::Unsatisfiable,
        }
    }
}

enum Number {
    None,
    Some(u64),
    Malformed,
}

/// A number above 2^64-1 lies beyond any content, as 2^64-1 does.
fn number(text: &str) -> Number {
    match text {
        "" => Number::None,
        text if text.bytes().all(|b| b.is_ascii_digit()) => Number::Some(text.parse().unwrap_or(u64::MAX)),
        _ => Number::Malformed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_cut_to_the_content_or_refused() {
        let part = |first, last| Range::Part { first, last };
        for (why, header, size, expected) in [
            ("inside", "bytes=500-1499", 2000, part(500, 1499)),
            ("one byte", "bytes=0-0", 1, part(0, 0)),
            ("to the end", "bytes=500-", 2000, part(500, 1999)),
            ("the last 500", "bytes=-500", 2000, part(1500, 1999)),
            ("more than all from the end", "bytes=-5000", 2000, part(0, 1999)),
            ("clamped", "bytes=1000-5000", 2000, part(1000, 1999)),
            ("clamped from beyond 2^64", "bytes=0-99999999999999999999999", 2000, part(0, 1999)),
            ("unit in capitals", "Bytes=0-1", 2000, part(0, 1)),
            ("reversed", "bytes=500-0", 2000, Range::Unsatisfiable),
            ("beyond the end", "bytes=5000-10000", 2000, Range::Unsatisfiable),
            ("from the end on", "bytes=2000-", 2000, Range::Unsatisfiable),
            ("beyond 2^64", "bytes=99999999999999999999999-", 2000, Range::Unsatisfiable),
            ("the last none", "bytes=-0", 2000, Range::Unsatisfiable),
            ("of nothing", "bytes=0-", 0, Range::Unsatisfiable),
            ("the last of nothing", "bytes=-1", 0, Range::Unsatisfiable),
            ("more than one", "bytes=0-1,3-4", 2000, Range::Whole),
            ("no numbers", "bytes=a-b", 2000, Range::Whole),
            ("neither number", "bytes=-", 2000, Range::Whole),
            ("a sign", "bytes=+1-2", 2000, Range::Whole),
            ("other unit", "items=0-1", 2000, Range::Whole),
            ("no unit", "0-1", 2000, Range::Whole),
        ] {
            assert_eq!(Range::parse(header, size), expected, "{why}: {header}");
        }
    }
}
