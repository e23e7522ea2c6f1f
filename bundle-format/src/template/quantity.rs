//! Amounts and times as Kubernetes writes them.

use std::fmt;

use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::text::{TextError, checked_text};

/// An amount of a resource (Kubernetes `resource.Quantity`): a decimal number that is not negative, and perhaps a suffix of
/// `n u m k M G T P E`, `Ki Mi Gi Ti Pi Ei`, or an exponent. In YAML it may be a number (`2`) or a text (`500m`, `10Gi`).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Quantity(String);

impl Quantity {
    /// The amount, as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for Quantity {
    type Err = TextError;
    fn from_str(text: &str) -> Result<Self, TextError> {
        if is_quantity(text) {
            return Ok(Self(text.to_owned()));
        }
        Err(TextError {
            what: "an amount",
            text: text.chars().take(100).collect(),
            rule: "a number, perhaps with one of the suffixes m, k, M, G, T, Ki, Mi, Gi, Ti: `500m`, `256Mi`, `10Gi`",
        })
    }
}

fn is_quantity(text: &str) -> bool {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, suffix) = text.split_at(end);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |s: &str| !s.is_empty() && s.len() <= 18 && s.bytes().all(|b| b.is_ascii_digit());
    let exponent =
        |s: &str| s.strip_prefix(['e', 'E']).is_some_and(|e| digits(e.strip_prefix(['+', '-']).unwrap_or(e)));
    let suffixes = ["", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
    digits(whole) && digits(fraction) && (suffixes.contains(&suffix) || exponent(suffix))
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Quantity {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Amount;
        impl Visitor<'_> for Amount {
            type Value = Quantity;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an amount such as 2, 500m or 10Gi")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Quantity, E> {
                text.parse().map_err(E::custom)
            }
            fn visit_u64<E: serde::de::Error>(self, n: u64) -> Result<Quantity, E> {
                n.to_string().parse().map_err(E::custom)
            }
            fn visit_i64<E: serde::de::Error>(self, n: i64) -> Result<Quantity, E> {
                n.to_string().parse().map_err(E::custom)
            }
            fn visit_f64<E: serde::de::Error>(self, n: f64) -> Result<Quantity, E> {
                n.to_string().parse().map_err(E::custom)
            }
        }
        d.deserialize_any(Amount)
    }
}

impl schemars::JsonSchema for Quantity {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Quantity".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "An amount of a resource as Kubernetes writes it: 2, 500m, 256Mi, 10Gi",
            "anyOf": [
                {"type": "number", "minimum": 0},
                {"type": "string", "pattern": "^[0-9]{1,18}(\\.[0-9]{1,18})?([numkMGTPE]|[KMGTPE]i|[eE][+-]?[0-9]{1,18})?$"},
            ],
        })
    }
}

checked_text!(
    /// A length of time: `30s`, `5m`, `500ms`.
    Duration,
    "a length of time",
    "a number and `ms`, `s`, `m` or `h`: `30s`",
    "^[1-9][0-9]{0,8}(ms|s|m|h)$",
    |text| {
        let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = text.split_at(end);
        (1..=9).contains(&number.len()) && !number.starts_with('0') && ["ms", "s", "m", "h"].contains(&unit)
    }
);

checked_text!(
    /// An instant in UTC, in whole seconds (RFC 3339 with `Z`): `2026-01-31T12:00:00Z`.
    Timestamp,
    "an instant",
    "`YYYY-MM-DDTHH:MM:SSZ`, in UTC, from 1970 on",
    "^(19[7-9][0-9]|[2-9][0-9]{3})-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$",
    |text| seconds(text).is_some()
);

impl Timestamp {
    /// Seconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn unix_seconds(&self) -> u64 {
        seconds(&self.0).unwrap_or_default()
    }
}

fn seconds(text: &str) -> Option<u64> {
    let shape = text.len() == 20
        && text
            .bytes()
            .zip("0000-00-00T00:00:00Z".bytes())
            .all(|(b, s)| if s == b'0' { b.is_ascii_digit() } else { b == s });
    if !shape {
        return None;
    }
    let field = |from: usize, to: usize| text.get(from..to).and_then(|t| t.parse::<u64>().ok());
    let (year, month, day) = (field(0, 4)?, field(5, 7)?, field(8, 10)?);
    let (hour, minute, second) = (field(11, 13)?, field(14, 16)?, field(17, 19)?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days_in = [31, if leap { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let index = usize::try_from(month.checked_sub(1)?).ok()?;
    if year < 1970 || !(1..=*days_in.get(index)?).contains(&day) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let before = year - 1;
    // 719 162 days lie between 0001-01-01 and 1970-01-01 in the Gregorian calendar.
    let days = before * 365 + before / 4 - before / 100 + before / 400 - 719_162
        + days_in.iter().take(index).sum::<u64>()
        + (day - 1);
    Some(((days * 24 + hour) * 60 + minute) * 60 + second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_those_that_kubernetes_takes() {
        for text in ["1", "0.5", "500m", "256Mi", "10Gi", "1e3", "1E", "12E+2", "100k"] {
            assert!(text.parse::<Quantity>().is_ok(), "{text}");
        }
        for text in ["", "-1", "1 Gi", "1GB", "Gi", "1.", ".5", "1.2.3", "1mi", "one", "1K", "1ee3"] {
            assert!(text.parse::<Quantity>().is_err(), "{text}");
        }
    }

    #[test]
    fn instants_count_from_1970() {
        for (text, unix) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2000-02-29T12:34:56Z", 951_827_696),
            ("2026-01-31T12:00:00Z", 1_769_860_800),
            ("9999-12-31T23:59:59Z", 253_402_300_799),
        ] {
            assert_eq!(text.parse::<Timestamp>().unwrap().unix_seconds(), unix, "{text}");
        }
        for text in [
            "2026-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-01-01T24:00:00Z",
            "2026-01-01",
            "1969-12-31T23:59:59Z",
        ] {
            assert!(text.parse::<Timestamp>().is_err(), "{text}");
        }
    }
}
