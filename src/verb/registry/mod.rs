//! `sealift registry`

mod check;
mod fsck;
mod gc;
mod images;
mod log;
mod mirrors;
mod process;
mod protect;
mod serve;

use bundle_format::Code;
use registry_lite::client::{ClientOptions, CredentialSource, Scheme};

use crate::args::{Client, RegistryVerb};
use crate::failure::Failure;
use crate::output::Output;

pub fn run(verb: &RegistryVerb, out: &Output) -> Result<(), Failure> {
    match verb {
        RegistryVerb::Serve(args) => serve::run(args, out),
        RegistryVerb::Gc(args) => gc::run(args, out),
        RegistryVerb::Fsck(args) => fsck::run(args, out),
        RegistryVerb::Mirrors(args) => mirrors::run(args, out),
        RegistryVerb::Check(args) => check::run(args, out),
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

/// Host and path of `https://HOST[:PORT][/PATH]`, `http://…`, or without a scheme what the host speaks; `flag` is what the address was
/// given as. A scheme that is said goes into `options`.
pub fn address<'a>(flag: &str, url: &'a str, options: &mut ClientOptions) -> Result<(&'a str, &'a str), Failure> {
    let rest = match url.split_once("://") {
        Some(("https", rest)) => {
            options.scheme = Scheme::Https;
            rest
        }
        Some(("http", rest)) => {
            options.scheme = Scheme::Http;
            rest
        }
        Some(_) => {
            return Err(Failure::new(Code::Usage, format_args!("{flag} {url}: not an http or https address")));
        }
        None => url,
    };
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    Ok((host, path.trim_matches('/')))
}
