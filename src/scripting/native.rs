//! Native functions: how they fail, and how they let a script give way.

use mlua::{FromLuaMulti, Function, IntoLuaMulti, Lua, MultiValue, Table, Value};

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
        raise(lua, arguments.and_then(|arguments| run(lua, arguments)))
    })
}

/// What a native function raises: the prelude's functions that catch errors give scripts what it
/// stands for.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{}", String::from_utf8_lossy(.text))]
pub(super) struct Raised {
    text: Box<[u8]>,
    form: Form,
}

/// As what scripts catch it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// A text.
    Text,
    /// A table with the field `err`.
    Reply,
    /// The same, for an error that a command answered, and that was counted then.
    CountedReply,
}

impl Raised {
    pub(super) fn new(text: &[u8], form: Form) -> Self {
        Self {
            text: text.into(),
            form,
        }
    }

    /// What scripts see.
    pub(super) fn value(&self, lua: &Lua) -> mlua::Result<Value> {
        let text = lua.create_string(&self.text)?;
        if self.form == Form::Text {
            return Ok(Value::String(text));
        }
        let table = lua.create_table_with_capacity(0, 2)?;
        table.raw_set("err", text)?;
        if self.form == Form::CountedReply {
            table.raw_set("ignore_error_stats_update", true)?;
        }
        Ok(Value::Table(table))
    }
}

/// What a caught error stands for.
pub(super) fn unwrap(lua: &Lua, error: &mlua::Error) -> mlua::Result<Value> {
    match error {
        mlua::Error::CallbackError { cause, .. } => unwrap(lua, cause),
        mlua::Error::ExternalError(error) if error.is::<Raised>() => error
            .downcast_ref::<Raised>()
            .map_or(Ok(Value::Nil), |raised| raised.value(lua)),
        other => {
            let message = super::api::message(other);
            lua.create_string(message).map(Value::String)
        }
    }
}

/// Turns a problem into what is raised.
pub(super) fn raise<R>(lua: &Lua, result: Result<R, Problem>) -> mlua::Result<R> {
    result.map_err(|problem| match problem {
        Problem::Text(message) => {
            let message = match position(lua) {
                Some((source, line)) => {
                    format!("{}:{line}: {message}", source.trim_start_matches('@'))
                }
                None => message,
            };
            mlua::Error::external(Raised::new(message.as_bytes(), Form::Text))
        }
        Problem::Reply(message) => {
            mlua::Error::external(Raised::new(message.as_bytes(), Form::Reply))
        }
        Problem::Lua(error) => error,
    })
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

/// Lua without its limit of memory, while a few values are made for it: with one, each of them costs
/// a protected call. Only where the values are small beside the limit.
pub(super) struct Unlimited<'l> {
    lua: &'l Lua,
    limit: usize,
}

/// What may be made without the limit, in bytes of its text.
const UNLIMITED_BYTES_MAX: usize = 16 << 10;

impl<'l> Unlimited<'l> {
    pub(super) fn for_bytes(lua: &'l Lua, bytes: usize) -> Option<Self> {
        if bytes > UNLIMITED_BYTES_MAX {
            return None;
        }
        lua.set_memory_limit(0)
            .ok()
            .map(|limit| Self { lua, limit })
    }
}

impl Drop for Unlimited<'_> {
    fn drop(&mut self) {
        // It could be taken away, so it can be put back.
        drop(self.lua.set_memory_limit(self.limit));
    }
}

/// What a table's keys are like.
pub(super) struct Shape {
    pub count: usize,
    /// All keys are whole numbers from 1 on.
    pub is_array: bool,
    pub largest: i64,
}

impl Shape {
    pub(super) fn of(table: &Table) -> mlua::Result<Self> {
        let mut shape = Self {
            count: 0,
            is_array: true,
            largest: 0,
        };
        table.for_each(|key: Value, _: Value| {
            shape.count += 1;
            match key {
                Value::Integer(index) if index > 0 => shape.largest = shape.largest.max(index),
                _ => shape.is_array = false,
            }
            Ok(())
        })?;
        Ok(shape)
    }
}

/// Does something with each pair of a table, in no particular order.
pub(super) fn each_pair(
    table: &Table,
    mut run: impl FnMut(&Value, &Value) -> Result<(), Problem>,
) -> Result<(), Problem> {
    let mut problem = None;
    let walked = table.for_each(|key: Value, value: Value| {
        run(&key, &value).map_err(|found| {
            problem = Some(found);
            mlua::Error::runtime("stopped")
        })
    });
    match problem {
        Some(problem) => Err(problem),
        None => Ok(walked?),
    }
}

/// Counts the steps of a native function that may take long, and lets the script give way.
pub(super) struct Steps<'l> {
    lua: &'l Lua,
    taken: u64,
}

/// How many steps pass between two looks at the clock.
const STEPS_PER_TICK: u64 = 1 << 16;
/// How many copied bytes count as a step.
const BYTES_PER_STEP: usize = 64;
/// How many steps one call may take: about a second.
const STEPS_MAX: u64 = 1 << 26;

impl<'l> Steps<'l> {
    pub(super) const fn new(lua: &'l Lua) -> Self {
        Self { lua, taken: 0 }
    }

    /// So many bytes were copied.
    pub(super) fn copied(&mut self, bytes: usize) -> Result<(), Problem> {
        for _ in 0..bytes / BYTES_PER_STEP {
            self.take()?;
        }
        Ok(())
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
