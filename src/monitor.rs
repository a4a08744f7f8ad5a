//! MONITOR: shows every command to those who asked, as a line like
//! `1700000000.123456 [0 127.0.0.1:50000] "SET" "a" "b"`.

use bytes::Bytes;
use holdfast_engine::command::Flags;

use crate::core::Core;
use crate::pubsub::Message;
use crate::registry::Registered;
use crate::sensitive;
use crate::session::Session;

/// Shows a command to all monitors, unless it is one that they must not see.
pub(crate) fn feed(core: &mut Core, session: &Session, command: &Registered, arguments: &[&[u8]]) {
    if command.has(Flags::SKIP_MONITOR) || command.has(Flags::ADMIN) {
        return;
    }
    show(core, session, arguments);
}

/// Shows a command line to all monitors.
pub(crate) fn show(core: &mut Core, session: &Session, arguments: &[&[u8]]) {
    let line = Bytes::from(line(core, session, arguments));
    for id in core.monitors.clone() {
        core.deliver(id, Message::Monitor(line.clone()));
    }
}

fn line(core: &Core, session: &Session, arguments: &[&[u8]]) -> Vec<u8> {
    let now_ms = core.keyspace.now_ms();
    let address = if session.is_script {
        "lua".to_owned()
    } else {
        session.address()
    };
    let database = session.database.0;
    let seconds = now_ms / 1000;
    let micros = now_ms % 1000 * 1000;
    let mut line = format!("+{seconds}.{micros:06} [{database} {address}]").into_bytes();
    for (at, argument) in arguments.iter().enumerate() {
        line.push(b' ');
        let is_secret = sensitive::is_secret(arguments, at);
        let shown = if is_secret {
            sensitive::REDACTED
        } else {
            argument
        };
        quote(shown, &mut line);
    }
    line.extend_from_slice(b"\r\n");
    line
}

/// Writes bytes between quotes, with escapes for what cannot be printed.
pub(crate) fn quote(bytes: &[u8], into: &mut Vec<u8>) {
    into.push(b'"');
    for &byte in bytes {
        match byte {
            b'\\' | b'"' => into.extend_from_slice(&[b'\\', byte]),
            b'\n' => into.extend_from_slice(b"\\n"),
            b'\r' => into.extend_from_slice(b"\\r"),
            b'\t' => into.extend_from_slice(b"\\t"),
            0x07 => into.extend_from_slice(b"\\a"),
            0x08 => into.extend_from_slice(b"\\b"),
            0x20..=0x7e => into.push(byte),
            other => into.extend_from_slice(format!("\\x{other:02x}").as_bytes()),
        }
    }
    into.push(b'"');
}
