//! Paths in a template: of the documents beside it, and of places within a container (spec/template.md section 3).

use super::text::checked_text;

checked_text!(
    /// The path of a document, relative to the folder of the template: `k8s/extra.yaml`. Forward slashes only, at most 255
    /// bytes, in its one normal form, so that two paths name two files and none leaves the folder.
    RelativePath,
    "a relative path",
    "names parted by single `/`, without a leading or trailing `/`, `.`, `..`, `\\` or control characters, at most 255 bytes",
    "^(?!.*(^|/)\\.{0,2}(/|$))[^\\\\\\u0000-\\u001f\\u007f]{1,255}$",
    |text| text.len() <= 255 && has_plain_segments(text)
);

checked_text!(
    /// Where something is mounted in a container: an absolute path in its normal form, other than `/`. At most 253 bytes,
    /// and no `:` (Kubernetes refuses it in a mount path).
    MountPath,
    "a path in a container",
    "an absolute path other than `/`, without a trailing `/`, `.`, `..`, `:`, `\\` or control characters, at most 253 bytes",
    "^(?!.*/\\.{0,2}(/|$))/[^:\\\\\\u0000-\\u001f\\u007f]{1,252}$",
    |text| text.len() <= 253 && !text.contains(':') && text.strip_prefix('/').is_some_and(has_plain_segments)
);

impl RelativePath {
    /// The document that packing makes of the part `name` of a kind: `rendered/KIND/NAME.yaml`.
    pub(super) fn rendered(kind: &'static str, name: &super::PartName) -> Self {
        Self(format!("rendered/{kind}/{name}.yaml"))
    }

    /// The document that says where the values of it go: `rendered/KIND/NAME.places.json`.
    pub(super) fn places(kind: &'static str, name: &super::PartName) -> Self {
        Self(format!("rendered/{kind}/{name}.places.json"))
    }
}

impl MountPath {
    /// The key that a file mounted here has in its `ConfigMap`: the path without its first `/`, with `_` for whatever a key
    /// may not hold. Two paths can share a key; the template's check refuses that.
    #[must_use]
    pub fn key(&self) -> String {
        let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
        self.0.chars().skip(1).map(|c| if legal(c) { c } else { '_' }).collect()
    }
}

fn has_plain_segments(path: &str) -> bool {
    !path.contains(|c: char| c.is_control() || c == '\\') && path.split('/').all(|s| !matches!(s, "" | "." | ".."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relative_path_stays_in_its_folder() {
        let longest = "a".repeat(255);
        for text in ["a", "k8s/extra.yaml", "docs/README.md", "...", ".hidden/x", "ünïcode", &longest] {
            assert!(text.parse::<RelativePath>().is_ok(), "{text}");
        }
        for text in [
            "",
            "/",
            "/a",
            "a/",
            "a//b",
            ".",
            "..",
            "../a",
            "a/../b",
            "a/..",
            "./a",
            "a/.",
            "a\\b",
            "a\0b",
            "a\nb",
            "a\u{85}b",
            &format!("{longest}a"),
        ] {
            assert!(text.parse::<RelativePath>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_mount_path_is_absolute_and_gives_a_legal_key() {
        let path: MountPath = "/etc/nginx/conf.d/my site.conf".parse().unwrap();
        assert_eq!(path.key(), "etc_nginx_conf.d_my_site.conf");
        for text in ["", "/", "etc", "/etc/", "/etc/../x", "/a:b", "//a", "/a\tb"] {
            assert!(text.parse::<MountPath>().is_err(), "{text:?}");
        }
    }
}
