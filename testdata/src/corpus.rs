//! Contents to compress, the same on every machine: what the vectors of compressors are made from.

/// A generator of numbers that never changes (xorshift64*, Vigna 2016).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// Below `n`, the small ones more often.
    fn skewed(&mut self, n: u64) -> u64 {
        let (a, b) = (self.next() >> 33, self.next() >> 33);
        (a % n) * (b % n) / n
    }
}

/// Every corpus: its name, and its bytes (at most 4 MiB each, 15 MiB together).
#[must_use]
pub fn all() -> Vec<(String, Vec<u8>)> {
    let mut out: Vec<(String, Vec<u8>)> = vec![
        ("text".into(), text(1, 700_000)),
        ("records".into(), records(2, 900_000)),
        ("random".into(), random(3, 300_000)),
        ("zeros".into(), vec![0; 400_000]),
        ("runs".into(), runs(4, 500_000)),
        ("far-repeats".into(), far_repeats(5, 600_000)),
        ("two-values".into(), random(6, 200_000).iter().map(|b| b & 1).collect()),
        ("mixed".into(), mixed(7, 3_500_000)),
        ("tar".into(), tar(8, 4_000_000)),
    ];
    // Where compressors count: windows, blocks, stored blocks, longest matches.
    for n in [
        0_usize, 1, 2, 3, 4, 5, 17, 257, 258, 259, 1000, 16383, 16384, 32767, 32768, 32769, 65534, 65535, 65536,
        131_072,
    ] {
        out.push((format!("text-{n}"), text(9 + n as u64, n)));
        if n > 200 {
            out.push((format!("random-{n}"), random(10 + n as u64, n)));
        }
    }
    out
}

/// Words and punctuation, with the frequencies of a language.
#[must_use]
pub fn text(seed: u64, len: usize) -> Vec<u8> {
    let mut numbers = Numbers(seed | 1 << 40);
    let words: Vec<Vec<u8>> = (0..3000)
        .map(|_| (0..2 + numbers.next() % 9).map(|_| b"etaoinshrdlcumwfgypbvk"[numbers.skewed(22) as usize]).collect())
        .collect();
    let mut out = Vec::with_capacity(len + 16);
    while out.len() < len {
        out.extend_from_slice(&words[numbers.skewed(3000) as usize]);
        out.extend_from_slice(match numbers.next() % 12 {
            0 => b", ",
            1 => b".\n",
            _ => b" ",
        });
    }
    out.truncate(len);
    out
}

/// Rows of numbers that grow, with flags and addresses: like tables in programs.
#[must_use]
pub fn records(seed: u64, len: usize) -> Vec<u8> {
    let mut numbers = Numbers(seed | 1 << 41);
    let (mut out, mut at) = (Vec::with_capacity(len + 32), 0x40_1000_u32);
    while out.len() < len {
        at += (numbers.skewed(600) as u32) & !3;
        out.extend_from_slice(&at.to_le_bytes());
        out.extend_from_slice(&(numbers.skewed(40) as u16).to_le_bytes());
        out.extend_from_slice(&[0xe8, 0, (numbers.next() % 3) as u8]);
        out.extend_from_slice(&(numbers.next() as u32 % 5000).to_be_bytes());
    }
    out.truncate(len);
    out
}

/// Bytes that do not compress.
#[must_use]
pub fn random(seed: u64, len: usize) -> Vec<u8> {
    let mut numbers = Numbers(seed | 1 << 42);
    let mut out: Vec<u8> = (0..len.div_ceil(8)).flat_map(|_| numbers.next().to_le_bytes()).collect();
    out.truncate(len);
    out
}

fn runs(seed: u64, len: usize) -> Vec<u8> {
    let mut numbers = Numbers(seed | 1 << 43);
    let mut out = Vec::with_capacity(len + 2000);
    while out.len() < len {
        let byte = (numbers.next() >> 24) as u8;
        out.extend(std::iter::repeat_n(byte, 1 + numbers.skewed(1500) as usize));
    }
    out.truncate(len);
    out
}

/// Repeats at distances around a window's size.
fn far_repeats(seed: u64, len: usize) -> Vec<u8> {
    let mut numbers = Numbers(seed | 1 << 44);
    let mut out = random(seed + 1, 40_000);
    while out.len() < len {
        let distance = 32_768 - 300 + (numbers.next() % 600) as usize;
        let start = out.len() - distance;
        let n = 3 + numbers.skewed(400) as usize;
        for i in start..start + n {
            out.push(out[i]);
        }
        out.extend_from_slice(&random(numbers.next(), (numbers.next() % 40) as usize));
    }
    out.truncate(len);
    out
}

/// Parts of all kinds, one after another.
#[must_use]
pub fn mixed(seed: u64, len: usize) -> Vec<u8> {
    let mut numbers = Numbers(seed | 1 << 45);
    let mut out = Vec::with_capacity(len + 100_000);
    while out.len() < len {
        let (seed, n) = (numbers.next() >> 8, 1 + (numbers.skewed(100_000) as usize));
        out.extend(match numbers.next() % 6 {
            0 => random(seed, n / 3),
            1 => records(seed, n),
            2 => runs(seed, n),
            3 => vec![0; n],
            _ => text(seed % 4, n),
        });
    }
    out.truncate(len);
    out
}

/// Headers of 512 bytes before contents that are padded, as in a layer.
#[must_use]
pub fn tar(seed: u64, len: usize) -> Vec<u8> {
    let mut numbers = Numbers(seed | 1 << 46);
    let mut out = Vec::with_capacity(len + 200_000);
    let mut count = 0;
    while out.len() < len {
        let n = numbers.skewed(60_000) as usize;
        count += 1;
        let mut header = [0; 512];
        let name = format!("usr/lib/part-{}/file-{count}.txt", count / 40);
        header[..name.len()].copy_from_slice(name.as_bytes());
        header[100..136].copy_from_slice(format!("0000644\0{:07o}\0{:07o}\0{n:011o}\0", 0, 0).as_bytes());
        header[136..148].copy_from_slice(format!("{:011o}\0", 1_700_000_000 + count).as_bytes());
        header[257..265].copy_from_slice(b"ustar\x0000");
        header[156] = b'0';
        header[148..156].fill(b' ');
        let sum: u32 = header.iter().map(|b| u32::from(*b)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        out.extend_from_slice(&header);
        out.extend(mixed(numbers.next() >> 8, n));
        out.resize(out.len().next_multiple_of(512), 0);
    }
    out.resize(out.len() + 1024, 0);
    out
}
