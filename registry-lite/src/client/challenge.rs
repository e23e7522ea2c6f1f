//! `WWW-Authenticate` (RFC 9110 section 11.6.1; distribution's token authentication specification).

/// How a registry wants its clients to prove who they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Challenge {
    /// With user and password on every request (RFC 7617).
    Basic,
    /// With a token that `realm` gives out.
    Bearer { realm: String, service: Option<String>, scope: Option<String> },
}

impl Challenge {
    /// The challenge to answer among those of the header's values: a token, if one is offered, else Basic.
    pub(super) fn choose<'a>(values: impl Iterator<Item = &'a str>) -> Option<Self> {
        let mut basic = None;
        for (scheme, parameters) in values.flat_map(challenges) {
            let parameter =
                |name: &str| parameters.iter().find(|(k, _)| k.eq_ignore_ascii_case(name)).map(|(_, v)| v.clone());
            if scheme.eq_ignore_ascii_case("basic") {
                basic = Some(Self::Basic);
            } else if scheme.eq_ignore_ascii_case("bearer")
                && let Some(realm) = parameter("realm")
            {
                return Some(Self::Bearer { realm, service: parameter("service"), scope: parameter("scope") });
            }
        }
        basic
    }
}

/// The challenges of one header value: scheme and parameters. An element that begins with a word and a space opens a
/// challenge, every other one belongs to the one before.
fn challenges(value: &str) -> Vec<(String, Vec<(String, String)>)> {
    let mut out: Vec<(String, Vec<(String, String)>)> = Vec::new();
    for element in elements(value) {
        let (scheme, parameter) = match element.split_once([' ', '=']) {
            Some((scheme, rest)) if element.as_bytes().get(scheme.len()) == Some(&b' ') => (Some(scheme), rest.trim()),
            Some(_) => (None, element),
            None => (Some(element), ""),
        };
        if let Some(scheme) = scheme {
            out.push((scheme.to_owned(), Vec::new()));
        }
        if let (Some((_, parameters)), Some((name, value))) = (out.last_mut(), parameter.split_once('=')) {
            parameters.push((name.trim().to_owned(), unquote(value.trim())));
        }
    }
    out
}

/// Splits at the commas that stand outside quotes.
fn elements(value: &str) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    value
        .split(move |c| {
            let comma = c == ',' && !quoted;
            match c {
                _ if escaped => escaped = false,
                '\\' if quoted => escaped = true,
                '"' => quoted = !quoted,
                _ => {}
            }
            comma
        })
        .map(str::trim)
        .filter(|element| !element.is_empty())
}

fn unquote(text: &str) -> String {
    let Some(inner) = text.strip_prefix('"').and_then(|t| t.strip_suffix('"')) else { return text.to_owned() };
    let mut out = String::with_capacity(inner.len());
    let mut escaped = false;
    for c in inner.chars() {
        if c == '\\' && !escaped {
            escaped = true;
        } else {
            escaped = false;
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bearer(realm: &str, service: Option<&str>, scope: Option<&str>) -> Option<Challenge> {
        Some(Challenge::Bearer {
            realm: realm.to_owned(),
            service: service.map(str::to_owned),
            scope: scope.map(str::to_owned),
        })
    }

    #[test]
    fn the_forms_that_registries_send_are_understood() {
        for (why, header, expected) in [
            ("Basic", r#"Basic realm="Registry""#, Some(Challenge::Basic)),
            ("Basic without a realm", "Basic", Some(Challenge::Basic)),
            (
                "Docker Hub",
                r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/alpine:pull,push""#,
                bearer(
                    "https://auth.docker.io/token",
                    Some("registry.docker.io"),
                    Some("repository:library/alpine:pull,push"),
                ),
            ),
            ("no quotes, other case", "bearer Realm=https://t/x, SERVICE=s", bearer("https://t/x", Some("s"), None)),
            (
                "a token before Basic",
                r#"Basic realm="a, b", Bearer realm="https://t""#,
                bearer("https://t", None, None),
            ),
            (
                "an escaped quote",
                r#"Bearer realm="https://t",service="a\",b""#,
                bearer("https://t", Some("a\",b"), None),
            ),
            ("nowhere to get a token", "Bearer service=x", None),
            ("another scheme", "Negotiate", None),
            ("nothing", "", None),
            ("an open quote", r#"Basic realm="a, Bearer realm=b"#, Some(Challenge::Basic)),
        ] {
            assert_eq!(Challenge::choose([header].into_iter()), expected, "{why}");
        }
    }

    #[test]
    fn several_headers_are_one_offer() {
        let offer = [r#"Basic realm="x""#, r#"Bearer realm="https://t""#];
        assert_eq!(Challenge::choose(offer.into_iter()), bearer("https://t", None, None));
    }
}
