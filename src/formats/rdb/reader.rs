//! `RdbReader`: an RDB file of any version as a row of records.
//!
//! Called by the server at start and on import, and by the offline tool. Bounded memory: one record
//! or one part of a value at a time. Always holds: nothing is repaired; the checksum, where the file has
//! one, is compared before `next_record` says that the file is over.

use std::io::Read;

use super::codes::{VERSION_REDIS_MAX, VERSION_VALKEY, opcode};
use super::input::Input;
use super::module;
use super::part::{Part, Refused, ValueSink};
use super::value::{self, Content, Dialect};
use crate::error::FormatError;

/// A record of an RDB file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// A named field of the file's own; unknown names are to be ignored.
    Aux {
        /// Its name.
        name: Vec<u8>,
        /// Its value.
        value: Vec<u8>,
    },
    /// The keys that follow belong to this database (0 before the first such record).
    SelectDb(u64),
    /// How many keys follow in this database: a hint.
    ResizeDb {
        /// All keys.
        keys: u64,
        /// Keys that expire.
        expiring: u64,
    },
    /// How many keys a cluster slot has: a hint.
    SlotInfo {
        /// The slot.
        slot: u64,
        /// All keys.
        keys: u64,
        /// Keys that expire.
        expiring: u64,
    },
    /// The source of a function library.
    Function(Vec<u8>),
    /// What a module saved beside its keys.
    ModuleAux {
        /// The module type's id.
        id: u64,
        /// 1 before the keys, 2 after them.
        when: u64,
        /// As in `Part::Module`.
        payload: Vec<u8>,
    },
    /// Something that no record carries. For the log.
    NotKept(&'static str),
    /// A key; its value is to be read next, or is passed over.
    Key(KeyRecord),
}

/// A key and what stands beside its value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyRecord {
    /// Its name.
    pub key: Vec<u8>,
    /// When it expires, in Unix milliseconds.
    pub expires_at_ms: Option<i64>,
    /// For how many seconds nobody had used it.
    pub idle_seconds: Option<u64>,
    /// How often it is used, in the logarithmic counter of the LFU policies.
    pub frequency: Option<u8>,
    /// The type code of its value.
    pub type_code: u8,
}

/// What is known of a file's bytes once its end was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checksum {
    /// Equal to the trailer's.
    Verified,
    /// The writer had checksums switched off, or the version has none.
    Absent,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Records,
    /// A key's record was given out and its value was not read.
    Value(u8),
    End(Checksum),
}

/// Reads an RDB file from any stream.
#[derive(Debug)]
pub struct RdbReader<R> {
    input: Input<R>,
    version: u32,
    dialect: Dialect,
    state: State,
}

impl<R: Read> RdbReader<R> {
    /// Reads the header. `size` is how many bytes the stream has, where that is known: then counts
    /// in the file can be believed up to it.
    ///
    /// # Errors
    /// If the stream does not begin as an RDB file of a known version.
    pub fn new(stream: R, size: Option<u64>) -> Result<Self, FormatError> {
        Self::from_input(Input::new(stream, size))
    }

    /// As `new`, of a stream that was looked at but not consumed.
    pub(crate) fn from_input(mut input: Input<R>) -> Result<Self, FormatError> {
        let magic: [u8; 9] = input.array()?;
        let not_rdb = || FormatError::Magic {
            found: String::from_utf8_lossy(&magic).into_owned(),
        };
        let (dialect, digits) = if let Some(digits) = magic.strip_prefix(b"REDIS") {
            (Dialect::Redis, digits)
        } else if let Some(digits) = magic.strip_prefix(b"VALKEY") {
            (Dialect::Valkey, digits)
        } else {
            return Err(not_rdb());
        };
        let version = parse_version(digits).ok_or_else(not_rdb)?;
        let known = match dialect {
            Dialect::Redis => (1..=VERSION_REDIS_MAX).contains(&version),
            Dialect::Valkey => version == VERSION_VALKEY,
        };
        if !known {
            return Err(FormatError::Version { version });
        }
        Ok(Self {
            input,
            version,
            dialect,
            state: State::Records,
        })
    }

    /// The version that the header states.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.version
    }

    /// Whose type codes the file uses.
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// How many bytes were consumed.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.input.position()
    }

    /// The next record; `None` once, after the end mark, the checksum was found right.
    ///
    /// # Errors
    /// At the first byte that is not as it must be. The reader is of no further use then.
    pub fn next_record(&mut self) -> Result<Option<Record>, FormatError> {
        match self.state {
            State::Records => {}
            State::Value(_) => {
                self.read_value(&mut |_: Part<'_>| Ok::<(), Refused>(()))?;
            }
            State::End(_) => return Ok(None),
        }
        let mut key = KeyRecord::default();
        loop {
            let code = self.input.byte()?;
            match code {
                opcode::EXPIRE_MS => key.expires_at_ms = Some(self.input.i64_le()?),
                opcode::EXPIRE_SECONDS => {
                    let seconds = i32::from_le_bytes(self.input.array()?);
                    key.expires_at_ms = Some(i64::from(seconds).saturating_mul(1000));
                }
                opcode::IDLE => key.idle_seconds = Some(self.input.length()?),
                opcode::FREQUENCY => key.frequency = Some(self.input.byte()?),
                opcode::END => {
                    self.state = State::End(self.read_end()?);
                    return Ok(None);
                }
                opcode::KEY_META_OR_SLOT_IMPORT if self.dialect == Dialect::Redis => {
                    skip_key_meta(&mut self.input)?;
                }
                opcode::KEY_META_OR_SLOT_IMPORT..=opcode::END => {
                    if key != KeyRecord::default() {
                        return Err(self.input.corrupt("a deadline or age without its key"));
                    }
                    return self.read_other(code).map(Some);
                }
                _ => {
                    self.input.string(&mut key.key)?;
                    key.type_code = code;
                    self.state = State::Value(code);
                    return Ok(Some(Record::Key(key)));
                }
            }
        }
    }

    /// Reads the value of the key whose record came last.
    ///
    /// # Errors
    /// As `next_record`, and with the sink's refusal.
    ///
    /// # Panics
    /// If the last record was no key, or its value was read already.
    pub fn read_value(&mut self, sink: &mut dyn ValueSink) -> Result<Content, FormatError> {
        let State::Value(code) = self.state else {
            panic!("read_value follows a key's record, once");
        };
        let content = value::read(&mut self.input, self.dialect, code, sink)?;
        self.state = State::Records;
        Ok(content)
    }

    /// What the trailer said; `None` until `next_record` has said that the file is over.
    #[must_use]
    pub fn checksum(&self) -> Option<Checksum> {
        match self.state {
            State::End(checksum) => Some(checksum),
            State::Records | State::Value(_) => None,
        }
    }

    /// The stream, behind the image: an append-only file goes on there.
    pub(crate) fn into_input(self) -> Input<R> {
        self.input
    }

    fn read_end(&mut self) -> Result<Checksum, FormatError> {
        if self.version < 5 {
            return Ok(Checksum::Absent);
        }
        let computed = self.input.checksum();
        let at = self.input.position();
        match self.input.u64_le()? {
            0 => Ok(Checksum::Absent),
            stored if stored == computed => Ok(Checksum::Verified),
            stored => Err(FormatError::Checksum {
                at,
                stored,
                computed,
            }),
        }
    }

    /// A record that is neither a key, nor part of one, nor the end.
    fn read_other(&mut self, code: u8) -> Result<Record, FormatError> {
        let input = &mut self.input;
        Ok(match code {
            opcode::AUX => Record::Aux {
                name: input.owned_string()?,
                value: input.owned_string()?,
            },
            opcode::SELECT_DB => Record::SelectDb(input.length()?),
            opcode::RESIZE_DB => Record::ResizeDb {
                keys: input.length()?,
                expiring: input.length()?,
            },
            opcode::SLOT_INFO => Record::SlotInfo {
                slot: input.length()?,
                keys: input.length()?,
                expiring: input.length()?,
            },
            opcode::FUNCTION => Record::Function(input.owned_string()?),
            opcode::FUNCTION_PRE_RELEASE => {
                skip_pre_release_function(input)?;
                Record::NotKept("a function of a release candidate of Redis 7.0")
            }
            opcode::MODULE_AUX => {
                let id = input.length()?;
                if input.length()? != super::codes::module_opcode::UNSIGNED {
                    return Err(input.corrupt("a module's field without its time"));
                }
                Record::ModuleAux {
                    id,
                    when: input.length()?,
                    payload: module::read_values(input)?,
                }
            }
            opcode::KEY_META_OR_SLOT_IMPORT => {
                let _job = input.owned_string()?;
                let ranges = input.length()?;
                for _ in 0..ranges {
                    let _first_slot = input.length()?;
                    let _last_slot = input.length()?;
                }
                Record::NotKept("a slot import that was under way")
            }
            _ => {
                return Err(FormatError::Unsupported {
                    at: input.position(),
                    what: "opcode",
                    code,
                });
            }
        })
    }
}

/// Passes over a key's metadata of Redis 8.6.
pub(super) fn skip_key_meta<R: Read>(input: &mut Input<R>) -> Result<(), FormatError> {
    let classes = input.length()?;
    for _ in 0..classes {
        let _class = input.u32_le()?;
        module::read_values(input)?;
    }
    Ok(())
}

/// Name, engine, a mark whether there is a description, the description, code.
fn skip_pre_release_function<R: Read>(input: &mut Input<R>) -> Result<(), FormatError> {
    let mut text = Vec::new();
    input.string(&mut text)?;
    input.string(&mut text)?;
    if input.length()? != 0 {
        input.string(&mut text)?;
    }
    input.string(&mut text)
}

fn parse_version(digits: &[u8]) -> Option<u32> {
    let text = std::str::from_utf8(digits).ok()?;
    let all_digits = text.bytes().all(|byte| byte.is_ascii_digit());
    all_digits.then(|| text.parse().ok()).flatten()
}
