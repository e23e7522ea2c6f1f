//! One image, asked for in one manner.

use std::time::Instant;

use bundle_format::oci::{Document, Raw};
use bundle_format::{Descriptor, Digest, limits};
use ureq::http::Method;
use ureq::http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_RANGE, RANGE};

use super::super::auth::Access;
use super::super::error::shown;
use super::super::transport::Outgoing;
use super::super::{Answer, DOCKER_CONTENT_DIGEST, Reference, Registry};
use super::answer::{Got, is_document};
use super::manner::PING;
use super::{Checked, Depth, Fault, Manner, Passed, Problem, QUICK, Wanted};

/// A layer of at most so many bytes is read whole in any case.
const SMALL: u64 = 1 << 20;
/// Most bytes of a range.
const PART: u64 = 64 << 10;

/// What the media type of a document should be, where nothing says which.
const DOCUMENT: &str = "that of a manifest or an index";

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

impl<'a> Replay<'a> {
    pub(super) fn new(registry: &'a Registry, manner: Manner, wanted: &Wanted) -> Self {
        let (repository, query) = manner.address(registry.host(), &wanted.image);
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
            // Every client reads it whole; one that is larger than a manifest may be is no configuration.
            let whole = if config.size <= limits::MANIFEST_BYTES { Depth::Full } else { Depth::Part };
            self.blob(config, whole)?;
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
        for accept in self.manner.accepts(&path, media_type) {
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
}
