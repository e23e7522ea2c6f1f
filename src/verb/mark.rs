//! `sealift mark`

use bundle_format::Code;
use bundle_format::statement::{Mark as Predicate, Note};
use bundle_format::template::Timestamp;
use bundle_format::trust::Verified;

use crate::args::Mark;
use crate::clock;
use crate::failure::Failure;
use crate::files::{open_trusted, write_new};
use crate::keys;
use crate::output::Output;
use crate::report::{MarkReport, MarkedReport};

pub fn run(args: &Mark, out: &Output) -> Result<(), Failure> {
    let report = mark(args)?;
    out.data(&report, |text| {
        text.push_str(&format!("marked   {} in {}\n", report.label, report.file));
        text.push_str(&format!("content  {}\n", report.digest));
        report.marked.write(text);
        for key in &report.marked.signed_by {
            text.push_str(&format!("signed   by key {key}\n"));
        }
    })?;
    out.say(format_args!("Who has the bundle needs {} too: `sealift import --status` takes it.", report.file));
    Ok(())
}

fn mark(args: &Mark) -> Result<MarkReport, Failure> {
    if args.output.exists() {
        return Err(Failure::new(Code::Exists, format_args!("{} exists already", args.output.display()))
            .hint("choose another name; nothing was overwritten"));
    }
    let note: Option<Note> = match args.note.as_deref() {
        Some(text) => Some(text.parse().map_err(|e| Failure::new(Code::Usage, format_args!("--note: {e}")))?),
        None => None,
    };
    let bundle = open_trusted(&args.bundle, &args.keys)?;
    let mut signers = Vec::new();
    for file in &args.signers {
        signers.push(keys::private_key(file, args.passphrase_file.as_deref())?);
    }
    let statement = Predicate::new(args.status.into(), note, marked_at()?).of(bundle.release().value());
    let signed = Verified::sign(statement, &signers.iter().collect::<Vec<_>>())?;
    write_new(&args.output, signed.envelope().bytes(), 0o644)?;
    Ok(MarkReport {
        file: args.output.display().to_string(),
        label: signed.value().subject_name().to_owned(),
        digest: signed.value().subject_digest().to_string(),
        marked: MarkedReport::of(&signed),
    })
}

/// `SOURCE_DATE_EPOCH`, or now.
fn marked_at() -> Result<Timestamp, Failure> {
    let at = clock::source_date_epoch()?.unwrap_or_else(clock::now);
    let text = at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    text.parse().map_err(|e| Failure::new(Code::Usage, format_args!("SOURCE_DATE_EPOCH: {e}")))
}
