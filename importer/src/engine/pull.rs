//! The Secret with which nodes pull from the site's registry, where that asks for a login.

use serde_json::json;

use super::EngineError;
use crate::render::RenderedFile;
use crate::target::Place;

/// What it is called.
pub(super) fn name(place: &Place) -> String {
    format!("{}-registry-login", place.name)
}

/// The Secret of `login`, the text of a docker configuration (`{"auths": …}`). It is no part of a plan, which says no secrets.
pub(super) fn secret(place: &Place, login: &str) -> Result<RenderedFile, EngineError> {
    let object = json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": name(place),
            "namespace": place.namespace.to_string(),
            "labels": {
                "app.kubernetes.io/instance": place.name.to_string(),
                "app.kubernetes.io/managed-by": "sealift",
            },
            "annotations": {"sealift.dev/installation": format!("{}/{}", place.namespace, place.name)},
        },
        "type": "kubernetes.io/dockerconfigjson",
        "stringData": {".dockerconfigjson": login},
    });
    Ok(RenderedFile::new("10-secret-registry-login.yaml".to_owned(), vec![object])?)
}
