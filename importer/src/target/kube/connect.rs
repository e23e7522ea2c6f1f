//! The way to a cluster: a kubeconfig, or the service account of the pod that we run in.

use std::env;
use std::path::{Path, PathBuf};

use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::{Client, Config};

use super::failure::{Failure, chain};
use super::session::Session;
use crate::target::TargetError;

/// What the target is called in a pod, where no kubeconfig says it.
const IN_CLUSTER: &str = "in-cluster";

/// A session that a server has answered in.
pub(super) struct Connected {
    pub session: Session,
    /// The context's name.
    pub context: String,
    /// The namespace that the context names.
    pub namespace: String,
}

/// Connects to the cluster of `context`, or of the current context, by the kubeconfig given, or the one that is found.
pub(super) fn connect(file: Option<&Path>, context: Option<&str>) -> Result<Connected, TargetError> {
    let what = || match context {
        Some(context) => format!("connecting to the cluster of the context {context}"),
        None => "connecting to the cluster".to_owned(),
    };
    let fail = |why: String| TargetError::Cluster { what: what(), why };
    let found = kubeconfig(file).map_err(fail)?;
    let name = match (&found, context) {
        (None, None) => IN_CLUSTER.to_owned(),
        (None, Some(_)) => return Err(fail("there is no kubeconfig that could have it".to_owned())),
        (Some(file), wanted) => chosen(file, wanted).map_err(fail)?,
    };
    let (mut server, mut namespace) = (String::new(), String::new());
    let session = Session::new(|| async {
        let mut config = match found {
            Some(file) => {
                let options = KubeConfigOptions { context: Some(name.clone()), ..KubeConfigOptions::default() };
                Config::from_custom_kubeconfig(file, &options).await.map_err(|e| fail(chain(&e)))?
            }
            None => Config::incluster().map_err(|e| fail(chain(&e)))?,
        };
        // What is tried again, and for how long, is decided where it is known what was asked for.
        config.default_retry = false;
        server = config.cluster_url.to_string();
        namespace.clone_from(&config.default_namespace);
        Client::try_from(config).map_err(|e| fail(chain(&e)))
    })?;
    match session.run(|client| async move { client.list_core_api_versions().await }) {
        Ok(_) => Ok(Connected { session, context: name, namespace }),
        Err(Failure::Silence(why)) => Err(fail(silence(&server, &why))),
        Err(other) => Err(other.doing(format!("{}, {server}", what()))),
    }
}

/// The kubeconfig; none in a pod that has a service account instead.
fn kubeconfig(given: Option<&Path>) -> Result<Option<Kubeconfig>, String> {
    let read = |file: Result<Kubeconfig, KubeconfigError>| match file {
        Ok(file) => Ok(Some(file)),
        Err(KubeconfigError::ReadConfig(e, path)) => Err(format!("reading the kubeconfig {}: {e}", path.display())),
        Err(e) => Err(format!("reading the kubeconfig: {}", chain(&e))),
    };
    if let Some(path) = given {
        return read(Kubeconfig::read_from(path));
    }
    if env::var_os("KUBECONFIG").is_some_and(|v| !v.is_empty()) {
        return read(Kubeconfig::read());
    }
    let home = env::var_os("HOME").map(|home| PathBuf::from(home).join(".kube/config"));
    match home {
        Some(path) if path.exists() => read(Kubeconfig::read_from(&path)),
        _ if env::var_os("KUBERNETES_SERVICE_HOST").is_some() => Ok(None),
        _ => Err("there is no kubeconfig: $KUBECONFIG is not set, and ~/.kube/config is not there".to_owned()),
    }
}

/// The context that is meant.
fn chosen(file: &Kubeconfig, wanted: Option<&str>) -> Result<String, String> {
    let known: Vec<&str> = file.contexts.iter().map(|c| c.name.as_str()).collect();
    let list = || if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    match wanted.or(file.current_context.as_deref().filter(|c| !c.is_empty())) {
        Some(name) if known.contains(&name) => Ok(name.to_owned()),
        Some(name) => Err(format!("the kubeconfig has no context {name}; it has {}", list())),
        None => Err(format!("the kubeconfig has no current context; it has {}", list())),
    }
}

/// What it means that a server gives no answer.
fn silence(server: &str, why: &str) -> String {
    let low = why.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| low.contains(word));
    let meaning = if has(&["certificate", "unknownissuer", "unknown issuer", "invalid peer"]) {
        "the server's certificate is not one that the kubeconfig trusts"
    } else if has(&["connection refused", "os error 111"]) {
        "nothing listens there"
    } else if has(&["dns", "lookup", "resolve"]) {
        "its name has no address here"
    } else if has(&["timed out", "no answer", "elapsed", "deadline"]) {
        "it does not answer"
    } else {
        "no answer came"
    };
    format!("{server}: {meaning} ({why})")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(current: &str) -> Kubeconfig {
        let text = format!(
            "{{apiVersion: v1, kind: Config, current-context: '{current}', contexts: \
             [{{name: a, context: {{cluster: c, user: u}}}}, {{name: b, context: {{cluster: c, user: u}}}}]}}"
        );
        Kubeconfig::from_yaml(&text).unwrap()
    }

    #[test]
    fn the_context_is_the_one_named_or_the_current_one() {
        assert_eq!(chosen(&file("a"), None).unwrap(), "a");
        assert_eq!(chosen(&file("a"), Some("b")).unwrap(), "b");
        assert_eq!(chosen(&file("a"), Some("x")).unwrap_err(), "the kubeconfig has no context x; it has a, b");
        assert_eq!(chosen(&file(""), None).unwrap_err(), "the kubeconfig has no current context; it has a, b");
        assert_eq!(chosen(&file("gone"), None).unwrap_err(), "the kubeconfig has no context gone; it has a, b");
    }

    #[test]
    fn a_server_that_gives_no_answer_is_told_from_one_that_is_not_trusted() {
        for (why, meaning) in [
            ("client error (Connect): tcp connect error: Connection refused (os error 111)", "nothing listens there"),
            ("invalid peer certificate: UnknownIssuer", "not one that the kubeconfig trusts"),
            ("no answer after 60 s", "it does not answer"),
            ("dns error: failed to lookup address information", "its name has no address here"),
        ] {
            assert!(silence("https://x", why).contains(meaning), "{why}");
        }
    }
}
