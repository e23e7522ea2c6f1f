//! Signed statuses, as the user gives them.

use std::path::Path;

use bundle_format::Code;
use bundle_format::statement::{Mark, Predicate as _, Statement};
use importer::import::VerifiedStatus;

use crate::args::Statuses;
use crate::clock;
use crate::failure::Failure;
use crate::files::read_at_most;
use crate::keys::pinned;
use crate::output::Output;

/// How far a clock may run ahead before it is said, in seconds.
const AHEAD: u64 = 24 * 3600;

/// Reads the files, and believes each if all of the keys have signed it.
pub fn statuses(args: &Statuses, out: &Output) -> Result<Vec<VerifiedStatus>, Failure> {
    if args.statuses.is_empty() {
        return Ok(Vec::new());
    }
    let role = pinned(&args.qa_keys).map_err(|e| match e.code {
        Code::NoKey => {
            Failure::new(Code::NoKey, "no public key of whoever tests was given, so no status can be proved")
                .hint("give it with --qa-key FILE; it must have come to you on another way than the status")
        }
        _ => e,
    })?;
    let mut all = Vec::new();
    for file in &args.statuses {
        // One byte more than there may be: the envelope's reader says what is too long.
        let bytes = read_at_most(file, Mark::LIMIT.saturating_add(1))?;
        let status = Statement::<Mark>::verify(bytes, &role).map_err(|e| Failure::about(file.display(), &e))?;
        warn_of_the_future(file, &status, out);
        all.push(status);
    }
    Ok(all)
}

/// A status of a clock that runs ahead outranks what is said later (spec/status.md section 2.3).
fn warn_of_the_future(file: &Path, status: &VerifiedStatus, out: &Output) {
    let at = status.value().predicate().marked_at();
    let now = u64::try_from(clock::now().as_second()).unwrap_or_default();
    if at.unix_seconds() > now.saturating_add(AHEAD) {
        out.warn(format_args!(
            "{}: it says that it was marked at {at}, which is still to come by this machine's clock; whatever is marked before \
             that time will not count",
            file.display()
        ));
    }
}

/// The one of several about the same version that counts.
pub fn counting(all: &[VerifiedStatus]) -> Option<&VerifiedStatus> {
    all.iter().max_by_key(|status| (status.value().predicate().rank(), status.id()))
}
