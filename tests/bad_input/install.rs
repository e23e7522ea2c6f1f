//! Installations that are refused, and installing again.

use super::common::{Shop, tree};

const INSTALL: &str = "install shop --site site -n team-a --target dir:out";

#[test]
fn what_is_installed_must_be_there_and_be_named_well() {
    let shop = Shop::imported();
    let install = |name: &str, rest: &str| format!("install {name} --site site {rest}");
    let well = "-n team-a --target dir:out";
    for (why, line, exit, code, names) in [
        ("another template", install("web", well), 6, "E-NOT-FOUND", ["does not hold web", "shop:1.0.0"].as_slice()),
        ("another version", install("shop:2.0.0", well), 6, "E-NOT-FOUND", &["shop:2.0.0", "shop:1.0.0"]),
        (
            "no target of a known kind",
            install("shop", "-n a --target podman:x"),
            2,
            "E-USAGE",
            &["--target podman:x", "dir:PATH", "kube:CONTEXT"],
        ),
        ("nonsense", install("shop", "-n a --target nonsense:x"), 2, "E-USAGE", &["nonsense:x", "dir:PATH"]),
        ("no folder", install("shop", "-n a --target dir:"), 2, "E-USAGE", &["--target dir:", "dir:PATH"]),
        ("no namespace", install("shop", "-n Team_A --target dir:out"), 2, "E-USAGE", &["--namespace"]),
        ("no address", install("shop", &format!("{well} --registry a_b")), 2, "E-USAGE", &["--registry a_b"]),
        ("no component", install("shop", &format!("{well} --with Report!")), 2, "E-USAGE", &["--with"]),
    ] {
        eprintln!("{why}");
        shop.refuses(&line, exit, code, names);
    }
    let ran =
        shop.sealift(&install("shop", &format!("{well} --with cache"))).refused(6, "E-NOT-FOUND", &["cache", "report"]);
    assert!(!shop.path("out/00-namespace.yaml").exists(), "{ran:#?}");
}

#[test]
fn files_of_others_are_never_overwritten() {
    let shop = Shop::imported();
    shop.write("out/50-004-deployment-web.yaml", b"precious");
    shop.write("out/notes.txt", b"not in the way");
    shop.refuses(INSTALL, 6, "E-EXISTS", &["50-004-deployment-web.yaml", "not from this installation"]);
    std::fs::remove_file(shop.path("out/50-004-deployment-web.yaml")).unwrap();
    shop.sealift(INSTALL).ok();
    assert_eq!(shop.read("out/notes.txt"), b"not in the way");
    shop.write("file", b"");
    shop.refuses("install shop --site site -n team-b --target dir:file", 1, "E-IO", &["file"]);
    // Another installation's files are foreign too.
    shop.refuses("install shop --site site -n team-b --target dir:out", 6, "E-EXISTS", &["00-namespace.yaml"]);
}

#[test]
fn installing_again_keeps_the_secrets_and_makes_no_record_of_nothing() {
    let shop = Shop::imported();
    shop.sealift(INSTALL).ok();
    let contents = || tree(&shop.path("out")).into_iter().map(|(n, f)| (n, f.unwrap().content)).collect::<Vec<_>>();
    let first = contents();
    let again = shop.sealift(&format!("{INSTALL} --json")).ok().json();
    assert_eq!((&again["record"]["number"], &again["empty"]), (&1.into(), &true.into()), "{again:#}");
    assert_eq!(again["recorded"], false);
    assert_eq!(contents(), first, "every file, with every secret");
    // What is no manifest any more is not guessed at.
    let session = shop.read("out/10-secret-session.yaml");
    shop.write("out/10-secret-session.yaml", b"changed");
    shop.refuses(INSTALL, 6, "E-SITE-DAMAGED", &["10-secret-session.yaml"]);
    shop.write("out/10-secret-session.yaml", &session);
    // A file that was lost comes back as it was.
    std::fs::remove_file(shop.path("out/10-secret-db.yaml")).unwrap();
    shop.sealift(&format!("{INSTALL} --with report")).ok();
    let with_report = contents();
    assert!(with_report.len() > first.len());
    assert!(first.iter().all(|file| with_report.contains(file)));
    shop.sealift(INSTALL).ok();
    assert_eq!(contents(), with_report, "a module stays on until it is switched off");
    shop.sealift(&format!("{INSTALL} --without report")).ok();
    let report = contents().into_iter().find(|(name, _)| name.ends_with("deployment-report.yaml")).unwrap().0;
    let text = String::from_utf8(shop.read(&format!("out/{report}"))).unwrap();
    assert!(text.contains("replicas: 0"), "what is switched off is scaled to nothing: {text}");
    assert!(shop.path("out/30-pvc-report-reports.yaml").exists(), "and keeps its data");
    assert_eq!(shop.list("site")["installations"][0]["record"], 3);

    shop.sealift("install shop --site site -n team-b --target dir:other").ok();
    assert_ne!(shop.read("out/10-secret-db.yaml"), shop.read("other/10-secret-db.yaml"), "teams share no secret");
    let mode = |file: &str| tree(&shop.path("out"))[file].clone().unwrap().mode & 0o777;
    assert_eq!((mode("10-secret-db.yaml"), mode("40-service-web.yaml")), (0o600, 0o644));
}

#[test]
fn an_installation_does_not_move_or_change_version_by_itself() {
    let shop = Shop::imported();
    shop.sealift(INSTALL).ok();
    let elsewhere = INSTALL.replace("dir:out", "dir:elsewhere");
    let ran = shop.sealift(&elsewhere).refused(6, "E-EXISTS", &["shop", "dir:", "/out"]);
    assert!(!shop.path("elsewhere").exists(), "no folder was made: {ran:#?}");
    shop.edit("version: \"1.0.0\"", "version: \"1.1.0\"");
    shop.sealift("pack sealift.yaml -o next.sealift --key vendor.pem").ok();
    shop.sealift("import next.sealift --key vendor.pub --site site").ok();
    let out = tree(&shop.path("out"));
    shop.sealift(INSTALL).refused(6, "E-EXISTS", &["shop 1.0.0 is installed in team-a", "another namespace"]);
    assert_eq!(tree(&shop.path("out")), out);
    shop.sealift(&INSTALL.replace("install shop", "install shop:1.0.0")).ok();
}
