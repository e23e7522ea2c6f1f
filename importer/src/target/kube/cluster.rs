//! A cluster that answers.

use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use serde_json::{Value, json};

use super::connect::connect;
use super::discovery::{Types, check_name};
use super::failure::Failure;
use super::records::KubeRecords;
use super::session::Session;
use super::target::KubeTarget;
use crate::render::Namespace;
use crate::target::{Place, TargetError};

const NAMESPACES: &str = "/api/v1/namespaces";

/// A cluster, reached through one context of a kubeconfig. It brings a runtime of its own, and blocks: it MUST NOT be used on a
/// thread of another asynchronous runtime.
pub struct Cluster {
    pub(super) session: Session,
    context: String,
    namespace: String,
    types: RwLock<Types>,
}

impl Cluster {
    /// Connects to the cluster of `context`, or of the current context, by `$KUBECONFIG`, or else `~/.kube/config`; in a pod that has
    /// neither, by its service account. Asks it for the types of objects that it takes.
    ///
    /// # Errors
    /// [`TargetError::Cluster`]: no kubeconfig, no such context, no answer, a certificate or a login that is not accepted.
    pub fn connect(context: Option<&str>) -> Result<Arc<Self>, TargetError> {
        Self::connect_by(None, context)
    }

    /// As [`Cluster::connect`], by the kubeconfig that is given.
    ///
    /// # Errors
    /// As [`Cluster::connect`].
    pub fn connect_by(kubeconfig: Option<&Path>, context: Option<&str>) -> Result<Arc<Self>, TargetError> {
        let found = connect(kubeconfig, context)?;
        let types = RwLock::new(Types::discover(&found.session)?);
        Ok(Arc::new(Self { session: found.session, context: found.context, namespace: found.namespace, types }))
    }

    /// `kube:CONTEXT`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("kube:{}", self.context)
    }

    /// The namespace that the context names; `default` if it names none.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// What tells this cluster from every other, whatever a context is called: the `uid` of its namespace `kube-system`.
    ///
    /// # Errors
    /// [`TargetError::Forbidden`]: who asks may not read namespaces.
    pub fn cluster_id(&self) -> Result<String, TargetError> {
        let found = self.session.get(NAMESPACES, "kube-system");
        let found = found.map_err(|e| e.doing("reading the namespace kube-system"))?;
        Ok(found.pointer("/metadata/uid").and_then(Value::as_str).unwrap_or_default().to_owned())
    }

    /// The installation at `place` as a target.
    #[must_use]
    pub fn target(self: &Arc<Self>, place: Place) -> KubeTarget {
        let capabilities = self.types().capabilities();
        KubeTarget { cluster: Arc::clone(self), place, adopts: false, capabilities }
    }

    /// The records that the cluster keeps; of one namespace only, if one is given.
    #[must_use]
    pub fn records(self: &Arc<Self>, namespace: Option<Namespace>) -> KubeRecords {
        KubeRecords::new(Arc::clone(self), namespace)
    }

    pub(super) fn types(&self) -> RwLockReadGuard<'_, Types> {
        // Types are put there whole: a panic elsewhere leaves none half done.
        self.types.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks for the types again. What cannot be asked stays as it was known.
    pub(super) fn rediscover(&self) {
        if let Ok(types) = Types::discover(&self.session) {
            *self.types.write().unwrap_or_else(PoisonError::into_inner) = types;
        }
    }

    /// Makes a namespace if it is not there. Who may neither look nor make may still have been given rights in it: then it is
    /// there, since rights are kept inside.
    pub(super) fn make_namespace(&self, name: &str) -> Result<(), Failure> {
        match self.session.find(NAMESPACES, check_name(name)?) {
            Ok(Some(live)) if live.pointer("/status/phase").and_then(Value::as_str) == Some("Terminating") => {
                Err(Failure::Silence(format!("the namespace {name} is being removed")))
            }
            Ok(Some(_)) => Ok(()),
            Err(e) if e.is_forbidden() => Ok(()),
            Err(e) => Err(e),
            Ok(None) => {
                let object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
                match self.session.create(NAMESPACES, &object) {
                    Err(e) if e.is_conflict() => Ok(()),
                    other => other.map(drop),
                }
            }
        }
    }

    /// Every namespace, if who asks may know them.
    pub(super) fn namespaces(&self) -> Result<Vec<Namespace>, Failure> {
        let found = self.session.list_metadata(NAMESPACES, "", "")?;
        let name = |object: &Value| object.pointer("/metadata/name").and_then(Value::as_str)?.parse().ok();
        Ok(found.iter().filter_map(name).collect())
    }
}
