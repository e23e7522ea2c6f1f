//! The shop once more, in two components that really run: for the demonstration on a cluster. Their images are busybox and a
//! line of script each.

use std::fs;
use std::io;
use std::path::Path;

use crate::image::{Compression, Image, Layer};

const TEMPLATE: &str = r#"apiVersion: sealift.dev/v1
kind: Template
metadata:
  name: shop
  version: "VERSION"
  title: The Shop
images:
  - { name: "registry.example/shop/web:VERSION", from: "oci-archive:images/web.tar" }
  - { name: "registry.example/shop/db:VERSION", from: "oci-archive:images/db.tar" }
secrets:
  - { name: db, keys: [password] }
components:
  - name: web
    image: registry.example/shop/web:VERSION
    replicas: REPLICAS
    dependsOn: [db]
    ports: [{ name: http, port: 8080, servicePort: 80 }]
    env:
      - { name: DB_ADDRESS, service: { component: db, port: http } }
      - { name: DB_PASSWORD, secret: { name: db, key: password } }
    probes: { readiness: { http: { port: http, path: / }, periodSeconds: 1 } }
  - name: db
    image: registry.example/shop/db:VERSION
    kind: StatefulSet
    ports: [{ name: http, port: 8080 }]
    env:
      - { name: DB_PASSWORD, secret: { name: db, key: password } }
    probes: { readiness: { http: { port: http, path: / }, periodSeconds: 1 } }
"#;

/// Writes version `version` of the shop into `dir`: the template, and its images for `platform` with this `busybox`, a static one.
///
/// # Errors
/// Those of the file system.
pub fn write_version(dir: &Path, busybox: &[u8], platform: &str, version: &str) -> io::Result<()> {
    let (replicas, level) = match version {
        "1.0.0" => ("2", ""),
        _ => ("4", "\n      - { name: LOG_LEVEL, value: info }"),
    };
    fs::create_dir_all(dir.join("images"))?;
    let text = TEMPLATE.replace("VERSION", version).replace("REPLICAS", replicas);
    let text = text.replacen("    env:", &format!("    env:{level}"), 1);
    fs::write(dir.join("sealift.yaml"), text)?;
    let base = Layer::new(Compression::Gzip, [("bin/busybox", busybox.to_vec()), ("bin/sh", busybox.to_vec())]);
    for name in ["web", "db"] {
        let script = format!(
            "#!/bin/sh\n/bin/busybox mkdir -p /tmp/www\necho {name} {version} >/tmp/www/index.html\n\
             exec /bin/busybox httpd -f -p 8080 -h /tmp/www\n"
        );
        let program = Layer::new(Compression::Gzip, [("bin/start", script.into_bytes()), ("tmp/.keep", Vec::new())]);
        let image = Image::running(platform, &[base.clone(), program], &["/bin/sh", "/bin/start"])?;
        image.write_oci_archive(
            &dir.join(format!("images/{name}.tar")),
            &format!("registry.example/shop/{name}:{version}"),
        )?;
    }
    Ok(())
}
