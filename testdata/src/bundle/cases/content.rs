//! Content that a signer made wrong (spec/bundle.md section 3).

use bundle_format::{Code, media};
use serde_json::{Value, json};

use super::super::content::{Content, WEB};
use super::super::seal::Draft;
use super::{Case, bad, with_content, with_draft};

const BLOB: &str = "blobs/sha256/";

/// Puts the image of `place` below `levels` more indexes.
fn deepen(content: &mut Content, place: usize, levels: usize) -> Vec<Value> {
    let mut chain = Vec::new();
    for _ in 0..levels {
        let mut below = content.image(place).clone();
        below["annotations"] = Value::Null;
        let index = json!({"schemaVersion": 2, "mediaType": media::OCI_INDEX, "manifests": [strip(below)]});
        let above = content.put(media::OCI_INDEX, index.to_string().as_bytes());
        chain.push(above.clone());
        for key in ["digest", "size", "mediaType"] {
            content.image(place)[key] = above[key].clone();
        }
    }
    chain
}

fn strip(mut descriptor: Value) -> Value {
    if let Some(members) = descriptor.as_object_mut() {
        members.retain(|_, v| !v.is_null());
    }
    descriptor
}

pub(super) fn cases(good: &Content, cases: &mut Vec<Case>) {
    let content = |name, code, edit: &dyn Fn(&mut Content)| bad(name, code, BLOB, with_content(good, edit));
    let version = |name, edit: &dyn Fn(&mut Content)| content(name, Code::VersionIndex, edit);
    let web = |name, edit: &dyn Fn(&mut Value)| content(name, Code::Document, &|c| c.edit_image(2, edit));
    let layout = |name, member: usize, says, edit: &dyn Fn(&str) -> String| {
        bad(name, Code::Layout, says, {
            with_draft(good, |d| {
                let text = edit(&String::from_utf8_lossy(&d.body[member].1));
                d.body[member].1 = text.into_bytes();
            })
        })
    };
    let annotate = |c: &mut Content, key: &str, value: &str| {
        c.index["annotations"][format!("dev.sealift.template.{key}")] = value.into();
    };

    cases.extend([
        layout("another-oci-layout", 0, "oci-layout", &|t| t.replace("1.0.0", "1.1.0")),
        layout("an-oci-layout-with-a-newline", 0, "oci-layout", &|t| format!("{t}\n")),
        layout("an-index-with-a-newline", 1, "index.json", &|t| format!("{t}\n")),
        layout("an-index-that-names-an-image-otherwise", 1, "index.json", &|t| t.replace("web:1.0.0", "web:latest")),
        layout("an-index-that-names-the-version-otherwise", 1, "index.json", &|t| {
            t.replace("sealift/shop:1.0.0", "sealift/shop:2")
        }),
        layout("an-index-of-nothing", 1, "index.json", &|_| {
            format!(r#"{{"schemaVersion":2,"mediaType":"{}","manifests":[]}}"#, media::OCI_INDEX)
        }),
        layout("an-index-with-an-entry-more", 1, "index.json", &|t| {
            let last = t.rfind(",{\"mediaType\"").unwrap_or_default();
            format!("{}{}", &t[..t.len() - 2], &t[last..])
        }),
        // Manifests and indexes.
        web("a-manifest-that-is-an-index-too", &|m| m["manifests"] = json!([])),
        web("a-manifest-of-another-type-inside", &|m| m["mediaType"] = media::DOCKER_MANIFEST.into()),
        web("a-manifest-of-schema-1", &|m| m["schemaVersion"] = 1.into()),
        web("a-manifest-without-layers", &|m| drop(m.as_object_mut().and_then(|m| m.remove("layers")))),
        web("a-layer-with-urls", &|m| m["layers"][0]["urls"] = json!(["https://elsewhere.example/layer"])),
        web("a-layer-with-a-sha512-digest", &|m| {
            m["layers"][0]["digest"] = format!("sha512:{}", "0".repeat(128)).into()
        }),
        web("a-layer-with-an-upper-case-digest", &|m| {
            let upper = m["layers"][0]["digest"].as_str().unwrap_or_default()[7..].to_uppercase();
            m["layers"][0]["digest"] = format!("sha256:{upper}").into();
        }),
        web("a-layer-without-size", &|m| drop(m["layers"][0].as_object_mut().and_then(|m| m.remove("size")))),
        web("a-layer-over-1-TiB", &|m| m["layers"][0]["size"] = ((1_u64 << 40) + 1).into()),
        web("a-descriptor-as-an-array", &|m| {
            let l = m["layers"][0].clone();
            m["layers"][0] = json!([l["mediaType"], l["digest"], l["size"]]);
        }),
        content("an-image-index-with-layers", Code::Document, &|c| c.edit_image(1, |i| i["layers"] = json!([]))),
        content("a-manifest-with-a-member-twice", Code::Document, &|c| {
            let mut root = c.image(2).clone();
            let text = c.json(&root).to_string().replacen('{', "{\"layers\":[],", 1);
            c.replace(&mut root, text.as_bytes());
            *c.image(2) = root;
        }),
        content("a-manifest-that-is-not-json", Code::Document, &|c| {
            let mut root = c.image(2).clone();
            c.replace(&mut root, b"not JSON");
            *c.image(2) = root;
        }),
        content("a-manifest-that-is-an-array", Code::Document, &|c| {
            let mut root = c.image(2).clone();
            let m = c.json(&root);
            let array = json!([2, null, null, m["config"], m["layers"], null, null, null, null]);
            c.replace(&mut root, array.to_string().as_bytes());
            *c.image(2) = root;
        }),
        // The graph.
        content("a-layer-of-another-size-than-referred-to", Code::Graph, &|c| {
            c.edit_image(2, |m| m["layers"][0]["size"] = 1.into());
        }),
        content("a-layer-of-two-sizes", Code::Graph, &|c| {
            c.edit_image(2, |m| {
                m["layers"] = json!([m["layers"][0], m["layers"][0]]);
                m["layers"][1]["size"] = 1.into();
            });
        }),
        content("a-manifest-of-two-types", Code::Graph, &|c| {
            let mut index = c.json(&c.index["manifests"][1]);
            let mut again = index["manifests"][0].clone();
            again["mediaType"] = media::DOCKER_MANIFEST.into();
            if let Some(manifests) = index["manifests"].as_array_mut() {
                manifests.push(again);
            }
            c.edit_image(1, |i| *i = index);
            c.edit_platform(1, 0, |m| drop(m.as_object_mut().and_then(|m| m.remove("mediaType"))));
            // The second entry is to name what the first does.
            c.edit_image(1, |i| {
                for key in ["digest", "size"] {
                    i["manifests"][2][key] = i["manifests"][0][key].clone();
                }
            });
        }),
        content("a-manifest-as-a-layer", Code::Graph, &|c| {
            let other = c.json(&c.index["manifests"][1])["manifests"][0].clone();
            c.edit_image(2, |m| m["layers"][0] = other);
        }),
        content("a-layer-in-an-index", Code::Graph, &|c| {
            let layer = c.json(&c.index["manifests"][2])["layers"][0].clone();
            c.edit_image(1, |i| {
                if let Some(manifests) = i["manifests"].as_array_mut() {
                    manifests.push(layer);
                }
            });
        }),
        content("five-levels-of-indexes", Code::Graph, &|c| drop(deepen(c, 1, 3))),
        super::case("good-four-levels-of-indexes", None, "", with_content(good, |c| drop(deepen(c, 1, 2)))),
        bad("five-levels-of-indexes-the-deepest-first", Code::Graph, BLOB, {
            // The deep indexes are images of the version index too, and are listed before those above them.
            with_content(good, |c| {
                let chain = deepen(c, 1, 3);
                for (n, index) in chain[..2].iter().enumerate() {
                    c.add_root(&format!("registry.example/shop/y{n}:1"), index.clone());
                }
                if let Some(manifests) = c.index["manifests"].as_array_mut() {
                    let name = |v: &Value| v["annotations"]["dev.sealift.image.name"].to_string();
                    manifests[1]["annotations"]["dev.sealift.image.name"] = "registry.example/shop/z:1".into();
                    manifests[1..].sort_by_key(name);
                }
            })
        }),
        // The version index.
        version("an-index-of-another-artifact-type", &|c| c.index["artifactType"] = "application/vnd.example".into()),
        version("an-index-of-revision-01", &|c| annotate(c, "revision", "01")),
        version("images-out-of-order", &|c| {
            if let Some(manifests) = c.index["manifests"].as_array_mut() {
                manifests.swap(1, 2);
            }
        }),
        version("images-in-the-order-of-their-parts", &|c| {
            // `web-x:1` sorts before `web:1`, because `-` comes before `:`.
            let root = c.image(2).clone();
            c.add_root("registry.example/shop/web-x:1", root);
        }),
        version("an-image-twice", &|c| {
            let root = c.image(2).clone();
            c.add_root(WEB, root);
        }),
        version("an-index-without-documents", &|c| {
            c.index["manifests"][0] = json!(null);
            let documents = bundle_format::Descriptor::of(media::OCI_MANIFEST, c.documents.to_string().as_bytes());
            c.index["manifests"][0] = json!(documents);
        }),
        version("documents-of-another-artifact-type", &|c| {
            c.documents["artifactType"] = "application/vnd.example".into()
        }),
        version("documents-with-a-configuration", &|c| {
            c.documents["config"] = c.put(media::OCI_EMPTY, b"{\"hidden\":1}");
        }),
        version("documents-without-template", &|c| drop(c.documents["layers"].as_array_mut().map(|l| l.remove(0)))),
        version("a-document-of-another-type", &|c| c.documents["layers"][1]["mediaType"] = "text/html".into()),
        version("a-document-without-path", &|c| c.documents["layers"][1]["annotations"] = json!({})),
        version("a-document-outside", &|c| {
            c.documents["layers"][1]["annotations"]["org.opencontainers.image.title"] = "../extra.yaml".into();
        }),
        version("documents-out-of-order", &|c| {
            let mut first = c.documents["layers"][1].clone();
            first["annotations"]["org.opencontainers.image.title"] = "a.yaml".into();
            if let Some(layers) = c.documents["layers"].as_array_mut() {
                layers.push(first);
            }
        }),
    ]);
    // The version index is wrong, the release says what it should be.
    let mut said = |name, edit: &dyn Fn(&mut Content), said: &dyn Fn(&mut Value)| {
        let mut content = good.clone();
        edit(&mut content);
        let mut draft = Draft::of(&content);
        said(&mut draft.release);
        cases.push(bad(name, Code::VersionIndex, BLOB, draft.seal()));
    };
    said(
        "an-index-without-name",
        &|c| drop(c.index["annotations"].as_object_mut().and_then(|a| a.remove("dev.sealift.template.name"))),
        &|r| {
            r["predicate"]["name"] = "shop".into();
            r["subject"][0]["name"] = "shop:1.0.0".into();
        },
    );
    said("an-index-of-revision-0", &|c| annotate(c, "revision", "0"), &|r| r["predicate"]["revision"] = 1.into());
    said("an-image-without-name", &|c| c.image(2)["annotations"] = json!({}), &|r| {
        r["predicate"]["images"][1]["name"] = WEB.into();
    });
    said("an-image-name-in-short", &|c| c.image(2)["annotations"]["dev.sealift.image.name"] = "web".into(), &|r| {
        r["predicate"]["images"][1]["name"] = "docker.io/library/web:latest".into()
    });
}
