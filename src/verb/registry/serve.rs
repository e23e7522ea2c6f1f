//! `sealift registry serve`

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bundle_format::Code;
use registry_lite::content::{BundleContent, Site, of_bundles};
use registry_lite::server::{Config, Content, Event, PushLimits, Pusher, Report, Stop, serve};
use registry_lite::store::FsckOptions;
use registry_lite::{Store, StoreError};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::args::Serve;
use crate::failure::Failure;
use crate::files::{open_bundle_file, trusted};
use crate::keys::trust_root;
use crate::output::{Output, talk};
use crate::report::ServeReport;

/// Bytes that a check in the background reads in a second: what a slow disk has left beside its clients.
const BACKGROUND_RATE: u64 = 50_000_000;

pub fn run(args: &Serve, out: &Output) -> Result<(), Failure> {
    let report: Report = Arc::new(|event: &Event<'_>| talk(&format!("registry: {event}")));
    let mut config = Config::new(Arc::clone(&report));
    let (what, content): (_, Arc<dyn Content>) = match &args.site {
        Some(dir) => {
            let (site, pusher) = open_site(dir, args.read_only, &report, out)?;
            config.pusher = pusher;
            if let Some(hours) = args.fsck_every {
                fsck_every(hours, site.store().clone(), args.read_only, Arc::clone(&report));
            }
            (dir.display().to_string(), site)
        }
        None => {
            let names: Vec<_> = args.bundles.iter().map(|file| file.display().to_string()).collect();
            (names.join(", "), bundle_content(&args.bundles, &args.keys, out)?)
        }
    };
    for skipped in content.view().catalog.skipped() {
        out.warn(format_args!("not served: {skipped}"));
    }
    run_server(args.listen, &what, content, config, out)
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
    let listener = TcpListener::bind(listen).map_err(failure)?;
    let address = listener.local_addr().map_err(failure)?;
    let stop = Stop::default();
    // The first signal lets answers under way end; a second one does not wait.
    let stopping = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register_conditional_default(signal, Arc::clone(&stopping)).map_err(failure)?;
    }
    let mut signals = Signals::new([SIGINT, SIGTERM]).map_err(failure)?;
    let stopper = stop.clone();
    std::thread::spawn(move || {
        for _ in signals.forever() {
            stopping.store(true, Ordering::Relaxed);
            stopper.stop();
        }
    });
    out.data(&ServeReport { listen: address.to_string(), content: what.to_owned() }, |text| {
        text.push_str(&format!("serving {what} on http://{address}\n"));
    })?;
    if !address.ip().is_loopback() {
        out.warn("this is plain http, without logins: whoever reaches the address can read; nobody can write");
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

/// Checks `store` at the start and every so many hours, in a thread that nobody waits for.
fn fsck_every(hours: NonZeroU32, store: Store, read_only: bool, report: Report) {
    let every = Duration::from_secs(u64::from(hours.get()) * 60 * 60);
    let options =
        FsckOptions { jobs: NonZeroUsize::MIN, rate: NonZeroU64::new(BACKGROUND_RATE), dry_run: read_only };
    std::thread::spawn(move || {
        loop {
            let begun = Instant::now();
            match store.fsck(&options, &()) {
                Ok(checked) => {
                    for finding in &checked.findings {
                        report(&Event::Finding { finding });
                    }
                }
                Err(error) => report(&Event::Finding { finding: &error }),
            }
            std::thread::sleep(every.saturating_sub(begun.elapsed()));
        }
    });
}
