//! Which version an action takes (spec/status.md section 6).

use bundle_format::Digest;
use importer::engine::{Standing, Version};
use importer::holdings::find;
use importer::marks::{Choice, marks};
use registry_lite::Store;

use crate::args::Admission;
use crate::failure::Failure;
use crate::output::Output;
use crate::report::MarkedReport;

/// The version that `wanted` names, `NAME:TAG`; with `NAME` alone the highest that may be chosen, and not below what is installed.
pub fn version(
    store: &Store,
    wanted: &str,
    standing: &Standing,
    admission: &Admission,
    out: &Output,
) -> Result<Version, Failure> {
    let installed = standing.holds().map(|r| (&r.version, r.revision));
    let choice = Choice { withdrawn: admission.withdrawn, released_only: admission.require_released, installed };
    let chosen = find(store, wanted, choice)?;
    for refused in &chosen.passed_over {
        out.say(format_args!("passed over: {refused}"));
    }
    Ok(Version::of(store, &chosen.holding)?)
}

/// The status of the version whose index has `digest`. What stands in the way of reading it is said, and in nobody's way.
pub fn status_of(store: &Store, digest: &Digest, out: &Output) -> Option<MarkedReport> {
    match marks(store) {
        Ok(marks) => marks.get(digest).map(MarkedReport::held),
        Err(e) => {
            out.warn(e);
            None
        }
    }
}

/// Says so if the version `label`, whose index has `digest`, is withdrawn.
pub fn warn_if_withdrawn(store: &Store, digest: &Digest, label: &str, out: &Output) {
    let Some(status) = status_of(store, digest, out).filter(MarkedReport::is_withdrawn) else { return };
    let note = status.note.map(|note| format!(": {note}")).unwrap_or_default();
    out.warn(format_args!("{label} was withdrawn at {}{note}", status.marked_at));
}
