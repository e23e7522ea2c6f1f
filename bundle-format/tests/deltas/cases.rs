//! What the vectors are: contents, and the steps that make them.

use std::io::Write;

use bundle_format::Digest;
use bundle_format::delta::{Bytes, Coding, Expansion, Form, Header, Source, Step, Writer};
use bundle_format::recode::{Maker, Opening, Recipe, Wrapper, predict};
use testdata::corpus;

/// A vector.
pub struct Case {
    pub name: &'static str,
    pub shows: &'static str,
    pub sources: Vec<(&'static str, Form)>,
    expansions: Vec<Expansion>,
    items: Vec<Vec<Step>>,
    corrections: Vec<Vec<u8>>,
    /// What the steps make, and what that becomes when it is compressed.
    content: Vec<u8>,
    pub blob: Vec<u8>,
}

impl Case {
    fn plain(
        name: &'static str,
        shows: &'static str,
        source: &'static str,
        steps: Vec<Step>,
        content: Vec<u8>,
    ) -> Self {
        Self {
            name,
            shows,
            sources: vec![(source, Form::Plain)],
            expansions: Vec::new(),
            items: vec![steps],
            corrections: Vec::new(),
            blob: content.clone(),
            content,
        }
    }

    /// The patch, as it is written today.
    pub fn patch(&self) -> Vec<u8> {
        let (mut space, mut sources) = (Vec::new(), Vec::new());
        for (name, form) in &self.sources {
            let blob = file(name);
            let content = super::inflated(*form, &blob);
            let (size, len) = (blob.len() as u64, content.len() as u64);
            sources.push(Source { digest: Digest::of(&blob), size, form: *form, content: len });
            space.extend(content);
        }
        for e in &self.expansions {
            space.extend(super::inflated(e.form, &space[e.at as usize..][..e.size as usize]));
        }
        let dir = tempfile::tempdir().unwrap();
        let coding = Coding { literal_bits: 10, level: 19, window_bits: 16 };
        let mut writer = Writer::new(&space, &self.content, coding, dir.path()).unwrap();
        for corrections in &self.corrections {
            writer.corrections(corrections).unwrap();
        }
        for item in &self.items {
            writer.item(item).unwrap();
        }
        let (digest, size) = (Digest::of(&self.blob), self.blob.len() as u64);
        let header = Header { digest, size, memory: 0, sources, expansions: self.expansions.clone() };
        let (_, spool) = writer.finish(header, 1 << 20, dir.path()).unwrap();
        let mut patch = vec![0; spool.len() as usize];
        spool.read_at(0, &mut patch).unwrap();
        patch
    }
}

fn gzip(level: u32, content: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(level));
    out.write_all(content).unwrap();
    out.finish().unwrap()
}

fn zlib(content: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::new(6));
    out.write_all(content).unwrap();
    out.finish().unwrap()
}

fn text() -> Vec<u8> {
    corpus::text(1, 6000)
}

/// Three tar headers with contents.
fn tar(time: u64, names: [&str; 3]) -> Vec<u8> {
    let mut out = tar::Builder::new(Vec::new());
    for (n, name) in names.into_iter().enumerate() {
        let mut header = tar::Header::new_gnu();
        header.set_size(700);
        header.set_mtime(time);
        header.set_mode(0o755);
        out.append_data(&mut header, name, &corpus::records(n as u64, 700)[..]).unwrap();
    }
    out.into_inner().unwrap()
}

const OLD: [&str; 3] = ["usr/bin/a", "usr/bin/b", "usr/lib/c.so.1"];

/// The sources, by their names.
pub fn files() -> Vec<(&'static str, Vec<u8>)> {
    let streams = [zlib(&text()), b"between".to_vec(), gzip(6, &corpus::records(2, 4000))].concat();
    vec![
        ("text", text()),
        ("code", corpus::records(2, 12_000)),
        ("old.tar", tar(1_700_000_000, OLD)),
        ("text.gz", [gzip(9, &text()[..2000]), gzip(1, &text()[2000..])].concat()),
        ("code.zst", zstd::encode_all(corpus::records(2, 12_000).as_slice(), 3).unwrap()),
        ("streams", streams),
    ]
}

fn file(name: &str) -> Vec<u8> {
    files().into_iter().find(|(n, _)| *n == name).unwrap().1
}

const fn recipe(maker: Maker, variant: u8, level: i8, block: u32) -> Recipe {
    Recipe { maker, variant, level, block }
}

/// Content in a wrapper, and the data within alone.
fn compressed(opening: &Opening, corrections: Option<Vec<u8>>, content: &[u8]) -> Vec<u8> {
    let corrections = corrections.map(|c| Box::new(std::io::Cursor::new(c)) as Box<dyn std::io::Read + Send>);
    let (mut compressor, mut out) = (opening.recipe.compressor(1, corrections).unwrap(), opening.wrapper.to_bytes());
    compressor.write(content, &mut out);
    compressor.finish(&mut out);
    let mut crc = flate2::Crc::new();
    crc.update(content);
    match opening.wrapper {
        Wrapper::Bare => {}
        Wrapper::Gzip(_) => out.extend([crc.sum().to_le_bytes(), crc.amount().to_le_bytes()].concat()),
        Wrapper::Zlib(_) => out.extend(&zlib(content)[zlib(content).len() - 4..]),
    }
    out
}

fn gzip_header() -> Wrapper {
    Wrapper::Gzip(vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255])
}

pub fn all() -> Vec<Case> {
    let copy = |source, len| Step::Copy { source, len };
    let mut out = Vec::new();

    let content = [&text()[100..3000], b"new bytes, and new ones again, new ones", &text()[50..90]].concat();
    let steps = vec![copy(100, 2900), Step::Add { len: 20 }, Step::Raw { len: 19 }, copy(50, 40)];
    out.push(Case::plain("copy-add-raw", "copies, literals, and raw bytes", "text", steps, content));

    let content = corpus::text(7, 20_000);
    let steps = vec![Step::Add { len: 20_000 }];
    out.push(Case::plain("literals", "the model of literals, with repeats", "text", steps, content));

    // Code that moved by 16 bytes, and numbers that grew by 64.
    let old = file("code");
    let mut content = corpus::random(3, 16);
    for row in old.as_chunks::<13>().0 {
        let mut row = *row;
        let address = u32::from_le_bytes([row[0], row[1], row[2], row[3]]) + 64;
        row[..4].copy_from_slice(&address.to_le_bytes());
        content.extend(row);
    }
    content[5000] ^= 1;
    let n = content.len() as u64 - 16;
    let differ = |source, len| Step::Differ { source, len };
    let steps = vec![Step::Raw { len: 16 }, differ(0, 7000), differ(7000, n - 7000)];
    out.push(Case::plain("differ", "bytes that differ, distances and numbers among them", "code", steps, content));

    let content = tar(1_800_000_000, ["usr/bin/a", "usr/bin/a-new-one", "usr/lib/c.so.2"]);
    let block = |at: usize| Box::new(*content[at..].first_chunk::<512>().unwrap());
    let header = |source, at| Step::Header { source, block: block(at) };
    let steps = vec![
        header(Some(0), 0),
        copy(512, 1024),
        header(None, 1536),
        copy(2048, 1024),
        header(Some(3072), 3072),
        copy(3584, content.len() as u64 - 3584),
    ];
    out.push(Case::plain("tar-headers", "tar headers like others, and like none", "old.tar", steps, content.clone()));

    let makers = [
        (gzip_header(), recipe(Maker::Go, 0, 6, 0)),
        (gzip_header(), recipe(Maker::Go, 0, 6, 0)),
        (Wrapper::Gzip(vec![0x1f, 0x8b, 8, 0x10, 1, 2, 3, 4, 0, 3, b'c', 0]), recipe(Maker::Klauspost, 4, 5, 0)),
        (gzip_header(), recipe(Maker::Klauspost, 6, 9, 0)),
        (gzip_header(), recipe(Maker::Pgzip, 2, -1, 1 << 20)),
        (Wrapper::Zlib([0x78, 0x9c]), recipe(Maker::Zlib, 8, 6, 0)),
        (Wrapper::Bare, recipe(Maker::Zlib, 9, 9, 0)),
        (Wrapper::Gzip(vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]), recipe(Maker::Gzip, 0, 6, 0)),
        (Wrapper::Gzip(vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]), recipe(Maker::Pigz, 0, 6, 1 << 17)),
    ];
    let (mut steps, mut content, mut blob) = (Vec::new(), Vec::new(), Vec::new());
    for (wrapper, recipe) in makers {
        let opening = Opening { wrapper, recipe };
        blob.extend(compressed(&opening, None, &text()));
        content.extend(text());
        steps.extend([Step::Open(opening), copy(0, 6000), Step::Close]);
    }
    let case =
        Case::plain("makers", "one stream after another, of each known DEFLATE compressor", "text", steps, content);
    out.push(Case { blob, ..case });

    let opening = Opening { wrapper: Wrapper::Bare, recipe: recipe(Maker::Zstd, 1 | 2, 3, 0) };
    let blob = compressed(&opening, None, &text());
    let steps = vec![Step::Open(opening), copy(0, 6000), Step::Close];
    let case =
        Case::plain("zstd", "a frame of libzstd 1.5.7, level 3, with a checksum and jobs", "text", steps, text());
    out.push(Case { blob, ..case });

    // A stream of an unknown compressor in one of a known one.
    let inner = gzip(6, &text());
    let data = &inner[10..inner.len() - 8];
    let mut corrections = Vec::new();
    predict::analyse(&mut &*data, &mut std::io::sink(), &mut corrections).unwrap();
    let predicted = Opening { wrapper: Wrapper::Gzip(inner[..10].to_vec()), recipe: recipe(Maker::Predicted, 0, 0, 0) };
    assert_eq!(compressed(&predicted, Some(corrections.clone()), &text()), inner);
    let outer = Opening { wrapper: gzip_header(), recipe: recipe(Maker::Go, 0, 1, 0) };
    let whole = [&text()[..1000], &inner, &text()[1000..2000]].concat();
    let blob = compressed(&outer, None, &whole);
    let steps = vec![
        Step::Open(outer),
        copy(0, 1000),
        Step::Open(predicted),
        copy(0, 6000),
        Step::Close,
        copy(1000, 1000),
        Step::Close,
    ];
    let content = [&text()[..1000], &text(), &text()[1000..2000]].concat();
    let case = Case::plain("predicted", "a stream with corrections, within another stream", "text", steps, content);
    out.push(Case { blob, corrections: vec![corrections], ..case });

    let streams = file("streams");
    let (first, all) = (zlib(&text()).len() as u64, streams.len() as u64);
    let expansions = vec![
        Expansion { at: 6000 + 12_000, size: first, form: Form::Zlib, content: 6000 },
        Expansion { at: 18_000 + first + 7, size: all - first - 7, form: Form::Gzip, content: 4000 },
    ];
    let expanded = 18_000 + all;
    let mut records = corpus::records(2, 4000);
    records[77] = 0;
    let content = [&text()[10..500], &file("code")[..300], &text()[..], &records].concat();
    let items =
        vec![vec![copy(10, 490), copy(6000, 300)], vec![copy(expanded, 6000)], vec![differ(expanded + 6000, 4000)]];
    out.push(Case {
        name: "forms",
        shows: "sources in gzip members, zstd and plain; expansions; several items",
        sources: vec![("text.gz", Form::Gzip), ("code.zst", Form::Zstd), ("streams", Form::Plain)],
        expansions,
        items,
        corrections: Vec::new(),
        blob: content.clone(),
        content,
    });
    out
}
