//! The data of an installation: what its claims hold (spec/installation.md section 5).

use std::io::{Read, Write};
use std::time::Duration;

use bundle_format::Digest;
use serde_json::Value;

use super::{ObjectId, TargetError, Watch};

/// The pod that reads and writes claims. Its image has `sh`, `head`, `sleep` and `tar` on its `PATH`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Helper {
    /// Its image, as pods name it.
    pub image: String,
    /// The Secret that holds the login for the image's registry.
    pub pull_secret: Option<String>,
}

/// What a claim holds that is to be filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filled {
    /// It is not there.
    Absent,
    /// Filling it with this content was begun.
    Begun,
    /// It was filled with this content.
    Done,
    /// Something else.
    Other,
}

/// A target whose claims can be read and filled.
pub trait Data {
    /// Names of the installation's claims, sorted.
    ///
    /// # Errors
    /// [`TargetError`].
    fn claims(&self) -> Result<Vec<String>, TargetError>;

    /// Stops workloads, one after the other, and waits until no pod mounts any of `claims`. Each says durably how many replicas it had
    /// before it is stopped, so that [`Data::start`] starts it also after a kill.
    ///
    /// # Errors
    /// [`TargetError`]: what time may cure was retried for `patience`; the pod that still mounts one is named.
    fn stop(
        &mut self,
        workloads: &[ObjectId],
        claims: &[String],
        patience: Duration,
        watch: &dyn Watch,
    ) -> Result<(), TargetError>;

    /// Starts those of `workloads` again that were stopped. Returns them.
    ///
    /// # Errors
    /// [`TargetError`].
    fn start(
        &mut self,
        workloads: &[ObjectId],
        patience: Duration,
        watch: &dyn Watch,
    ) -> Result<Vec<ObjectId>, TargetError>;

    /// Writes what a claim holds to `out`, as a tar. Returns its bytes.
    ///
    /// # Errors
    /// [`TargetError`]; also when `out` fails, which then knows why.
    fn read(
        &mut self,
        claim: &str,
        helper: &Helper,
        patience: Duration,
        watch: &dyn Watch,
        out: &mut dyn Write,
    ) -> Result<u64, TargetError>;

    /// Whether a claim is filled with the content of this digest.
    ///
    /// # Errors
    /// [`TargetError`].
    fn filled(&self, claim: &str, content: &Digest) -> Result<Filled, TargetError>;

    /// Makes a claim that is to be filled, unless that was begun; `content` is what [`Data::filled`] knows it by. Until it is filled
    /// nothing is installed on it.
    ///
    /// # Errors
    /// [`TargetError`].
    fn begin(
        &mut self,
        claim: &Value,
        content: &Digest,
        patience: Duration,
        watch: &dyn Watch,
    ) -> Result<(), TargetError>;

    /// Fills a claim that was begun with a tar of `size` bytes.
    ///
    /// # Errors
    /// [`TargetError`]; also when `tar` fails, or ends early.
    fn fill(&mut self, claim: &str, content: (&Digest, u64), fill: Fill<'_>) -> Result<(), TargetError>;
}

/// What filling a claim takes.
pub struct Fill<'a> {
    /// The pod.
    pub helper: &'a Helper,
    /// The tar.
    pub tar: &'a mut dyn Read,
    /// How long each wait may take.
    pub patience: Duration,
    /// Who watches.
    pub watch: &'a dyn Watch,
}
