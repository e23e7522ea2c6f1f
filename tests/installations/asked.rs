//! The registry that pods are to pull from is asked before anything is applied.

use std::process::Command;

use crate::cloud::Cloud;
use crate::common::Background;

#[test]
fn an_image_that_the_named_registry_lacks_ends_an_action_before_its_first_step() {
    let cloud = Cloud::new();
    let mut serve = Command::new(env!("CARGO_BIN_EXE_sealift"));
    serve.args(["registry", "serve", "--site", "other", "--listen", "127.0.0.1:0"]);
    let mut served = Background::start(serve.current_dir(cloud.path("")));
    let address = served.address();
    let install = format!("install cloud --registry {address}/apps --site site -n team --target dir:out");
    let ran = cloud.sealift(&install);
    ran.refused(6, "E-INCOMPLETE", &["is not in the registry", &address, "sealift import BUNDLE --registry"]);
    assert!(!cloud.path("out").exists());
    cloud.ok(&format!("import v1.sealift --key vendor.pub --registry http://{address}/apps"));
    let ran = cloud.ok(&install);
    assert!(!ran.stderr.contains("cannot be asked"), "{ran:#?}");
    // One that does not answer here may still answer the nodes.
    drop(served);
    let ran = cloud.ok(&format!("install cloud --registry {address}/apps --site site -n two --target dir:two"));
    assert!(ran.stderr.contains("cannot be asked from here"), "{ran:#?}");
}
