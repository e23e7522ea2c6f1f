//! The ceilings of every parser (spec/bundle.md section 8). A reader refuses what lies above; a writer refuses to make it.

/// Largest signed envelope of a release, in bytes.
pub const RELEASE_ENVELOPE_BYTES: u64 = 4 << 20;
/// Largest trust document, in bytes.
pub const TRUST_DOCUMENT_BYTES: u64 = 1 << 20;
/// Most trust documents in an archive.
pub const TRUST_DOCUMENTS: usize = 64;
/// Largest signed envelope of a packing list, in bytes. One member costs about 250 bytes: room for 200 000.
pub const PACKING_LIST_ENVELOPE_BYTES: u64 = 64 << 20;
/// Most members that a packing list may name.
pub const MEMBERS: usize = 200_000;
/// Most signatures in one envelope (security notes 2.1; a 17th is refused before any is checked).
pub const SIGNATURES: usize = 16;
/// Largest OCI manifest or index, in bytes (the distribution specification asks registries to take at least this).
pub const MANIFEST_BYTES: u64 = 4 << 20;
/// All manifests and indexes of one bundle together, in bytes: they are held in memory until the content graph is proved.
pub const MANIFESTS_TOTAL_BYTES: u64 = 64 << 20;
/// Deepest nesting of any signed or trusted JSON document.
pub const JSON_DEPTH: usize = 32;
/// Largest integer in signed JSON: above it readers disagree about the value (RFC 8259 section 6).
pub const JSON_INTEGER: u64 = (1 << 53) - 1;
/// Deepest chain of indexes from a template version down to an image manifest.
pub const INDEX_DEPTH: usize = 4;
/// Largest template document, in bytes.
pub const TEMPLATE_BYTES: u64 = 4 << 20;
/// Largest single blob, in bytes: 1 TiB.
pub const BLOB_BYTES: u64 = 1 << 40;
/// Most template versions that the blobs of a delta may come from; most states of a site that one delta serves; most patches for
/// one blob.
pub const BASES: usize = 64;
/// Most bytes that the contents of a patch's sources may have together.
pub const SPACE_BYTES: u64 = 16 * BLOB_BYTES;
/// Largest key file, in bytes.
pub const KEY_FILE_BYTES: u64 = 64 << 10;
/// Largest signed envelope of an exported installation, in bytes.
pub const EXPORTED_ENVELOPE_BYTES: u64 = 4 << 20;
/// Largest signed envelope of a status, in bytes.
pub const STATUS_ENVELOPE_BYTES: u64 = 64 << 10;
/// Longest note in a status, in bytes of UTF-8.
pub const NOTE_BYTES: usize = 1024;
/// Most lines of a note in a status.
pub const NOTE_LINES: usize = 16;
/// Largest document of an installation's values, in bytes.
pub const INSTALLATION_BYTES: u64 = 16 << 20;
/// Largest encrypted document of an installation's secrets, in bytes.
pub const SECRETS_BYTES: u64 = 4 << 20;
/// Most claims whose content one exported installation carries.
pub const CLAIMS: usize = 1_000;
