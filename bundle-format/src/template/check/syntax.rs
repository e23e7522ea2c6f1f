//! Texts that Kubernetes, DNS, HTTP and cron have rules for.

use std::net::IpAddr;

use super::labels;

/// A name in DNS, and no IP address.
pub(super) fn is_host(text: &str) -> bool {
    labels::is_subdomain(text) && text.parse::<IpAddr>().is_err()
}

/// A host that requests name: a name in DNS, or `*.` before one.
pub(super) fn is_route_host(text: &str) -> bool {
    is_host(text.strip_prefix("*.").unwrap_or(text))
}

/// An address that a Service may lead to: Kubernetes refuses those that mean another thing on every node.
pub(super) fn is_endpoint(text: &str) -> bool {
    match text.parse() {
        Ok(IpAddr::V4(ip)) => {
            !(ip.is_loopback() || ip.is_link_local() || ip.is_multicast() || ip.is_unspecified() || ip.is_broadcast())
        }
        Ok(IpAddr::V6(ip)) => {
            let mapped = ip.to_ipv4_mapped().is_some();
            !(mapped || ip.is_loopback() || ip.is_unicast_link_local() || ip.is_multicast() || ip.is_unspecified())
        }
        Err(_) => false,
    }
}

/// The path of an `Ingress`: absolute, and in its normal form, so that it cannot be read in two ways.
pub(super) fn is_route_path(text: &str) -> bool {
    let plain = |segment: &str| !matches!(segment, "." | "..");
    let lower = text.to_ascii_lowercase();
    text.len() <= 1024
        && text.starts_with('/')
        && !text.contains("//")
        && !lower.contains("%2f")
        && !lower.contains("%5c")
        && text.split('/').all(plain)
        && is_visible(text)
        && !text.contains(['?', '#', '\\', '"', '\'', ';', '{', '}'])
}

/// The path of a request, perhaps with a query.
pub(super) fn is_request_path(text: &str) -> bool {
    text.len() <= 1024 && text.starts_with('/') && is_visible(text)
}

fn is_visible(text: &str) -> bool {
    !text.contains(|c: char| c.is_control() || c.is_whitespace())
}

/// The name of a header of HTTP: a token (RFC 9110 section 5.6.2).
pub(in crate::template) fn is_header_name(text: &str) -> bool {
    let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    (1..=128).contains(&text.len()) && text.bytes().all(token)
}

/// The value of a header (RFC 9110 section 5.5), in ASCII.
pub(in crate::template) fn is_header_value(text: &str) -> bool {
    text.len() <= 4096 && text.bytes().all(|b| b == b'\t' || (b' '..=b'~').contains(&b)) && text.trim() == text
}

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const WORDS: [&str; 7] = ["@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"];

/// A time that comes again as Kubernetes reads it: five fields of crontab(5), or one of its words.
pub(super) fn is_schedule(text: &str) -> bool {
    if text.len() > 256 {
        return false;
    }
    if text.starts_with('@') {
        return WORDS.contains(&text);
    }
    let fields: Vec<&str> = text.split_whitespace().collect();
    let [minute, hour, day, month, weekday] = fields.as_slice() else { return false };
    is_field(minute, 0, 59, &[])
        && is_field(hour, 0, 23, &[])
        && is_field(day, 1, 31, &[])
        && is_field(month, 1, 12, &MONTHS)
        && is_field(weekday, 0, 6, &DAYS)
}

/// Parts parted by commas, each `*`, `A`, or `A-B`, and perhaps `/STEP`. `names` stand for the numbers from `first` on.
fn is_field(text: &str, first: u32, last: u32, names: &[&str]) -> bool {
    let decimal = |text: &str| match text.len() {
        1..=2 if text.bytes().all(|b| b.is_ascii_digit()) => text.parse::<u32>().ok(),
        _ => None,
    };
    let number = |text: &str| {
        let named = names.iter().zip(first..).find(|(name, _)| name.eq_ignore_ascii_case(text)).map(|(_, n)| n);
        named.or_else(|| decimal(text)).filter(|n| (first..=last).contains(n))
    };
    text.split(',').all(|part| {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, decimal(step)),
            None => (part, Some(1)),
        };
        let good = match range.split_once('-') {
            Some((from, to)) => matches!((number(from), number(to)), (Some(from), Some(to)) if from <= to),
            None => range == "*" || number(range).is_some(),
        };
        good && step.is_some_and(|step| step > 0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_is_what_kubernetes_takes() {
        for text in [
            "* * * * *",
            "*/15 0-6,22 1,15 JAN-mar mon-FRI",
            "5/10 * * * 0",
            "0 3 * * 6",
            "@daily",
            "@hourly",
            "0  3\t* * *",
        ] {
            assert!(is_schedule(text), "{text:?}");
        }
        for text in [
            "",
            "* * * *",
            "* * * * * *",
            "60 * * * *",
            "* 24 * * *",
            "* * 0 * *",
            "* * * 13 *",
            "* * * * 7",
            "* * * * fry",
            "5-1 * * * *",
            "*/0 * * * *",
            "*/ * * * *",
            ",* * * * *",
            "1- * * * *",
            "-1 * * * *",
            "+1 * * * *",
            "001 * * * *",
            "99999999999 * * * *",
            "@reboot",
            "@Daily",
            "TZ=UTC * * * * *",
        ] {
            assert!(!is_schedule(text), "{text:?}");
        }
    }

    #[test]
    fn an_address_is_one_that_every_node_reaches_the_same_way() {
        for (text, good) in [
            ("10.0.0.1", true),
            ("2001:db8::1", true),
            ("127.0.0.1", false),
            ("169.254.169.254", false),
            ("224.0.0.1", false),
            ("0.0.0.0", false),
            ("255.255.255.255", false),
            ("::1", false),
            ("fe80::1", false),
            ("ff02::1", false),
            ("::ffff:127.0.0.1", false),
            ("010.0.0.1", false),
            ("10.0.0.1:80", false),
            ("db.example", false),
        ] {
            assert_eq!(is_endpoint(text), good, "{text}");
        }
    }

    #[test]
    fn a_path_of_a_route_can_be_read_in_one_way() {
        for text in ["/", "/api", "/api/", "/a.b/..c", "/caf\u{e9}"] {
            assert!(is_route_path(text), "{text}");
        }
        for text in ["", "api", "//", "/a//b", "/a/../b", "/.", "/a%2Fb", "/a%5cb", "/a b", "/a?b", "/a;b", "/a\n"] {
            assert!(!is_route_path(text), "{text:?}");
        }
    }

    #[test]
    fn headers_are_those_of_http() {
        for (name, value, good) in [
            ("X-Real-IP", "$remote_addr", true),
            ("X", "", true),
            ("X Y", "", false),
            ("", "", false),
            ("X:", "", false),
            ("X", "a\r\nSet-Cookie: b", false),
            ("X", " a", false),
        ] {
            assert_eq!(is_header_name(name) && is_header_value(value), good, "{name:?}: {value:?}");
        }
    }

    #[test]
    fn hosts_are_names_in_dns() {
        for (text, good) in [
            ("shop.example", true),
            ("*.shop.example", true),
            ("*", false),
            ("a.*.example", false),
            ("Shop.example", false),
            ("10.0.0.1", false),
            ("shop.example:80", false),
            ("", false),
        ] {
            assert_eq!(is_route_host(text), good, "{text}");
        }
    }
}
