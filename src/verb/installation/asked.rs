//! Whether the registry that pods will pull from has what they will ask for (spec/plan.md 6.3), where it can be asked from here.

use std::path::Path;
use std::time::Duration;

use bundle_format::{Code, Digest, ImageRef};
use importer::engine::{ImageNames, Standing, Version};
use registry_lite::client::{ClientError, ClientOptions, CredentialSource, Reference, Registry, Timeouts};

use crate::failure::Failure;
use crate::output::Output;

/// How long a registry may be silent: it is on the site's own network.
const TIMEOUTS: Timeouts =
    Timeouts { connect: Duration::from_secs(5), idle: Duration::from_secs(10), publish: Duration::from_secs(10) };

/// Refuses a version of which the registry at the address that pods name lacks an image. One that cannot be asked is told of: nodes may
/// reach it where this machine does not. Nobody is asked where nobody has named a registry: then it is each node's own.
pub fn check(
    version: &Version,
    now: Option<&ImageNames>,
    login: Option<&Path>,
    standing: &Standing,
    out: &Output,
) -> Result<(), Failure> {
    let last = || standing.holds().or(standing.unfinished()).map(|record| &record.naming);
    let Some(ImageNames::At(address)) = now.or_else(last) else { return Ok(()) };
    if *address == default_address() {
        return Ok(());
    }
    let (host, prefix) = address.split_once('/').unwrap_or((address, ""));
    let credentials = login.map_or(CredentialSource::Docker, |file| CredentialSource::AuthFile(file.to_owned()));
    let options = ClientOptions { credentials, timeouts: TIMEOUTS, ..ClientOptions::default() };
    let registry = match Registry::connect(host, &options) {
        Ok(registry) => registry,
        Err(e) => {
            cannot(address, &e, out);
            return Ok(());
        }
    };
    for (image, root) in &version.images {
        let root = &root.digest;
        match has(&registry, prefix, image, root) {
            Ok(true) => {}
            Ok(false) => {
                let message = format!("{image} ({root}) of {} is not in the registry {address}", version.label());
                return Err(Failure::new(Code::Incomplete, message).hint(format!(
                    "import the bundle into it: `sealift import BUNDLE --registry {address} --key VENDOR.pub`"
                )));
            }
            Err(e) => {
                cannot(address, &e, out);
                return Ok(());
            }
        }
    }
    Ok(())
}

fn default_address() -> String {
    Option::<String>::from(ImageNames::default()).unwrap_or_default()
}

fn has(registry: &Registry, prefix: &str, image: &ImageRef, digest: &Digest) -> Result<bool, ClientError> {
    let path = image.mirror_path();
    let repository = if prefix.is_empty() { path } else { format!("{prefix}/{path}") };
    Ok(registry.has_manifest(&repository, Reference::Digest(digest))?.is_some())
}

fn cannot(address: &str, e: &ClientError, out: &Output) {
    out.warn(format_args!("the registry {address} cannot be asked from here whether it has the images: {e}"));
}
