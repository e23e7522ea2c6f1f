//! `sealift registry mirrors`

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use bundle_format::Code;
use registry_lite::mirrors::{
    CaCertificates, ConfigFile, Configuration, Login, Mirror, Mode, Place, RegistryHost, configuration,
};
use registry_lite::store::{Readable, replace};
use zeroize::Zeroizing;

use super::images::{held, site_ca};
use crate::args::Mirrors;
use crate::failure::Failure;
use crate::files::read_limited;
use crate::output::Output;
use crate::report::{MirrorFile, MirrorsReport};

/// Most bytes of a file of certificates, and of one that is compared with what would be written there.
const FILE_BYTES: u64 = 1 << 20;
/// Most bytes of a file with a password.
const PASSWORD_BYTES: u64 = 64 << 10;

pub fn run(args: &Mirrors, out: &Output) -> Result<(), Failure> {
    let registries = registries(args)?;
    let mirror = mirror(args)?;
    let made = configuration(args.client, &mirror, &registries);
    let written = match &args.output {
        Some(dir) => Some(write(dir, &made.files, args.force)?),
        None => None,
    };
    out.data(&report(&made, &mirror, &registries, written.as_deref()), |text| match &written {
        Some(written) => {
            for (path, changed) in written {
                let how = if *changed { "written  " } else { "the same " };
                text.push_str(&format!("{how}{}\n", path.display()));
            }
        }
        None => {
            for file in &made.files {
                let mode = if file.mode == Mode::Secret { " (mode 0600)" } else { "" };
                text.push_str(&format!("### {}{mode}\n{}\n", file.place, file.content));
            }
        }
    })?;
    for step in &made.steps {
        out.say(format_args!("do: {step}"));
    }
    for note in &made.notes {
        out.say(format_args!("note: {note}"));
    }
    Ok(())
}

/// The hosts that content came from, or that were named.
fn registries(args: &Mirrors) -> Result<BTreeSet<RegistryHost>, Failure> {
    let images = held(args.site.as_deref(), args.bundle.as_deref(), &args.keys)?;
    let mut registries: BTreeSet<RegistryHost> = images.iter().map(|wanted| RegistryHost::of(&wanted.image)).collect();
    for host in &args.hosts {
        registries.insert(host.parse()?);
    }
    match registries.is_empty() {
        true => Err(Failure::new(Code::NotFound, "there is no image of another registry, so no mirror to configure")
            .hint("import a bundle first, or name registries with --host")),
        false => Ok(registries),
    }
}

fn mirror(args: &Mirrors) -> Result<Mirror, Failure> {
    let mut mirror: Mirror = args.mirror.parse()?;
    let default = if mirror.is_secure() { site_ca(args.site.as_deref()) } else { None };
    if let Some(file) = args.ca.clone().or(default) {
        let about = |e| Failure::about(file.display(), &e);
        let ca = CaCertificates::from_pem(&read_limited(&file, FILE_BYTES)?).map_err(about)?;
        mirror = mirror.trusting(ca).map_err(about)?;
    }
    if let (Some(user), Some(file)) = (&args.user, &args.password_file) {
        let bytes = Zeroizing::new(read_limited(file, PASSWORD_BYTES)?);
        let text = std::str::from_utf8(&bytes)
            .map_err(|_| Failure::new(Code::Usage, format_args!("{}: the password is not text", file.display())))?;
        // One line, as an editor or `echo` ends it.
        let login = Login::new(user, text.trim_end_matches(['\n', '\r']));
        mirror = mirror.as_user(login.map_err(|e| Failure::about(file.display(), &e))?);
    }
    Ok(mirror)
}

/// Writes the files below `dir`, all or, where one of them is in the way, none; says of each whether it changed.
fn write(dir: &Path, files: &[ConfigFile], force: bool) -> Result<Vec<(PathBuf, bool)>, Failure> {
    let mut todo = Vec::new();
    for file in files {
        let path = dir.join(file.place.relative());
        let there = there(&path)?;
        let same = there.as_ref().is_some_and(|(content, _)| content == file.content.as_bytes());
        if there.is_some() && !same && !force {
            return Err(Failure::new(Code::Exists, format_args!("{} exists with other content", path.display()))
                .hint("merge the two by hand, or replace it with --force; nothing was written"));
        }
        let as_secret = file.mode == Mode::Public || there.is_none_or(|(_, bits)| bits & 0o077 == 0);
        todo.push((path, file, !(same && as_secret)));
    }
    let mut written = Vec::new();
    for (path, file, changed) in todo {
        if changed {
            let parent = path.parent().unwrap_or(dir);
            fs::create_dir_all(parent)
                .map_err(|e| Failure::new(Code::Io, format_args!("{}: {e}", parent.display())))?;
            let readable = if file.mode == Mode::Secret { Readable::ByOwner } else { Readable::ByOthers };
            replace(&path, file.content.as_bytes(), readable)?;
        }
        written.push((path, changed));
    }
    Ok(written)
}

/// What is at `path` already, and its permissions.
fn there(path: &Path) -> Result<Option<(Vec<u8>, u32)>, Failure> {
    match fs::metadata(path) {
        Ok(meta) if meta.is_file() && meta.len() <= FILE_BYTES => {
            Ok(Some((read_limited(path, FILE_BYTES)?, meta.permissions().mode())))
        }
        Ok(_) => Err(Failure::new(Code::Exists, format_args!("{} is there and is no such file", path.display()))
            .hint("move it away; nothing was written")),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(Failure::new(Code::Io, format_args!("{}: {e}", path.display()))),
    }
}

fn report(
    made: &Configuration,
    mirror: &Mirror,
    registries: &BTreeSet<RegistryHost>,
    written: Option<&[(PathBuf, bool)]>,
) -> MirrorsReport {
    let file = |(i, file): (usize, &ConfigFile)| MirrorFile {
        path: file.place.to_string(),
        on_nodes: matches!(file.place, Place::Node(_)),
        mode: format!("{:04o}", file.mode.bits()),
        // A login that went into a file need not go into a log as well.
        content: (written.is_none() || file.mode == Mode::Public).then(|| file.content.clone()),
        written: written.and_then(|w| w.get(i)).map(|(path, _)| path.display().to_string()),
    };
    MirrorsReport {
        client: made.client.to_string(),
        mirror: mirror.url(),
        registries: registries.iter().map(ToString::to_string).collect(),
        files: made.files.iter().enumerate().map(file).collect(),
        steps: made.steps.clone(),
        notes: made.notes.clone(),
    }
}
