//! A proxy that passes on every byte, and notes requests and the status of their answers.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// A request and its answer.
#[derive(Debug, Clone)]
pub struct Exchange {
    pub method: String,
    pub target: String,
    /// Lowercase names, in the order in which they were sent.
    pub headers: Vec<(String, String)>,
    pub status: u16,
}

pub struct Proxy {
    pub address: SocketAddr,
    seen: Arc<Mutex<Vec<Exchange>>>,
}

/// A request's or an answer's first line and headers, and both as they were.
struct Head {
    first: String,
    headers: Vec<(String, String)>,
    bytes: Vec<u8>,
}

impl Head {
    fn read(from: &mut impl BufRead) -> Option<Self> {
        let (mut bytes, mut lines) = (Vec::new(), Vec::new());
        loop {
            let mut line = Vec::new();
            if from.read_until(b'\n', &mut line).ok()? == 0 {
                return None;
            }
            bytes.extend_from_slice(&line);
            let line = String::from_utf8(line).unwrap();
            match line.trim_end() {
                "" => break,
                line => lines.push(line.to_owned()),
            }
        }
        let headers = lines[1..].iter().map(|line| line.split_once(':').unwrap());
        let headers = headers.map(|(name, value)| (name.to_lowercase(), value.trim().to_owned())).collect();
        Some(Self { first: lines[0].clone(), headers, bytes })
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// Passes on the body that follows.
    fn pass_body(&self, from: &mut impl BufRead, to: &mut impl Write) -> Option<()> {
        if self.header("transfer-encoding").is_none() {
            let length = self.header("content-length").map_or(0, |length| length.parse().unwrap());
            std::io::copy(&mut from.take(length), to).ok()?;
            return Some(());
        }
        loop {
            let mut line = String::new();
            from.read_line(&mut line).ok()?;
            let length = u64::from_str_radix(line.trim(), 16).ok()?;
            to.write_all(line.as_bytes()).ok()?;
            // The line's end belongs to the chunk.
            std::io::copy(&mut from.take(length + 2), to).ok()?;
            if length == 0 {
                return Some(());
            }
        }
    }
}

impl Proxy {
    /// In front of `server`, for as long as the test runs.
    pub fn to(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (notes, server) = (Arc::clone(&seen), server.to_owned());
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (notes, server) = (Arc::clone(&notes), TcpStream::connect(&server).unwrap());
                // Some clients try TLS first, whatever they were told.
                thread::spawn(
                    move || {
                        while peeked(&client) != TLS_HANDSHAKE && pass(&client, &server, &notes).is_some() {}
                    },
                );
            }
        });
        Self { address, seen }
    }

    /// What was asked since the last call.
    pub fn take(&self) -> Vec<Exchange> {
        std::mem::take(&mut self.seen.lock().unwrap())
    }
}

/// The first byte of a TLS connection (RFC 8446 section 5.1).
const TLS_HANDSHAKE: u8 = 22;

/// The next byte that the client sends; 0 at the end.
fn peeked(client: &TcpStream) -> u8 {
    let mut byte = [0];
    let _ = client.peek(&mut byte);
    byte[0]
}

/// Passes on one request and its answer. `None` at the connection's end.
fn pass(client: &TcpStream, server: &TcpStream, notes: &Mutex<Vec<Exchange>>) -> Option<()> {
    // One byte at a time would do; what a reader holds more than it passes on would be lost, and there is none: neither side
    // speaks before it was answered.
    let mut from_client = BufReader::new(client);
    let request = Head::read(&mut from_client)?;
    let (mut to_server, mut to_client) = (server, client);
    to_server.write_all(&request.bytes).ok()?;
    request.pass_body(&mut from_client, &mut to_server)?;
    let mut from_server = BufReader::new(server);
    let answer = Head::read(&mut from_server)?;
    let mut words = request.first.split(' ');
    let (method, target) = (words.next().unwrap().to_owned(), words.next().unwrap().to_owned());
    let status = answer.first.split(' ').nth(1).unwrap().parse().unwrap();
    // Before the answer is passed on: a client that has it may ask the next on another connection.
    notes.lock().unwrap().push(Exchange { method: method.clone(), target, headers: request.headers, status });
    to_client.write_all(&answer.bytes).ok()?;
    if method != "HEAD" && !matches!(status, 204 | 304) {
        answer.pass_body(&mut from_server, &mut to_client)?;
    }
    Some(())
}
