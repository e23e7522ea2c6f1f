//! Keys and passphrases.

use super::common::{PACK, Ran, Shop};

#[test]
fn a_passphrase_must_be_there_and_right() {
    let shop = Shop::new();
    shop.write("right", b"correct horse\n");
    shop.write("wrong", b"battery staple\n");
    shop.write("none", b"\n");
    shop.sealift("keygen -q -o sealed --passphrase-file right").ok();
    let pack = "pack sealift.yaml -o shop.sealift --key sealed.pem";
    for (line, code, exit, names) in [
        (format!("{pack} --passphrase-file wrong"), "E-PASSPHRASE", 3, &["sealed.pem", "does not open"][..]),
        (format!("{pack} --passphrase-file none"), "E-PASSPHRASE", 3, &["sealed.pem", "does not open"]),
        (pack.to_owned(), "E-PASSPHRASE", 3, &["sealed.pem", "no passphrase", "--passphrase-file"]),
        (format!("{pack} --passphrase-file gone"), "E-IO", 1, &["gone"]),
        ("keygen -o new".to_owned(), "E-PASSPHRASE", 3, &["--passphrase-file", "--no-passphrase"]),
        ("keygen -o new --passphrase-file none".to_owned(), "E-PASSPHRASE", 3, &["empty", "--no-passphrase"]),
    ] {
        shop.refuses(&line, exit, code, names);
    }
    let with = |passphrase: &str| Ran::of(shop.command(pack).env("SEALIFT_PASSPHRASE", passphrase));
    with("battery staple").refused(3, "E-PASSPHRASE", &["sealed.pem"]);
    with("correct horse").ok();
}

#[test]
fn a_key_file_must_be_of_the_kind_that_belongs_there() {
    let shop = Shop::packed();
    shop.write("empty", b"");
    shop.write("binary", &[0xff; 100]);
    shop.write("large", &[b'x'; 100_000]);
    shop.write("rsa.pub", b"-----BEGIN RSA PUBLIC KEY-----\nMAgCAQACAwEAAQ==\n-----END RSA PUBLIC KEY-----\n");
    shop.run("openssl genpkey -quiet -algorithm ed448 -out ed448.pem");
    shop.run("openssl pkey -in ed448.pem -pubout -out ed448.pub");
    for (verb, key, names) in [
        ("verify", "vendor.pem", ["vendor.pem", "private key", ".pub"].as_slice()),
        ("verify", "empty", &["empty", "not a public key"]),
        ("verify", "binary", &["binary", "not a text file"]),
        ("verify", "large", &["large", "at most"]),
        ("verify", "sealift.yaml", &["sealift.yaml", "not a public key"]),
        ("verify", "rsa.pub", &["rsa.pub", "not a public key"]),
        ("verify", "ed448.pub", &["ed448.pub", "not an Ed25519 key"]),
        ("inspect", "vendor.pem", &["vendor.pem", "private key"]),
        ("import --site site", "vendor.pem", &["vendor.pem", "private key"]),
        ("registry serve --listen 127.0.0.1:0 --bundle", "vendor.pem", &["vendor.pem", "private key"]),
        ("pack --force -o shop.sealift", "vendor.pub", &["vendor.pub", "public key", ".pem"]),
        ("pack --force -o shop.sealift", "ed448.pem", &["ed448.pem", "not an Ed25519 key"]),
        ("pack --force -o shop.sealift", "empty", &["empty", "not a private key"]),
    ] {
        let what = if verb.starts_with("pack") { "sealift.yaml" } else { "shop.sealift" };
        let what = if verb.ends_with("--bundle") {
            format!("shop.sealift --key {key}")
        } else {
            format!("{what} --key {key}")
        };
        shop.refuses(&format!("{verb} {what}"), 3, "E-KEY", names);
    }
    shop.refuses("verify shop.sealift --key gone.pub", 1, "E-IO", &["gone.pub", "No such file"]);
}

#[test]
fn nothing_is_proved_without_a_key_that_signed() {
    let shop = Shop::packed();
    shop.sealift("keygen -q --no-passphrase -o other").ok();
    for verb in ["verify shop.sealift", "import shop.sealift --site site"] {
        shop.refuses(verb, 3, "E-NO-KEY", &["no public key", "--key"]);
    }
    for verb in
        ["verify shop.sealift", "inspect shop.sealift", "registry serve --listen 127.0.0.1:0 --bundle shop.sealift"]
    {
        shop.refuses(&format!("{verb} --key other.pub"), 3, "E-UNTRUSTED", &["release.dsse.json", "ask the vendor"]);
    }
    shop.refuses("verify shop.sealift --key vendor.pub --key vendor.pub", 2, "E-USAGE", &["given twice"]);
}

#[test]
fn a_key_is_never_overwritten() {
    let shop = Shop::new();
    shop.refuses("keygen --no-passphrase -o vendor", 6, "E-EXISTS", &["vendor.pem", "never overwritten"]);
    std::fs::remove_file(shop.path("vendor.pem")).unwrap();
    shop.refuses("keygen --no-passphrase -o vendor", 6, "E-EXISTS", &["vendor.pub"]);
    shop.refuses("keygen --no-passphrase -o gone/key", 1, "E-IO", &["gone/key.pem"]);
    shop.refuses(PACK, 1, "E-IO", &["vendor.pem"]);
}

/// Runs `sealift` on a terminal of its own, on which `typed` is typed.
fn on_a_terminal(shop: &Shop, line: &str, typed: &str) -> Ran {
    let mut command = std::process::Command::new("script");
    command.args(["-qec", &format!("{} {line}", env!("CARGO_BIN_EXE_sealift")), "/dev/null"]);
    let mut run = super::common::Background::fed(shop.prepare(&mut command));
    run.feed(typed.as_bytes());
    let ran = run.end();
    assert!(ran.stdout.contains("passphrase"), "it asks: {ran:#?}");
    // A terminal has one output.
    Ran { stderr: ran.stdout.replace('\r', ""), ..ran }
}

#[test]
fn a_passphrase_is_asked_for_on_a_terminal() {
    if !super::common::have(&["script"]) {
        return;
    }
    let shop = Shop::new();
    on_a_terminal(&shop, "keygen -o sealed", "one\ntwo\n").refused(3, "E-PASSPHRASE", &["not the same"]);
    assert!(!shop.path("sealed.pem").exists());
    on_a_terminal(&shop, "keygen -o sealed", "correct horse\ncorrect horse\n").ok();
    let pack = "pack sealift.yaml -o shop.sealift --key sealed.pem";
    let refused = on_a_terminal(&shop, pack, "wrong\n").refused(3, "E-PASSPHRASE", &["passphrase of sealed.pem"]);
    assert!(!shop.path("shop.sealift").exists(), "{refused:#?}");
    on_a_terminal(&shop, pack, "correct horse\n").ok();
    shop.sealift("verify shop.sealift --key sealed.pub").ok();
}
