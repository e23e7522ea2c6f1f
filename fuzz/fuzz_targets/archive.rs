//! The archive reader over any bytes: it refuses or reads, and what it reads is written again to the same bytes.
#![no_main]

use bundle_format::archive::{ArchiveReader, ArchiveWriter, MemberName};
use libfuzzer_sys::fuzz_target;

const LIMIT: u64 = 1 << 20;

fuzz_target!(|bytes: &[u8]| {
    let mut reader = ArchiveReader::new(bytes);
    let mut writer = ArchiveWriter::new(Vec::new());
    let mut left = bytes;
    // The number of members is known to whoever reads: here it is what there is before the end.
    while left.len() > 1024 || left.iter().any(|b| *b != 0) {
        let before = reader.position();
        let Ok((name, size)) = reader.head(MemberName::Release, |_| Some(LIMIT)) else { return };
        assert!(size <= LIMIT);
        let mut expected = ArchiveReader::new(left);
        assert!(expected.expect(name, size).is_ok(), "head and expect must agree");
        let mut other = ArchiveReader::new(left);
        assert!(other.expect(name, size + 1).is_err(), "a header has one size");
        let Ok(content) = reader.whole(name, size) else { return };
        assert!(writer.member(name, &content).is_ok());
        let read = usize::try_from(reader.position() - before).unwrap_or(usize::MAX);
        left = &left[read..];
    }
    if let Ok(length) = reader.end(MemberName::Release) {
        assert_eq!(length, bytes.len() as u64);
        assert_eq!(writer.finish().ok().as_deref(), Some(bytes), "an archive has one spelling");
    }
});
