//! A site's values: any bytes are read or refused, as a file and as `PATH=VALUE`. What is taken is in force, and renders.
//!
//! The first byte chooses: an even one takes the rest as a file of values, an odd one each line as what is behind `--set`.
#![no_main]

mod site;

use std::collections::BTreeSet;
use std::io;

use bundle_format::Coded as _;
use importer::plan::{Attributes, Overlay, Values, ValuesError, ValuesInput, effective};
use importer::render::RenderError;
use libfuzzer_sys::fuzz_target;
use site::VERSION;

fn file(name: &str) -> io::Result<Vec<u8>> {
    match name {
        "text" => Ok(b"from a file\n".to_vec()),
        "bytes" => Ok(vec![0xff, 0]),
        _ => Err(io::ErrorKind::NotFound.into()),
    }
}

fn input(overlay: &Overlay) -> ValuesInput<'_> {
    ValuesInput { template: &VERSION.template, documents: &VERSION.documents, overlay, read: &file }
}

fn refused(error: &ValuesError) {
    let said = format!("{error} {:?} {:?}", error.code(), error.hint());
    assert!(said.len() < 1 << 20, "a refusal of {} bytes", said.len());
}

/// Values as the command takes them: each of several over those before it.
fn read(choice: u8, rest: &[u8]) -> Result<Values, ValuesError> {
    let mut all = Values::default();
    if choice % 2 == 0 {
        return Values::parse(rest, &input(&Overlay::default()));
    }
    for line in String::from_utf8_lossy(rest).lines().take(8) {
        let more = Values::parse_set(line, &input(&all.overlay))?;
        all.overlay = all.overlay.under(more.overlay);
        all.enabled.extend(more.enabled);
    }
    Ok(all)
}

fuzz_target!(|bytes: &[u8]| {
    let Some((choice, rest)) = bytes.split_first() else { return };
    let values = match read(*choice, rest) {
        Ok(values) => values,
        Err(e) => return refused(&e),
    };
    let vendor = Attributes::of(&VERSION.template, &VERSION.documents).unwrap_or_else(|e| panic!("{e}"));
    let in_force = values.overlay.applied_to(&vendor);
    let version = effective(&VERSION.template, &VERSION.documents, &in_force);
    let version = version.unwrap_or_else(|e| panic!("taken, and not in force: {e}"));
    let enabled: BTreeSet<_> = values.enabled.into_iter().filter_map(|(name, on)| on.then_some(name)).collect();
    match site::rendered(&version.template, &version.documents, &enabled) {
        Ok(files) => site::hold_together(&files),
        // How much fits into an object is seen when it is made.
        Err(RenderError::ConfigTooLarge { .. } | RenderError::TooManyVariables { .. }) => {}
        Err(e) => panic!("taken, and not rendered: {e}"),
    }
    // What is in force is what a record keeps, and what the next plan is computed from.
    let kept = Overlay::between(&vendor, &in_force);
    let text = serde_json::to_vec(&kept).unwrap_or_else(|e| panic!("{e}"));
    let again: Overlay =
        serde_json::from_slice(&text).unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&text)));
    assert_eq!(again, kept);
});
