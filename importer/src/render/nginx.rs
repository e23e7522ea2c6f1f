//! What a route asks of its controller beyond the words of an `Ingress`, for ingress-nginx ("Annotations" in its user guide).
//! Other controllers pass these annotations by.

use bundle_format::template::{Quantity, Route};

use super::meta::Texts;

/// The annotations of a route.
pub(super) fn annotations(route: &Route) -> Texts {
    let mut texts = Texts::new();
    let mut put = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            texts.insert(format!("nginx.ingress.kubernetes.io/{name}"), value);
        }
    };
    put("proxy-connect-timeout", route.connect_timeout_seconds.map(|n| n.to_string()));
    put("proxy-read-timeout", route.read_timeout_seconds.map(|n| n.to_string()));
    put("proxy-send-timeout", route.send_timeout_seconds.map(|n| n.to_string()));
    put("proxy-body-size", route.max_body.as_ref().map(|size| bytes(size).to_string()));
    put("proxy-buffering", route.buffering.map(|on| if on { "on" } else { "off" }.to_owned()));
    if route.sticky {
        put("affinity", Some("cookie".to_owned()));
        // Two routes of one host must not overwrite each other's cookie.
        put("session-cookie-name", Some(format!("route-{}", route.name)));
    }
    let is_host = |name: &str| name.eq_ignore_ascii_case("host");
    put("upstream-vhost", route.request_headers.iter().find(|(name, _)| is_host(name)).map(|(_, value)| value.clone()));
    let headers = route.request_headers.iter().filter(|(name, _)| !is_host(name));
    let lines: String = headers.map(|(name, value)| format!("proxy_set_header {name} {};\n", quoted(value))).collect();
    put("configuration-snippet", (!lines.is_empty()).then_some(lines));
    if let Some(rewrite) = &route.rewrite {
        let target = if route.exact { rewrite.clone() } else { format!("{}/$2", rewrite.trim_end_matches('/')) };
        put("rewrite-target", Some(target));
        put("use-regex", (!route.exact).then(|| "true".to_owned()));
    }
    texts
}

/// The path of a route that rewrites what begins with it: an expression whose second group is the rest.
pub(super) fn rewritten_path(route: &Route) -> Option<String> {
    if route.exact || route.rewrite.is_none() {
        return None;
    }
    let path = route.path.trim_end_matches('/');
    if path.is_empty() {
        return Some("/()(.*)".to_owned());
    }
    let mut expression = String::new();
    for c in path.chars() {
        if "\\.+*?()|[]{}^$".contains(c) {
            expression.push('\\');
        }
        expression.push(c);
    }
    Some(expression + "(/|$)(.*)")
}

/// As a text of nginx's configuration, where `$` begins a variable of nginx.
fn quoted(value: &str) -> String {
    format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
}

/// An amount in whole bytes, rounded up; `u64::MAX` for what is more.
fn bytes(amount: &Quantity) -> u64 {
    let text = amount.as_str();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, suffix) = text.split_at_checked(end).unwrap_or((text, ""));
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = format!("{whole}{fraction}");
    // At most 36 digits: see the syntax of amounts.
    let value: u128 = digits.parse().unwrap_or(u128::MAX);
    let decimals = i64::try_from(fraction.len()).unwrap_or(0);
    let binary = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"].iter().position(|s| *s == suffix).unwrap_or_default();
    let exponent = match suffix {
        "n" => -9,
        "u" => -6,
        "m" => -3,
        "k" => 3,
        "M" => 6,
        "G" => 9,
        "T" => 12,
        "P" => 15,
        "E" => 18,
        _ => suffix.strip_prefix(['e', 'E']).and_then(|e| e.parse().ok()).unwrap_or(0_i64),
    };
    let factor = 1024_u128.saturating_pow(u32::try_from(binary).unwrap_or(0));
    let value = value.saturating_mul(factor);
    let exponent = exponent.saturating_sub(decimals);
    let power = 10_u128.checked_pow(u32::try_from(exponent.unsigned_abs()).unwrap_or(u32::MAX));
    let scaled = match (power, exponent < 0) {
        (Some(power), true) => value.div_ceil(power),
        (Some(power), false) => value.saturating_mul(power),
        (None, true) => 1.min(value),
        (None, false) => value.saturating_mul(u128::MAX),
    };
    u64::try_from(scaled).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_become_whole_bytes() {
        for (amount, found) in [
            ("8Mi", 8 << 20),
            ("0.5Ki", 512),
            ("1.5k", 1500),
            ("100", 100),
            ("1E", 1_000_000_000_000_000_000),
            ("1e3", 1000),
            ("12e-1", 2),
            ("500m", 1),
            ("1n", 1),
            ("0", 0),
            ("0e999999999999999999", 0),
            ("1e999999999999999999", u64::MAX),
            ("1e-999999999999999999", 1),
            ("999999999999999999.999999999999999999Ei", u64::MAX),
        ] {
            assert_eq!(bytes(&amount.parse().unwrap()), found, "{amount}");
        }
    }
}
