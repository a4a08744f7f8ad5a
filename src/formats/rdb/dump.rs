//! DUMP payloads: one value, a version and a checksum, as DUMP gives and RESTORE takes.
//!
//! Called by the engine's DUMP, RESTORE and COPY-like commands. Layout: type code, value, u16
//! version, u64 checksum of all before. Written as version 10; read up to the newest known version,
//! always checked in every respect, because any client can send one.

use std::io;

use super::codes::{
    VERSION_REDIS_MAX, VERSION_VALKEY, VERSION_WRITTEN, opcode::FUNCTION,
    opcode::KEY_META_OR_SLOT_IMPORT,
};
use super::input::Input;
use super::output::{Compression, Output};
use super::part::ValueSink;
use super::reader::skip_key_meta;
use super::value::{self, Content, Dialect};
use super::value_writer::ValueWriter;
use crate::crc64::crc64;
use crate::error::FormatError;

/// Why a payload is not taken.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// Its trailer is not right: Redis answers this before it looks at the value.
    #[error("the payload's version or checksum are wrong")]
    VersionOrChecksum,
    /// Its trailer is right, and its value is not one. Empty collections count here, as in Redis.
    #[error("the payload's value is bad")]
    BadData(#[source] Option<FormatError>),
}

/// Checks `payload` and hands its value to `sink`, part by part.
///
/// # Errors
/// In either of the two ways that Redis tells apart. The sink may have got parts by then.
pub fn restore(payload: &[u8], sink: &mut dyn ValueSink) -> Result<(), RestoreError> {
    let (body, dialect) = check_trailer(payload).ok_or(RestoreError::VersionOrChecksum)?;
    let bad_data = |error| RestoreError::BadData(Some(error));
    let mut input = Input::new(body, u64::try_from(body.len()).ok());
    let mut code = input.byte().map_err(bad_data)?;
    if code == KEY_META_OR_SLOT_IMPORT && dialect == Dialect::Redis {
        skip_key_meta(&mut input).map_err(bad_data)?;
        code = input.byte().map_err(bad_data)?;
    }
    let content = value::read(&mut input, dialect, code, sink).map_err(bad_data)?;
    if content == Content::Empty {
        return Err(RestoreError::BadData(None));
    }
    if !input.at_end().map_err(bad_data)? {
        return Err(bad_data(input.corrupt("bytes after the payload's value")));
    }
    Ok(())
}

/// What stands before the trailer, if the trailer is right.
fn check_trailer(payload: &[u8]) -> Option<(&[u8], Dialect)> {
    let (summed, checksum) = payload.split_last_chunk()?;
    let (body, version) = summed.split_last_chunk()?;
    let version = u32::from(u16::from_le_bytes(*version));
    let dialect = match version {
        VERSION_VALKEY => Dialect::Valkey,
        0..=VERSION_REDIS_MAX => Dialect::Redis,
        _ => return None,
    };
    (crc64(0, summed) == u64::from_le_bytes(*checksum)).then_some((body, dialect))
}

/// Reads the texts of function libraries from what `FUNCTION DUMP` gave.
///
/// # Errors
/// As [`restore`].
pub fn restore_functions(payload: &[u8]) -> Result<Vec<Vec<u8>>, RestoreError> {
    let (body, _) = check_trailer(payload).ok_or(RestoreError::VersionOrChecksum)?;
    let bad_data = |error| RestoreError::BadData(Some(error));
    let mut input = Input::new(body, u64::try_from(body.len()).ok());
    let mut libraries = Vec::new();
    while !input.at_end().map_err(bad_data)? {
        if input.byte().map_err(bad_data)? != FUNCTION {
            return Err(RestoreError::BadData(None));
        }
        libraries.push(input.owned_string().map_err(bad_data)?);
    }
    Ok(libraries)
}

/// The payload of `FUNCTION DUMP`: the texts of libraries.
#[must_use]
pub fn dump_functions<'c>(
    libraries: impl IntoIterator<Item = &'c [u8]>,
    compression: Compression,
) -> Vec<u8> {
    let mut writer = DumpWriter::new(compression);
    for code in libraries {
        let written = writer.output.byte(FUNCTION);
        let written = written.and_then(|()| writer.output.string(code));
        written.expect("memory takes every write");
    }
    writer.finish()
}

/// Writes one payload.
#[derive(Debug)]
pub struct DumpWriter {
    output: Output<io::Empty>,
}

impl DumpWriter {
    /// An empty payload.
    #[must_use]
    pub fn new(compression: Compression) -> Self {
        Self {
            output: Output::in_memory(compression),
        }
    }

    /// The writer for the payload's value. It writes to memory, so its methods cannot fail.
    pub fn value(&mut self) -> ValueWriter<'_, io::Empty> {
        ValueWriter::new(&mut self.output, None)
    }

    /// The payload, with its trailer.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        let mut payload = self.output.into_bytes();
        payload.extend(VERSION_WRITTEN.to_le_bytes());
        let checksum = crc64(0, &payload);
        payload.extend(checksum.to_le_bytes());
        payload
    }
}
