//! `sealift import --registry` as a client of Docker's registry, and of our own.

use crate::Served;
use crate::common::have;
use crate::common::registry::Registry;
use crate::proxy::Proxy;
use crate::transcript::Transcript;

#[test]
fn sealift_pushes_the_same_way_to_dockers_registry_and_to_ours() {
    if !have(&["docker-registry"]) {
        return;
    }
    let served = Served::new();
    let theirs = Registry::open();
    let their_proxy = Proxy::to(&theirs.host());
    for (proxy, file) in [(&their_proxy, "sealift-to-docker-registry.txt"), (&served.proxy, "sealift-to-sealift.txt")] {
        let host = proxy.address.to_string();
        let mut transcript = Transcript::new(&[format!("sealift {}", env!("CARGO_PKG_VERSION"))], &host);
        let line = format!("import --json shop.sealift --key vendor.pub --registry http://{host}/copy");
        for step in ["import", "import again"] {
            served.shop.sealift(&line).ok();
            transcript.add(step, &proxy.take(), true);
        }
        transcript.check(file);
    }
}
