//! Every blob, on all cores.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use bundle_format::walk::Progress;

use super::prove::{Verdict, prove};
use super::throttle::Throttle;
use super::{Checked, Finding, FsckOptions};
use crate::digest::ContentDigest;
use crate::store::{Store, StoreError};

impl Store {
    pub(super) fn check_blobs(
        &self,
        blobs: &[(ContentDigest, u64)],
        options: &FsckOptions,
        throttle: &Throttle,
        progress: &dyn Progress,
    ) -> Result<Checked, StoreError> {
        let next = AtomicUsize::new(0);
        let checked = Mutex::new(Ok(Checked::default()));
        let one = || {
            while let Some((digest, _)) = blobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                let verdict = prove(self, digest, throttle, progress);
                let found = self.judge(digest, verdict, options.dry_run);
                let mut checked = checked.lock().unwrap_or_else(PoisonError::into_inner);
                match (found, checked.as_mut()) {
                    (Ok(Some((len, finding))), Ok(checked)) => {
                        checked.blobs += 1;
                        checked.bytes = checked.bytes.saturating_add(len);
                        checked.findings.extend(finding);
                    }
                    (Ok(None), Ok(_)) => {}
                    (Err(error), Ok(_)) => {
                        *checked = Err(error);
                        return;
                    }
                    (_, Err(_)) => return,
                }
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..options.jobs.get().min(blobs.len()) {
                scope.spawn(one);
            }
        });
        let mut checked = checked.into_inner().unwrap_or_else(PoisonError::into_inner)?;
        checked.findings.sort_by_key(|finding| finding.digest().copied());
        Ok(checked)
    }

    /// The bytes that were read, and what is wrong with them; nothing for a blob that was not read.
    fn judge(
        &self,
        digest: &ContentDigest,
        verdict: Verdict,
        dry_run: bool,
    ) -> Result<Option<(u64, Option<Finding>)>, StoreError> {
        Ok(match verdict {
            Verdict::Sound(len) => Some((len, None)),
            Verdict::Gone | Verdict::Cancelled => None,
            Verdict::Flaky(why, len) => Some((len, Some(Finding::Flaky { digest: *digest, why }))),
            Verdict::Unreadable(why) => {
                let finding = Finding::Damaged { digest: *digest, why, quarantined: false, needed_by: Vec::new() };
                Some((0, Some(finding)))
            }
            Verdict::Bad { why, stamp, file } => {
                let len = file.metadata().map_or(0, |m| m.len());
                let quarantined = !dry_run && self.publishing()?.set_aside(digest, stamp)?;
                // Neither set aside nor the same file: it was healed or removed while it was read.
                let is_same = quarantined || self.is_still(digest, stamp)?;
                let finding = Finding::Damaged { digest: *digest, why, quarantined, needed_by: Vec::new() };
                is_same.then_some((len, Some(finding)))
            }
        })
    }
}
