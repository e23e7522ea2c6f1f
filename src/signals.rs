//! SIGINT and SIGTERM: the first asks the work to end by itself, a second one ends the process at once.

use std::io;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};

use bundle_format::Code;
use signal_hook::consts::{SIGINT, SIGTERM};

use crate::failure::Failure;

/// The signals. Not SIGHUP, which nohup wants ignored.
pub const ENDING: [i32; 2] = [SIGINT, SIGTERM];

/// Becomes true with the first of these signals. Until this is called, the first ends the process.
pub fn asked_to_end() -> Result<Arc<AtomicBool>, Failure> {
    // One for the process: what asks later has been asked as well.
    static ASKED: OnceLock<Arc<AtomicBool>> = OnceLock::new();
    if let Some(asked) = ASKED.get() {
        return Ok(Arc::clone(asked));
    }
    let failure = |e: io::Error| Failure::new(Code::Io, format_args!("signals cannot be handled: {e}"));
    let asked = Arc::new(AtomicBool::new(false));
    for signal in ENDING {
        signal_hook::flag::register_conditional_default(signal, Arc::clone(&asked)).map_err(failure)?;
        signal_hook::flag::register(signal, Arc::clone(&asked)).map_err(failure)?;
    }
    Ok(Arc::clone(ASKED.get_or_init(|| asked)))
}
