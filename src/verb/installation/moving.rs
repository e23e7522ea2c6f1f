//! `sealift export-installation` and `import-installation`.

use bundle_format::Code;
use importer::engine::Plan;
use importer::moving::{Export, Identities, Import, MoveError, Moved, Recipients};
use importer::target::Helper;

use super::act::{done, failure, hint_of_dir, told};
use super::choose;
use super::open::{forward, opened, plain, settings};
use super::told::Told;
use crate::args::{Acceptance, ExportInstallation, HelperArgs, ImportInstallation};
use crate::failure::Failure;
use crate::keys;
use crate::output::Output;
use crate::report::{ExportInstallationReport, ImportInstallationReport, MovedReport, PlanReport, Subject, write_plan};

pub fn export(args: &ExportInstallation, out: &Output) -> Result<(), Failure> {
    let key = keys::private_key(&args.key, args.passphrase_file.as_deref())?;
    let recipients = Recipients::parse(&args.encrypt_to)?;
    let mut opened = opened(&args.name, &args.place, false)?;
    let helper = if args.data { Some(helper(&args.helper)?) } else { None };
    let told = Told::ending(out)?;
    let mut engine = opened.engine(plain(args.timeout), &told);
    let export = Export { out: &args.output, key: &key, recipients: &recipients, data: helper.as_ref() };
    let written = engine.export(&export).map_err(explained)?;
    let report = ExportInstallationReport::of(args.output.display().to_string(), &written);
    out.data(&report, |text| report.write(text))?;
    out.say("The other site needs the vendor's bundle of this version too, this site's .pub key on another way, and an identity.");
    Ok(())
}

pub fn import(args: &ImportInstallation, out: &Output) -> Result<(), Failure> {
    let about = |e: MoveError| Failure::about(args.file.display(), &e);
    let trust = keys::trust_root(&args.keys).map_err(|e| match e.code {
        Code::NoKey => {
            e.hint("give the public key of the site that exported it with --key FILE; it must have come on another way")
        }
        _ => e,
    })?;
    let identity = keys::read_secret(&args.identity)?;
    let identities = Identities::parse(&identity).map_err(|e| Failure::about(args.identity.display(), &e))?;
    let moved = Moved::open(&args.file, &trust).map_err(about)?;
    let document = moved.document();
    if args.place.target.is_none() {
        return Err(Failure::new(Code::Usage, "--target is missing")
            .hint("an import is a first installation: say what it is to run on, as `kube` or `dir:PATH`"));
    }
    let mut opened = opened(document.name.as_str(), &args.place, args.how.adopt)?;
    let version = moved.version(&opened.store).map_err(about)?;
    choose::warn_if_withdrawn(&opened.store, &version.digest, &version.label(), out);
    let secrets = moved.secrets(&identities)?;
    let given = forward(&version, &moved.values(&secrets), &args.values, &Acceptance::default())?;
    let carries = !document.data.is_empty() && !args.no_data;
    // What a plan needs is all there without a pod.
    let helper = if carries && !args.how.dry_run { Some(helper(&args.helper)?) } else { None };
    let subject = Subject {
        name: opened.place.name.to_string(),
        namespace: opened.place.namespace.to_string(),
        target: opened.target.name(),
        from: None,
        to: version.version.tag(version.revision),
    };
    let told = told(out, args.how.dry_run)?;
    let mut engine = opened.engine(settings(&args.how, args.atomic)?, &told);
    let import = Import { moved: &moved, identities: &identities, data: helper.as_ref(), forward: given };
    let plan = if args.how.dry_run {
        let plan = engine.plan_import(&import).map_err(explained)?;
        if !out.json() {
            out.text(&write_plan(&subject, &plan))?;
        }
        PlanReport::of(subject, &plan, None)
    } else {
        let show = |plan: &Plan| out.say(write_plan(&subject, plan).trim_end());
        let outcome = engine.import(&import, &show).map_err(explained)?;
        PlanReport::of(subject, &outcome.plan, Some(&outcome))
    };
    let said = moved.statement();
    let exported = said.value().predicate();
    let report = ImportInstallationReport {
        signed_by: said.signers().iter().map(ToString::to_string).collect(),
        from_namespace: exported.from.namespace.clone(),
        from_target: exported.from.target.clone(),
        exported_at: exported.exported_at.clone(),
        installation: MovedReport::of(document, said.value().subject_digest().to_string()),
        data_left: args.no_data && !document.data.is_empty(),
        plan,
    };
    out.data(&report, |text| text.push_str(&done("imported", &report.plan)))?;
    hint_of_dir(&report.plan, out);
    Ok(())
}

fn helper(args: &HelperArgs) -> Result<Helper, Failure> {
    let image = args.helper_image.clone().ok_or(MoveError::NoHelper)?;
    Ok(Helper { image, pull_secret: args.helper_pull_secret.clone() })
}

fn explained(e: MoveError) -> Failure {
    match e {
        MoveError::Engine(e) => failure(e),
        other => Failure::from(other),
    }
}
