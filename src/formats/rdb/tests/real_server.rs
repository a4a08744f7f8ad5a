//! A real redis-server as the judge: it loads what the writer makes, and takes and gives payloads.
//!
//! Needs `redis-server` and `redis-check-rdb` 7.0 or newer; without them these tests say so and pass.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::model::{Builder, Keyspace, Packing, Value, dump, read_file, write_file};
use super::samples::drop_what_version_10_lacks;
use crate::rdb::{Compression, restore};
use crate::samples::samples_folder;

/// A port that nobody listens on.
fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.local_addr().expect("it listens").port()
}

struct Server {
    process: Child,
    stream: BufReader<TcpStream>,
}

impl Server {
    /// A server that has loaded `dump.rdb` in `folder`; `None` if there is no redis-server.
    fn start(folder: &Path) -> Option<Self> {
        let port = free_port();
        let port_text = port.to_string();
        let mut process = Command::new("redis-server")
            .args(["--port", &port_text, "--bind", "127.0.0.1", "--save", ""])
            .args([
                "--sanitize-dump-payload",
                "yes",
                "--enable-debug-command",
                "yes",
            ])
            .arg("--dir")
            .arg(folder)
            .stdout(Stdio::null())
            .spawn()
            .ok()?;
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            if let Ok(stream) = TcpStream::connect(("127.0.0.1", port)) {
                let stream = BufReader::new(stream);
                let mut server = Self { process, stream };
                if server.command(&[b"PING"]) == b"+PONG" {
                    return Some(server);
                }
                process = {
                    let Self { process, .. } = server;
                    process
                };
            }
            if let Some(status) = process.try_wait().expect("a child of ours") {
                panic!("redis-server did not load the file: {status}");
            }
            assert!(Instant::now() < deadline, "redis-server does not answer");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// The reply to a command: a status, error or number as its line, a bulk as its bytes.
    fn command(&mut self, arguments: &[&[u8]]) -> Vec<u8> {
        let mut request = format!("*{}\r\n", arguments.len()).into_bytes();
        for argument in arguments {
            request.extend(format!("${}\r\n", argument.len()).bytes());
            request.extend_from_slice(argument);
            request.extend(b"\r\n");
        }
        self.stream.get_mut().write_all(&request).expect("a server");
        let mut line = Vec::new();
        self.stream.read_until(b'\n', &mut line).expect("a server");
        line.truncate(line.len().saturating_sub(2));
        let Some(length) = line.strip_prefix(b"$") else {
            return line;
        };
        let length: i64 = String::from_utf8_lossy(length).parse().expect("a length");
        let Ok(length) = usize::try_from(length) else {
            return line;
        };
        let mut bulk = vec![0; length + 2];
        self.stream.read_exact(&mut bulk).expect("a server");
        bulk.truncate(length);
        bulk
    }

    fn stop(mut self) {
        self.process.kill().expect("a child of ours");
        self.process.wait().expect("a child of ours");
    }
}

/// What Redis 7.0 can load of a sample: no module values.
fn sample(name: &str) -> Option<Keyspace> {
    let bytes = std::fs::read(samples_folder()?.join(name)).expect("a sample");
    let mut keyspace = read_file(&bytes, true).expect("a good sample");
    for keys in keyspace.databases.values_mut() {
        keys.retain(|_, entry| !matches!(entry.value, Value::Module(..)));
    }
    Some(keyspace)
}

#[test]
fn redis_loads_what_the_writer_makes() {
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["gen/redis-7.0.15-all.rdb", "gen/redis-8.6.3-all.rdb"] {
        let Some(mut keyspace) = sample(name) else {
            eprintln!("SKIPPED: no samples beside the repository");
            return;
        };
        for packing in [Packing::Packed, Packing::Plain] {
            let file = folder.path().join("dump.rdb");
            let written = write_file(&keyspace, packing, Compression::Lzf);
            std::fs::write(&file, &written).expect("a file");
            let check = Command::new("redis-check-rdb").arg(&file).output();
            let Ok(check) = check else {
                eprintln!("SKIPPED: no redis-check-rdb");
                return;
            };
            let report = String::from_utf8_lossy(&check.stdout).into_owned();
            assert!(check.status.success(), "{name} {packing:?}: {report}");
            assert!(report.contains("Checksum OK"), "{report}");

            let Some(mut server) = Server::start(folder.path()) else {
                eprintln!("SKIPPED: no redis-server");
                return;
            };
            // What the server saves of it is what was meant.
            assert_eq!(server.command(&[b"SAVE"]), b"+OK");
            server.stop();
            let saved = std::fs::read(&file).expect("a file");
            let mut saved = read_file(&saved, true).expect("a server's file");
            drop_what_version_10_lacks(&mut saved);
            drop_what_version_10_lacks(&mut keyspace);
            assert_eq!(saved.databases, keyspace.databases, "{name} {packing:?}");
            let sorted = |keyspace: &Keyspace| {
                let mut functions = keyspace.functions.clone();
                functions.sort();
                functions
            };
            assert_eq!(sorted(&saved), sorted(&keyspace));
        }
    }
}

#[test]
fn payloads_go_both_ways() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(mut keyspace) = sample("gen/redis-7.0.15-all.rdb") else {
        eprintln!("SKIPPED: no samples beside the repository");
        return;
    };
    drop_what_version_10_lacks(&mut keyspace);
    let Some(mut server) = Server::start(folder.path()) else {
        eprintln!("SKIPPED: no redis-server");
        return;
    };
    for entry in keyspace.databases.values().flat_map(|keys| keys.values()) {
        if let Value::Stream(stream) = &entry.value
            && stream.meta.is_some_and(|meta| meta.counters.is_none())
        {
            // The counters of the model are gone, and Redis checks them.
            continue;
        }
        for packing in [Packing::Packed, Packing::Plain] {
            let payload = dump(&entry.value, packing);
            let reply = server.command(&[b"RESTORE", b"k", b"0", &payload, b"REPLACE"]);
            assert_eq!(String::from_utf8_lossy(&reply), "+OK", "{:?}", entry.value);
            let theirs = server.command(&[b"DUMP", b"k"]);
            let mut builder = Builder::default();
            assert!(restore(&theirs, &mut builder).is_ok(), "{:?}", entry.value);
            assert_eq!(builder.value.as_ref(), Some(&entry.value));
        }
    }
    server.stop();
}
