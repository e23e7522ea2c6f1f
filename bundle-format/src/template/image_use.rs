//! Where Kubernetes objects name images (spec/template.md section 7).

use serde_json::Value;

use super::Manifest;
use crate::ImageRef;

/// A place where an object names an image.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ImageUse {
    /// The image.
    pub image: ImageRef,
    /// The object, as `Deployment/web`.
    pub object: String,
    /// Where in it, as `spec.template.spec.containers[0].image`.
    pub path: String,
    /// Whether a pod runs it. Otherwise a field is only called as if it named an image: an operator may read it, and no site
    /// replaces it.
    pub pod: bool,
}

enum Step<'a> {
    Field(&'a str),
    Index(usize),
}

impl Manifest {
    /// Every place where an object names an image, in order: containers and volumes of pods at any depth, and other fields
    /// called `image` or `…Image` that hold a name with a tag, digest or registry.
    #[must_use]
    pub fn image_uses(&self) -> Vec<ImageUse> {
        let mut found = Vec::new();
        for object in self.objects() {
            let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
            let name = text(object.get("metadata").and_then(|m| m.get("name")));
            let label = format!("{}/{name}", text(object.get("kind")));
            walk(object, false, &mut Vec::new(), &mut |image, path, pod| {
                found.push(ImageUse { image, object: label.clone(), path, pod });
            });
        }
        found
    }
}

/// `found` gets every image under `value`; `pod` says whether `value` is a container, or the image of a volume.
fn walk<'a>(value: &'a Value, pod: bool, at: &mut Vec<Step<'a>>, found: &mut dyn FnMut(ImageRef, String, bool)) {
    let fields = match value {
        Value::Object(fields) => fields,
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                at.push(Step::Index(index));
                walk(item, pod, at, found);
                at.pop();
            }
            return;
        }
        _ => return,
    };
    for (key, value) in fields {
        at.push(Step::Field(key));
        let named = if pod { matches!(key.as_str(), "image" | "reference") } else { is_image_field(key) };
        match value {
            Value::String(text) if named && (pod || text.contains(['/', ':'])) => {
                if let Ok(image) = text.parse() {
                    found(image, written(at), pod);
                }
            }
            Value::Array(_) if matches!(key.as_str(), "containers" | "initContainers" | "ephemeralContainers") => {
                walk(value, true, at, found);
            }
            Value::Array(volumes) if key == "volumes" => {
                for (index, volume) in volumes.iter().enumerate() {
                    if let Some(image) = volume.get("image") {
                        at.extend([Step::Index(index), Step::Field("image")]);
                        walk(image, true, at, found);
                        at.truncate(at.len().saturating_sub(2));
                    }
                }
            }
            // What is below a container is no container.
            _ => walk(value, false, at, found),
        }
        at.pop();
    }
}

fn is_image_field(key: &str) -> bool {
    key == "image" || key.ends_with("Image")
}

fn written(steps: &[Step<'_>]) -> String {
    let mut text = String::new();
    for step in steps {
        match step {
            Step::Field(name) if text.is_empty() => text.push_str(name),
            Step::Field(name) => text.extend([".", name]),
            Step::Index(index) => text.push_str(&format!("[{index}]")),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_that_names_an_image_is_found_and_called_by_its_path() {
        let text = "
apiVersion: example.com/v1
kind: Rollout
metadata: {name: a}
spec:
  image: nginx
  sidecarImage: quay.io/x/sidecar:1
  template:
    spec:
      initContainers: [{name: i, image: 'init:1'}]
      containers: [{name: c, image: web, env: [{name: image, value: 'x:1'}]}, {name: odd, image: '$(IMAGE)'}]
      volumes: [{name: v, image: {reference: 'files:3'}}, {name: e, emptyDir: {}}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: b}
data: {image: not an image, helperImage: 'docker.io/library/helper:2'}
";
        let manifest = Manifest::parse(text.as_bytes()).unwrap();
        let uses = manifest.image_uses();
        let found: Vec<_> = uses
            .iter()
            .map(|u| format!("{} {}.{} {}", u.image, u.object, u.path, if u.pod { "pod" } else { "-" }))
            .collect();
        assert_eq!(
            found,
            [
                "quay.io/x/sidecar:1 Rollout/a.spec.sidecarImage -",
                "docker.io/library/web:latest Rollout/a.spec.template.spec.containers[0].image pod",
                "docker.io/library/init:1 Rollout/a.spec.template.spec.initContainers[0].image pod",
                "docker.io/library/files:3 Rollout/a.spec.template.spec.volumes[0].image.reference pod",
                "docker.io/library/helper:2 ConfigMap/b.data.helperImage -",
            ]
        );
        let run: std::collections::BTreeSet<_> = uses.into_iter().filter(|u| u.pod).map(|u| u.image).collect();
        assert_eq!(run, manifest.images(), "what pods run is what the site replaces");
    }
}
