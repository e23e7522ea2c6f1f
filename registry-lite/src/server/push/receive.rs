//! Bodies on their way in.

use std::io;

use bundle_format::limits;
use bytes::Bytes;
use http_body::Body;
use http_body_util::BodyExt as _;

use super::Sent;
use super::sessions::Open;
use crate::server::error::ApiError;
use crate::store::{StoreError, Upload};

/// Bytes that are written and hashed at once. An upload has at most two such batches in memory: one that arrives, one that
/// is written.
const BATCH_BYTES: usize = 512 << 10;

/// The stretch of an upload that a chunk is (distribution-spec, "Pushing a blob in chunks"): `first-last`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContentRange {
    /// First byte.
    pub first: u64,
    /// Last byte.
    pub last: u64,
}

impl ContentRange {
    /// Reads a `Content-Range`. That of RFC 9110, with `bytes ` before and `/size` after, is taken as well.
    #[must_use]
    pub fn parse(header: &str) -> Option<Self> {
        let header = header.trim();
        let header = header.strip_prefix("bytes ").unwrap_or(header);
        let (first, last) = header.split('/').next()?.split_once('-')?;
        let number = |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten();
        let range = Self { first: number(first)?, last: number(last)? };
        (range.first <= range.last).then_some(range)
    }

    fn len(&self) -> Option<u64> {
        (self.last - self.first).checked_add(1)
    }
}

impl Sent {
    /// Whether the body may follow the `len` bytes that came before.
    pub(super) fn check(&self, len: u64, location: impl Fn() -> String) -> Result<(), ApiError> {
        let Some(range) = &self.range else { return Ok(()) };
        let invalid = |why| ApiError::UploadInvalid { why };
        let range = ContentRange::parse(range).ok_or_else(|| invalid("its `Content-Range` is not `first-last`"))?;
        if range.first != len {
            return Err(ApiError::UploadRange { len, location: location() });
        }
        match self.length {
            Some(length) if range.len() != Some(length) => {
                Err(invalid("its `Content-Range` and `Content-Length` do not fit together"))
            }
            _ => Ok(()),
        }
    }
}

/// Takes a manifest into memory.
pub(super) async fn collect<B: Body<Data = Bytes> + Unpin>(mut body: B) -> Result<Vec<u8>, ApiError> {
    let limit = limits::MANIFEST_BYTES;
    let too_large = || ApiError::TooLarge { limit };
    if body.size_hint().lower() > limit {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    while let Some(data) = next(&mut body).await? {
        if bytes.len() as u64 + data.len() as u64 > limit {
            return Err(too_large());
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes)
}

/// Writes a body to `upload`: while one batch is written and hashed, the next arrives. What came of a body that broke off stays,
/// so that the client can go on from there. The bytes are taken on the task that speaks with the client, since waking another one for
/// each piece costs more than the piece.
pub(super) async fn receive<B: Body<Data = Bytes> + Unpin>(mut body: B, upload: &Open) -> Result<(), ApiError> {
    let mut writing: Option<Writing> = None;
    loop {
        let (batch, ended) = gather(&mut body).await;
        if let Some(written) = writing.take() {
            settle(written).await?;
        }
        if !batch.is_empty() {
            let upload = upload.clone();
            writing = Some(tokio::task::spawn_blocking(move || upload.with(|upload| write(upload, &batch))));
        }
        match ended {
            Ok(false) => {}
            Ok(true) => break,
            Err(error) => {
                if let Some(written) = writing.take() {
                    settle(written).await?;
                }
                return Err(error);
            }
        }
    }
    match writing {
        Some(written) => settle(written).await,
        None => Ok(()),
    }
}

type Writing = tokio::task::JoinHandle<Result<(), ApiError>>;

fn write(upload: &mut Upload, batch: &[Bytes]) -> Result<(), ApiError> {
    batch.iter().try_for_each(|data| {
        if upload.len() + data.len() as u64 > limits::BLOB_BYTES {
            return Err(ApiError::TooLarge { limit: limits::BLOB_BYTES });
        }
        upload.write(data).map_err(ApiError::from)
    })
}

async fn settle(writing: Writing) -> Result<(), ApiError> {
    writing.await.unwrap_or_else(|panicked| Err(ApiError::Storage(io::Error::other(panicked))))
}

/// The next bytes, and whether they are the last ones.
async fn gather<B: Body<Data = Bytes> + Unpin>(body: &mut B) -> (Vec<Bytes>, Result<bool, ApiError>) {
    let (mut batch, mut len) = (Vec::new(), 0);
    while len < BATCH_BYTES {
        match next(body).await {
            Ok(Some(data)) => {
                len += data.len();
                batch.push(data);
            }
            Ok(None) => return (batch, Ok(true)),
            Err(error) => return (batch, Err(error)),
        }
    }
    (batch, Ok(false))
}

/// The next data; trailers, which no client of a registry sends, are passed over.
async fn next<B: Body<Data = Bytes> + Unpin>(body: &mut B) -> Result<Option<Bytes>, ApiError> {
    loop {
        match body.frame().await {
            None => return Ok(None),
            Some(Err(_)) => return Err(ApiError::BodyBroken),
            Some(Ok(frame)) => {
                if let Ok(data) = frame.into_data() {
                    return Ok(Some(data));
                }
            }
        }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        use bundle_format::{Code, Coded as _};
        match error.code() {
            Code::Space => Self::Full(error),
            _ => Self::Storage(io::Error::other(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_says_where_it_belongs() {
        let range = |first, last| Some(ContentRange { first, last });
        for (why, header, expected) in [
            ("as the distribution specification has it", "0-499", range(0, 499)),
            ("as HTTP has it", "bytes 500-999/1000", range(500, 999)),
            ("of unknown size", "bytes 0-0/*", range(0, 0)),
            ("reversed", "5-4", None),
            ("no end", "5-", None),
            ("no beginning", "-5", None),
            ("a sign", "+1-5", None),
            ("beyond 2^64", "0-99999999999999999999", None),
            ("nothing", "", None),
        ] {
            assert_eq!(ContentRange::parse(header), expected, "{why}: {header}");
        }
        assert_eq!(ContentRange { first: 0, last: u64::MAX }.len(), None);
    }
}
