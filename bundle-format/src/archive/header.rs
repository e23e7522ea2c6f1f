//! The one header that a name and a size have (spec/bundle.md section 1.2).

use super::name::MemberName;

/// Bytes of a block: headers are one, contents are padded to a multiple.
pub const BLOCK: usize = 512;

/// Zero bytes after a content of `size` bytes.
#[must_use]
pub fn padding(size: u64) -> usize {
    ((BLOCK as u64 - size % BLOCK as u64) % BLOCK as u64) as usize
}

/// Bytes of an archive whose members have these sizes (section 5.3), or `None` if that is more than 2^64-1.
#[must_use]
pub fn archive_len(sizes: impl IntoIterator<Item = u64>) -> Option<u64> {
    sizes.into_iter().try_fold(2 * BLOCK as u64, |sum, size| {
        sum.checked_add(BLOCK as u64)?.checked_add(size)?.checked_add(padding(size) as u64)
    })
}

/// The header of a member.
#[must_use]
pub fn encode(name: &MemberName, size: u64) -> [u8; BLOCK] {
    let mut h = [0; BLOCK];
    // The longest name, a blob's, has 77 bytes.
    put(&mut h, 0, name.to_string().as_bytes());
    put(&mut h, 100, b"0000644");
    put(&mut h, 108, b"0000000");
    put(&mut h, 116, b"0000000");
    if size < 1 << 33 {
        put(&mut h, 124, format!("{size:011o}").as_bytes());
    } else {
        h[124] = 0x80;
        h[128..136].copy_from_slice(&size.to_be_bytes());
    }
    put(&mut h, 136, b"00000000000");
    put(&mut h, 148, b"        ");
    h[156] = b'0';
    put(&mut h, 257, b"ustar\x0000");
    put(&mut h, 329, b"0000000");
    put(&mut h, 337, b"0000000");
    let sum: u32 = h.iter().map(|b| u32::from(*b)).sum();
    put(&mut h, 148, format!("{sum:06o}\0 ").as_bytes());
    h
}

fn put(h: &mut [u8; BLOCK], at: usize, bytes: &[u8]) {
    h[at..at + bytes.len()].copy_from_slice(bytes);
}

/// Name and size of a header, if it is one that [`encode`] makes.
pub(super) fn decode(h: &[u8; BLOCK]) -> Option<(MemberName, u64)> {
    let end = h[..100].iter().position(|b| *b == 0).unwrap_or(100);
    let name = std::str::from_utf8(&h[..end]).ok()?.parse().ok()?;
    let size = if h[124] == 0x80 {
        u64::from_be_bytes(h[128..136].try_into().ok()?)
    } else {
        u64::from_str_radix(std::str::from_utf8(&h[124..135]).ok()?, 8).ok()?
    };
    // Whatever else the header says, it must be the only header for this name and size.
    (encode(&name, size) == *h).then_some((name, size))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Digest;

    #[test]
    fn every_header_decodes_and_no_changed_one_does() {
        for size in [0, 1, 511, 512, (1 << 33) - 1, 1 << 33, u64::MAX] {
            for name in [MemberName::Release, MemberName::Blob(Digest::of(b"x"))] {
                let header = encode(&name, size);
                assert_eq!(decode(&header), Some((name, size)));
                for at in 0..BLOCK {
                    for bit in 0..8 {
                        let mut changed = header;
                        changed[at] ^= 1 << bit;
                        assert_eq!(decode(&changed), None, "bit {bit} of byte {at}");
                    }
                }
            }
        }
    }

    #[test]
    fn the_tar_crate_reads_the_same_name_and_size() {
        for size in [0, 77, (1 << 33) - 1, 1 << 33, 1 << 40] {
            let header = encode(&MemberName::IndexJson, size);
            let theirs = tar::Header::from_byte_slice(&header);
            assert_eq!(theirs.size().unwrap(), size);
            assert_eq!(theirs.path_bytes().as_ref(), b"index.json");
            assert_eq!((theirs.mode().unwrap(), theirs.mtime().unwrap()), (0o644, 0));
            assert!(theirs.entry_type().is_file());
        }
    }

    #[test]
    fn lengths_do_not_overflow() {
        assert_eq!(archive_len([]), Some(1024));
        assert_eq!(archive_len([0, 1, 512, 513]), Some(1024 + 512 + 1024 + 1024 + 1536));
        assert_eq!(archive_len([u64::MAX]), None);
    }
}
