//! Random layers and random edits of them.

use bundle_format::recode::{Maker, Recipe};
use packer::delta::Effort;
use proptest::prelude::*;
use testdata::corpus;

use super::world::{File, Packed, elf, recipe, round, tar, zip};

/// What may happen to a layer.
#[derive(Debug, Clone)]
enum Edit {
    Insert(u64, usize),
    Delete(usize),
    Swap(usize, usize),
    Rename(usize, String),
    /// Bytes at a place become others, more or fewer.
    Splice(usize, usize, usize, Vec<u8>),
    Times(u64),
}

fn content(seed: u64, len: usize) -> Vec<u8> {
    match seed % 7 {
        0 => corpus::random(seed, len),
        1 | 2 => corpus::text(seed, len),
        3 | 4 => corpus::records(seed, len),
        5 => zip(
            &[("a/b.txt", corpus::text(seed, len)), ("c.bin", corpus::records(seed, len / 2))],
            recipe(Maker::Zlib, 8, 6),
        ),
        _ => elf(&corpus::records(seed, len / 2), &corpus::text(seed, len)),
    }
}

fn file() -> impl Strategy<Value = (u64, usize)> {
    (0_u64..50, prop_oneof![0_usize..2000, 2000_usize..40_000])
}

fn edit() -> impl Strategy<Value = Edit> {
    prop_oneof![
        file().prop_map(|(seed, len)| Edit::Insert(seed, len)),
        any::<usize>().prop_map(Edit::Delete),
        any::<(usize, usize)>().prop_map(|(a, b)| Edit::Swap(a, b)),
        (any::<usize>(), "[a-z]{1,20}(/[a-z0-9.]{1,90}){0,2}").prop_map(|(at, name)| Edit::Rename(at, name)),
        (any::<usize>(), any::<usize>(), 0_usize..200, proptest::collection::vec(any::<u8>(), 0..200))
            .prop_map(|(file, at, n, new)| Edit::Splice(file, at, n, new)),
        (0_u64..1 << 34).prop_map(Edit::Times),
    ]
}

fn apply(files: &mut Vec<File>, edit: &Edit) {
    let of = |n: usize, len: usize| n % len.max(1);
    let len = files.len();
    match edit {
        Edit::Insert(seed, len) => files.push((format!("new/{seed}-{len}"), 1, content(*seed, *len))),
        _ if len == 0 => {}
        Edit::Delete(at) => drop(files.remove(of(*at, len))),
        Edit::Swap(a, b) => files.swap(of(*a, len), of(*b, len)),
        Edit::Rename(at, name) => files[of(*at, len)].0.clone_from(name),
        Edit::Splice(file, at, n, new) => {
            let bytes = &mut files[of(*file, len)].2;
            let at = of(*at, bytes.len() + 1);
            bytes.splice(at..(at + n).min(bytes.len()), new.iter().copied());
        }
        Edit::Times(time) => files.iter_mut().for_each(|f| f.1 = *time),
    }
}

fn packing() -> impl Strategy<Value = Packed> {
    let known = prop_oneof![
        (prop_oneof![Just(-2_i8), 1_i8..=9]).prop_map(|level| recipe(Maker::Go, 0, level)),
        (1_u8..=6, 1_i8..=9).prop_map(|(family, level)| recipe(Maker::Klauspost, family, level)),
        (1_u8..=5, 1_i8..=9)
            .prop_map(|(family, level)| Recipe { block: 1 << 20, ..recipe(Maker::Pgzip, family, level) }),
        (1_i8..=9).prop_map(|level| recipe(Maker::Zlib, 8, level)),
        (1_i8..=9).prop_map(|level| recipe(Maker::Gzip, 0, level)),
        (1_i8..=9).prop_map(|level| Recipe { block: 1 << 17, ..recipe(Maker::Pigz, 0, level) }),
    ];
    prop_oneof![
        3 => Just(Packed::Plain),
        4 => known.clone().prop_map(Packed::Known),
        2 => (1_u32..=9).prop_map(Packed::Unknown),
        2 => (known, 1000_usize..60_000).prop_map(|(recipe, n)| Packed::Members(recipe, n)),
        1 => (1_i32..=9).prop_map(Packed::Zstd),
    ]
}

fn effort() -> impl Strategy<Value = Effort> {
    prop_oneof![Just(Effort::Fast), Just(Effort::Default), Just(Effort::Best)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_edited_layer_is_rebuilt_exactly(
        files in proptest::collection::vec(file(), 0..8),
        edits in proptest::collection::vec(edit(), 0..6),
        old in packing(),
        new in packing(),
        effort in effort(),
    ) {
        let mut files: Vec<File> =
            files.iter().enumerate().map(|(n, (seed, len))| (format!("usr/lib/{n}.so.{seed}"), 1_700_000_000, content(*seed, *len))).collect();
        let before = super::world::packed(old, &tar(&files));
        edits.iter().for_each(|edit| apply(&mut files, edit));
        round(&[before], &super::world::packed(new, &tar(&files)), effort);
    }

    #[test]
    fn any_bytes_are_rebuilt_exactly_or_travel_whole(
        old in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..3000), 0..3),
        new in proptest::collection::vec(any::<u8>(), 0..3000),
        copied in any::<usize>(),
    ) {
        let mut new = new;
        if let Some(first) = old.first() {
            new.extend(&first[..copied % (first.len() + 1)]);
        }
        round(&old, &new, Effort::Default);
    }
}
