//! How native functions answer: first what went wrong, or nil, then their results. The prelude turns
//! the first into an error, so that scripts catch plain texts and tables as in Redis.

use mlua::{FromLuaMulti, Function, IntoLuaMulti, Lua, MultiValue, Value};

/// The name of our own Lua code in tracebacks.
pub(super) const PRELUDE: &str = "=holdfast";
/// Frames that are looked at to find the script's line.
const LEVELS_MAX: usize = 64;

/// What goes wrong in a native function.
#[derive(Debug)]
pub(super) enum Problem {
    /// A text, behind the position of the call.
    Text(String),
    /// An error as commands answer it.
    Reply(String),
    /// Lua's own: no memory, or the script is being ended.
    Lua(mlua::Error),
}

impl From<mlua::Error> for Problem {
    fn from(error: mlua::Error) -> Self {
        match error {
            mlua::Error::BadArgument { pos, cause, .. } => {
                Self::Text(format!("bad argument #{pos} ({cause})"))
            }
            mlua::Error::FromLuaConversionError { from, to, .. } => {
                Self::Text(format!("bad argument ({to} expected, got {from})"))
            }
            other => Self::Lua(other),
        }
    }
}

pub(super) fn text<R>(message: impl Into<String>) -> Result<R, Problem> {
    Err(Problem::Text(message.into()))
}

pub(super) fn reply<R>(message: &str) -> Result<R, Problem> {
    Err(Problem::Reply(format!("ERR {message}")))
}

/// A function of the prelude's `native` table.
pub(super) fn function<A, R>(
    lua: &Lua,
    run: impl Fn(&Lua, A) -> Result<R, Problem> + 'static,
) -> mlua::Result<Function>
where
    A: FromLuaMulti,
    R: IntoLuaMulti,
{
    lua.create_function(move |lua, arguments: MultiValue| {
        let arguments = A::from_lua_multi(arguments, lua).map_err(Problem::from);
        answer(lua, arguments.and_then(|arguments| run(lua, arguments)))
    })
}

/// What a native function returns to the prelude.
pub(super) fn answer<R: IntoLuaMulti>(
    lua: &Lua,
    result: Result<R, Problem>,
) -> mlua::Result<MultiValue> {
    match result {
        Ok(results) => {
            let mut values = results.into_lua_multi(lua)?;
            values.push_front(Value::Nil);
            Ok(values)
        }
        Err(Problem::Text(message)) => {
            let message = match position(lua) {
                Some((source, line)) => {
                    format!("{}:{line}: {message}", source.trim_start_matches('@'))
                }
                None => message,
            };
            Ok(MultiValue::from_iter([Value::String(
                lua.create_string(message)?,
            )]))
        }
        Err(Problem::Reply(message)) => {
            let table = lua.create_table()?;
            table.raw_set("err", message)?;
            Ok(MultiValue::from_iter([Value::Table(table)]))
        }
        Err(Problem::Lua(error)) => Err(error),
    }
}

/// The script's own innermost frame: its source and line.
pub(super) fn position(lua: &Lua) -> Option<(String, i32)> {
    for level in 1..LEVELS_MAX {
        let found = lua.inspect_stack(level, |debug| {
            let source = debug.source().source.map(std::borrow::Cow::into_owned);
            let line = debug.current_line();
            source
                .filter(|source| source != PRELUDE && !source.starts_with("=["))
                .zip(line.and_then(|line| i32::try_from(line).ok()))
        })?;
        if found.is_some() {
            return found;
        }
    }
    None
}

/// Counts the steps of a native function that may take long, and lets the script give way.
pub(super) struct Steps<'l> {
    lua: &'l Lua,
    taken: u64,
}

/// How many steps pass between two looks at the clock.
const STEPS_PER_TICK: u64 = 1 << 18;
/// How many steps one call may take: some seconds.
const STEPS_MAX: u64 = 1 << 30;

impl<'l> Steps<'l> {
    pub(super) const fn new(lua: &'l Lua) -> Self {
        Self { lua, taken: 0 }
    }

    /// One more step.
    pub(super) fn take(&mut self) -> Result<(), Problem> {
        self.taken += 1;
        if self.taken.is_multiple_of(STEPS_PER_TICK) {
            if self.taken >= STEPS_MAX {
                return text("pattern too complex");
            }
            let tick: Function = self.lua.named_registry_value("tick")?;
            tick.call::<()>(())?;
        }
        Ok(())
    }
}
