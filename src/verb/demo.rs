//! `sealift demo`: the whole journey on this machine, by the same functions that the verbs call.

mod cluster;
mod installation;

use std::fs::{self, File};
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bundle_format::{Code, ImageRef};
use registry_lite::Store;
use registry_lite::client::{ClientOptions, CredentialSource, Registry, Scheme};
use registry_lite::content::Site;
use registry_lite::server::{Config, Report, Stop, serve};

use self::cluster::Cluster;
use super::{import, keygen, list, pack, verify};
use crate::args;
use crate::failure::Failure;
use crate::output::{Output, bytes};
use crate::report::{DemoReport, DemoStep, ImageReport};

/// Bytes of filling in each image, so that there is something to carry.
const FILLING: usize = 1 << 20;

pub fn run(args: &args::Demo, out: &Output) -> Result<(), Failure> {
    let dir = &args.dir;
    if dir.exists() && fs::read_dir(dir).map_err(|e| io_failure(dir, &e))?.next().is_some() {
        return Err(Failure::new(Code::Exists, format_args!("{} is there already, and not empty", dir.display()))
            .hint("choose another folder with --dir"));
    }
    let cluster = match args.target.split_once(':').unwrap_or((&args.target, "")) {
        ("dir", "") => None,
        ("kube", context) => Some(Cluster::new(context, &args.registry)?),
        _ => {
            let message = format!("--target {}: it is `dir`, `kube` or `kube:CONTEXT`", args.target);
            return Err(Failure::new(Code::Usage, message));
        }
    };
    let mut demo = Demo { dir, out, quiet: out.silent(), steps: Vec::new(), cluster };
    demo.journey()?;
    let report = DemoReport { dir: dir.display().to_string(), steps: demo.steps };
    out.data(&report, |text| {
        let dir = &report.dir;
        text.push_str(&format!(
            "\nEverything is in {dir}/ to look at:\n  \
             {dir}/shop/sealift.yaml            the template, and the images that it packs\n  \
             {dir}/keys/vendor.pub              the key that the site trusts\n  \
             {dir}/bundles/shop-1.0.0.sealift   the bundle: try `tar -tvf` on it\n  \
             {dir}/bundles/shop-1.1.0-delta.sealift   the next version: what `sealift inspect` shows of it\n  \
             {dir}/changed-on-the-way/          a copy with one bit changed, which is refused\n  \
             {dir}/site/                        the site: an OCI image layout\n  \
             {dir}/out/                         manifests for `kubectl apply -f`, if it is not a cluster\n"
        ));
    })
}

struct Demo<'a> {
    dir: &'a Path,
    out: &'a Output,
    /// The verbs' own commentary would drown the story.
    quiet: Output,
    steps: Vec<DemoStep>,
    /// The cluster that it is installed on, if not a folder.
    cluster: Option<Cluster>,
}

impl Demo<'_> {
    fn journey(&mut self) -> Result<(), Failure> {
        self.chapter("At the vendor's");
        let key = self.make_keys()?;
        let bundle = self.pack(&key)?;
        self.chapter("On the way: a drive in somebody's pocket");
        self.tamper(&bundle)?;
        self.chapter("At the isolated site");
        let images = self.verify_and_import(&bundle)?;
        self.serve(&images)?;
        let Some(address) = self.cluster.as_ref().map(|c| c.listen()) else { return self.go_on(&key, &bundle) };
        // The nodes pull while the rest goes on.
        let failure = |e: io::Error| Failure::new(Code::Io, format_args!("serving the site at {address}: {e}"));
        let report: Report = Arc::new(|event| eprintln!("registry: {event}"));
        let content = Site::open(Store::open(&self.site())?, Arc::clone(&report))?;
        let listener = TcpListener::bind(&address).map_err(failure)?;
        let stop = Stop::default();
        std::thread::scope(|scope| {
            let server = scope.spawn(|| serve(listener, content, Config::new(report), &stop));
            let done = self.go_on(&key, &bundle);
            stop.stop();
            match server.join() {
                Ok(served) => served.map_err(failure)?,
                Err(_) => return Err(Failure::new(Code::Internal, "the server's thread has ended")),
            }
            done
        })
    }

    /// From the first installation to its end.
    fn go_on(&mut self, key: &Path, bundle: &Path) -> Result<(), Failure> {
        self.install()?;
        self.chapter("A month later: the next version, as a delta");
        let delta = self.pack_delta(key, bundle)?;
        self.import_delta(&delta)?;
        self.chapter("Upgraded, and taken back");
        self.upgrade()?;
        if self.cluster.is_some() {
            self.uninstall()?;
        }
        Ok(())
    }

    /// Writes a version of the shop.
    fn write_shop(&self, shop: &Path, version: &str) -> Result<(), Failure> {
        let written = match &self.cluster {
            None => testdata::shop::write_version(shop, FILLING, version),
            Some(cluster) => testdata::running::write_version(shop, &cluster.busybox, &cluster.platform, version),
        };
        written.map_err(|e| io_failure(shop, &e))
    }

    /// Packs the next version against the first.
    fn pack_delta(&mut self, key: &Path, base: &Path) -> Result<PathBuf, Failure> {
        let shop = self.folder("shop-1.1.0")?;
        self.write_shop(&shop, "1.1.0")?;
        let delta = self.folder("bundles")?.join("shop-1.1.0-delta.sealift");
        let mut args = pack_args(&shop, &delta, key);
        args.bases = vec![base.to_owned()];
        let packed = pack::pack(&args, &self.quiet)?;
        let full = packed.compared.as_ref().map_or(0, |compared| compared.full_size);
        self.step(
            format!(
                "sealift pack {} -o {} --key {} --base {}",
                args.template.display(),
                delta.display(),
                key.display(),
                base.display()
            ),
            format!(
                "{} in place of {}: the site makes the new layers from those it has",
                bytes(packed.size),
                bytes(full)
            ),
        );
        Ok(delta)
    }

    /// Imports the delta where its base is; a site without that is told what it lacks.
    fn import_delta(&mut self, delta: &Path) -> Result<(), Failure> {
        let mut args = self.import_args(delta);
        args.site = Some(self.dir.join("another-site"));
        let command = |args: &args::Import| {
            let site = args.site.as_deref().unwrap_or(Path::new("")).display();
            format!("sealift import {} --site {site} --key {}", delta.display(), args.keys[0].display())
        };
        match import::import(delta, &args, &self.quiet) {
            Err(failure) if failure.code == Code::BaseMissing => {
                let hint = failure.hint.unwrap_or_default();
                self.step(command(&args), format!("refused, as it must be: [{}] {hint}", failure.code));
            }
            Err(other) => return Err(other),
            Ok(_) => return Err(Failure::new(Code::Internal, "a delta went into a site without its base")),
        }
        args.site = Some(self.site());
        let imported = import::import(delta, &args, &self.quiet)?;
        let (blobs, size) = (imported.blobs_rebuilt, bytes(imported.bytes_rebuilt));
        self.step(command(&args), format!("{blobs} layers, {size}, made again, each with the digest that was signed"));
        let listed = list::list(&args::List { site: self.site(), upgrades: false })?;
        let all: Vec<_> = listed.templates.iter().map(|t| format!("{} {}", t.name, t.version)).collect();
        self.step(
            format!("sealift list --site {}", self.site().display()),
            format!("the site holds {}", all.join(", ")),
        );
        Ok(())
    }

    fn import_args(&self, bundle: &Path) -> args::Import {
        args::Import {
            bundle: Some(bundle.to_owned()),
            keys: vec![self.public_key()],
            site: Some(self.site()),
            registry: None,
            statuses: args::Statuses::default(),
            memory: importer::import::MEMORY,
            client: args::Client { plain_http: false, ca: Vec::new(), authfile: None },
        }
    }

    fn make_keys(&mut self) -> Result<PathBuf, Failure> {
        let keys = self.folder("keys")?;
        let (private, public) = (keys.join("vendor.pem"), keys.join("vendor.pub"));
        let made = keygen::make(&private, &public, None)?;
        self.step(
            format!("sealift keygen -o {} --no-passphrase", keys.join("vendor").display()),
            format!("a key pair; whoever holds vendor.pub can check what vendor.pem signs. Key {}", &made.key_id[..16]),
        );
        Ok(private)
    }

    fn pack(&mut self, key: &Path) -> Result<PathBuf, Failure> {
        let shop = self.folder("shop")?;
        self.write_shop(&shop, "1.0.0")?;
        let bundle = self.folder("bundles")?.join("shop-1.0.0.sealift");
        let args = pack_args(&shop, &bundle, key);
        let packed = pack::pack(&args, &self.quiet)?;
        self.step(
            format!("sealift pack {} -o {} --key {}", args.template.display(), bundle.display(), key.display()),
            format!(
                "one signed file of {} with {} images and their documents; its content has one name: {}",
                bytes(packed.size),
                packed.release.images.len(),
                packed.release.digest
            ),
        );
        Ok(bundle)
    }

    /// Changes one bit of a copy, to show what that does.
    fn tamper(&mut self, bundle: &Path) -> Result<(), Failure> {
        let copy = self.folder("changed-on-the-way")?.join("shop-1.0.0.sealift");
        fs::copy(bundle, &copy).map_err(|e| io_failure(&copy, &e))?;
        flip_a_bit(&copy).map_err(|e| io_failure(&copy, &e))?;
        let args =
            args::Verify { bundle: copy.clone(), keys: vec![self.public_key()], statuses: args::Statuses::default() };
        let command = format!("sealift verify {} --key {}", copy.display(), self.public_key().display());
        match verify::verify(&args, &self.quiet) {
            Err(failure) if failure.code.exit() == bundle_format::Exit::Bundle => {
                self.step(command, format!("refused, as it must be: [{}] {}", failure.code, failure.message));
                Ok(())
            }
            Err(other) => Err(other),
            Ok(_) => Err(Failure::new(Code::Internal, "a changed bundle was not noticed")),
        }
    }

    fn verify_and_import(&mut self, bundle: &Path) -> Result<Vec<ImageReport>, Failure> {
        let key = self.public_key();
        let args =
            args::Verify { bundle: bundle.to_owned(), keys: vec![key.clone()], statuses: args::Statuses::default() };
        let verified = verify::verify(&args, &self.quiet)?;
        self.step(
            format!("sealift verify {} --key {}", bundle.display(), key.display()),
            format!("every one of its {} bytes is what the vendor signed", verified.size),
        );
        let args = self.import_args(bundle);
        let command =
            format!("sealift import {} --site {} --key {}", bundle.display(), self.site().display(), key.display());
        let first = import::import(bundle, &args, &self.quiet)?;
        let (blobs, size) = (first.blobs_written, bytes(first.bytes_written));
        self.step(
            command.clone(),
            format!("verified again while it was read; {blobs} blobs, {size}, visible all at once"),
        );
        let again = import::import(bundle, &args, &self.quiet)?;
        self.step(command, format!("the same again writes {} blobs: they are there", again.blobs_written));
        let listed = list::list(&args::List { site: self.site(), upgrades: false })?;
        let all: Vec<_> = listed.templates.iter().map(|t| format!("{} {}", t.name, t.version)).collect();
        self.step(
            format!("sealift list --site {}", self.site().display()),
            format!("the site holds {}", all.join(", ")),
        );
        Ok(verified.release.images)
    }

    /// Serves the site on a free port, and asks it for every image by its original name, as a node would.
    fn serve(&mut self, images: &[ImageReport]) -> Result<(), Failure> {
        let failure = |e: io::Error| Failure::new(Code::Io, format_args!("serving the site: {e}"));
        let report: Report = Arc::new(|event| eprintln!("registry: {event}"));
        let content = Site::open(Store::open(&self.site())?, Arc::clone(&report))?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(failure)?;
        let address = listener.local_addr().map_err(failure)?;
        let stop = Stop::default();
        std::thread::scope(|scope| {
            let server = scope.spawn(|| serve(listener, content, Config::new(report), &stop));
            let asked = ask(&address.to_string(), images);
            stop.stop();
            match server.join() {
                Ok(served) => served.map_err(failure)?,
                Err(_) => return Err(Failure::new(Code::Internal, "the server's thread has ended")),
            }
            asked
        })?;
        let first = images.first().map_or("", |i| i.name.as_str());
        self.step(
            format!("sealift registry serve --site {}", self.site().display()),
            format!(
                "answered on {address} for {} images, such as {first}, with the digests that were signed",
                images.len()
            ),
        );
        Ok(())
    }

    fn chapter(&self, title: &str) {
        self.out.say(format_args!("\n{title}"));
    }

    fn step(&mut self, command: String, result: String) {
        self.out.say(format_args!("  $ {command}\n      {result}"));
        self.steps.push(DemoStep { command, result });
    }

    fn folder(&self, name: &str) -> Result<PathBuf, Failure> {
        let path = self.dir.join(name);
        fs::create_dir_all(&path).map_err(|e| io_failure(&path, &e))?;
        Ok(path)
    }

    fn site(&self) -> PathBuf {
        self.dir.join("site")
    }

    fn public_key(&self) -> PathBuf {
        self.dir.join("keys/vendor.pub")
    }
}

fn pack_args(shop: &Path, bundle: &Path, key: &Path) -> args::Pack {
    args::Pack {
        template: shop.join("sealift.yaml"),
        output: bundle.to_owned(),
        keys: vec![key.to_owned()],
        passphrase_file: None,
        images: Vec::new(),
        platforms: Vec::new(),
        bases: Vec::new(),
        compact: false,
        effort: args::Effort::Default,
        force: false,
        client: args::Client { plain_http: false, ca: Vec::new(), authfile: None },
    }
}

/// Asks the registry at `address` for every image, by its original host and name.
fn ask(address: &str, images: &[ImageReport]) -> Result<(), Failure> {
    let options =
        ClientOptions { scheme: Scheme::Http, credentials: CredentialSource::Anonymous, ..ClientOptions::default() };
    let registry = Registry::connect(address, &options)?;
    for image in images {
        let original: ImageRef =
            image.name.parse().map_err(|e| Failure::new(Code::Internal, format_args!("{}: {e}", image.name)))?;
        let mirrored = format!("{address}/{}:{}", original.mirror_path(), original.tag().unwrap_or_default());
        let mirrored = mirrored.parse().map_err(|e| Failure::new(Code::Internal, format_args!("{mirrored}: {e}")))?;
        let (served, _) = registry.resolve(&mirrored)?;
        if served.digest.to_string() != image.digest {
            let (name, found) = (&image.name, served.digest);
            return Err(Failure::new(
                Code::Internal,
                format_args!("{name} was signed as {}, served as {found}", image.digest),
            ));
        }
    }
    Ok(())
}

fn flip_a_bit(path: &Path) -> io::Result<()> {
    let file = File::options().read(true).write(true).open(path)?;
    let at = file.metadata()?.len() / 2;
    let mut byte = [0];
    file.read_exact_at(&mut byte, at)?;
    file.write_all_at(&[byte[0] ^ 1], at)
}

fn io_failure(path: &Path, e: &io::Error) -> Failure {
    Failure::new(Code::Io, format_args!("{}: {e}", path.display()))
}
