//! The native part of the `redis` table: commands, errors, the log.

use std::rc::Rc;

use corosensei::Yielder;
use holdfast_engine::scripts::{ScriptSha, is_library_name};
use holdfast_resp::Protocol;
use mlua::{Lua, MultiValue, String as LuaString, Table, Value};
use tracing::{debug, info, warn};

use super::machine::{Ask, Exchange};
use super::native::{self, Form, Problem, Raised, Unlimited, position, reply};
use super::values;

const LOG_LEVELS: [&str; 4] = ["LOG_DEBUG", "LOG_VERBOSE", "LOG_NOTICE", "LOG_WARNING"];
const REPLICATION: [(&str, i64); 5] = [
    ("REPL_NONE", 0),
    ("REPL_AOF", 1),
    ("REPL_SLAVE", 2),
    ("REPL_REPLICA", 2),
    ("REPL_ALL", 3),
];
/// 7.0.15.
const VERSION_NUMBER: i64 = 0x0007_000f;

/// Puts the functions and constants into the prelude's table.
pub(super) fn register(lua: &Lua, into: &Table, exchange: &Rc<Exchange>) -> mlua::Result<()> {
    let constants = lua.create_table()?;
    for (level, name) in LOG_LEVELS.into_iter().enumerate() {
        constants.raw_set(name, level)?;
    }
    for (name, flags) in REPLICATION {
        constants.raw_set(name, flags)?;
    }
    constants.raw_set("REDIS_VERSION", crate::REDIS_VERSION)?;
    constants.raw_set("REDIS_VERSION_NUM", VERSION_NUMBER)?;
    into.raw_set("constants", constants)?;
    into.raw_set("log", native::function(lua, log)?)?;
    into.raw_set("sha1hex", native::function(lua, sha1hex)?)?;
    into.raw_set("set_repl", native::function(lua, set_repl)?)?;
    let shared = Rc::clone(exchange);
    let setresp = move |_: &Lua, arguments: MultiValue| set_protocol(&shared, &arguments);
    into.raw_set("setresp", native::function(lua, setresp)?)?;
    let unwrap = |lua: &Lua, error: Value| match error {
        Value::Error(error) => native::unwrap(lua, &error),
        other => Ok(other),
    };
    into.raw_set("unwrap", lua.create_function(unwrap)?)?;
    let error_text = |lua: &Lua, text: LuaString| lua.create_string(error_text(&text.as_bytes()));
    into.raw_set("error_text", lua.create_function(error_text)?)?;
    let is_name = |_: &Lua, name: LuaString| Ok(is_library_name(&name.as_bytes()));
    into.raw_set("is_name", lua.create_function(is_name)?)?;
    let same_name = |_: &Lua, (one, other): (LuaString, LuaString)| {
        Ok(one.as_bytes().eq_ignore_ascii_case(&other.as_bytes()))
    };
    into.raw_set("same_name", lua.create_function(same_name)?)
}

/// `redis.call`: raises a command's error.
pub(super) fn call(
    lua: &Lua,
    yielder: &Yielder<(), Ask>,
    exchange: &Exchange,
    words: &MultiValue,
) -> mlua::Result<Value> {
    match execute(lua, yielder, exchange, words)? {
        Ok(value) => Ok(value),
        Err(raised) => Err(mlua::Error::external(raised)),
    }
}

/// `redis.pcall`: answers a command's error.
pub(super) fn protected_call(
    lua: &Lua,
    yielder: &Yielder<(), Ask>,
    exchange: &Exchange,
    words: &MultiValue,
) -> mlua::Result<Value> {
    match execute(lua, yielder, exchange, words)? {
        Ok(value) => Ok(value),
        Err(raised) => raised.value(lua),
    }
}

fn execute(
    lua: &Lua,
    yielder: &Yielder<(), Ask>,
    exchange: &Exchange,
    words: &MultiValue,
) -> mlua::Result<Result<Value, Raised>> {
    if let Err(text) = give_words(exchange, words) {
        let text = format!("ERR {text}");
        return Ok(Err(Raised::new(text.as_bytes(), Form::Reply)));
    }
    yielder.suspend(Ask::Call);
    if let Some(why) = exchange.dying.get() {
        return Err(mlua::Error::runtime(why));
    }
    let reply = exchange.reply.borrow();
    if let Some(text) = reply.as_slice().strip_prefix(b"-") {
        return Ok(Err(Raised::new(text.trim_ascii_end(), Form::CountedReply)));
    }
    let _unlimited = Unlimited::for_bytes(lua, reply.len());
    values::read(lua, reply.as_slice()).map(Ok)
}

/// `redis.acl_check_cmd`.
pub(super) fn check(
    lua: &Lua,
    yielder: &Yielder<(), Ask>,
    exchange: &Exchange,
    words: &MultiValue,
) -> mlua::Result<bool> {
    let result = give_words(exchange, words).map_or_else(reply, |()| {
        yielder.suspend(Ask::Check);
        match exchange.permission.get() {
            Some(permission) => Ok(permission),
            None => reply("Invalid command passed to redis.acl_check_cmd()"),
        }
    });
    native::raise(lua, result)
}

fn give_words(exchange: &Exchange, words: &MultiValue) -> Result<(), &'static str> {
    if words.is_empty() {
        return Err("Please specify at least one argument for this redis lib call");
    }
    let mut given = exchange.words.borrow_mut();
    given.clear();
    for word in words {
        if !values::argument(word, |word| given.push(word)) {
            return Err("Lua redis lib command arguments must be strings or integers");
        }
    }
    Ok(())
}

/// The text of an error reply: with a code word, on one line.
fn error_text(text: &[u8]) -> Vec<u8> {
    let text = text.strip_prefix(b"-").unwrap_or(text);
    let mut line: Vec<u8> = text
        .iter()
        .map(|&byte| {
            if matches!(byte, b'\r' | b'\n') {
                b' '
            } else {
                byte
            }
        })
        .collect();
    if !text.contains(&b' ') {
        line.splice(0..0, *b"ERR ");
    }
    line.trim_ascii_end().to_vec()
}

fn log(_: &Lua, arguments: MultiValue) -> Result<(), Problem> {
    let mut arguments = arguments.iter();
    let (Some(level), Some(first)) = (arguments.next(), arguments.next()) else {
        return reply("redis.log() requires two arguments or more.");
    };
    let level = match level {
        Value::Integer(level) => *level,
        Value::Number(level) => *level as i64,
        _ => return reply("First argument must be a number (log level)."),
    };
    let mut message = Vec::new();
    for part in std::iter::once(first).chain(arguments) {
        if !message.is_empty() {
            message.push(b' ');
        }
        values::argument(part, |part| message.extend_from_slice(part));
    }
    let message = String::from_utf8_lossy(&message);
    match level {
        0 | 1 => debug!(%message, "a script says"),
        2 => info!(%message, "a script says"),
        3 => warn!(%message, "a script says"),
        _ => return reply("Invalid debug level."),
    }
    Ok(())
}

fn sha1hex(_: &Lua, arguments: MultiValue) -> Result<String, Problem> {
    let mut digest = None;
    if arguments.len() == 1
        && let Some(value) = arguments.front()
    {
        values::argument(value, |text| digest = Some(ScriptSha::of(text)));
        // What is no text counts as an empty one, as in Redis.
        digest.get_or_insert_with(|| ScriptSha::of(b""));
    }
    match digest {
        Some(digest) => Ok(digest.as_str().to_owned()),
        None => reply("wrong number of arguments"),
    }
}

/// Effects are always logged: what Redis lets a script switch off is checked and not done.
fn set_repl(_: &Lua, arguments: MultiValue) -> Result<(), Problem> {
    if arguments.len() != 1 {
        return reply("redis.set_repl() requires two arguments.");
    }
    let flags = match arguments.front() {
        Some(Value::Integer(flags)) => *flags,
        Some(Value::Number(flags)) => *flags as i64,
        _ => -1,
    };
    if (0..=3).contains(&flags) {
        Ok(())
    } else {
        reply("Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE.")
    }
}

fn set_protocol(exchange: &Exchange, arguments: &MultiValue) -> Result<(), Problem> {
    if arguments.len() != 1 {
        return reply("redis.setresp() requires one argument.");
    }
    let version = match arguments.front() {
        Some(Value::Integer(version)) => *version as f64,
        Some(Value::Number(version)) => *version,
        _ => 0.0,
    };
    exchange.protocol.set(if version == 2.0 {
        Protocol::Resp2
    } else if version == 3.0 {
        Protocol::Resp3
    } else {
        return reply("RESP version must be 2 or 3.");
    });
    Ok(())
}

/// What a script's error is, and where it was raised: run by Lua where the error happens.
pub(super) fn describe(lua: &Lua, exchange: &Exchange, error: Value) -> mlua::Result<Table> {
    let at = position(lua);
    exchange.position.replace(at.clone());
    let error = match error {
        Value::Error(error) => native::unwrap(lua, &error)?,
        other => other,
    };
    let table = match error {
        Value::Table(table) => {
            if !matches!(table.raw_get("err")?, Value::String(_)) {
                table.raw_set("err", "ERR unknown error")?;
            }
            table
        }
        other => {
            let table = lua.create_table()?;
            table.raw_set("err", lua.create_string(shown(lua, &other))?)?;
            table
        }
    };
    if let Some((source, line)) = at {
        table.raw_set("source", source)?;
        table.raw_set("line", line)?;
    }
    Ok(table)
}

fn shown(lua: &Lua, error: &Value) -> Vec<u8> {
    let mut text = b"ERR ".to_vec();
    match error {
        Value::Nil => text.extend_from_slice(b"nil"),
        Value::Boolean(value) => text.extend_from_slice(value.to_string().as_bytes()),
        other => match lua.coerce_string(other.clone()) {
            Ok(Some(string)) => text.extend_from_slice(&string.as_bytes()),
            _ => text.extend_from_slice(other.type_name().as_bytes()),
        },
    }
    text
}

/// What an error of Lua says, without what mlua puts around it.
pub(super) fn message(error: &mlua::Error) -> String {
    match error {
        mlua::Error::SyntaxError { message, .. } | mlua::Error::RuntimeError(message) => {
            let message = message
                .split("\nstack traceback:")
                .next()
                .unwrap_or_default();
            message.strip_prefix("ERR ").unwrap_or(message).to_owned()
        }
        mlua::Error::MemoryError(_) => "not enough memory".to_owned(),
        mlua::Error::CallbackError { cause, .. } => message(cause),
        other => other.to_string(),
    }
}
