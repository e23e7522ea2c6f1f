//! `sealift pack`

use std::collections::BTreeMap;
use std::path::Path;

use bundle_format::{Code, ImageRef, SourceError};
use packer::delta::Effort;
use packer::source::registry_image;
use packer::{DeltaOptions, IfExists, ImageSource, PackOptions, Plan, SourceSpec};
use registry_lite::client::Registry;

use super::registry::client_options;
use crate::args::{self, Pack};
use crate::clock::source_date_epoch;
use crate::failure::Failure;
use crate::keys;
use crate::output::{Output, bytes};
use crate::report::{ComparedReport, PackReport, ReleaseReport};

pub fn run(args: &Pack, out: &Output) -> Result<(), Failure> {
    let report = pack(args, out)?;
    out.data(&report, |text| {
        text.push_str(&format!("bundle   {} ({})\n", report.bundle, bytes(report.size)));
        report.release.write(text);
        if let Some(compared) = &report.compared {
            compared.write(report.size, text);
        }
    })
}

pub fn pack(args: &Pack, out: &Output) -> Result<PackReport, Failure> {
    let mut keys = Vec::new();
    for file in &args.keys {
        keys.push(keys::private_key(file, args.passphrase_file.as_deref())?);
    }
    let client = client_options(&args.client);
    let registry = |image: &ImageRef| -> Result<Box<dyn ImageSource>, SourceError> {
        let registry = Registry::connect(image.host(), &client)?;
        registry_image(&registry, image)
    };
    let plan = Plan::make(&PackOptions {
        template: &args.template,
        images: image_sources(&args.images)?,
        platforms: args.platforms.clone(),
        // No date at all without it, so that packing tomorrow gives the same bytes.
        issued_at: source_date_epoch()?.map(|at| at.to_string()),
        registry: &registry,
    })?;
    for (file, used) in plan.uncarried() {
        out.warn(format_args!(
            "{}: {} names {} at {}, which is not carried; if something runs it, add it to the template's `images`",
            file.display(),
            used.object,
            used.image,
            used.path
        ));
    }
    let temporary = args.output.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let (plan, travels) = match args.compact || !args.bases.is_empty() {
        true => {
            let effort = match args.effort {
                args::Effort::Fast => Effort::Fast,
                args::Effort::Default => Effort::Default,
                args::Effort::Best => Effort::Best,
            };
            let options = DeltaOptions { bases: &args.bases, effort, temporary };
            let bar = out.bar("compare", plan.work(&options)).interruptible()?;
            let (plan, travels) = plan.leaving(&options, &bar)?;
            out.say(format_args!("compared {}", bar.finish()));
            (plan, Some(travels))
        }
        false => (plan, None),
    };
    let signed = plan.sign(&keys.iter().collect::<Vec<_>>())?;
    let report = PackReport {
        bundle: args.output.display().to_string(),
        size: signed.len(),
        kind: signed.list().value().predicate().kind().text().to_owned(),
        compared: travels.map(|travels| ComparedReport::of(&travels, signed.len())),
        release: ReleaseReport::of(signed.release().id(), signed.release().value()),
    };
    let bar = out.bar("pack", signed.len()).interruptible()?;
    let if_exists = if args.force { IfExists::Replace } else { IfExists::Refuse };
    signed.write(&args.output, if_exists, &bar)?;
    out.say(format_args!("packed {}", bar.finish()));
    Ok(report)
}

fn image_sources(given: &[String]) -> Result<BTreeMap<ImageRef, SourceSpec>, Failure> {
    let mut sources = BTreeMap::new();
    for text in given {
        let usage = |why: &dyn std::fmt::Display| Failure::new(Code::Usage, format_args!("--image {text}: {why}"));
        let (name, source) = text.split_once('=').ok_or_else(|| usage(&"it is not NAME=SOURCE"))?;
        let name: ImageRef = name.parse().map_err(|e| usage(&e))?;
        let source = SourceSpec::parse(source, Path::new("")).map_err(|e| usage(&e))?;
        sources.insert(name, source);
    }
    Ok(sources)
}
