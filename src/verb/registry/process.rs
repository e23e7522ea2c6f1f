//! What a server asks of the system it runs on.

use std::ffi::OsStr;
use std::io;
#[cfg(target_os = "linux")]
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

use rustix::process::{Resource, getrlimit, setrlimit};

/// Lets the process have as many files open as the system allows it at most: each connection takes two. Where that is refused, connections
/// wait, and the log says so.
pub fn raise_open_files() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    let _ = setrlimit(Resource::Nofile, limit);
}

/// Tells the service manager how things are (sd_notify(3)): `READY=1`, `STOPPING=1`. Does nothing where there is none that asks.
///
/// # Errors
/// That it cannot be told.
pub fn notify(state: &str) -> io::Result<()> {
    match std::env::var_os("NOTIFY_SOCKET") {
        Some(name) if !name.is_empty() => tell(&name, state),
        _ => Ok(()),
    }
}

fn tell(name: &OsStr, state: &str) -> io::Result<()> {
    let address = match name.as_bytes().split_first() {
        #[cfg(target_os = "linux")]
        Some((b'@', name)) => SocketAddr::from_abstract_name(name)?,
        _ => SocketAddr::from_pathname(name)?,
    };
    UnixDatagram::unbound()?.send_to_addr(state.as_bytes(), &address).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_manager_is_told_at_a_path_and_at_an_abstract_name() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notify");
        let manager = UnixDatagram::bind(&path).unwrap();
        let mut told = [0; 99];
        tell(path.as_os_str(), "READY=1").unwrap();
        let n = manager.recv(&mut told).unwrap();
        assert_eq!(&told[..n], b"READY=1");
        #[cfg(target_os = "linux")]
        {
            let name = format!("sealift-test-{}", std::process::id());
            let address = SocketAddr::from_abstract_name(&name).unwrap();
            let manager = UnixDatagram::bind_addr(&address).unwrap();
            tell(format!("@{name}").as_ref(), "STOPPING=1").unwrap();
            let n = manager.recv(&mut told).unwrap();
            assert_eq!(&told[..n], b"STOPPING=1");
        }
        assert!(tell(dir.path().join("nobody").as_os_str(), "READY=1").is_err());
    }
}
