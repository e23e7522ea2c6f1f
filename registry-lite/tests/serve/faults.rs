//! Answers that no registry gives on purpose, and that the check must see: a few lines of HTTP over an image in memory.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use bundle_format::{Digest, media};
use registry_lite::client::check::{Depth, Manner, Problem, Wanted};
use registry_lite::client::{ClientOptions, CredentialSource, Registry, Scheme};
use testdata::Image;

use crate::site::image;

/// An answer before it is sent.
#[derive(Clone)]
struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
    /// Bytes of the body that are not sent.
    held_back: usize,
}

impl Answer {
    fn set(&mut self, name: &'static str, value: impl Into<String>) {
        self.headers.retain(|(n, _)| *n != name);
        self.headers.push((name, value.into()));
    }
}

/// What a request asks for.
struct Asked {
    method: String,
    path: String,
    range: Option<(usize, usize)>,
}

impl Asked {
    fn is_blob(&self) -> bool {
        self.path.contains("/blobs/")
    }

    fn is_manifest_by(&self, reference: &str) -> bool {
        self.path.contains(&format!("/manifests/{reference}"))
    }
}

/// The right answer.
fn right(image: &Image, asked: &Asked) -> Answer {
    let path = asked.path.split('?').next().unwrap();
    let reference = path.rsplit('/').next().unwrap();
    let digest = if reference == "1" { Ok(image.root().digest) } else { reference.parse::<Digest>() };
    let mut answer = Answer { status: 200, headers: Vec::new(), body: b"{}".to_vec(), held_back: 0 };
    if path == "/v2/" {
        return answer;
    }
    let Some(bytes) = digest.ok().and_then(|digest| image.blobs().get(&digest)) else {
        answer.status = 404;
        return answer;
    };
    answer.body.clone_from(bytes);
    answer.set("Docker-Content-Digest", Digest::of(bytes).to_string());
    let media_type = match serde_json::from_slice::<serde_json::Value>(bytes) {
        Ok(document) if !asked.is_blob() => document["mediaType"].as_str().unwrap().to_owned(),
        _ => "application/octet-stream".to_owned(),
    };
    answer.set("Content-Type", media_type);
    if let Some((first, last)) = asked.range {
        answer.status = 206;
        answer.body = bytes[first..=last].to_vec();
        answer.set("Content-Range", format!("bytes {first}-{last}/{}", bytes.len()));
    }
    answer
}

/// Serves `image` as `a.example/b:1`, with what `spoil` makes of each answer; gives its address. It ends with the process.
fn serve(image: Image, spoil: impl Fn(&Asked, &mut Answer) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            let lines: Vec<String> =
                stream.by_ref().lines().map(Result::unwrap).take_while(|line| !line.is_empty()).collect();
            let Some(first) = lines.first() else { continue };
            let mut words = first.split(' ').map(str::to_owned);
            let range = lines.iter().find_map(|line| {
                let line = line.to_lowercase();
                let (first, last) = line.strip_prefix("range: bytes=")?.split_once('-')?;
                Some((first.parse().unwrap(), last.parse().unwrap()))
            });
            let asked = Asked { method: words.next().unwrap(), path: words.next().unwrap(), range };
            let mut answer = right(&image, &asked);
            spoil(&asked, &mut answer);
            let mut head = format!("HTTP/1.1 {} X\r\nConnection: close\r\n", answer.status);
            if !answer.headers.iter().any(|(name, _)| *name == "Content-Length") {
                answer.set("Content-Length", answer.body.len().to_string());
            }
            for (name, value) in &answer.headers {
                head.push_str(&format!("{name}: {value}\r\n"));
            }
            let stream = stream.get_mut();
            let _ = stream.write_all(format!("{head}\r\n").as_bytes());
            if asked.method != "HEAD" {
                let _ = stream.write_all(&answer.body[..answer.body.len() - answer.held_back]);
            }
        }
    });
    address
}

fn check(address: &str, manner: Manner) -> Result<(), Box<Problem>> {
    let options =
        ClientOptions { scheme: Scheme::Http, credentials: CredentialSource::Anonymous, ..ClientOptions::default() };
    let wanted = Wanted { image: "a.example/b:1".parse().unwrap(), digest: None };
    Registry::connect(address, &options).unwrap().check(manner, &wanted, Depth::Full).map(|_| ())
}

const MANNERS: [Manner; 3] = [Manner::Namespace, Manner::Path, Manner::Hub];

fn index() -> Image {
    Image::index([image("linux/amd64", "faults", 3_000_000), image("linux/arm64", "other", 10)]).unwrap()
}

type Spoil = fn(&Asked, &mut Answer);

#[test]
fn right_answers_are_right() {
    let address = serve(index(), |_, _| {});
    for manner in MANNERS {
        check(&address, manner).unwrap();
    }
}

#[test]
fn each_fault_is_seen_and_named() {
    let cases: [(&str, Spoil, &str); 14] = [
        ("it has a problem of its own", |_, a| a.status = 500, "status 200 was expected, not status 500"),
        (
            "another digest is named for a blob",
            |q, a| {
                if q.is_blob() {
                    a.set("Docker-Content-Digest", format!("sha256:{}", "0".repeat(64)));
                }
            },
            "Docker-Content-Digest is sha256:0000",
        ),
        (
            "what is named is no digest",
            |q, a| {
                if q.method == "GET" && q.is_manifest_by("") {
                    a.set("Docker-Content-Digest", "md5:1");
                }
            },
            "Docker-Content-Digest is md5:1",
        ),
        (
            "a layer has other bytes",
            |q, a| {
                if q.is_blob() && a.body.len() > 1_000_000 {
                    a.body[7] ^= 1;
                }
            },
            "the content is sha256:",
        ),
        (
            "a manifest has other bytes",
            |q, a| {
                if q.is_manifest_by("sha256:") && a.status == 200 {
                    a.body.push(b'\n');
                    a.headers.retain(|(name, _)| *name != "Docker-Content-Digest");
                }
            },
            "the content is sha256:",
        ),
        (
            "a layer is compressed",
            |q, a| {
                if q.is_blob() {
                    a.set("Content-Encoding", "gzip");
                }
            },
            "Content-Encoding: gzip",
        ),
        (
            "a manifest is of another type",
            |q, a| {
                if q.is_manifest_by("sha256:") && a.status == 200 {
                    a.set("Content-Type", "application/json");
                }
            },
            "Content-Type is \"application/json\"",
        ),
        (
            "a manifest is said to be what it is not",
            |q, a| {
                if q.is_manifest_by("") && a.status == 200 {
                    a.set("Content-Type", media::DOCKER_MANIFEST);
                }
            },
            "not a manifest that clients take",
        ),
        (
            "a layer is shorter than the manifest says",
            |q, a| {
                if q.is_blob() && q.range.is_none() {
                    a.body.pop();
                }
            },
            " bytes instead of ",
        ),
        (
            "a layer breaks off",
            |q, a| {
                if q.is_blob() && q.range.is_none() {
                    a.held_back = 10;
                }
            },
            "the answer broke off",
        ),
        (
            "another range comes",
            |q, a| {
                if q.range.is_some() {
                    a.set("Content-Range", "bytes 0-1/2");
                }
            },
            "Content-Range is \"bytes 0-1/2\"",
        ),
        (
            "the range has other bytes",
            |q, a| {
                if q.range.is_some() {
                    a.body[0] ^= 1;
                }
            },
            "the bytes of the range",
        ),
        (
            "no platform is there",
            |q, a| {
                if q.is_manifest_by("sha256:") && a.body.len() > 2 && !a.body.windows(9).any(|w| w == b"manifests") {
                    a.status = 404;
                }
            },
            "none of the images that it lists",
        ),
        (
            "what is not there makes it fail",
            |_, a| {
                if a.status == 404 {
                    a.status = 503;
                }
            },
            "status 404 was expected, not status 503",
        ),
    ];
    for (why, spoil, fault) in cases {
        let address = serve(index(), spoil);
        for manner in MANNERS {
            let problem = check(&address, manner).expect_err(why);
            assert!(problem.to_string().contains(fault), "{why}, {manner:?}: {problem}");
            assert!(problem.request.contains("/v2/"), "{problem}");
            assert!(!problem.fault.meaning().is_empty());
        }
    }
}

#[test]
fn what_a_head_says_is_held_against_the_content() {
    let length = serve(index(), |asked, answer| {
        if asked.method == "HEAD" && asked.is_manifest_by("1") {
            answer.set("Content-Length", "7");
        }
    });
    let kind = serve(index(), |asked, answer| {
        if asked.method == "HEAD" && asked.is_manifest_by("1") {
            answer.set("Content-Type", "text/plain; charset=utf-8");
        }
    });
    let unnamed = serve(index(), |_, answer| answer.headers.retain(|(name, _)| *name != "Docker-Content-Digest"));
    for manner in [Manner::Namespace, Manner::Hub] {
        let problem = check(&length, manner).unwrap_err().to_string();
        assert!(problem.starts_with("HEAD ") && problem.contains(": 7 bytes instead of "), "{problem}");
        let problem = check(&kind, manner).unwrap_err().to_string();
        assert!(problem.starts_with("HEAD ") && problem.contains("Content-Type is \"text/plain\""), "{problem}");
        check(&unnamed, manner).expect("clients ask by name where no digest is stated");
    }
}

#[test]
fn what_is_missed_slowly_is_seen() {
    let address = serve(index(), |_, answer| {
        if answer.status == 404 {
            thread::sleep(Duration::from_millis(2100));
        }
    });
    let problem = check(&address, Manner::Namespace).unwrap_err().to_string();
    assert!(problem.contains("to say that something is not there"), "{problem}");
}

#[test]
fn who_does_not_answer_is_named_once() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let problem = check(&address, Manner::Path).unwrap_err().to_string();
    assert!(problem.starts_with("GET /v2/: ") && problem.contains("cannot be reached"), "{problem}");
}
