//! Amounts compared by what they say: `0.5` is `500m`, `1Gi` is more than `1G`.

use std::cmp::Ordering;

use bundle_format::template::Quantity;
use serde_json::Value;

/// An amount without loss: decimal digits, none of them a leading or trailing zero, times a power of ten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Amount {
    digits: Vec<u8>,
    exponent: i64,
}

impl Amount {
    /// The amount that a value is, as Kubernetes reads it (apimachinery, `resource.Quantity`).
    pub fn of(value: &Value) -> Option<Self> {
        match value {
            Value::String(text) => Self::of_text(text),
            Value::Number(number) => Self::of_text(&number.to_string()),
            _ => None,
        }
    }

    /// The amount that a text is.
    pub fn of_text(text: &str) -> Option<Self> {
        // Only what has this syntax is short, and made of digits where they are expected.
        text.parse::<Quantity>().ok()?;
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let (number, suffix) = text.split_at(end);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let mut digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).map(|b| b.saturating_sub(b'0')).collect();
        let (binary, decimal) = match suffix {
            "" => (0, 0),
            "n" => (0, -9),
            "u" => (0, -6),
            "m" => (0, -3),
            "k" => (0, 3),
            "M" => (0, 6),
            "G" => (0, 9),
            "T" => (0, 12),
            "P" => (0, 15),
            "E" => (0, 18),
            "Ki" => (1, 0),
            "Mi" => (2, 0),
            "Gi" => (3, 0),
            "Ti" => (4, 0),
            "Pi" => (5, 0),
            "Ei" => (6, 0),
            exponent => (0, exponent.get(1..)?.parse().ok()?),
        };
        for _ in 0..binary {
            digits = times_1024(&digits);
        }
        // At most 18 digits on either side of the point, and 18 in the exponent: no sum comes near the limits of an i64.
        let mut exponent = decimal - i64::try_from(fraction.len()).ok()?;
        while digits.last() == Some(&0) {
            digits.pop();
            exponent += 1;
        }
        let zeros = digits.iter().take_while(|d| **d == 0).count();
        digits.drain(..zeros);
        if digits.is_empty() {
            exponent = 0;
        }
        Some(Self { digits, exponent })
    }

    /// The power of ten that the number stays below.
    fn magnitude(&self) -> Option<i64> {
        let length = i64::try_from(self.digits.len()).unwrap_or(i64::MAX);
        (length > 0).then(|| length.saturating_add(self.exponent))
    }
}

impl Ord for Amount {
    fn cmp(&self, other: &Self) -> Ordering {
        // Without leading zeros, digits compare from the left like the numbers that they begin.
        self.magnitude().cmp(&other.magnitude()).then_with(|| self.digits.cmp(&other.digits))
    }
}

impl PartialOrd for Amount {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Whether two texts say the same amount: `0.5` and `500m`, `1Gi` and `1024Mi`.
#[must_use]
pub fn same_amount(a: &str, b: &str) -> bool {
    a == b || matches!((Amount::of_text(a), Amount::of_text(b)), (Some(a), Some(b)) if a == b)
}

fn times_1024(digits: &[u8]) -> Vec<u8> {
    let mut product = Vec::with_capacity(digits.len() + 4);
    let mut carry = 0_u32;
    for digit in digits.iter().rev() {
        let sum = u32::from(*digit) * 1024 + carry;
        product.push((sum % 10) as u8);
        carry = sum / 10;
    }
    while carry > 0 {
        product.push((carry % 10) as u8);
        carry /= 10;
    }
    product.reverse();
    product
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn amounts_compare_by_what_they_say() {
        use Ordering::{Equal, Greater, Less};
        for (a, b, order) in [
            (json!("0.5"), json!("500m"), Equal),
            (json!(2), json!("2"), Equal),
            (json!(0.5), json!("500m"), Equal),
            (json!("2.0"), json!("2"), Equal),
            (json!("1Ki"), json!("1024"), Equal),
            (json!("1Gi"), json!("1024Mi"), Equal),
            (json!("1Gi"), json!("1G"), Greater),
            (json!("1.5Gi"), json!("1536Mi"), Equal),
            (json!("1e3"), json!("1k"), Equal),
            (json!("1E"), json!("1e18"), Equal),
            (json!("12E+2"), json!("1200"), Equal),
            (json!("0"), json!("0Gi"), Equal),
            (json!("0"), json!("1n"), Less),
            (json!("9"), json!("10"), Less),
            (json!("19"), json!("2"), Greater),
            (json!("1e999999999999999999"), json!("999999999999999999Ei"), Greater),
        ] {
            let (a, b) = (Amount::of(&a).unwrap(), Amount::of(&b).unwrap());
            assert_eq!(a.cmp(&b), order, "{a:?} {b:?}");
            assert_eq!(b.cmp(&a), order.reverse(), "{b:?} {a:?}");
            assert_eq!(a == b, order == Equal);
        }
        for none in [json!(null), json!("-1"), json!("big"), json!([]), json!(true)] {
            assert_eq!(Amount::of(&none), None);
        }
    }
}
