//! The way to a cluster: a kubeconfig, or the service account of the pod that we run in.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use kube::Config;
use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};

use super::failure::{Failure, chain};
use super::session::{ANSWER, Session, client};
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
    /// The server's address.
    pub server: String,
}

/// Connects to the cluster of `context`, or of the current context, by the kubeconfig given, or the one that is found.
pub(super) fn connect(file: Option<&Path>, context: Option<&str>) -> Result<Connected, TargetError> {
    let what = || match context {
        Some(context) => format!("connecting to the cluster of the context {context}"),
        None => "connecting to the cluster".to_owned(),
    };
    let fail = |why: String| TargetError::Cluster { what: what(), why };
    let found = Places::of(file).find().map_err(fail)?;
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
        client(config, ANSWER).map_err(|e| fail(chain(&e)))
    })?;
    match session.run(|client| async move { client.list_core_api_versions().await }) {
        Ok(_) => Ok(Connected { session, context: name, namespace, server }),
        Err(Failure::Silence(why)) => Err(fail(silence(&server, &why))),
        Err(other) => Err(other.doing(format!("{}, {server}", what()))),
    }
}

/// Where a kubeconfig may be.
#[derive(Default)]
struct Places {
    /// The file that was given.
    given: Option<PathBuf>,
    /// What `$KUBECONFIG` says: files that complete each other.
    variable: Option<OsString>,
    /// What `$HOME` says.
    home: Option<OsString>,
    /// Whether we run in a pod.
    pod: bool,
}

impl Places {
    fn of(given: Option<&Path>) -> Self {
        Self {
            given: given.map(Path::to_owned),
            variable: env::var_os("KUBECONFIG"),
            home: env::var_os("HOME"),
            pod: env::var_os("KUBERNETES_SERVICE_HOST").is_some(),
        }
    }

    /// The kubeconfig; none in a pod that has a service account instead.
    fn find(&self) -> Result<Option<Kubeconfig>, String> {
        if let Some(path) = &self.given {
            return read(path).map(Some);
        }
        let listed = self.variable.iter().flat_map(env::split_paths).filter(|p| !p.as_os_str().is_empty());
        let listed: Vec<PathBuf> = listed.collect();
        if let [first, ..] = listed.as_slice() {
            // Of several those count that are there.
            let there: Vec<&PathBuf> = listed.iter().filter(|path| path.exists()).collect();
            if there.is_empty() {
                return read(first).map(Some);
            }
            let merged = there.into_iter().try_fold(Kubeconfig::default(), |all, path| {
                all.merge(read(path)?).map_err(|e| format!("reading the kubeconfig {}: {}", path.display(), chain(&e)))
            });
            return merged.map(Some);
        }
        match self.home.as_ref().map(|home| Path::new(home).join(".kube/config")) {
            Some(path) if path.exists() => read(&path).map(Some),
            _ if self.pod => Ok(None),
            _ => Err("there is no kubeconfig: $KUBECONFIG is not set, and ~/.kube/config is not there".to_owned()),
        }
    }
}

fn read(path: &Path) -> Result<Kubeconfig, String> {
    let why = |e: KubeconfigError| match e {
        KubeconfigError::ReadConfig(e, _) => e.to_string(),
        e => chain(&e),
    };
    Kubeconfig::read_from(path).map_err(|e| format!("reading the kubeconfig {}: {}", path.display(), why(e)))
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
    fn a_kubeconfig_is_found_where_kubectl_finds_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let write = |name: &str, context: &str| {
            let text = format!(
                "{{contexts: [{{name: {context}, context: {{cluster: c, user: u}}}}], current-context: {context}}}"
            );
            std::fs::create_dir_all(path(name).parent().unwrap()).unwrap();
            std::fs::write(path(name), text).unwrap();
        };
        let current = |places: &Places| places.find().map(|found| found.and_then(|f| f.current_context));
        let none = Places { home: Some(path("home").into()), ..Places::default() };
        assert!(current(&none).unwrap_err().contains("$KUBECONFIG is not set, and ~/.kube/config is not there"));
        assert_eq!(current(&Places { pod: true, ..none }), Ok(None));
        write("home/.kube/config", "home");
        write("one", "one");
        write("two", "two");
        let list = |names: &[&str]| Some(env::join_paths(names.iter().map(|name| path(name))).unwrap());
        let home = || Some(path("home").into());
        assert_eq!(current(&Places { home: home(), pod: true, ..Places::default() }), Ok(Some("home".to_owned())));
        let several = Places { variable: list(&["gone", "two", "one"]), home: home(), ..Places::default() };
        assert_eq!(current(&several), Ok(Some("two".to_owned())));
        assert_eq!(several.find().unwrap().unwrap().contexts.len(), 2);
        let given = Places { given: Some(path("one")), ..several };
        assert_eq!(current(&given), Ok(Some("one".to_owned())));
        // One that was named and is not there is not passed over for another.
        let gone = Places { variable: list(&["gone"]), home: home(), ..Places::default() };
        assert!(current(&gone).unwrap_err().starts_with("reading the kubeconfig "));
        std::fs::write(path("bad"), "contexts: 3").unwrap();
        let bad = Places { variable: list(&["bad"]), ..Places::default() };
        assert!(current(&bad).unwrap_err().contains("bad: "));
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
