//! `sealift registry`

mod fsck;
mod gc;
mod serve;

use registry_lite::client::{ClientOptions, CredentialSource, Scheme};

use crate::args::{Client, RegistryVerb};
use crate::failure::Failure;
use crate::output::Output;

pub fn run(verb: &RegistryVerb, out: &Output) -> Result<(), Failure> {
    match verb {
        RegistryVerb::Serve(args) => serve::run(args, out),
        RegistryVerb::Gc(args) => gc::run(args, out),
        RegistryVerb::Fsck(args) => fsck::run(args, out),
    }
}

/// How registries are reached, as the user says.
pub fn client_options(args: &Client) -> ClientOptions {
    ClientOptions {
        scheme: if args.plain_http { Scheme::Http } else { Scheme::Auto },
        credentials: match &args.authfile {
            Some(file) => CredentialSource::AuthFile(file.clone()),
            None => CredentialSource::Docker,
        },
        ca: args.ca.clone(),
        ..ClientOptions::default()
    }
}
