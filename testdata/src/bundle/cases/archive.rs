//! The archive changed by somebody who cannot sign (spec/bundle.md section 1).

use bundle_format::Code;

use super::super::content::Content;
use super::super::seal::{Draft, checksum, chunk, header};
use super::{Case, bad};

const END: [u8; 1024] = [0; 1024];

/// The members of an archive as they lie in it, without the end.
fn chunks(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut chunks = Vec::new();
    let mut rest = &bytes[..bytes.len() - 1024];
    while rest.len() >= 512 {
        let size = std::str::from_utf8(&rest[124..135]).ok().and_then(|t| usize::from_str_radix(t, 8).ok());
        let (first, after) = rest.split_at(512 + size.unwrap_or_default().next_multiple_of(512));
        chunks.push(first.to_vec());
        rest = after;
    }
    chunks
}

pub(super) fn cases(good: &Content, cases: &mut Vec<Case>) {
    let bundle = Draft::of(good).seal();
    let members = chunks(&bundle);
    let raw = |edit: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = bundle.clone();
        edit(&mut bytes);
        bytes
    };
    let moved = |edit: &dyn Fn(&mut Vec<Vec<u8>>)| {
        let mut members = members.clone();
        edit(&mut members);
        [members.concat(), END.to_vec()].concat()
    };
    // Changes the header of one member and puts the right checksum into it.
    let headed = |member: usize, edit: &dyn Fn(&mut [u8])| {
        moved(&|members| {
            edit(&mut members[member][..512]);
            checksum(&mut members[member]);
        })
    };
    let end = bundle.len() - 1024;
    let last = members.len() - 1;
    let last_content = end - members[last].len() + 512;
    let release = "release.dsse.json";

    cases.extend([
        bad("an-empty-file", Code::Empty, "", Vec::new()),
        bad("a-gzip-file", Code::Foreign, "", raw(&|b| b[..4].copy_from_slice(b"\x1f\x8b\x08\0"))),
        bad("a-zstd-file", Code::Foreign, "", raw(&|b| b[..4].copy_from_slice(b"\x28\xb5\x2f\xfd"))),
        bad("another-tar", Code::Foreign, "", moved(&|m| m.insert(0, chunk("etc/motd", b"hello")))),
        bad("another-member-first", Code::Member, release, moved(&|m| m.rotate_left(2))),
        bad("half-a-block", Code::Foreign, "", bundle[..256].to_vec()),
        bad("cut-in-a-header", Code::Truncated, "blobs/sha256/", bundle[..last_content - 100].to_vec()),
        bad("cut-in-a-content", Code::Truncated, "blobs/sha256/", bundle[..last_content + 1].to_vec()),
        bad("cut-between-members", Code::Truncated, "blobs/sha256/", bundle[..last_content - 512].to_vec()),
        bad("cut-before-the-end", Code::End, "", bundle[..end].to_vec()),
        bad("cut-in-the-end", Code::End, "", bundle[..end + 512].to_vec()),
        bad("a-byte-after-the-end", Code::Trailing, "", raw(&|b| b.push(0))),
        bad("a-block-after-the-end", Code::Trailing, "", raw(&|b| b.resize(b.len() + 512, 0))),
        bad(
            "a-record-of-zeros-as-tar-pads",
            Code::Trailing,
            "",
            raw(&|b| b.resize(b.len().next_multiple_of(10240), 0)),
        ),
        bad("a-byte-in-the-end", Code::End, "", raw(&|b| b[end + 700] = 1)),
        bad("a-byte-in-the-padding", Code::Padding, release, raw(&|b| b[members[0].len() - 1] = 1)),
        bad("a-bit-in-a-layer", Code::Digest, "blobs/sha256/", raw(&|b| b[last_content] ^= 1)),
        bad("a-bit-in-the-index", Code::Digest, "index.json", moved(&|m| m[3][512 + 20] ^= 1)),
        bad("members-swapped", Code::Member, "blobs/sha256/", moved(&|m| m.swap(last, last - 1))),
        bad("a-member-removed", Code::Member, "blobs/sha256/", moved(&|m| drop(m.remove(last - 1)))),
        bad("the-last-member-removed", Code::Member, "blobs/sha256/", moved(&|m| drop(m.pop()))),
        bad("a-member-twice", Code::Member, "blobs/sha256/", moved(&|m| m.insert(last, m[last - 1].clone()))),
        bad("a-member-added", Code::Member, "blobs/sha256/", moved(&|m| m.insert(last, chunk("index.json", b"{}")))),
        bad("a-member-added-at-the-end", Code::End, "", moved(&|m| m.push(chunk("index.json", b"{}")))),
        bad("a-member-added-between-the-blocks-of-the-end", Code::End, "", {
            raw(&|b| b.splice(end + 512..end + 512, chunk("evil", b"x")).for_each(drop))
        }),
        bad("a-member-between-release-and-list", Code::Member, "packing-list.dsse.json", {
            moved(&|m| m.insert(1, chunk("evil.sh", b"x")))
        }),
        bad("an-unlisted-trust-document", Code::List, "packing-list.dsse.json", {
            moved(&|m| m.insert(1, chunk("trust/1.root.dsse.json", b"{}")))
        }),
        bad("list-before-release", Code::Member, release, moved(&|m| m.swap(0, 1))),
        bad("the-release-alone", Code::Truncated, "packing-list.dsse.json", members[0].clone()),
        bad("a-release-that-claims-5-MiB", Code::Limit, release, header(release.as_bytes(), 5 << 20)),
        bad("a-release-that-claims-8-GiB-less-one", Code::Limit, release, header(release.as_bytes(), (1 << 33) - 1)),
        bad("mode-0755", Code::Member, "oci-layout", headed(2, &|h| h[104..106].copy_from_slice(b"75"))),
        bad("an-owner", Code::Member, "oci-layout", headed(2, &|h| h[114] = b'1')),
        bad("a-time", Code::Member, "oci-layout", headed(2, &|h| h[146] = b'1')),
        bad("a-user-name", Code::Member, "oci-layout", headed(2, &|h| h[265..269].copy_from_slice(b"root"))),
        bad("a-prefix", Code::Member, "oci-layout", headed(2, &|h| h[345] = b'x')),
        bad("a-link-name", Code::Member, "oci-layout", headed(2, &|h| h[157] = b'x')),
        bad("a-byte-after-the-name", Code::Member, "oci-layout", headed(2, &|h| h[50] = b'x')),
        bad("a-byte-in-the-rest-of-a-header", Code::Member, "oci-layout", headed(2, &|h| h[511] = 1)),
        bad("gnu-magic", Code::Member, "oci-layout", headed(2, &|h| h[257..265].copy_from_slice(b"ustar  \0"))),
        bad(
            "a-size-with-spaces",
            Code::Member,
            "oci-layout",
            headed(2, &|h| h[124..133].copy_from_slice(b"         ")),
        ),
        bad("a-small-size-in-base-256", Code::Member, "oci-layout", {
            headed(2, &|h| h[124..136].copy_from_slice(b"\x80\0\0\0\0\0\0\0\0\0\0\x1e"))
        }),
        bad("an-old-type-byte", Code::Member, "oci-layout", headed(2, &|h| h[156] = 0)),
        bad("a-symbolic-link", Code::Member, "oci-layout", headed(2, &|h| h[156] = b'2')),
        bad("a-directory-with-content", Code::Member, "oci-layout", headed(2, &|h| h[156] = b'5')),
        bad("a-signed-checksum", Code::Member, "oci-layout", moved(&|m| m[2][148..156].copy_from_slice(b"  12345\0"))),
        bad("a-name-with-dots", Code::Member, "oci-layout", {
            headed(2, &|h| h[..13].copy_from_slice(b"../oci-layout"))
        }),
        bad("a-pax-header", Code::Member, "oci-layout", {
            moved(&|m| {
                let mut pax = chunk("oci-layout", b"18 path=evil.json\n");
                pax[156] = b'x';
                checksum(&mut pax);
                m.insert(2, pax);
            })
        }),
    ]);
}
