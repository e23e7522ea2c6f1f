//! Other descriptions of applications: any bytes are converted or refused. What comes of them is a template, or says where it
//! is none yet.
//!
//! The first byte chooses: a compose file, Kubernetes objects, or the `metadata.json` of an export of Rainbond.
#![no_main]

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use bundle_format::template::{Manifest, Template};
use libfuzzer_sys::fuzz_target;
use packer::convert::{ConvertError, Draft, Naming, NoteKind, from_compose, from_objects, from_rainbond};

/// A folder of this process with what the compose file of the tests names: the converters read files.
static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap_or_else(|e| panic!("{e}")).keep();
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/convert/compose/shop/input"), &folder);
    folder
});

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).into_iter().flatten().flatten() {
        let (path, to) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            std::fs::create_dir(&to).unwrap_or_else(|e| panic!("{e}"));
            copy(&path, &to);
        } else {
            std::fs::copy(&path, &to).map(drop).unwrap_or_else(|e| panic!("{e}"));
        }
    }
}

fn convert(choice: u8, bytes: &[u8]) -> Option<Result<Draft, ConvertError>> {
    let naming = Naming { name: "app".parse().ok(), version: None };
    let file = |name: &str| {
        let path = FOLDER.join(name);
        std::fs::write(&path, bytes).unwrap_or_else(|e| panic!("{e}"));
        path
    };
    Some(match choice % 3 {
        0 => from_compose(&file("compose.yaml"), &naming),
        1 => from_objects(Manifest::parse(bytes).ok()?.into_objects(), &naming),
        _ => {
            file("metadata.json");
            from_rainbond(&FOLDER, &naming)
        }
    })
}

fuzz_target!(|bytes: &[u8]| {
    let Some((choice, rest)) = bytes.split_first() else { return };
    let draft = match convert(*choice, rest) {
        Some(Ok(draft)) => draft,
        Some(Err(e)) => return assert!(!e.to_string().is_empty()),
        None => return,
    };
    let (text, notes) = draft.yaml("from", "somewhere").unwrap_or_else(|e| panic!("no words: {e}"));
    let invalid = notes.iter().any(|note| note.kind == NoteKind::Invalid);
    let checked = Template::check(text.as_bytes());
    assert_eq!(checked.template.is_none(), invalid, "{:?}\n{text}", checked.problems);
    if let Some(template) = checked.template {
        assert_eq!(template, draft.template, "{text}");
    }
});
