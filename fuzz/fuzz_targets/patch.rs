//! Any bytes as a patch, over a small space: what it makes is bounded by what it says, and it never panics. And any bytes as the script of
//! a patch whose head is good.
#![no_main]

use std::sync::LazyLock;

use bundle_format::Digest;
use bundle_format::delta::{Form, Header, Parameters, Patch, Source, rebuild};
use libfuzzer_sys::fuzz_target;

/// What the seeds copy from, and a bit more.
static SPACE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    [testdata::corpus::text(1, 3000), testdata::corpus::records(2, 3000), testdata::corpus::tar(3, 20_000)].concat()
});

/// A patch from `space` of `script`, with the bytes before it as its other parts.
fn patch(space: &[u8], bytes: &[u8]) -> Vec<u8> {
    let (parts, script) = bytes.split_at(bytes.len().min(3));
    let literals = u64::from(parts.first().copied().unwrap_or(0)) << 6;
    let content = u64::from(parts.get(1).copied().unwrap_or(0)) << 8 | u64::from(parts.get(2).copied().unwrap_or(0));
    let len = space.len() as u64;
    let source = Source { digest: Digest::of(space), size: len, form: Form::Plain, content: len };
    let header =
        Header { digest: Digest::of(b""), size: 1 << 16, memory: 1 << 31, sources: vec![source], expansions: vec![] };
    let parameters = Parameters { literal_bits: 8, literals, window_bits: 10, content };
    let mut out = header.to_bytes();
    out.extend(parameters.to_bytes());
    out.extend(2_u32.to_le_bytes());
    out.extend((script.len() as u64).to_le_bytes());
    out.extend(0_u64.to_le_bytes());
    out.extend(script);
    out
}

fuzz_target!(|bytes: &[u8]| {
    let space = &*SPACE;
    let any = bytes.to_vec();
    for patch in [patch(space, bytes), any] {
        let Ok(known) = Patch::open(&patch) else { continue };
        let (size, content) = (known.header.size, known.parameters.content);
        // More is in order too, and takes its time.
        if size > 1 << 20 || content > 1 << 20 || known.parameters.literal_bits > 12 {
            continue;
        }
        let mut space = space.clone();
        space.resize(usize::try_from(known.header.space().min(1 << 17)).unwrap_or(0), 7);
        let mut out = Vec::new();
        let _ = rebuild(&patch, &space, 1, &mut out);
        assert!(out.len() as u64 <= size, "what is made is bounded");
    }
});
