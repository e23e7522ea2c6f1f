//! Logins that other tools left behind (containers-auth.json(5); Docker's config.json).

use std::collections::HashMap;
use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use docker_credential::{CredentialRetrievalError, DockerCredential, get_credential_from_reader};
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::error::ClientError;
use super::options::CredentialSource;

/// Largest file of logins, in bytes.
const AUTH_FILE_BYTES: u64 = 1 << 20;

/// A text that no message shows.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Secret(String);

impl Secret {
    pub(super) fn new(text: String) -> Self {
        Self(text)
    }

    pub(super) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

/// Who we are to a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Login {
    /// User and password, or an access token in its place.
    Password { user: String, password: Secret },
    /// What an earlier login was exchanged for; only the token server takes it.
    IdentityToken(Secret),
}

impl Login {
    /// What to call the login in a message.
    pub(super) fn user(&self) -> String {
        match self {
            Self::Password { user, .. } => user.clone(),
            Self::IdentityToken(_) => "identity token".to_owned(),
        }
    }

    /// The login for `repository` on `host` (in its normal spelling).
    ///
    /// # Errors
    /// [`ClientError::Credentials`]: a file that is there but cannot be read or understood, a helper that fails.
    pub(super) fn find(source: &CredentialSource, host: &str, repository: &str) -> Result<Option<Self>, ClientError> {
        let files = match source {
            CredentialSource::Anonymous => Vec::new(),
            CredentialSource::AuthFile(path) => vec![path.clone()],
            CredentialSource::Docker => auth_files(&|name| std::env::var_os(name), rustix::process::getuid().as_raw()),
        };
        for path in files {
            let error = |why: String| ClientError::Credentials { host: host.to_owned(), path: path.clone(), why };
            let text = match read(&path) {
                Ok(text) => text,
                Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => continue,
                Err(e) => return Err(error(e.to_string())),
            };
            if let Some(login) = in_file(&text, host, repository).map_err(error)? {
                return Ok(Some(login));
            }
        }
        Ok(None)
    }
}

/// Where logins are, the most specific first. `docker_credential` knows these files too, but stops at the first that
/// exists and looks for podman's in the wrong folder, so only its reading of one file is used.
fn auth_files(env: &dyn Fn(&str) -> Option<OsString>, uid: u32) -> Vec<PathBuf> {
    let dir = |name: &str| env(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = |below: &str| dir("HOME").map(|home| home.join(below));
    let runtime = match dir("XDG_RUNTIME_DIR") {
        Some(runtime) => runtime.join("containers/auth.json"),
        None => PathBuf::from(format!("/run/containers/{uid}/auth.json")),
    };
    [
        dir("REGISTRY_AUTH_FILE"),
        Some(runtime),
        dir("XDG_CONFIG_HOME").or_else(|| home(".config")).map(|config| config.join("containers/auth.json")),
        dir("DOCKER_CONFIG").or_else(|| home(".docker")).map(|docker| docker.join("config.json")),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    File::open(path)?.take(AUTH_FILE_BYTES + 1).read_to_end(&mut text)?;
    if text.len() as u64 > AUTH_FILE_BYTES {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("more than {AUTH_FILE_BYTES} bytes")));
    }
    Ok(text)
}

fn in_file(text: &[u8], host: &str, repository: &str) -> Result<Option<Login>, String> {
    #[derive(Deserialize)]
    struct Keys {
        #[serde(default)]
        auths: HashMap<String, IgnoredAny>,
    }
    if text.iter().all(u8::is_ascii_whitespace) {
        return Ok(None);
    }
    let keys: Keys = serde_json::from_slice(text).map_err(|_| "not a JSON file of logins".to_owned())?;
    let mut names = Vec::new();
    // podman keeps logins for parts of a registry, the most specific of which counts.
    let mut part = format!("{host}/{repository}");
    while part.len() > host.len() {
        if keys.auths.contains_key(&part) {
            names.push(part.clone());
        }
        part.truncate(part.rfind('/').unwrap_or(0));
    }
    names.push(host.to_owned());
    if host == "docker.io" {
        names.push("https://index.docker.io/v1/".to_owned());
    }
    for name in names {
        match get_credential_from_reader(text, &name) {
            Ok(DockerCredential::UsernamePassword(user, secret)) if user == "<token>" => {
                return Ok(Some(Login::IdentityToken(Secret::new(secret))));
            }
            Ok(DockerCredential::UsernamePassword(user, password)) => {
                return Ok(Some(Login::Password { user, password: Secret::new(password) }));
            }
            Ok(DockerCredential::IdentityToken(token)) => return Ok(Some(Login::IdentityToken(Secret::new(token)))),
            Err(CredentialRetrievalError::NoCredentialConfigured) => {}
            // docker-credential-helpers' `errCredentialsNotFoundMessage`.
            Err(CredentialRetrievalError::HelperFailure { stdout, .. }) if stdout.contains("credentials not found") => {
            }
            // What a helper prints may be a secret, so it is not repeated.
            Err(CredentialRetrievalError::HelperFailure { helper, .. }) => {
                return Err(format!("the helper {helper} failed: run `echo {name} | {helper} get` to see why"));
            }
            Err(other) => return Err(other.to_string()),
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(user: &str, password: &str) -> Option<Login> {
        Some(Login::Password { user: user.to_owned(), password: Secret::new(password.to_owned()) })
    }

    #[test]
    fn the_login_is_found_whoever_wrote_it() {
        // "dTpw" is "u:p", "Mjpw" is "2:p", "PHRva2VuPjp0" is "<token>:t".
        for (why, text, host, expected) in [
            ("docker login", r#"{"auths":{"localhost:5000":{"auth":"dTpw"}}}"#, "localhost:5000", password("u", "p")),
            (
                "docker login to Docker Hub",
                r#"{"auths":{"https://index.docker.io/v1/":{"auth":"dTpw"}}}"#,
                "docker.io",
                password("u", "p"),
            ),
            (
                "podman login to Docker Hub",
                r#"{"auths":{"docker.io":{"auth":"dTpw"}}}"#,
                "docker.io",
                password("u", "p"),
            ),
            ("a key with a scheme", r#"{"auths":{"https://quay.io":{"auth":"dTpw"}}}"#, "quay.io", password("u", "p")),
            (
                "podman login to a part of a registry",
                r#"{"auths":{"quay.io":{"auth":"dTpw"},"quay.io/shop":{"auth":"Mjpw"}}}"#,
                "quay.io",
                password("2", "p"),
            ),
            ("another part", r#"{"auths":{"quay.io/shopping":{"auth":"Mjpw"}}}"#, "quay.io", None),
            (
                "an identity token",
                r#"{"auths":{"quay.io":{"auth":"dTo=","identitytoken":"t"}}}"#,
                "quay.io",
                Some(Login::IdentityToken(Secret::new("t".to_owned()))),
            ),
            (
                "an identity token as a password",
                r#"{"auths":{"quay.io":{"auth":"PHRva2VuPjp0"}}}"#,
                "quay.io",
                Some(Login::IdentityToken(Secret::new("t".to_owned()))),
            ),
            ("another host", r#"{"auths":{"quay.io":{"auth":"dTpw"}}}"#, "ghcr.io", None),
            ("logged out", r#"{"auths":{"quay.io":{}}}"#, "quay.io", None),
            ("no logins", "{}", "quay.io", None),
            ("an empty file", "", "quay.io", None),
        ] {
            assert_eq!(in_file(text.as_bytes(), host, "shop/web"), Ok(expected), "{why}");
        }
    }

    #[test]
    fn what_cannot_be_understood_is_an_error_and_not_an_anonymous_request() {
        for (why, text) in [
            ("not JSON", "auths"),
            ("not base64", r#"{"auths":{"quay.io":{"auth":"?"}}}"#),
            ("a helper that is not there", r#"{"credHelpers":{"quay.io":"no-such-helper"}}"#),
        ] {
            assert!(in_file(text.as_bytes(), "quay.io", "shop/web").is_err(), "{why}");
        }
    }

    #[test]
    fn the_files_are_those_of_every_tool() {
        let files = |vars: &'static [(&str, &str)]| {
            auth_files(&|name| vars.iter().find(|(n, _)| *n == name).map(|(_, v)| OsString::from(v)), 7)
                .iter()
                .map(|path| path.display().to_string())
                .collect::<Vec<_>>()
        };
        assert_eq!(
            files(&[("HOME", "/h"), ("XDG_CONFIG_HOME", "")]),
            ["/run/containers/7/auth.json", "/h/.config/containers/auth.json", "/h/.docker/config.json"]
        );
        assert_eq!(
            files(&[
                ("REGISTRY_AUTH_FILE", "/a.json"),
                ("XDG_RUNTIME_DIR", "/r"),
                ("XDG_CONFIG_HOME", "/c"),
                ("DOCKER_CONFIG", "/d")
            ]),
            ["/a.json", "/r/containers/auth.json", "/c/containers/auth.json", "/d/config.json"]
        );
    }

    #[test]
    fn no_message_shows_a_password() {
        let login = password("u", "hunter2");
        assert!(!format!("{login:?}").contains("hunter2"));
    }
}
