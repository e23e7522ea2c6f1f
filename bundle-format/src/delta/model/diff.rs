//! Bytes that are mostly those of a source (spec/delta.md section 5.5). Where they differ they do so for a reason: a program's code
//! moved, and with it every distance to it and every pointer at it. Both are followed here without knowing any file format.

use super::align::Alignment;
use super::coder::Coder;
use super::mix::{Mixer, Slot};

const FLAG_INPUTS: usize = 7;
const BYTE_INPUTS: usize = 5;
const FLAG_LIMIT: u32 = 255;
const BYTE_LIMIT: u32 = 60;
const LEARNED: usize = 1 << LEARNED_BITS;
const LEARNED_BITS: u32 = 15;
/// Bytes that are coded at once where all goes well.
const BLOCK: usize = 16;
/// Of 65536: how often a byte between its neighbours must have been as predicted for that.
const SURE: u32 = 62_000;

/// What is known of where things went: the last answer for a key, and for its neighbourhood.
#[derive(Debug)]
struct Learned {
    exact: Vec<(u64, i64)>,
    near: Vec<(u64, i64)>,
    shift: u32,
}

impl Learned {
    fn new(shift: u32) -> Self {
        Self { exact: vec![(u64::MAX, 0); LEARNED], near: vec![(u64::MAX, 0); LEARNED], shift }
    }

    fn place(key: u64) -> usize {
        (key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - LEARNED_BITS)) as usize
    }

    fn exactly(&self, key: u64) -> Option<i64> {
        let (known, answer) = self.exact[Self::place(key)];
        (known == key).then_some(answer)
    }

    fn nearby(&self, key: u64) -> Option<i64> {
        let key = key >> self.shift;
        let (known, answer) = self.near[Self::place(key)];
        (known == key).then_some(answer)
    }

    fn learn(&mut self, key: u64, answer: i64) {
        self.exact[Self::place(key)] = (key, answer);
        let near = key >> self.shift;
        self.near[Self::place(near)] = (near, answer);
    }
}

/// A place in a source and in the target, and what is there.
#[derive(Debug, Clone, Copy)]
pub struct Region<'a> {
    /// The source's bytes, with up to [`MARGIN`] more before and after.
    pub old: &'a [u8],
    /// Where in `old` the region begins.
    pub begin: usize,
    /// Bytes of the region.
    pub len: usize,
    /// Address of its first byte in the space.
    pub source: u64,
    /// Offset of its first byte in the target.
    pub target: u64,
}

/// Bytes of the source beside a region that the model looks at.
pub const MARGIN: u64 = 8;

/// Four bytes that are one number in the source.
#[derive(Debug, Clone, Copy)]
struct Field {
    begin: usize,
    old: u32,
    predicted: u32,
    /// Where the prediction came from: 0 nowhere, 1 the same place before, 2 the alignment, 3 the neighbourhood.
    basis: usize,
    missed: bool,
}

impl Field {
    fn byte(&self, i: usize) -> u8 {
        self.predicted.to_le_bytes()[i - self.begin]
    }
}

/// The model. Memory: 12 MiB.
#[derive(Debug)]
pub struct Diff {
    flags: [Vec<Slot>; FLAG_INPUTS],
    flag_mixer: Mixer<FLAG_INPUTS>,
    /// Blocks, by how long all went well before.
    blocks: [Slot; 16],
    bytes: [Vec<Slot>; BYTE_INPUTS],
    byte_mixer: Mixer<BYTE_INPUTS>,
    second: [Slot; 16],
    /// Distances in code: where their targets went.
    targets: Learned,
    /// Aligned numbers: what was added to them.
    values: Learned,
    /// Hits of the last 64 bytes.
    history: u64,
    since: usize,
    gap: usize,
    /// What was added to the last aligned number that changed.
    added: u32,
    /// Who was right when source and aligned number disagreed: 1 the number.
    disputes: u32,
    bases: [u32; 4],
}

impl Default for Diff {
    fn default() -> Self {
        let slots = |bits: u32| vec![Slot::default(); 1 << bits];
        Self {
            flags: [slots(11), slots(13), slots(16), slots(16), slots(13), slots(13), slots(10)],
            flag_mixer: Mixer::new(32),
            blocks: [Slot::default(); 16],
            bytes: [slots(14), slots(16), slots(16), slots(12), slots(16)],
            byte_mixer: Mixer::new(8),
            second: [Slot::default(); 16],
            targets: Learned::new(8),
            values: Learned::new(10),
            history: u64::MAX,
            since: 0,
            gap: 0,
            added: 0,
            disputes: 0,
            bases: [0xf; 4],
        }
    }
}

fn hash(x: u32, bits: u32) -> usize {
    (x.wrapping_mul(0x9e37_79b1) >> (32 - bits)) as usize
}

fn grade(n: usize) -> usize {
    match n {
        0..8 => n,
        8..16 => 8,
        16..32 => 9,
        32..64 => 10,
        64..128 => 11,
        128..256 => 12,
        256..1024 => 13,
        1024..8192 => 14,
        _ => 15,
    }
}

impl Diff {
    /// Codes the region's bytes and appends them to `out`. `new` has them when encoding, and is empty when decoding.
    pub fn code(
        &mut self,
        coder: &mut impl Coder,
        alignment: &Alignment,
        region: Region<'_>,
        new: &[u8],
        out: &mut Vec<u8>,
    ) {
        let base = out.len();
        let (mut field, mut number): (Option<Field>, Option<Field>) = (None, None);
        let (mut i, mut careful) = (0, 0);
        while i < region.len {
            if i >= careful && self.since >= BLOCK && i + BLOCK <= region.len {
                if let Some(state) = self.block(coder, alignment, &region, i, (field, number), new, out) {
                    (field, number) = state;
                    i += BLOCK;
                    continue;
                }
                careful = i + BLOCK;
            }
            if field.is_none() {
                field = self.field(alignment, &region, i);
                if field.is_some() {
                    number = None;
                }
            }
            if field.is_none() && number.is_none() {
                number = self.number(&region, i);
            }
            let old = region.old[region.begin + i];
            let (first, second, kind) = match (field, number) {
                (Some(f), _) => (f.byte(i), (f.byte(i) != old).then_some(old), 1 + (i - f.begin)),
                (None, Some(n)) if n.byte(i) != old => match self.disputes.count_ones() >= 8 {
                    true => (n.byte(i), Some(old), 5),
                    false => (old, Some(n.byte(i)), 6),
                },
                _ => (old, None, 0),
            };
            let around = Around { region: &region, i, kind, field: field.or(number), out: &out[base..] };
            let byte = self.byte(coder, &around, first, second, new.get(i).copied().unwrap_or(0));
            out.push(byte);
            for known in [&mut field, &mut number].into_iter().flatten() {
                known.missed |= byte != known.byte(i);
            }
            if let Some(n) = number.filter(|n| n.byte(i) != old && (byte == old || byte == n.byte(i))) {
                self.disputes = (self.disputes << 1 | u32::from(byte == n.byte(i))) & 0xffff;
            }
            let last = |f: &Field| i == f.begin + 3;
            if let Some(f) = field.take_if(|f| last(f)) {
                self.learn_field(&region, &f, read(&out[base + f.begin..]));
            }
            if let Some(n) = number.take_if(|n| last(n)) {
                self.learn_number(&n, read(&out[base + n.begin..]));
            }
            i += 1;
        }
    }

    fn learn_field(&mut self, region: &Region<'_>, field: &Field, now: u32) {
        let target = field.target(region);
        let went = (region.target + field.begin as u64 + 4).wrapping_add_signed(i64::from(now as i32));
        self.targets.learn(target, went.wrapping_sub(target) as i64);
        self.bases[field.basis] = (self.bases[field.basis] << 1 | u32::from(!field.missed)) & 0xf;
    }

    fn learn_number(&mut self, number: &Field, now: u32) {
        let added = now.wrapping_sub(number.old);
        self.values.learn(u64::from(number.old), i64::from(added as i32));
        if added != 0 {
            self.added = added;
        }
    }

    /// Codes in one bit that the next [`BLOCK`] bytes are all as predicted, where nothing speaks against it. Returns what
    /// reaches beyond them; nothing if they are to be coded one by one.
    #[expect(clippy::too_many_arguments, reason = "the state of the loop that it is a part of")]
    fn block(
        &mut self,
        coder: &mut impl Coder,
        alignment: &Alignment,
        region: &Region<'_>,
        from: usize,
        (mut field, mut number): (Option<Field>, Option<Field>),
        new: &[u8],
        out: &mut Vec<u8>,
    ) -> Option<(Option<Field>, Option<Field>)> {
        let mut bytes = [0; BLOCK];
        let (mut fields, mut numbers) = ([None; BLOCK / 4 + 1], [None; BLOCK / 4 + 1]);
        let (mut fields_end, mut numbers_end) = (0, 0);
        for (k, byte) in bytes.iter_mut().enumerate() {
            let i = from + k;
            if field.is_none() {
                field = self.field(alignment, region, i);
                if field.is_some() {
                    number = None;
                }
            }
            if field.is_none() && number.is_none() {
                number = self.number(region, i);
            }
            let old = region.old[region.begin + i];
            *byte = match (field, number) {
                (Some(f), _) if f.missed || self.bases[f.basis].count_ones() < 3 => return None,
                (Some(f), _) => f.byte(i),
                (None, Some(n)) if n.byte(i) != old && self.disputes.count_ones() >= 8 => return None,
                _ => old,
            };
            let known = self.flags[2][hash(near(region, i), 16)];
            if !known.is_fresh() && known.p() < SURE {
                return None;
            }
            if let Some(f) = field.take_if(|f| i == f.begin + 3) {
                fields[fields_end] = Some(f);
                fields_end += 1;
            }
            if let Some(n) = number.take_if(|n| i == n.begin + 3) {
                numbers[numbers_end] = Some(n);
                numbers_end += 1;
            }
        }
        let slot = &mut self.blocks[grade(self.since)];
        let all = new.get(from..from + BLOCK).is_some_and(|new| new == bytes);
        let all = coder.code(u32::from(all), slot.p());
        slot.learn(all, FLAG_LIMIT);
        if all == 0 {
            return None;
        }
        for f in fields.into_iter().flatten() {
            self.learn_field(region, &f, f.predicted);
        }
        for n in numbers.into_iter().flatten() {
            // Where the number was in dispute, the source was right.
            self.learn_number(&n, n.old);
        }
        out.extend_from_slice(&bytes);
        self.history = self.history << BLOCK | ((1 << BLOCK) - 1);
        self.since += BLOCK;
        Some((field, number))
    }

    /// A distance in x86 code that begins at `i`: of a call, a jump, or an address relative to the next instruction (Intel SDM
    /// volume 2, sections 2.1 and 2.2.1.6). Seen in the source alone.
    fn field(&self, alignment: &Alignment, region: &Region<'_>, i: usize) -> Option<Field> {
        let at = region.begin + i;
        if i + 4 > region.len || at < 2 {
            return None;
        }
        let (before, last) = (region.old[at - 2], region.old[at - 1]);
        let call = last == 0xe8 || last == 0xe9;
        let jump = before == 0x0f && last & 0xf0 == 0x80;
        let relative = last & 0xc7 == 0x05
            && matches!(before, 0x8b | 0x8d | 0x89 | 0x03 | 0x0f..=0x11 | 0x28 | 0x29 | 0x2e | 0x38..=0x3b | 0x63 | 0x6f | 0x7f | 0x80 | 0x81 | 0x83 | 0x84 | 0x85 | 0xb6 | 0xb7 | 0xc6 | 0xc7 | 0xff);
        if !(call || jump || relative) {
            return None;
        }
        let old = read(&region.old[at..]);
        if (old as i32).unsigned_abs() > 1 << 28 {
            return None;
        }
        let field = Field { begin: i, old, predicted: old, basis: 0, missed: false };
        let target = field.target(region);
        let (went, basis) = if let Some(by) = self.targets.exactly(target) {
            (target.wrapping_add_signed(by), 1)
        } else if let Some(there) = alignment.target_of(target) {
            (there, 2)
        } else if let Some(by) = self.targets.nearby(target) {
            (target.wrapping_add_signed(by), 3)
        } else {
            return Some(field);
        };
        let predicted = went.wrapping_sub(region.target + i as u64 + 4) as u32;
        Some(Field { predicted, basis, ..field })
    }

    /// A number of four bytes at an offset of the target that four divides.
    fn number(&self, region: &Region<'_>, i: usize) -> Option<Field> {
        if (region.target + i as u64) & 3 != 0 || i + 4 > region.len {
            return None;
        }
        let old = read(&region.old[region.begin + i..]);
        let key = u64::from(old);
        let added = self.values.exactly(key).or_else(|| self.values.nearby(key));
        let added = added.map_or(if old > 0xff { self.added } else { 0 }, |by| by as u32);
        let basis = usize::from(added != 0);
        Some(Field { begin: i, old, predicted: old.wrapping_add(added), basis, missed: false })
    }

    fn byte(&mut self, coder: &mut impl Coder, around: &Around<'_>, first: u8, second: Option<u8>, byte: u8) -> u8 {
        let contexts = self.flag_contexts(around);
        let mut inputs = [0; FLAG_INPUTS];
        for (input, (table, context)) in inputs.iter_mut().zip(self.flags.iter().zip(contexts)) {
            *input = table[context].stretched();
        }
        let set = around.kind << 2 | self.since.min(3);
        let p = self.flag_mixer.mix(&inputs, set);
        let hit = coder.code(u32::from(byte == first), p);
        self.flag_mixer.learn(&inputs, hit, 4);
        for (table, context) in self.flags.iter_mut().zip(contexts) {
            table[context].learn(hit, FLAG_LIMIT);
        }
        self.history = self.history << 1 | u64::from(hit);
        if hit == 1 {
            self.since = self.since.saturating_add(1);
            return first;
        }
        (self.gap, self.since) = (self.since, 0);
        if let Some(second) = second {
            let slot = &mut self.second[around.kind];
            let taken = coder.code(u32::from(byte == second), slot.p());
            slot.learn(taken, BYTE_LIMIT);
            if taken == 1 {
                return second;
            }
        }
        self.other(coder, around, first, byte)
    }

    fn flag_contexts(&self, around: &Around<'_>) -> [usize; FLAG_INPUTS] {
        let Around { region, i, kind, field, .. } = *around;
        let old = |by: usize| u32::from(region.old.get((region.begin + i + by).wrapping_sub(4)).copied().unwrap_or(0));
        let hits = (self.history & 0xff) as usize;
        let align = (region.target as usize).wrapping_add(i) & 3;
        let near = near(region, i);
        let wide = near.wrapping_mul(0x0100_0193) ^ (old(1) | old(2) << 8 | old(6) << 16).wrapping_mul(0x85eb_ca6b);
        let columns = [4, 8, 16, 24, 32].into_iter().fold(0, |c, by| c << 1 | (self.history >> (by - 1) & 1) as usize);
        let (basis, missed) = field.map_or((0, 0), |f| (f.basis, usize::from(f.missed)));
        let trust = self.bases[basis].count_ones() as usize;
        [
            kind << 8 | hits,
            (old(4) as usize) << 5 | (kind << 2 | hits & 3),
            hash(near, 16),
            hash(wide, 16),
            grade(self.since) << 9 | grade(self.gap) << 5 | kind << 2 | align,
            columns << 5 | kind << 2 | align,
            kind << 7 | basis << 5 | trust << 1 | missed,
        ]
    }

    /// A byte that neither prediction had.
    fn other(&mut self, coder: &mut impl Coder, around: &Around<'_>, first: u8, byte: u8) -> u8 {
        let out = around.out;
        let back = |k: usize| out.len().checked_sub(k).map_or(0, |at| u32::from(out[at]));
        let old = u32::from(around.region.old[around.region.begin + around.i]);
        let kind = around.kind as u32;
        let contexts = [
            u32::from(first),
            old << 8 | back(1) | 0x1_0000,
            back(1) | back(2) << 8 | 0x2_0000,
            kind << 8 | 0x4_0000,
            back(1) | back(2) << 8 | back(3) << 16 | 0x800_0000,
        ]
        .map(|c| c.wrapping_mul(0x85eb_ca6b));
        let mut node = 1_u32;
        for i in (0..8).rev() {
            let mut inputs = [0; BYTE_INPUTS];
            let mut places = [0; BYTE_INPUTS];
            for (k, (table, context)) in self.bytes.iter().zip(contexts).enumerate() {
                places[k] = hash(context ^ node.wrapping_mul(0x2c1b_3c6d), table.len().ilog2());
                inputs[k] = table[places[k]].stretched();
            }
            let p = self.byte_mixer.mix(&inputs, around.kind);
            let bit = coder.code(u32::from(byte >> i & 1), p);
            self.byte_mixer.learn(&inputs, bit, 6);
            for (table, place) in self.bytes.iter_mut().zip(places) {
                table[place].learn(bit, BYTE_LIMIT);
            }
            node = node << 1 | bit;
        }
        (node & 255) as u8
    }
}

/// A byte of the source and its two neighbours.
fn near(region: &Region<'_>, i: usize) -> u32 {
    let at = region.begin + i;
    let old = |at: usize| u32::from(region.old.get(at).copied().unwrap_or(0));
    old(at.wrapping_sub(1)) | old(at) << 8 | old(at + 1) << 16
}

impl Field {
    /// Where in the source the distance leads.
    fn target(&self, region: &Region<'_>) -> u64 {
        (region.source + self.begin as u64 + 4).wrapping_add_signed(i64::from(self.old as i32))
    }
}

/// A place in a region, with what is known of it.
#[derive(Clone, Copy)]
struct Around<'a> {
    region: &'a Region<'a>,
    i: usize,
    /// 0 as in the source, 1 to 4 a byte of a distance, 5 and 6 a disputed number.
    kind: usize,
    field: Option<Field>,
    out: &'a [u8],
}

/// Four bytes, little-endian; fewer than four count as zeros.
fn read(bytes: &[u8]) -> u32 {
    bytes.first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes))
}
