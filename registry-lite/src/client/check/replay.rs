//! One image, asked for in one manner.

use std::io::Read;
use std::time::Instant;

use bundle_format::oci::{Document, Raw};
use bundle_format::reference::mirror_host;
use bundle_format::{Descriptor, Digest, Hasher, ImageRef, limits, media};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use ureq::Body;
use ureq::http::header::{
    ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, RANGE,
};
use ureq::http::{HeaderMap, Method, Response};

use super::super::auth::Access;
use super::super::error::shown;
use super::super::transport::Outgoing;
use super::super::{Answer, DOCKER_CONTENT_DIGEST, Reference, Registry};
use super::{Depth, Fault, Manner, Passed, Problem, QUICK, Wanted};

/// Where clients ask first what is there.
const PING: &str = "/v2/";
/// A layer of at most so many bytes is read whole in any case.
const SMALL: u64 = 1 << 20;
/// Most bytes of a range.
const PART: u64 = 64 << 10;
/// What Go leaves as it is in the value of a query.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
/// Docker's schema 1, which containers/image still names.
const SCHEMA_1: [&str; 2] = [
    "application/vnd.docker.distribution.manifest.v1+prettyjws",
    "application/vnd.docker.distribution.manifest.v1+json",
];

/// What the media type of a document should be, where nothing says which.
const DOCUMENT: &str = "that of a manifest or an index";

type Checked<T> = Result<T, Box<Problem>>;

/// What is asked for, and where.
pub(super) struct Replay<'a> {
    registry: &'a Registry,
    manner: Manner,
    repository: String,
    query: String,
    access: Access,
    passed: Passed,
}

/// What the headers of a manifest say.
struct Stated {
    media_type: String,
    digest: Digest,
    length: Option<u64>,
}

/// An answer with the status that was wanted.
struct Got {
    request: String,
    response: Response<Body>,
}

impl Got {
    fn fault<T>(&self, fault: Fault) -> Checked<T> {
        Err(Box::new(Problem { request: self.request.clone(), fault }))
    }

    fn header(&self, name: impl ureq::http::header::AsHeaderName) -> Option<&str> {
        text(self.response.headers(), name)
    }

    fn length(&self) -> Option<u64> {
        self.header(CONTENT_LENGTH)?.parse().ok()
    }

    /// A length and a digest in the headers must be the content's.
    fn says(&self, digest: &Digest, size: u64) -> Checked<()> {
        match self.length() {
            Some(found) if found != size => return self.fault(Fault::Length { found, wanted: size }),
            _ => {}
        }
        match self.header(DOCKER_CONTENT_DIGEST) {
            // A registry may name content by another algorithm.
            Some(named) if !named.starts_with("sha512:") && named.parse() != Ok(*digest) => {
                self.fault(Fault::Named { named: shown(named), found: *digest })
            }
            _ => Ok(()),
        }
    }

    fn media_type(&self) -> String {
        let stated = self.header(CONTENT_TYPE).unwrap_or_default();
        shown(stated.split(';').next().unwrap_or_default().trim())
    }

    /// The body: hashed, counted, and the first `keep` bytes of it. More than `size` bytes are not read.
    fn read(&mut self, size: u64, keep: u64) -> Checked<(Digest, u64, Vec<u8>)> {
        let mut body = self.response.body_mut().as_reader().take(size.saturating_add(1));
        let (mut hasher, mut total, mut kept) = (Hasher::default(), 0_u64, Vec::new());
        let mut buffer = vec![0; 64 << 10];
        loop {
            let n = match body.read(&mut buffer) {
                Ok(0) => break,
                Ok(n) => n,
                Err(e) => return self.fault(Fault::Broken(e)),
            };
            let part = buffer.get(..n).unwrap_or_default();
            hasher.update(part);
            let room = usize::try_from(keep.saturating_sub(total)).unwrap_or(usize::MAX);
            kept.extend_from_slice(part.get(..room.min(n)).unwrap_or_default());
            total += n as u64;
        }
        Ok((hasher.finish(), total, kept))
    }
}

fn is_document(media_type: &str) -> bool {
    media::is_index(media_type) || media::is_manifest(media_type)
}

fn text(headers: &HeaderMap, name: impl ureq::http::header::AsHeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

impl<'a> Replay<'a> {
    pub(super) fn new(registry: &'a Registry, manner: Manner, wanted: &Wanted) -> Self {
        let (repository, query) = address(registry.host(), manner, &wanted.image);
        let access = Access::pull(&repository);
        Self { registry, manner, repository, query, access, passed: Passed::default() }
    }

    pub(super) fn run(mut self, wanted: &Wanted, depth: Depth) -> Checked<Passed> {
        if self.manner != Manner::Namespace {
            // containers/image and docker ask first what is there.
            self.get(Method::GET, PING.to_owned(), None, None)?;
        }
        let root = self.root(wanted)?;
        if let Some(image) = self.platform(root, limits::INDEX_DEPTH)?
            && let Document::Image { config, layers, .. } = image.value()
        {
            self.blob(config, Depth::Part)?;
            let layers = if depth == Depth::Full { layers.as_slice() } else { layers.get(..1).unwrap_or_default() };
            for layer in layers {
                self.blob(layer, depth)?;
            }
        }
        self.absent()?;
        Ok(self.passed)
    }

    /// What the name stands for.
    fn root(&mut self, wanted: &Wanted) -> Checked<Raw> {
        let tag = wanted.image.tag().unwrap_or("latest");
        let by_name = wanted.image.digest().map_or(Reference::Tag(tag), Reference::Digest);
        let named = if self.manner == Manner::Path { None } else { self.head(by_name)? };
        let root = match &named {
            // The digest is taken from the answer, and the content then asked for by it.
            Some(named) => self.document(Reference::Digest(&named.digest), Some(&named.media_type))?,
            None => self.document(by_name, None)?,
        };
        let (digest, size) = (root.descriptor().digest, root.descriptor().size);
        let wrong = |method, fault| Err(Box::new(Problem { request: self.line(&method, by_name), fault }));
        if let Some(found) = named.and_then(|named| named.length)
            && found != size
        {
            return wrong(Method::HEAD, Fault::Length { found, wanted: size });
        }
        match (wanted.image.digest(), wanted.digest) {
            (Some(asked), _) if *asked != digest => {
                wrong(Method::GET, Fault::Content { wanted: *asked, found: digest })
            }
            (_, Some(meant)) if meant != digest => wrong(Method::GET, Fault::Other { wanted: meant, found: digest }),
            _ => Ok(root),
        }
    }

    /// What the registry states, if it states a digest: the content is then not asked for by its name.
    fn head(&mut self, reference: Reference<'_>) -> Checked<Option<Stated>> {
        let got = self.get(Method::HEAD, self.manifest(reference), None, None)?;
        let media_type = got.media_type();
        if !is_document(&media_type) {
            return got.fault(Fault::MediaType { found: media_type, wanted: DOCUMENT.to_owned() });
        }
        let digest = got.header(DOCKER_CONTENT_DIGEST).and_then(|named| named.parse().ok());
        Ok(digest.map(|digest| Stated { media_type, digest, length: got.length() }))
    }

    /// A manifest or an index, proved; of the media type that it was listed with.
    fn document(&mut self, reference: Reference<'_>, listed: Option<&str>) -> Checked<Raw> {
        let mut got = self.get(Method::GET, self.manifest(reference), listed, None)?;
        let (digest, size, bytes) = got.read(limits::MANIFEST_BYTES, limits::MANIFEST_BYTES + 1)?;
        self.passed.bytes += size;
        if size > limits::MANIFEST_BYTES {
            return got.fault(Fault::Length { found: size, wanted: limits::MANIFEST_BYTES });
        }
        match reference {
            Reference::Digest(wanted) if *wanted != digest => {
                return got.fault(Fault::Content { wanted: *wanted, found: digest });
            }
            _ => got.says(&digest, size)?,
        }
        let media_type = got.media_type();
        if !is_document(&media_type) || listed.is_some_and(|listed| listed != media_type) {
            return got.fault(Fault::MediaType { found: media_type, wanted: listed.unwrap_or(DOCUMENT).to_owned() });
        }
        let descriptor = Descriptor::new(&media_type, digest, size);
        Raw::parse(&descriptor, bytes).or_else(|e| got.fault(Fault::Document(e)))
    }

    /// An image that `root` leads to, this machine's platform first; none if it is an index of none.
    fn platform(&mut self, root: Raw, depth: usize) -> Checked<Option<Raw>> {
        let Document::Index { manifests, .. } = root.value() else { return Ok(Some(root)) };
        let ours = format!("linux/{}", if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" });
        // What is about an image (its provenance) stands beside it as a platform that nobody has.
        let is_image = |d: &&Descriptor| d.is_document() && d.platform.as_ref().is_none_or(|p| p.os != "unknown");
        let mut images: Vec<&Descriptor> = manifests.iter().filter(is_image).collect();
        images.sort_by_key(|d| !d.platform.as_ref().is_some_and(|p| p.is(&ours)));
        if images.is_empty() || depth == 0 {
            return Ok(None);
        }
        for image in &images {
            match self.document(Reference::Digest(&image.digest), Some(&image.media_type)) {
                Ok(child) => return self.platform(child, depth - 1),
                // An index may list platforms that are not carried.
                Err(problem) if matches!(&problem.fault, Fault::Status { answer, .. } if answer.status() == 404) => {}
                Err(problem) => return Err(problem),
            }
        }
        let request = self.line(&Method::GET, Reference::Digest(&root.descriptor().digest));
        Err(Box::new(Problem { request, fault: Fault::NoPlatform }))
    }

    /// A blob: whole if it is small or all is wanted, and a range from its middle.
    fn blob(&mut self, blob: &Descriptor, depth: Depth) -> Checked<()> {
        let path = format!("/v2/{}/blobs/{}{}", self.repository, blob.digest, self.query);
        let whole = depth == Depth::Full || blob.size <= SMALL;
        let mut kept = Vec::new();
        if whole {
            let mut got = self.get(Method::GET, path.clone(), Some(&blob.media_type), None)?;
            got.says(&blob.digest, blob.size)?;
            let (found, size, bytes) = got.read(blob.size, SMALL)?;
            kept = bytes;
            self.passed.bytes += size;
            if size != blob.size {
                return got.fault(Fault::Length { found: size, wanted: blob.size });
            }
            if found != blob.digest {
                return got.fault(Fault::Content { wanted: blob.digest, found });
            }
        }
        let (first, last) = match blob.size {
            0 | 1 => return Ok(()),
            size if size <= SMALL => (size / 2, size - 1),
            // Beyond what the first read-ahead of a proxy brings, but within what was kept.
            size if whole => (SMALL / 2, SMALL / 2 + PART.min(size - SMALL / 2) - 1),
            size => (size / 2, size / 2 + PART.min(size - size / 2) - 1),
        };
        let mut got = self.get(Method::GET, path, Some(&blob.media_type), Some((first, last)))?;
        let wanted = format!("bytes {first}-{last}/{}", blob.size);
        let found = got.header(CONTENT_RANGE).unwrap_or_default().to_owned();
        if found != wanted && found != format!("bytes {first}-{last}/*") {
            return got.fault(Fault::Range { found: shown(&found), wanted });
        }
        let wanted = last - first + 1;
        let (_, size, bytes) = got.read(wanted, wanted)?;
        self.passed.bytes += size;
        if size != wanted || got.length().is_some_and(|length| length != wanted) {
            return got.fault(Fault::Length { found: got.length().unwrap_or(size), wanted });
        }
        let same = usize::try_from(first).ok().and_then(|first| kept.get(first..));
        match same {
            Some(same) if whole && !same.iter().zip(&bytes).all(|(a, b)| a == b) => got.fault(Fault::RangeContent),
            _ => Ok(()),
        }
    }

    /// What nobody has must be missed at once.
    fn absent(&mut self) -> Checked<()> {
        let nothing = Digest::of(b"sealift registry check: nothing has this content");
        let method = if self.manner == Manner::Path { Method::GET } else { Method::HEAD };
        let path = self.manifest(Reference::Digest(&nothing));
        let begun = Instant::now();
        let got = self.ask(method, path, None, None)?;
        let took = begun.elapsed();
        match got.response.status().as_u16() {
            404 if took > QUICK => got.fault(Fault::Slow(took)),
            404 => Ok(()),
            _ => {
                let fault = Fault::Status { answer: Answer::read(got.response), wanted: 404 };
                Err(Box::new(Problem { request: got.request, fault }))
            }
        }
    }

    fn manifest(&self, reference: Reference<'_>) -> String {
        format!("/v2/{}/manifests/{reference}{}", self.repository, self.query)
    }

    fn line(&self, method: &Method, reference: Reference<'_>) -> String {
        format!("{method} {}", self.manifest(reference))
    }

    /// Asks, and is answered with 200, or 206 for a range; nothing is compressed.
    fn get(
        &mut self,
        method: Method,
        path: String,
        media_type: Option<&str>,
        range: Option<(u64, u64)>,
    ) -> Checked<Got> {
        let got = self.ask(method, path, media_type, range)?;
        let wanted = if range.is_some() { 206 } else { 200 };
        if got.response.status().as_u16() != wanted {
            let fault = Fault::Status { answer: Answer::read(got.response), wanted };
            return Err(Box::new(Problem { request: got.request, fault }));
        }
        match got.header(CONTENT_ENCODING) {
            Some(encoding) if encoding != "identity" => {
                let encoding = shown(encoding);
                got.fault(Fault::Encoded { encoding })
            }
            _ => Ok(got),
        }
    }

    /// Asks once, with the headers of this manner.
    fn ask(
        &mut self,
        method: Method,
        path: String,
        media_type: Option<&str>,
        range: Option<(u64, u64)>,
    ) -> Checked<Got> {
        let mut request = format!("{method} {path}");
        let mut outgoing = Outgoing::new(method, format!("{}{path}", self.registry.0.base));
        outgoing.patient = false;
        for accept in self.accepts(&path, media_type) {
            outgoing.headers.push((ACCEPT, accept));
        }
        if outgoing.method == Method::GET && self.manner == Manner::Namespace {
            outgoing.headers.push((ACCEPT_ENCODING, "zstd;q=1.0, gzip;q=0.8, deflate;q=0.5".to_owned()));
        } else if outgoing.method == Method::GET && range.is_none() {
            // As Go's HTTP client does unless it is told otherwise.
            outgoing.headers.push((ACCEPT_ENCODING, "gzip".to_owned()));
        }
        if let Some((first, last)) = range {
            let range = format!("bytes={first}-{last}");
            request.push_str(&format!(" (Range: {range})"));
            outgoing.headers.push((RANGE, range));
        }
        self.passed.requests += 1;
        match self.registry.send(outgoing, &self.access) {
            Ok(response) => Ok(Got { request, response }),
            Err(error) => Err(Box::new(Problem { request, fault: Fault::Client(error) })),
        }
    }

    /// What the clients say they take: one header for containerd, one for each type for the others; none but for manifests.
    fn accepts(&self, path: &str, media_type: Option<&str>) -> Vec<String> {
        let (manifest, index) = (media::OCI_MANIFEST, media::OCI_INDEX);
        let (docker_manifest, docker_list) = (media::DOCKER_MANIFEST, media::DOCKER_LIST);
        let [signed, schema_1] = SCHEMA_1;
        let types = match (self.manner, media_type) {
            (Manner::Namespace, Some(media_type)) => return vec![format!("{media_type}, */*")],
            (Manner::Namespace, None) => {
                return vec![[docker_manifest, docker_list, manifest, index, "*/*"].join(", ")];
            }
            (_, media_type) if path == PING || media_type.is_some_and(|it| !is_document(it)) => return Vec::new(),
            (Manner::Path, _) => vec![manifest, docker_manifest, signed, schema_1, docker_list, index],
            (Manner::Hub, _) => vec![docker_manifest, docker_list, index, manifest, signed],
        };
        types.into_iter().map(str::to_owned).collect()
    }
}

/// The repository in the path and the query, as clients of this manner have them. An image of the registry's own name is
/// asked for as it is.
fn address(registry: &str, manner: Manner, image: &ImageRef) -> (String, String) {
    let bare = image.repository().to_owned();
    match manner {
        _ if image.host() == registry => (bare, String::new()),
        Manner::Namespace => (bare, format!("?ns={}", utf8_percent_encode(image.host(), QUERY))),
        Manner::Hub if image.host() == "docker.io" => (bare, String::new()),
        Manner::Path | Manner::Hub => (format!("{}/{bare}", mirror_host(image.host())), String::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_manner_has_its_address() {
        for (why, manner, image, repository, query) in [
            ("the host in ns", Manner::Namespace, "quay.io/a/b:1", "a/b", "?ns=quay.io"),
            ("Docker Hub in ns", Manner::Namespace, "nginx", "library/nginx", "?ns=docker.io"),
            ("a port, encoded", Manner::Namespace, "localhost:5000/a:1", "a", "?ns=localhost%3A5000"),
            ("the host in the path", Manner::Path, "quay.io/a/b:1", "quay.io/a/b", ""),
            ("a port in the path", Manner::Path, "localhost:5000/a:1", "localhost_5000/a", ""),
            ("docker's mirror", Manner::Hub, "nginx:1", "library/nginx", ""),
            ("what docker mirrors not", Manner::Hub, "quay.io/a/b:1", "quay.io/a/b", ""),
            ("the registry's own name", Manner::Namespace, "mirror:5000/a:1", "a", ""),
            ("the registry's own name", Manner::Path, "mirror:5000/a:1", "a", ""),
        ] {
            let found = address("mirror:5000", manner, &image.parse().unwrap());
            assert_eq!(found, (repository.to_owned(), query.to_owned()), "{why}: {image}");
        }
    }
}
