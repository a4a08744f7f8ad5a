//! DEBUG: what tests and administrators use to look into a node and to bring it into rare states.
//! Refused unless `enable-debug-command` allows it.
//!
//! - `data` all data at once: RELOAD, LOADAOF, POPULATE, DIGEST · `inspect` single values
//! - `protocol` a reply of every type

mod data;
mod inspect;
mod protocol;

use std::time::Duration;

use holdfast_engine::command::Arity::AtLeast;
use holdfast_engine::command::{Argument, Command, Flags, Group};
use holdfast_engine::{Args, CommandError, number};
use tracing::info;

use super::{ServerHandler, write_help};
use crate::core::Core;
use crate::session::Session;

/// The family.
pub const COMMANDS: &[Command<ServerHandler>] = &[DEBUG];

const DEBUG: Command<ServerHandler> = Command::<ServerHandler>::new("debug", Group::Server, debug)
    .arity(AtLeast(2))
    .flags(super::ANYTIME.with(Flags::ADMIN).with(Flags::PROTECTED))
    .doc(
        "1.0.0",
        "Depends on the subcommand",
        "Looks into the server, for tests and administrators.",
        &[
            Argument::string("subcommand"),
            Argument::string("argument").optional().multiple(),
        ],
    );

/// The longest element that may be asked to stand alone in a list.
const PACKED_THRESHOLD_MAX: u64 = (1 << 32) - 1;
const PACKED_THRESHOLD_DEFAULT: usize = 1 << 30;
/// The longest time for which DEBUG SLEEP stops the node.
const SLEEP_SECONDS_MAX: f64 = 3600.0;

/// What DEBUG has switched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DebugSwitches {
    /// The core's periodic work rests.
    pub cron_is_paused: bool,
}

/// Redis answers for all of DEBUG through one command, so that COMMAND INFO knows no subcommands.
fn debug(core: &mut Core, session: &mut Session, args: &mut Args<'_>) -> Result<(), CommandError> {
    let subcommand = args.next()?;
    let name = subcommand.to_ascii_lowercase();
    let reply = &mut session.out.reply;
    match (name.as_slice(), args.take_rest()) {
        (b"help", []) => write_help(session, "DEBUG", HELP),
        (b"set-active-expire", [on]) => {
            core.active_expiry = is_on(on);
            reply.ok();
        }
        (b"pause-cron", [on]) => {
            core.debug.cron_is_paused = is_on(on);
            reply.ok();
        }
        (b"quicklist-packed-threshold", [size]) => {
            core.keyspace.encodings.list_packed_threshold = packed_threshold(size)?;
            reply.ok();
        }
        (b"sleep", [seconds]) => {
            let seconds = number::parse_f64(seconds).unwrap_or(0.0);
            // The core sleeps, and everybody waits: that is what is asked for.
            std::thread::sleep(Duration::from_secs_f64(
                seconds.clamp(0.0, SLEEP_SECONDS_MAX),
            ));
            reply.ok();
        }
        (b"log", [message]) => {
            info!(message = %String::from_utf8_lossy(message), "DEBUG LOG");
            reply.ok();
        }
        (b"error", [text]) => {
            core.stats.count_error(&String::from_utf8_lossy(text));
            reply.error(text);
        }
        (b"protocol", [kind]) => protocol::write(reply, kind)?,
        (b"digest", []) => data::digest(core, session),
        (b"reload", options) => data::reload(core, session, options)?,
        (b"loadaof", []) => data::load_again(core, session)?,
        (b"populate", options @ ([_] | [_, _] | [_, _, _])) => {
            data::populate(core, session, options)?;
        }
        (b"digest-value", keys) => inspect::digest_values(core, session, keys),
        (b"object", [key, ..]) => inspect::object(core, session, key)?,
        (b"listpack", [key]) => inspect::listpack(core, session, key)?,
        (b"htstats", [database, ..]) => inspect::database_stats(core, session, database)?,
        (b"htstats-key", [key, ..]) => inspect::value_stats(core, session, key)?,
        // What these switch in Redis does not exist here: buffers of replies that shrink with
        // time, checksums that can be skipped, a replication id that can be lost.
        (b"replybuffer", [what, value]) => reply_buffer(session, what, value)?,
        (b"set-skip-checksum-validation", [_]) => reply.ok(),
        (b"set-disable-deny-scripts", [on]) => {
            core.scripts.denies_nothing = is_on(on);
            reply.ok();
        }
        (b"change-repl-id", []) => reply.ok(),
        _ => {
            return Err(CommandError::SubcommandArguments {
                container: "DEBUG",
                subcommand: String::from_utf8_lossy(subcommand).into(),
            });
        }
    }
    Ok(())
}

/// A switch as Redis reads it: any number but zero is on.
fn is_on(text: &[u8]) -> bool {
    number::parse_i64(text).is_some_and(|number| number != 0)
}

fn packed_threshold(text: &[u8]) -> Result<usize, CommandError> {
    let bytes = memory_bytes(text).filter(|&bytes| bytes <= PACKED_THRESHOLD_MAX);
    match bytes.ok_or(CommandError::PackedThreshold)? {
        0 => Ok(PACKED_THRESHOLD_DEFAULT),
        bytes => usize::try_from(bytes).map_err(|_| CommandError::PackedThreshold),
    }
}

/// Reads a size with a unit: `5b`, `10kb`, `1gb`.
fn memory_bytes(text: &[u8]) -> Option<u64> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (number, unit) = text.split_at_checked(digits)?;
    let number = u64::try_from(number::parse_i64(number)?).ok()?;
    let unit = match unit.to_ascii_lowercase().as_slice() {
        b"" | b"b" => 1,
        b"k" => 1_000,
        b"kb" => 1 << 10,
        b"m" => 1_000_000,
        b"mb" => 1 << 20,
        b"g" => 1_000_000_000,
        b"gb" => 1 << 30,
        _ => return None,
    };
    number.checked_mul(unit)
}

fn reply_buffer(session: &mut Session, what: &[u8], value: &[u8]) -> Result<(), CommandError> {
    let is_time = what.eq_ignore_ascii_case(b"peak-reset-time");
    if !is_time && !what.eq_ignore_ascii_case(b"resizing") {
        return Err(CommandError::SubcommandArguments {
            container: "DEBUG",
            subcommand: "replybuffer".into(),
        });
    }
    let is_word = value.eq_ignore_ascii_case(b"never") || value.eq_ignore_ascii_case(b"reset");
    if is_time && !is_word && number::parse_i64(value).is_none() {
        return Err(CommandError::NotAnInteger);
    }
    session.out.reply.ok();
    Ok(())
}

const HELP: &[&str] = &[
    "CHANGE-REPL-ID",
    "    Does nothing: nodes here have no replication id.",
    "DIGEST",
    "    A digest of all data: equal data, equal digest.",
    "DIGEST-VALUE <key> [<key> ...]",
    "    Digests of single values.",
    "ERROR <string>",
    "    Answers this error.",
    "HTSTATS <dbid>",
    "    How many keys a database holds.",
    "HTSTATS-KEY <key>",
    "    How many elements the table of a value holds.",
    "LISTPACK <key>",
    "    Says whether a value is stored as a listpack.",
    "LOADAOF",
    "    Reads all data back from a copy, as RELOAD does.",
    "LOG <message>",
    "    Writes a line to the server's log.",
    "OBJECT <key>",
    "    How a value is stored.",
    "PAUSE-CRON <0|1>",
    "    Rests the server's periodic work.",
    "POPULATE <count> [<prefix>] [<size>]",
    "    Creates the strings <prefix>:<number>, where they do not exist.",
    "PROTOCOL <type>",
    "    Answers a reply of this type: string, integer, double, bignum, null, array, set,",
    "    map, attrib, push, verbatim, true, false.",
    "QUICKLIST-PACKED-THRESHOLD <size>",
    "    From which size on an element of a list stands alone; 0 for the default.",
    "RELOAD [NOSAVE] [NOFLUSH] [MERGE]",
    "    Writes all data as an RDB image and reads them back; with NOSAVE puts the keys of",
    "    the RDB file on disk into the data, in place of them unless NOFLUSH is given.",
    "REPLYBUFFER <PEAK-RESET-TIME|RESIZING> <value>",
    "    Does nothing: reply buffers here do not shrink with time.",
    "SET-ACTIVE-EXPIRE <0|1>",
    "    Whether keys expire without being looked at.",
    "SET-DISABLE-DENY-SCRIPTS <0|1>",
    "    Lets scripts call every command, for tests.",
    "SLEEP <seconds>",
    "    Stops the server for so long.",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        let sizes = [
            "0", "1b", "100B", "2k", "2kb", "3mb", "1gb", "", "b", "1x", "-1",
        ];
        let read: Vec<_> = sizes
            .iter()
            .map(|text| memory_bytes(text.as_bytes()))
            .collect();
        let want = [0, 1, 100, 2000, 2048, 3 << 20, 1 << 30].map(Some);
        assert_eq!(read, [&want[..], &[None; 4]].concat());
        assert_eq!(packed_threshold(b"0"), Ok(PACKED_THRESHOLD_DEFAULT));
        assert_eq!(packed_threshold(b"4gb"), Err(CommandError::PackedThreshold));
    }
}
