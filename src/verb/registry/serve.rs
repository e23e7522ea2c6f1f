//! `sealift registry serve`

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bundle_format::Code;
use registry_lite::content::{BundleContent, Site, of_bundles};
use registry_lite::server::{Config, Content, Metrics, PushLimits, Pusher, Report, Stop, serve};
use registry_lite::{Store, StoreError};
use signal_hook::iterator::Signals;

use super::{fsck, log, process, protect};
use crate::args::Serve;
use crate::failure::Failure;
use crate::files::{open_bundle_file, trusted};
use crate::keys::trust_root;
use crate::output::Output;
use crate::report::ServeReport;
use crate::signals;

pub fn run(args: &Serve, out: &Output) -> Result<(), Failure> {
    let metrics = Arc::new(Metrics::default());
    let report = metrics.counting(log::faults(args.log));
    let log = log::requests(args.log, args.log_requests);
    let mut config = Config { metrics, log, ..Config::new(Arc::clone(&report)) };
    config.access = protect::access(&args.access, &report)?;
    let (what, content): (_, Arc<dyn Content>) = match &args.site {
        Some(dir) => {
            let (site, pusher) = open_site(dir, args.read_only, &report, out)?;
            config.pusher = pusher;
            if let Some(hours) = args.fsck_every {
                fsck::in_background(site.store().clone(), hours, args.read_only, Arc::clone(&report));
            }
            (dir.display().to_string(), site)
        }
        None => {
            let names: Vec<_> = args.bundles.iter().map(|file| file.display().to_string()).collect();
            (names.join(", "), bundle_content(&args.bundles, &args.keys, out)?)
        }
    };
    config.tls = protect::tls(&args.tls, args.site.as_deref(), &report, out)?;
    config.hosts.clone_from(&args.tls.names);
    for skipped in content.view().catalog.skipped() {
        out.warn(format_args!("not served: {skipped}"));
    }
    warn_if_exposed(args, &config, out);
    run_server(args.listen, &what, content, config, out)
}

/// What an operator should know before others reach the server.
fn warn_if_exposed(args: &Serve, config: &Config, out: &Output) {
    if args.listen.ip().is_loopback() {
        return;
    }
    let writes = config.pusher.is_some();
    match (&args.access.htpasswd, args.access.anonymous_push && writes) {
        (Some(_), _) if config.tls.is_none() => {
            out.warn("logins go over the network as they are typed: use --tls, or something in front that speaks TLS");
        }
        (Some(_), _) => {}
        (None, true) => out.warn("whoever reaches this address may read, push and delete"),
        (None, false) if writes => {
            out.warn("whoever reaches this address may read; only this machine may push and delete (see --htpasswd)");
        }
        (None, false) => out.warn("whoever reaches this address may read; nobody may push or delete"),
    }
}

/// The site's content, and what takes pushes to it. Where nothing can be written, the site is served as it is.
fn open_site(
    dir: &Path,
    read_only: bool,
    report: &Report,
    out: &Output,
) -> Result<(Arc<Site>, Option<Arc<Pusher>>), Failure> {
    if read_only {
        return Ok((Site::open(Store::open(dir)?, Arc::clone(report))?, None));
    }
    let store = match Store::open(dir) {
        Err(StoreError::NotASite { .. }) => Store::lock_or_create(dir)?.store().clone(),
        other => other?,
    };
    let site = Site::open(store, Arc::clone(report))?;
    match Pusher::open(Arc::clone(&site), PushLimits::default(), Arc::clone(report)) {
        Ok(pusher) => Ok((site, Some(pusher))),
        Err(StoreError::Io { source, .. })
            if matches!(source.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem) =>
        {
            out.warn(format_args!("{} cannot be written to ({source}): it is served read-only", dir.display()));
            Ok((site, None))
        }
        Err(StoreError::Locked { dir, holder }) => {
            let failure = Failure::from(StoreError::Locked { dir, holder });
            Err(failure.hint("end the other one, or serve beside it with --read-only"))
        }
        Err(error) => Err(error.into()),
    }
}

fn run_server(
    listen: SocketAddr,
    what: &str,
    content: Arc<dyn Content>,
    config: Config,
    out: &Output,
) -> Result<(), Failure> {
    let failure = |e: io::Error| {
        let failure = Failure::new(Code::Io, format_args!("listening on {listen}: {e}"));
        match e.kind() {
            io::ErrorKind::AddrInUse => failure.hint("something else listens there: choose another --listen"),
            _ => failure,
        }
    };
    process::raise_open_files();
    let listener = TcpListener::bind(listen).map_err(failure)?;
    let address = listener.local_addr().map_err(failure)?;
    let stop = Stop::default();
    // The first signal lets answers under way end; a second one does not wait.
    signals::asked_to_end()?;
    let mut ending = Signals::new(signals::ENDING).map_err(failure)?;
    let stopper = stop.clone();
    std::thread::spawn(move || {
        for _ in ending.forever() {
            // Whoever waits for it may wait longer now; nothing depends on its being heard.
            let _ = process::notify("STOPPING=1");
            stopper.stop();
        }
    });
    let scheme = if config.tls.is_some() { "https" } else { "http" };
    out.data(&ServeReport { listen: address.to_string(), content: what.to_owned() }, |text| {
        text.push_str(&format!("serving {what} on {scheme}://{address}\n"));
    })?;
    if let Err(e) = process::notify("READY=1") {
        out.warn(format_args!("the service manager cannot be told that this is ready: {e}"));
    }
    serve(listener, content, config, &stop).map_err(failure)
}

/// Proves everything in the bundles but the content of layers, which clients check by their digests.
fn bundle_content(files: &[PathBuf], keys: &[PathBuf], out: &Output) -> Result<Arc<dyn Content>, Failure> {
    let trust = trust_root(keys)?;
    let mut bundles = Vec::new();
    for file in files {
        let (reader, len) = open_bundle_file(file)?;
        let served = reader.try_clone().map_err(|e| Failure::new(Code::Io, format_args!("{}: {e}", file.display())))?;
        let reader = io::BufReader::with_capacity(64 << 10, reader);
        let bundle = trusted(file, reader, len, &trust)?;
        let bar = out.bar("reading", bundle.len());
        let proved = bundle.index(&bar).map_err(|e| Failure::about(file.display(), &e))?;
        drop(bar);
        out.say(format_args!("release {} is signed by a key that you trust", proved.release.id()));
        bundles.push(BundleContent::new(served, &proved));
    }
    Ok(Arc::new(of_bundles(bundles)))
}
