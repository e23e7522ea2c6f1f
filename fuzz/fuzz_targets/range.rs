//! `Range` and `Content-Range`: any text is a part of the content, or none.
#![no_main]

use libfuzzer_sys::fuzz_target;
use registry_lite::server::Range;
use registry_lite::server::push::ContentRange;

fuzz_target!(|input: (u64, &str)| {
    let (size, header) = input;
    if let Range::Part { first, last } = Range::parse(header, size) {
        assert!(first <= last && last < size);
        assert_eq!(Range::parse(&format!("bytes={first}-{last}"), size), Range::Part { first, last });
    }
    if let Some(range) = ContentRange::parse(header) {
        assert!(range.first <= range.last);
        let (first, last) = (range.first, range.last);
        for again in
            [format!("{first}-{last}"), format!("bytes {first}-{last}/{size}"), format!("bytes {first}-{last}/*")]
        {
            assert_eq!(ContentRange::parse(&again), Some(range));
        }
    }
});
