//! What machines read: `--json` of every verb and of every failure; what `-q` leaves out; pipes that are closed.

use std::process::Stdio;

use serde_json::Value;

use super::common::{Background, IMPORT, PACK, Shop};

#[test]
fn every_verb_gives_one_json_document() {
    let shop = Shop::new();
    for (line, members) in [
        ("keygen --no-passphrase -o new", &["privateKey", "publicKey", "keyId", "encrypted"][..]),
        ("template init new.yaml", &["template"]),
        ("template check sealift.yaml", &["file", "ok", "problems"]),
        ("template schema", &["$schema", "title"]),
        (
            PACK,
            &["bundle", "size", "releaseId", "name", "version", "revision", "digest", "channel", "issuedAt", "images"],
        ),
        ("inspect shop.sealift", &["signaturesChecked", "signers", "size", "members", "releaseId"]),
        (
            "verify shop.sealift --key vendor.pub",
            &["verified", "signedBy", "size", "members", "platforms", "releaseId"],
        ),
        (IMPORT, &["target", "releaseId", "label", "digest", "images", "blobsWritten", "bytesWritten", "blobsPresent"]),
        ("list --site site", &["site", "templates", "installations"]),
        (
            "install shop --site site -n team --target dir:out",
            &["name", "to", "namespace", "target", "record", "components", "steps"],
        ),
        ("demo", &["dir", "steps"]),
        ("output-schema", &["$schema", "title"]),
    ] {
        let json = shop.sealift(&format!("{line} --json")).ok().json();
        for member in members {
            assert!(json.get(member).is_some(), "{line} has no {member}: {json}");
        }
    }
    assert!(shop.sealift("errors --json").ok().json().as_array().unwrap().len() > 30);
}

#[test]
fn every_failure_gives_one_json_document() {
    let shop = Shop::packed();
    shop.write("empty", b"");
    shop.write("bad.yaml", b"kind: Template\n");
    for (line, exit, code) in [
        ("keygen --no-passphrase -o vendor", 6, "E-EXISTS"),
        ("template init sealift.yaml", 6, "E-EXISTS"),
        ("template check bad.yaml", 5, "E-TEMPLATE"),
        (PACK, 6, "E-EXISTS"),
        ("inspect empty", 4, "E-EMPTY"),
        ("verify shop.sealift", 3, "E-NO-KEY"),
        ("import shop.sealift --key vendor.pub --site docs", 6, "E-NOT-A-SITE"),
        ("import shop.sealift --key vendor.pub --registry ftp://x", 2, "E-USAGE"),
        ("import shop.sealift --key vendor.pub --registry http://127.0.0.1:1", 7, "E-REGISTRY"),
        ("list --site gone", 6, "E-NOT-A-SITE"),
        ("install shop --site gone -n a --target dir:out", 6, "E-NOT-A-SITE"),
        ("registry serve --site gone --read-only", 6, "E-NOT-A-SITE"),
    ] {
        let ran = shop.refuses(&format!("{line} --json"), exit, code, &[]);
        let error = &ran.json()["error"];
        assert_eq!((&error["code"], &error["exit"]), (&Value::from(code), &Value::from(exit)), "{line}");
        let message = error["message"].as_str().unwrap();
        assert!(!message.is_empty() && ran.stderr.contains(message), "{line}: stderr says it too: {ran:#?}");
        assert!(error.as_object().unwrap().contains_key("hint"), "{line}");
    }
    // What cannot even be parsed; stderr then has the parser's own words.
    for (line, message) in [
        ("", "a verb is missing"),
        ("registry", "a verb is missing"),
        ("unpack", "unrecognized subcommand 'unpack'"),
        ("pack", "the following required arguments were not provided: --output <FILE> --key <FILE> <TEMPLATE>"),
        ("list --site a --color", "unexpected argument '--color' found"),
        ("registry serve --site site --listen nowhere", "invalid value 'nowhere' for '--listen <ADDR>'"),
    ] {
        let ran = shop.sealift(&format!("{line} --json"));
        let error = &ran.json()["error"];
        assert_eq!((ran.exit, &error["code"], &error["exit"]), (Some(2), &"E-USAGE".into(), &2.into()), "{ran:#?}");
        assert!(error["message"].as_str().unwrap().starts_with(message), "{line}: {error}");
    }
    assert!(shop.sealift("pack --help --json").ok().stdout.starts_with("Pack a template version"));
    let details = shop.sealift("template check bad.yaml --json").json()["error"]["details"].clone();
    let problem = &details[0];
    for member in ["line", "column", "path", "severity", "code", "message"] {
        assert!(problem.get(member).is_some(), "a problem has no {member}: {details}");
    }
}

#[test]
fn quiet_is_silent_on_stderr() {
    let shop = Shop::new();
    shop.write("passphrase", b"correct horse");
    for line in [
        "keygen -o new --passphrase-file passphrase",
        PACK,
        "verify shop.sealift --key vendor.pub",
        "inspect shop.sealift --key vendor.pub",
        IMPORT,
        "list --site site",
        "install shop --site site -n team --target dir:out",
    ] {
        let ran = shop.sealift(&format!("{line} -q")).ok();
        assert_eq!(ran.stderr, "", "{line}");
        assert_ne!(ran.stdout, "", "{line}: the result is no commentary");
    }
    shop.refuses("verify shop.sealift -q", 3, "E-NO-KEY", &[]);
}

#[test]
fn a_reader_who_stops_reading_causes_no_panic() {
    let shop = Shop::imported();
    for line in [
        "--help",
        "errors",
        "errors --json",
        "template schema",
        "completions bash",
        "completions zsh",
        "man",
        "inspect shop.sealift",
        "list --site site",
        "verify shop.sealift",
    ] {
        let mut command = shop.command(line);
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let out = command.stdout(writer).stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
        let stderr = String::from_utf8_lossy(&out.stderr);
        assert!(!stderr.contains("panicked"), "{line}: {stderr}");
        assert_eq!(out.status.code(), Some(if line.starts_with("verify") { 3 } else { 0 }), "{line}: {stderr}");
    }
}

#[test]
fn a_result_that_cannot_be_written_is_a_failure() {
    let shop = Shop::imported();
    for line in ["errors", "list --site site --json", "completions fish", "verify shop.sealift --key vendor.pub -q"] {
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let out = shop.command(line).stdout(full).stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
        let stderr = String::from_utf8_lossy(&out.stderr);
        assert_eq!(out.status.code(), Some(1), "{line}: {stderr}");
        assert!(stderr.starts_with("error[E-IO]: writing to stdout: No space left"), "{line}: {stderr}");
    }
}

#[test]
fn a_server_whose_listener_on_stderr_has_gone_goes_on() {
    let shop = Shop::imported();
    let (reader, writer) = std::io::pipe().unwrap();
    let mut command = shop.command("registry serve --site site --listen 127.0.0.1:0");
    let mut child = command.stdout(Stdio::piped()).stderr(writer).spawn().unwrap();
    drop((command, reader));
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(child.stdout.take().unwrap()), &mut line).unwrap();
    let address = line.trim().rsplit_once("http://").unwrap().1.to_owned();
    for path in ["v2/", "v2/none/manifests/x", "v2/"] {
        use std::io::{Read as _, Write as _};
        let mut connection = std::net::TcpStream::connect(&address).unwrap();
        write!(connection, "GET /{path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 "), "{path}: {answer:?}");
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn an_address_in_use_is_named() {
    let shop = Shop::imported();
    let mut server = Background::start(&mut shop.command("registry serve --site site --listen 127.0.0.1:0"));
    let address = server.address();
    let line = format!("registry serve --site site --read-only --listen {address}");
    shop.refuses(&line, 1, "E-IO", &[&address, "--listen"]);
}
