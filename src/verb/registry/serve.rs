//! `sealift registry serve`

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bundle_format::Code;
use registry_lite::server::{Config, Content, Metrics, Stop, serve};
use registry_lite::{Store, content};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::{log, process};
use crate::args::Serve;
use crate::failure::Failure;
use crate::files::{open_bundle_file, trusted};
use crate::keys::trust_root;
use crate::output::Output;
use crate::report::ServeReport;

pub fn run(args: &Serve, out: &Output) -> Result<(), Failure> {
    let Serve { site, bundle, keys, listen, log: form, log_requests } = args;
    let metrics = Arc::new(Metrics::default());
    let report = metrics.counting(log::faults(*form));
    let (what, content) = match (site, bundle) {
        (Some(dir), _) => (dir, content::of_site(Store::open(dir)?, Arc::clone(&report))?),
        (None, Some(file)) => (file, bundle_content(file, keys, out)?),
        (None, None) => return Err(Failure::new(Code::Usage, "either --site or --bundle is needed")),
    };
    for skipped in content.view().catalog.skipped() {
        out.warn(format_args!("not served: {skipped}"));
    }
    let config = Config { metrics, log: log::requests(*form, *log_requests), ..Config::new(report) };
    run_server(*listen, what, content, config, out)
}

fn run_server(
    listen: SocketAddr,
    what: &Path,
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
    let stopping = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register_conditional_default(signal, Arc::clone(&stopping)).map_err(failure)?;
    }
    let mut signals = Signals::new([SIGINT, SIGTERM]).map_err(failure)?;
    let stopper = stop.clone();
    std::thread::spawn(move || {
        for _ in signals.forever() {
            // Whoever waits for it may wait longer now; nothing depends on its being heard.
            let _ = process::notify("STOPPING=1");
            stopping.store(true, Ordering::Relaxed);
            stopper.stop();
        }
    });
    out.data(&ServeReport { listen: address.to_string(), content: what.display().to_string() }, |text| {
        text.push_str(&format!("serving {} on http://{address}\n", what.display()));
    })?;
    if !address.ip().is_loopback() {
        out.warn("this is plain http, without logins: whoever reaches the address can read; nobody can write");
    }
    if let Err(e) = process::notify("READY=1") {
        out.warn(format_args!("the service manager cannot be told that this is ready: {e}"));
    }
    serve(listener, content, config, &stop).map_err(failure)
}

/// Proves everything in a bundle but the content of layers, which clients check by their digests.
fn bundle_content(file: &Path, keys: &[PathBuf], out: &Output) -> Result<Arc<dyn Content>, Failure> {
    let trust = trust_root(keys)?;
    let (reader, len) = open_bundle_file(file)?;
    let served = reader.try_clone().map_err(|e| Failure::new(Code::Io, format_args!("{}: {e}", file.display())))?;
    let reader = io::BufReader::with_capacity(64 << 10, reader);
    let bundle = trusted(file, reader, len, &trust)?;
    let bar = out.bar("reading", bundle.len());
    let proved = bundle.index(&bar).map_err(|e| Failure::about(file.display(), &e))?;
    drop(bar);
    out.say(format_args!("release {} is signed by a key that you trust", proved.release.id()));
    Ok(Arc::new(content::of_bundle(served, &proved)?))
}
