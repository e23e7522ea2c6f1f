//! Scratch: delta OLD... -- NEW
use bundle_format::Digest;
use bundle_format::delta::{Bytes, Cursor, Spool, rebuild};
use packer::delta::{Corpus, Effort, Outcome};
use std::time::Instant;
fn cpu() -> f64 {
    let s = std::fs::read_to_string("/proc/self/stat").unwrap();
    let f: Vec<&str> = s.rsplit(')').next().unwrap().split_whitespace().collect();
    (f[11].parse::<f64>().unwrap() + f[12].parse::<f64>().unwrap()) / 100.0
}
fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let effort = match args[0].as_str() {
        "fast" => Effort::Fast,
        "best" => Effort::Best,
        _ => Effort::Default,
    };
    let (new, old) = args[1..].split_last().unwrap();
    let dir = std::env::temp_dir();
    let mut corpus = Corpus::new(effort, 8 << 30, &dir);
    let t = cpu();
    for o in old {
        let b = std::fs::read(o).unwrap();
        corpus.add(Digest::of(&b), b.len() as u64, b.as_slice()).unwrap();
    }
    let t1 = cpu();
    let b = std::fs::read(new).unwrap();
    let digest = Digest::of(&b);
    let t2 = cpu();
    let w = Instant::now();
    match corpus.encode(digest, b.len() as u64, &b).unwrap() {
        Outcome::Whole(why) => println!("whole {why:?} of {}", b.len()),
        Outcome::Patch(p) => {
            let t3 = cpu();
            println!(
                "{} patch {} of {} = {:.2}%  add {:.1}s encode+proof {:.1}s cpu {:.1}s wall  by {}",
                new,
                p.bytes.len(),
                b.len(),
                100.0 * p.bytes.len() as f64 / b.len() as f64,
                t1 - t,
                t3 - t2,
                w.elapsed().as_secs_f64(),
                p.compressor
            );
            println!("  sources {} memory {} MiB", p.header.sources.len(), p.header.memory >> 20);
        }
    }
    let _ = (Cursor::new(&b, 0, 0), Spool::fill(&b""[..], 0, 0, &dir));
    let _ = rebuild;
    let _ = Bytes::len(&b);
}
