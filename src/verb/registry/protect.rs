//! Who may use a server, and what it speaks TLS with.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use registry_lite::server::access::{Access, Htpasswd, UserName};
use registry_lite::server::tls::{ServerNames, Tls};
use registry_lite::server::{Event, Report};

use crate::args::{ServeAccess, ServeTls};
use crate::failure::Failure;
use crate::output::Output;

/// Who may read and write.
pub fn access(args: &ServeAccess, report: &Report) -> Result<Access, Failure> {
    let Some(file) = &args.htpasswd else {
        return Ok(if args.anonymous_push { Access::open_to_all() } else { Access::open() });
    };
    let writers = args.writers.iter().map(|name| name.parse::<UserName>());
    let writers = writers.collect::<Result<BTreeSet<_>, _>>()?;
    let access = Access::with_logins(Htpasswd::open(file)?, writers, args.anonymous_pull)?;
    let (report, file) = (Arc::clone(report), file.clone());
    access.report_to(move |cause| report(&Event::Reload { file: &file, cause }));
    Ok(access)
}

/// What is spoken TLS with, if anything. `site` is where a certificate of our own is kept.
pub fn tls(args: &ServeTls, site: Option<&Path>, report: &Report, out: &Output) -> Result<Option<Tls>, Failure> {
    let (tls, file) = match (&args.tls_cert, &args.tls_key, site) {
        (Some(cert), Some(key), _) => (Tls::from_files(cert, key)?, cert.clone()),
        (_, _, Some(site)) if args.tls => {
            let dir = site.join("tls");
            let (tls, ca) = Tls::own(&dir, &ServerNames::new(&args.names)?)?;
            let age = if ca.is_new { "new, so no client trusts it yet" } else { "as before" };
            out.say(format_args!("certificate authority {} ({age})", ca.path.display()));
            out.say(format_args!("SHA-256 fingerprint {}", ca.fingerprint_sha256));
            (tls, dir)
        }
        _ => return Ok(None),
    };
    let report = Arc::clone(report);
    tls.report_to(move |cause| report(&Event::Reload { file: &file, cause }));
    Ok(Some(tls))
}
