//! The medium that a bundle comes on: never written to, and read once from front to back.

use std::collections::HashMap;
use std::process::Command;

use super::common::files::assert_same;
use super::common::tmpfs::Tmpfs;
use super::common::{Background, Ran, Shop, have, tree};

#[test]
fn a_read_only_medium_is_enough_for_all_that_reads() {
    let shop = Shop::imported();
    let Some(medium) = Tmpfs::mount(&shop.path("medium"), "16m") else { return };
    std::fs::copy(shop.path("shop.sealift"), shop.path("medium/shop.sealift")).unwrap();
    shop.run("cp -r site medium/site");
    std::fs::create_dir(shop.path("medium/out")).unwrap();
    medium.remount("ro");
    let before = tree(shop.dir());
    for line in [
        "verify medium/shop.sealift --key vendor.pub",
        "inspect medium/shop.sealift --key vendor.pub",
        "inspect medium/shop.sealift",
        "list --site medium/site",
    ] {
        shop.sealift(line).ok();
        assert_same(&before, &tree(shop.dir()), line);
    }
    for content in ["--bundle medium/shop.sealift --key vendor.pub", "--site medium/site"] {
        let line = format!("registry serve --listen 127.0.0.1:0 {content}");
        let mut server = Background::start(&mut shop.command(&line));
        let host = server.address();
        if have(&["curl"]) {
            let tags = shop.run(&format!("curl -sf http://{host}/v2/registry.example/shop/web/tags/list"));
            assert!(String::from_utf8(tags).unwrap().contains("1.0.0"), "{line}");
        }
        server.signal("TERM");
        server.end().ok();
        shop.no_temporary_files();
        assert_same(&before, &tree(shop.dir()), &line);
    }
    shop.sealift("import medium/shop.sealift --key vendor.pub --site other").ok();
}

/// A system call of a trace: `name(arguments) = result`.
struct Call {
    name: String,
    arguments: String,
    result: i64,
}

/// Runs `line` under strace; gives its calls in order.
fn traced(shop: &Shop, line: &str, calls: &str) -> Vec<Call> {
    let trace = tempfile::NamedTempFile::new().unwrap();
    let mut command = Command::new("strace");
    // Whole calls on one line: -ff would split by thread, -f interrupts; a file for each thread keeps both apart.
    command.args(["-f", "-qq", "-s", "0", "-e", &format!("trace={calls}"), "-o"]).arg(trace.path());
    command.arg(env!("CARGO_BIN_EXE_sealift")).args(line.split(' '));
    Ran::of(shop.prepare(&mut command)).ok();
    let text = std::fs::read_to_string(trace.path()).unwrap();
    let mut unfinished: HashMap<String, String> = HashMap::new();
    let mut out = Vec::new();
    for line in text.lines() {
        let (process, line) = line.split_once(' ').unwrap();
        let line = line.trim_start();
        let line = match (line.split_once("<unfinished ...>"), line.split_once(" resumed>")) {
            (Some((begin, _)), _) => {
                unfinished.insert(process.to_owned(), begin.to_owned());
                continue;
            }
            (_, Some((_, end))) => unfinished.remove(process).unwrap() + end,
            _ => line.to_owned(),
        };
        let Some((call, result)) = line.rsplit_once(" = ") else { continue };
        let (name, arguments) = call.split_once('(').unwrap();
        let result = result.split_whitespace().next().unwrap().parse().unwrap_or(-1);
        out.push(Call { name: name.to_owned(), arguments: arguments.to_owned(), result });
    }
    out
}

#[test]
fn a_bundle_is_opened_once_and_read_once_from_front_to_back() {
    if !have(&["strace"]) {
        return;
    }
    let shop = Shop::large(2);
    shop.sealift("pack large.yaml -o large.sealift --key vendor.pem").ok();
    let size = i64::try_from(shop.read("large.sealift").len()).unwrap();
    let calls = "openat,open,read,readv,pread64,preadv,lseek,mmap,close";
    for line in ["verify large.sealift --key vendor.pub", "import large.sealift --key vendor.pub --site site"] {
        let calls = traced(&shop, line, calls);
        let opened: Vec<_> = calls.iter().filter(|c| c.arguments.contains("large.sealift")).collect();
        assert_eq!(opened.len(), 1, "{line}: opened once");
        assert!(opened[0].arguments.contains("O_RDONLY"), "{line}: {}", opened[0].arguments);
        let fd = opened[0].result.to_string();
        let start = calls.iter().position(|c| std::ptr::eq(c, opened[0])).unwrap();
        let of_bundle = calls[start + 1..]
            .iter()
            .filter(|c| {
                c.arguments.split([',', ')', ' ']).next() == Some(&fd)
                    || c.name == "mmap" && c.arguments.contains(&format!(", {fd}, "))
            })
            .take_while(|c| c.name != "close");
        let mut read = 0;
        for call in of_bundle {
            assert_eq!(call.name, "read", "{line}: {}({})", call.name, call.arguments);
            read += call.result;
        }
        assert_eq!(read, size, "{line}: every byte once");
    }
}

#[test]
fn verifying_writes_nothing_anywhere() {
    if !have(&["strace"]) {
        return;
    }
    let shop = Shop::packed();
    let calls = traced(
        &shop,
        "verify shop.sealift --key vendor.pub",
        "openat,open,creat,mkdir,mkdirat,rename,renameat,renameat2,unlink,unlinkat,ftruncate,link,linkat,symlink",
    );
    for call in calls.iter().filter(|c| c.result >= 0) {
        assert!(call.name.starts_with("open"), "{}({})", call.name, call.arguments);
        assert!(call.arguments.contains("O_RDONLY"), "{}({})", call.name, call.arguments);
    }
}
