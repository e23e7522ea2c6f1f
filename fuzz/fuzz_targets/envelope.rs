//! Envelopes: what parses encodes to the same bytes, and statements survive being written again.
#![no_main]

use bundle_format::statement::{Mark, PackingList, Release, Statement};
use bundle_format::trust::{Signed, Unverified, Verified};
use libfuzzer_sys::fuzz_target;
use testdata::bundle::{VENDOR_PEM, private_key};

fn check<T: Signed + Clone>(bytes: &[u8]) {
    if let Ok(parsed) = Unverified::<T>::parse(bytes.to_vec()) {
        assert_eq!(parsed.envelope().bytes(), bytes);
        let signers = parsed.envelope().claimed_signers().count();
        assert!((1..=16).contains(&signers));
    }
    // The bytes as a payload.
    if let Ok(value) = T::parse(bytes) {
        let Ok(key) = private_key(VENDOR_PEM) else { return };
        let Ok(signed) = Verified::sign(value, &[&key]) else { return };
        assert!(Unverified::<T>::parse(signed.envelope().bytes().to_vec()).is_ok_and(|u| u.look_unverified().is_ok()));
    }
}

fuzz_target!(|bytes: &[u8]| {
    check::<Statement<Release>>(bytes);
    check::<Statement<PackingList>>(bytes);
    check::<Statement<Mark>>(bytes);
});
