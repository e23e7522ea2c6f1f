//! A registry that takes pushes, on a loopback port, which can be stopped and started again.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread::{JoinHandle, sleep};
use std::time::{Duration, Instant};

use registry_lite::content::Site;
use registry_lite::server::{Config, PushLimits, Pusher, Report, Stop, serve};
use registry_lite::{LockedStore, Store, StoreError};
use tempfile::TempDir;

use crate::http::{Answer, Request, target};

pub struct Registry {
    dir: TempDir,
    limits: PushLimits,
    running: Option<Running>,
    events: Arc<Mutex<Vec<String>>>,
}

struct Running {
    address: SocketAddr,
    stop: Stop,
    thread: JoinHandle<io::Result<()>>,
}

/// Waits until `ready` gives something. What is waited for happens in other threads.
pub fn wait_for<T>(what: &str, mut ready: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(value) = ready() {
            return value;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "{what}");
        sleep(Duration::from_millis(20));
    }
}

impl Registry {
    pub fn new() -> Self {
        Self::with_limits(|_| {})
    }

    pub fn with_limits(change: impl FnOnce(&mut PushLimits)) -> Self {
        let dir = TempDir::new().unwrap();
        drop(Store::lock_or_create(dir.path()).unwrap());
        let mut limits = PushLimits::default();
        change(&mut limits);
        let mut registry = Self { dir, limits, running: None, events: Arc::default() };
        registry.start(true);
        registry
    }

    fn start(&mut self, writes: bool) {
        let events = Arc::clone(&self.events);
        let report: Report = Arc::new(move |event| events.lock().unwrap().push(event.to_string()));
        let site = Site::open(Store::open(self.dir.path()).unwrap(), Arc::clone(&report)).unwrap();
        let mut config = Config::new(Arc::clone(&report));
        if writes {
            // A server that was stopped gives its folder back once its last thread has ended.
            let open = || match Pusher::open(Arc::clone(&site), self.limits, Arc::clone(&report)) {
                Ok(pusher) => Some(pusher),
                Err(StoreError::Locked { .. }) => None,
                Err(error) => panic!("{error}"),
            };
            config.pusher = Some(wait_for("the folder of uploads is free", open));
        }
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let stop = Stop::default();
        let handle = stop.clone();
        let thread = std::thread::spawn(move || serve(listener, site, config, &handle));
        self.running = Some(Running { address, stop, thread });
    }

    fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop.stop();
            running.thread.join().unwrap().unwrap();
        }
    }

    /// Stops it, and starts it again on what it left on the disk.
    pub fn restart(&mut self) {
        self.stop();
        self.start(true);
    }

    pub fn restart_read_only(&mut self) {
        self.stop();
        self.start(false);
    }

    pub fn site(&self) -> &Path {
        self.dir.path()
    }

    /// As an import in another process has the site.
    pub fn lock(&self) -> LockedStore {
        Store::open(self.site()).unwrap().lock().unwrap()
    }

    /// What the operator was told.
    pub fn events(&self) -> Vec<String> {
        self.events.lock().unwrap().clone()
    }

    /// `to` is a path below `/v2/`, or a `Location`.
    pub fn request(&self, method: &str, to: &str) -> Request {
        let to = if to.starts_with(['/', 'h']) && to.contains("/v2/") { target(to) } else { format!("/v2/{to}") };
        Request::new(self.running.as_ref().unwrap().address, method, &to)
    }

    pub fn get(&self, to: &str) -> Answer {
        self.request("GET", to).send()
    }

    pub fn head(&self, to: &str) -> Answer {
        self.request("HEAD", to).send()
    }

    pub fn delete(&self, to: &str) -> Answer {
        self.request("DELETE", to).send()
    }

    /// Begins an upload to `name`; gives its location.
    pub fn begin(&self, name: &str) -> String {
        let answer = self.request("POST", &format!("{name}/blobs/uploads/")).send();
        assert_eq!(answer.status, 202, "{answer:?}");
        answer.header("location").to_owned()
    }

    pub fn patch(&self, location: &str, range: Option<(usize, usize)>, bytes: &[u8]) -> Answer {
        let request = self.request("PATCH", location).body(bytes).header("content-type", "application/octet-stream");
        match range {
            Some((first, last)) => request.header("content-range", &format!("{first}-{last}")).send(),
            None => request.send(),
        }
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop.stop();
            let _ = running.thread.join();
        }
    }
}
