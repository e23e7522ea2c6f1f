//! The names in a template (spec/template.md section 3).

use super::text::checked_text;

checked_text!(
    /// The name of a template, and of an installation of it: a DNS label (RFC 1123) of at most 40 characters that starts
    /// with a letter, so that the names of Kubernetes objects which are derived from it fit their limit of 63.
    TemplateName,
    "a template's name",
    "1 to 40 lowercase letters, digits and `-`, first a letter, last no `-`",
    "^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$",
    |text| text.len() <= 40 && is_label(text) && starts_with_letter(text)
);

checked_text!(
    /// The version of a template: a tag that every OCI registry takes, of at most 64 characters so that a revision fits
    /// behind it. `+`, which semantic versions use for build metadata, is not a legal character of a tag. It does not end in
    /// `-rN`, which is how a revision is written: `1.0-r2` is revision 2 of version `1.0`, and nothing else.
    TemplateVersion,
    "a template's version",
    "1 to 64 letters, digits, `_`, `.` and `-`, first no `.` or `-`, at the end no `-r` and a number",
    "^(?!.*-r[0-9]+$)[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$",
    |text| text.len() <= 64 && crate::reference::is_tag(text) && !ends_in_revision(text)
);

impl TemplateVersion {
    /// The tag of a revision of this version: the version itself for revision 1, `VERSION-rN` above.
    #[must_use]
    pub fn tag(&self, revision: u32) -> String {
        if revision <= 1 { self.to_string() } else { format!("{self}-r{revision}") }
    }
}

checked_text!(
    /// The name of a component: a DNS label (RFC 1123) of at most 40 characters.
    ComponentName,
    "a component's name",
    "1 to 40 lowercase letters, digits and `-`, first and last no `-`",
    "^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$",
    |text| text.len() <= 40 && is_label(text)
);

checked_text!(
    /// The name of a generated secret: a DNS label of at most 40 characters.
    SecretName,
    "a secret's name",
    "1 to 40 lowercase letters, digits and `-`, first and last no `-`",
    "^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$",
    |text| text.len() <= 40 && is_label(text)
);

checked_text!(
    /// A key of a generated secret (Kubernetes: `[-._a-zA-Z0-9]+`).
    SecretKey,
    "a key of a secret",
    "1 to 63 letters, digits, `-`, `_` and `.`, first a letter or digit",
    "^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$",
    |text| text.len() <= 63
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
);

checked_text!(
    /// The name of a port: a service name of RFC 6335, as Kubernetes demands for ports of containers.
    PortName,
    "a port's name",
    "1 to 15 lowercase letters, digits and single `-`, with at least one letter, first and last no `-`",
    "^(?=.{1,15}$)(?=.*[a-z])[a-z0-9]+(-[a-z0-9]+)*$",
    |text| text.len() <= 15 && is_label(text) && !text.contains("--") && text.bytes().any(|b| b.is_ascii_lowercase())
);

checked_text!(
    /// The name of a volume: a DNS label of at most 40 characters. `sealift-` begins the names of Sealift's own volumes.
    VolumeName,
    "a volume's name",
    "1 to 40 lowercase letters, digits and `-`, first and last no `-`, not beginning with `sealift-`",
    "^(?!sealift-)[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$",
    |text| text.len() <= 40 && is_label(text) && !text.starts_with("sealift-")
);

checked_text!(
    /// The name of a route, stream, plugin, configuration group, chart or monitor: a DNS label of at most 40 characters.
    PartName,
    "a name",
    "1 to 40 lowercase letters, digits and `-`, first and last no `-`",
    "^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$",
    |text| text.len() <= 40 && is_label(text)
);

checked_text!(
    /// The path of a value of a Helm chart: its names from the outermost, `master.persistence.size`. A name has no dots, and lists have
    /// no paths.
    ValuePath,
    "the path of a chart's value",
    "names of letters, digits, `_` and `-`, first a letter or `_`, with `.` between them, at most 200 characters",
    "^(?=.{1,200}$)[A-Za-z_][A-Za-z0-9_-]*(\\.[A-Za-z_][A-Za-z0-9_-]*)*$",
    |text| text.len() <= 200 && text.split('.').all(is_value_name)
);

checked_text!(
    /// The name of an environment variable, as every shell can read it (POSIX, "Name").
    EnvName,
    "the name of an environment variable",
    "letters, digits and `_`, first no digit, at most 128",
    "^[A-Za-z_][A-Za-z0-9_]{0,127}$",
    |text| text.len() <= 128
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && text.starts_with(|c: char| !c.is_ascii_digit())
);

checked_text!(
    /// Where the packer finds an image, in the notation of containers-transports(5): `docker://NAME`,
    /// `oci:FOLDER`, `oci-archive:FILE` or `docker-archive:FILE`. It means something on the packing machine alone.
    ImageSource,
    "a source of images",
    "`docker://NAME`, `oci:FOLDER`, `oci-archive:FILE` or `docker-archive:FILE`",
    "^(docker://|oci:|oci-archive:|docker-archive:)[^\\u0000-\\u001f\\u007f]+$",
    |text| text.len() <= 1024
        && !text.contains(char::is_control)
        && TRANSPORTS.iter().any(|t| text.strip_prefix(t).is_some_and(|rest| !rest.is_empty()))
);

const TRANSPORTS: [&str; 4] = ["docker://", "oci:", "oci-archive:", "docker-archive:"];

impl ImageSource {
    /// Transport and what it is given: `("oci-archive", "images/web.tar")`, `("docker", "registry.example/web:1")`.
    #[must_use]
    pub fn parts(&self) -> (&str, &str) {
        match self.0.split_once(':') {
            Some(("docker", name)) => ("docker", name.trim_start_matches('/')),
            Some((transport, path)) => (transport, path),
            None => ("", &self.0),
        }
    }
}

fn is_value_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
}

/// Whether `text` ends in `-rN`.
fn ends_in_revision(text: &str) -> bool {
    text.rsplit_once("-r").is_some_and(|(_, n)| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
}

/// Whether `text` is a DNS label (RFC 1123): at most 63 of `[a-z0-9-]`, first and last no `-`.
pub(super) fn is_label(text: &str) -> bool {
    let alnum = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let bytes = text.as_bytes();
    bytes.len() <= 63
        && bytes.iter().all(|b| alnum(b) || *b == b'-')
        && bytes.first().is_some_and(alnum)
        && bytes.last().is_some_and(alnum)
}

fn starts_with_letter(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn template_names_are_dns_labels_that_leave_room() {
        let longest = "a".repeat(40);
        for text in ["shop", "a", "my-shop-2", &longest] {
            assert!(text.parse::<TemplateName>().is_ok(), "{text}");
        }
        for text in
            ["", "Shop", "-shop", "shop-", "2shop", "a.b", "a_b", "a/b", "..", "é", "a\n", &format!("{longest}a")]
        {
            assert!(text.parse::<TemplateName>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn versions_are_tags_and_revisions_follow_them() {
        let version: TemplateVersion = "1.0.0-rc.1".parse().unwrap();
        assert_eq!(version.tag(1), "1.0.0-rc.1");
        assert_eq!(version.tag(2), "1.0.0-rc.1-r2");
        let longest = "1".repeat(64);
        assert!(crate::reference::is_tag(&longest.parse::<TemplateVersion>().unwrap().tag(u32::MAX)));
        for text in ["", ".1", "-1", "1+build", "1/2", "1 0", "v1\n", &format!("{longest}1")] {
            assert!(text.parse::<TemplateVersion>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn sources_of_images_name_a_transport() {
        for (text, parts) in [
            ("oci-archive:images/web.tar", ("oci-archive", "images/web.tar")),
            ("docker://registry.example/web:1", ("docker", "registry.example/web:1")),
            ("oci:layout", ("oci", "layout")),
        ] {
            assert_eq!(text.parse::<ImageSource>().unwrap().parts(), parts);
        }
        for text in ["", "web.tar", "oci:", "containers-storage:x", "oci:a\nb"] {
            assert!(text.parse::<ImageSource>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn port_names_are_service_names() {
        for (text, good) in [("http", true), ("h2", true), ("80", false), ("a--b", false), ("sixteen-letters-", false)]
        {
            assert_eq!(text.parse::<PortName>().is_ok(), good, "{text}");
        }
    }
}
