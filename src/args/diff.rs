//! What can be typed after `diff`.

use std::path::PathBuf;

use clap::Args as ClapArgs;

#[derive(Debug, ClapArgs)]
pub struct Diff {
    /// The bundle of the old version
    pub old: PathBuf,
    /// The bundle of the new version
    pub new: PathBuf,
    /// Check the signatures of both with this public key; may be given again
    #[arg(long = "key", value_name = "FILE")]
    pub keys: Vec<PathBuf>,
    /// Do not read layers, so name no files in them
    #[arg(long)]
    pub no_files: bool,
    /// Name every file, not the first 40 of an image; `--json` always names all
    #[arg(long, conflicts_with = "no_files")]
    pub all_files: bool,
}
