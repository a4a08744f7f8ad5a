//! `string.find`, `match`, `gmatch`, `gsub` and `rep`, with bounds on their steps and results.

use std::cell::Cell;

use mlua::{Function, IntoLua, Lua, MultiValue, String as LuaString, Value};

use super::native::{self, Problem, Steps, text};
use super::pattern::{Captured, Matcher};

/// The longest string that `rep` and `gsub` make, beside the limit of memory.
const STRING_BYTES_MAX: usize = 256 << 20;

/// Bytes that mean something else than themselves in a pattern.
const SPECIALS: &[u8] = b"^$*+?.([%-";

/// Puts the functions into the prelude's table.
pub(super) fn register(lua: &Lua, into: &mlua::Table) -> mlua::Result<()> {
    into.raw_set("find", native::function(lua, find)?)?;
    into.raw_set("match", native::function(lua, first_match)?)?;
    into.raw_set("gmatch", native::function(lua, every_match)?)?;
    into.raw_set("find_next", native::function(lua, find_next)?)?;
    into.raw_set("gsub", native::function(lua, substitute)?)?;
    into.raw_set("rep", native::function(lua, repeated)?)
}

type Searched = (LuaString, LuaString, Option<f64>, Option<Value>);

/// Where a search begins, counted from 0: Lua counts from 1, and from the end backwards.
fn start(init: Option<f64>, len: usize) -> usize {
    let init = init.unwrap_or(1.0) as i64;
    let from = if init < 0 {
        (len as i64).saturating_add(init)
    } else {
        init.saturating_sub(1)
    };
    usize::try_from(from).unwrap_or(0)
}

fn value(lua: &Lua, captured: Captured<'_>) -> mlua::Result<Value> {
    match captured {
        Captured::Text(text) => lua.create_string(text).map(Value::String),
        Captured::Position(at) => Ok(Value::Number(at as f64)),
    }
}

fn values(lua: &Lua, captured: Vec<Captured<'_>>) -> Result<MultiValue, Problem> {
    let values = captured.into_iter().map(|one| value(lua, one));
    Ok(values.collect::<mlua::Result<MultiValue>>()?)
}

/// A pattern without the mark that ties it to the place where the search begins.
fn anchored(pattern: &[u8]) -> (bool, &[u8]) {
    match pattern.strip_prefix(b"^") {
        Some(rest) => (true, rest),
        None => (false, pattern),
    }
}

fn find(lua: &Lua, (subject, pattern, init, plain): Searched) -> Result<MultiValue, Problem> {
    let (subject, pattern) = (subject.as_bytes(), pattern.as_bytes());
    let from = start(init, subject.len());
    if from > subject.len() {
        return Ok(MultiValue::from_iter([Value::Nil]));
    }
    let is_plain = plain.is_some_and(|plain| !matches!(plain, Value::Nil | Value::Boolean(false)));
    let mut steps = Steps::new(lua);
    if is_plain || !pattern.iter().any(|byte| SPECIALS.contains(byte)) {
        let found = find_plain(&subject, &pattern, from, &mut steps)?;
        return Ok(found.map_or(MultiValue::from_iter([Value::Nil]), |at| {
            places(at, at + pattern.len())
        }));
    }
    let (is_anchored, pattern) = anchored(&pattern);
    let mut matcher = Matcher::new(&subject, pattern, &mut steps);
    let Some(whole) = matcher.find(from, is_anchored)? else {
        return Ok(MultiValue::from_iter([Value::Nil]));
    };
    let mut found = places(whole.0, whole.1);
    if matcher.has_captures() {
        found.extend(values(lua, matcher.captured(whole)?)?);
    }
    Ok(found)
}

fn places(from: usize, to: usize) -> MultiValue {
    MultiValue::from_iter([Value::Number((from + 1) as f64), Value::Number(to as f64)])
}

fn find_plain(
    subject: &[u8],
    wanted: &[u8],
    from: usize,
    steps: &mut Steps<'_>,
) -> Result<Option<usize>, Problem> {
    let Some((&first, rest)) = wanted.split_first() else {
        return Ok(Some(from));
    };
    let last = subject.len().saturating_sub(wanted.len() - 1);
    for at in from..last {
        steps.take()?;
        let here = subject.get(at..at + wanted.len()).unwrap_or_default();
        let Some((&head, tail)) = here.split_first() else {
            continue;
        };
        if head != first {
            continue;
        }
        let same = tail
            .iter()
            .zip(rest)
            .take_while(|(one, other)| one == other)
            .count();
        for _ in 0..same / 64 {
            steps.take()?;
        }
        if same == rest.len() {
            return Ok(Some(at));
        }
    }
    Ok(None)
}

fn first_match(lua: &Lua, (subject, pattern, init, _): Searched) -> Result<MultiValue, Problem> {
    let (subject, pattern) = (subject.as_bytes(), pattern.as_bytes());
    let from = start(init, subject.len());
    let (is_anchored, pattern) = anchored(&pattern);
    let mut steps = Steps::new(lua);
    let mut matcher = Matcher::new(&subject, pattern, &mut steps);
    if from > subject.len() {
        return Ok(MultiValue::from_iter([Value::Nil]));
    }
    match matcher.find(from, is_anchored)? {
        Some(whole) => values(lua, matcher.captured(whole)?),
        None => Ok(MultiValue::from_iter([Value::Nil])),
    }
}

fn every_match(lua: &Lua, (subject, pattern): (LuaString, LuaString)) -> Result<Function, Problem> {
    let next = Cell::new(0);
    let step = native::function(lua, move |lua, ()| {
        let (subject, pattern) = (subject.as_bytes(), pattern.as_bytes());
        let mut steps = Steps::new(lua);
        let mut matcher = Matcher::new(&subject, &pattern, &mut steps);
        if next.get() > subject.len() {
            return Ok(MultiValue::from_iter([Value::Nil]));
        }
        match matcher.find(next.get(), false)? {
            Some(whole) => {
                next.set(if whole.1 == whole.0 {
                    whole.1 + 1
                } else {
                    whole.1
                });
                values(lua, matcher.captured(whole)?)
            }
            None => {
                next.set(subject.len() + 1);
                Ok(MultiValue::from_iter([Value::Nil]))
            }
        }
    })?;
    Ok(step)
}

/// The next match at or after a place, for `gsub` with a function or a table, which Lua calls.
fn find_next(
    lua: &Lua,
    (subject, pattern, from): (LuaString, LuaString, usize),
) -> Result<MultiValue, Problem> {
    let (subject, pattern) = (subject.as_bytes(), pattern.as_bytes());
    let (is_anchored, pattern) = anchored(&pattern);
    let mut steps = Steps::new(lua);
    let mut matcher = Matcher::new(&subject, pattern, &mut steps);
    let from = from.saturating_sub(1);
    if from > subject.len() {
        return Ok(MultiValue::from_iter([Value::Nil]));
    }
    match matcher.find(from, is_anchored)? {
        Some(whole) => {
            let mut found = places(whole.0, whole.1);
            found.extend(values(lua, matcher.captured(whole)?)?);
            Ok(found)
        }
        None => Ok(MultiValue::from_iter([Value::Nil])),
    }
}

type Substitution = (LuaString, LuaString, LuaString, Option<f64>);

fn substitute(
    lua: &Lua,
    (subject, pattern, replacement, limit): Substitution,
) -> Result<(LuaString, f64), Problem> {
    let (subject, pattern, replacement) = (
        subject.as_bytes(),
        pattern.as_bytes(),
        replacement.as_bytes(),
    );
    let (is_anchored, pattern) = anchored(&pattern);
    let limit = limit.map_or(f64::INFINITY, f64::trunc);
    let mut steps = Steps::new(lua);
    let (mut result, mut at, mut count) = (Vec::new(), 0, 0.0);
    while count < limit && at <= subject.len() {
        let mut matcher = Matcher::new(&subject, pattern, &mut steps);
        let Some(whole) = matcher.find(at, is_anchored)? else {
            break;
        };
        let captured = matcher.captured(whole)?;
        let before = result.len();
        result.extend_from_slice(subject.get(at..whole.0).unwrap_or_default());
        let matched = subject.get(whole.0..whole.1).unwrap_or_default();
        fill(&replacement, matched, &captured, &mut result)?;
        steps.copied(result.len() - before)?;
        count += 1.0;
        at = whole.1;
        if whole.0 == whole.1 {
            result.extend(subject.get(at));
            at += 1;
        }
        if result.len() > STRING_BYTES_MAX {
            return text("resulting string too large");
        }
        if is_anchored {
            break;
        }
    }
    result.extend_from_slice(subject.get(at..).unwrap_or_default());
    Ok((lua.create_string(&result)?, count))
}

/// Appends the replacement with its `%0` to `%9` filled in.
fn fill(
    replacement: &[u8],
    matched: &[u8],
    captured: &[Captured<'_>],
    result: &mut Vec<u8>,
) -> Result<(), Problem> {
    let mut parts = replacement.split(|&byte| byte == b'%');
    result.extend_from_slice(parts.next().unwrap_or_default());
    while let Some(part) = parts.next() {
        // A part begins with what the sign before it asks for; an empty one stands between two signs.
        let Some((&code, text)) = part.split_first() else {
            let Some(text) = parts.next() else {
                return self::text("invalid use of '%' in replacement string");
            };
            result.push(b'%');
            result.extend_from_slice(text);
            continue;
        };
        match code {
            b'0' => result.extend_from_slice(matched),
            b'1'..=b'9' => match captured.get(usize::from(code - b'1')) {
                Some(Captured::Text(captured)) => result.extend_from_slice(captured),
                Some(Captured::Position(at)) => result.extend_from_slice(at.to_string().as_bytes()),
                None => return self::text("invalid capture index"),
            },
            other => result.push(other),
        }
        result.extend_from_slice(text);
    }
    Ok(())
}

fn repeated(lua: &Lua, (part, count): (LuaString, f64)) -> Result<Value, Problem> {
    let part = part.as_bytes();
    let count = if count >= 1.0 { count as usize } else { 0 };
    let bytes = part.len().checked_mul(count);
    match bytes.filter(|&bytes| bytes <= STRING_BYTES_MAX) {
        Some(0) => Ok("".into_lua(lua)?),
        Some(_) => Ok(Value::String(lua.create_string(part.repeat(count))?)),
        None => text("resulting string too large"),
    }
}
