//! What a client asked, without what differs from run to run.

use std::fs;
use std::path::Path;

use crate::proxy::Exchange;

/// The headers that an answer may depend on.
const HEADERS: [&str; 9] = [
    "accept",
    "accept-encoding",
    "range",
    "content-range",
    "content-type",
    "transfer-encoding",
    "expect",
    "if-none-match",
    "authorization",
];

/// Replaces digests, names of uploads and the server's own address.
fn plain(text: &str, host: &str) -> String {
    let text = text.replace("%3A", ":").replace("%2F", "/").replace(host, "<server>");
    let text = replaced(&text, "/blobs/uploads/", "<upload>", |c| c.is_ascii_hexdigit() || c == '-');
    // What Docker's registry remembers of an upload.
    let text = replaced(&text, "_state=", "<state>", |c| c != '&');
    let text = replaced(&text, "sha256:", "<digest>", |c| c.is_ascii_hexdigit());
    text.replace("sha256:<digest>", "<digest>")
}

/// What follows each `before` and consists of such characters becomes `with`.
fn replaced(text: &str, before: &str, with: &str, is_part: impl Fn(char) -> bool) -> String {
    let mut parts = text.split(before);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.trim_start_matches(&is_part);
        let replaced = if rest.len() < part.len() { with } else { "" };
        out.extend([before, replaced, rest]);
    }
    out
}

/// One request as some lines.
fn lines(exchange: &Exchange, host: &str) -> String {
    let mut out = format!("{} {} -> {}\n", exchange.method, plain(&exchange.target, host), exchange.status);
    for name in HEADERS {
        // Clients that may ask for one of several types say so in one header or in several.
        let values: Vec<&str> =
            exchange.headers.iter().filter(|(n, _)| n == name).map(|(_, value)| value.as_str()).collect();
        match name {
            _ if values.is_empty() => {}
            "authorization" => out.push_str("    authorization: (present)\n"),
            _ => out.push_str(&format!("    {name}: {}\n", plain(&values.join(", "), host))),
        }
    }
    out
}

/// What a client asked, in steps.
pub struct Transcript {
    text: String,
    host: String,
}

impl Transcript {
    /// `clients` are the versions of the programs.
    pub fn new(clients: &[String], host: &str) -> Self {
        Self { text: format!("# {}\n", clients.join("; ")), host: host.to_owned() }
    }

    /// Adds a step. Of a client that asks for several things at once, what is asked counts and not in which order.
    pub fn add(&mut self, step: &str, exchanges: &[Exchange], at_once: bool) {
        assert!(!exchanges.is_empty(), "{step}: nothing was asked");
        let server_faults: Vec<_> = exchanges.iter().filter(|e| e.status >= 500).collect();
        assert!(server_faults.is_empty(), "{step}: {server_faults:#?}");
        let mut asked: Vec<String> = exchanges.iter().map(|exchange| lines(exchange, &self.host)).collect();
        if at_once {
            asked.sort();
            asked.dedup();
        }
        self.text.push_str(&format!("\n## {step}\n{}", asked.concat()));
    }

    /// Holds it against the file of this name.
    pub fn check(self, name: &str) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients").join(name);
        if std::env::var_os("UPDATE").is_some() {
            fs::write(&path, &self.text).unwrap();
        }
        let expected =
            fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}; UPDATE=1 writes it", path.display()));
        let parted =
            |text: &str| text.split_once('\n').map(|(heading, body)| (heading.to_owned(), body.to_owned())).unwrap();
        let ((now, got), (then, wanted)) = (parted(&self.text), parted(&expected));
        if got == wanted {
            return;
        }
        if now != then && !now.starts_with("# sealift ") {
            // Others may ask in another way tomorrow. What they asked was answered, or this would not have been reached.
            eprintln!("NOTE {name}: {now:?} asks otherwise than {then:?}; UPDATE=1 writes down how");
            return;
        }
        let only = |a: &str, b: &str| -> Vec<String> {
            a.lines().filter(|line| !b.lines().any(|other| other == *line)).map(str::to_owned).collect()
        };
        let (more, less) = (only(&self.text, &expected), only(&expected, &self.text));
        panic!(
            "{name}: UPDATE=1 writes it anew, if this is meant. New lines: {more:#?}; lines that are gone: {less:#?}; all of it:\n{}",
            self.text
        );
    }
}
