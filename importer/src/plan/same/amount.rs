//! Amounts of resources by what they say, not by how they are written (Kubernetes, `resource.Quantity`).

/// Whether two texts say the same amount: `0.5` and `500m`, `1Gi` and `1024Mi`.
pub(in crate::plan) fn same_amount(a: &str, b: &str) -> bool {
    a == b || matches!((billionths(a), billionths(b)), (Some(a), Some(b)) if a == b)
}

/// The amount in billionths, the finest that Kubernetes keeps; `None` for what is no amount or does not fit.
fn billionths(text: &str) -> Option<i128> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, suffix) = text.split_at_checked(end)?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let fraction = fraction.trim_end_matches('0');
    if whole.len() > 18 || fraction.len() > 18 || (whole.is_empty() && fraction.is_empty()) {
        return None;
    }
    let digits: i128 = format!("0{whole}{fraction}").parse().ok()?;
    let (ten, two) = exponents(suffix)?;
    let ten = 9 + ten - i32::try_from(fraction.len()).ok()?;
    let scaled = digits.checked_mul(1_i128.checked_shl(two)?)?;
    let factor = 10_i128.checked_pow(ten.unsigned_abs())?;
    if ten >= 0 {
        return scaled.checked_mul(factor);
    }
    (scaled % factor == 0).then(|| scaled / factor)
}

/// The powers of ten and of two that a suffix stands for.
fn exponents(suffix: &str) -> Option<(i32, u32)> {
    Some(match suffix {
        "n" => (-9, 0),
        "u" => (-6, 0),
        "m" => (-3, 0),
        "" => (0, 0),
        "k" => (3, 0),
        "M" => (6, 0),
        "G" => (9, 0),
        "T" => (12, 0),
        "P" => (15, 0),
        "E" => (18, 0),
        "Ki" => (0, 10),
        "Mi" => (0, 20),
        "Gi" => (0, 30),
        "Ti" => (0, 40),
        "Pi" => (0, 50),
        "Ei" => (0, 60),
        _ => {
            let exponent: i32 = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
            ((-30..=30).contains(&exponent).then_some(exponent)?, 0)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_the_same_by_what_they_say() {
        for (a, b) in [
            ("0.5", "500m"),
            ("1", "1000m"),
            ("1Gi", "1024Mi"),
            ("1.5Gi", "1536Mi"),
            ("1e3", "1k"),
            ("1E", "1000P"),
            ("2", "2.0"),
            ("12E+2", "1200"),
            ("100n", "0.1u"),
        ] {
            assert!(same_amount(a, b), "{a} {b}");
        }
        for (a, b) in [("1", "1m"), ("1G", "1Gi"), ("", "0"), ("x", "y"), ("1e31", "10e30"), ("1GB", "1G")] {
            assert!(!same_amount(a, b), "{a} {b}");
        }
        assert!(!same_amount("999999999999999999Ei", "1"), "more than can be counted");
    }
}
