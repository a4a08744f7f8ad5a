//! The inside of a machine: the Lua state, and the loop that does jobs with it. Everything here runs
//! on the coroutine's stack.

use std::collections::HashMap;
use std::rc::Rc;
use std::time::{Duration, Instant};

use corosensei::Yielder;
use holdfast_engine::scripts::{Header, ScriptSha};
use holdfast_resp::Protocol;
use mlua::{
    ChunkMode, Function, HookTriggers, Lua, LuaOptions, MultiValue, StdLib, String as LuaString,
    Table, Value, VmState,
};

use super::machine::{Ask, Exchange, FunctionFacts, Job, Outcome};
use super::native::{PRELUDE, Unlimited};
use super::values;
use super::{Kind, api};
use super::{bits, json, msgpack, native, packing, random, text};

/// Interpreter steps between two looks at the clock.
pub(super) const STEPS_PER_HOOK: u32 = 10_000;
/// How long the text of a library may run when it is loaded.
const LOAD_TIME_MAX: Duration = Duration::from_millis(500);

const PRELUDE_CODE: &str = include_str!("prelude.lua");
const LIBRARY_CODE: &str = include_str!("library.lua");
/// How much memory may grow before the collector begins anew, in per cent.
const COLLECTOR_PAUSE: i32 = 135;
/// What may be left of a script, beside as much as is in use.
const KEPT_GARBAGE_BYTES_MAX: usize = 1 << 20;
/// How much faster the collector works than scripts allocate, in per cent.
const COLLECTOR_SPEED: i32 = 1000;
const SCRIPT: &str = "@user_script";
const FUNCTION: &str = "@user_function";

/// Does jobs until it is told to end. Ends at once if there is no memory for a Lua state.
pub(super) fn live(
    yielder: &Yielder<(), Ask>,
    exchange: &Rc<Exchange>,
    kind: Kind,
    memory_bytes_max: usize,
) {
    if let Err(error) = try_to_live(yielder, exchange, kind, memory_bytes_max) {
        let text = format!("ERR scripts cannot run: {error}");
        exchange.outcome.replace(Some(Outcome::failed(text)));
    }
}

fn try_to_live(
    yielder: &Yielder<(), Ask>,
    exchange: &Rc<Exchange>,
    kind: Kind,
    memory_bytes_max: usize,
) -> mlua::Result<()> {
    let libraries = StdLib::TABLE | StdLib::STRING | StdLib::MATH;
    let lua = Lua::new_with(libraries, LuaOptions::default())?;
    // The functions that suspend borrow the yielder: Lua cannot keep them beyond this scope.
    lua.scope(|scope| {
        let call = |lua: &Lua, words: MultiValue| api::call(lua, yielder, exchange, &words);
        let protected_call =
            |lua: &Lua, words: MultiValue| api::protected_call(lua, yielder, exchange, &words);
        let check = |lua: &Lua, words: MultiValue| api::check(lua, yielder, exchange, &words);
        let tick = |_: &Lua, ()| {
            exchange.has_run_on.set(true);
            if Instant::now() >= exchange.slice_ends.get() {
                yielder.suspend(Ask::Tick);
            }
            exchange
                .dying
                .get()
                .map_or(Ok(()), |why| Err(mlua::Error::runtime(why)))
        };
        let natives = natives(&lua, exchange)?;
        natives.raw_set("call", scope.create_function(call)?)?;
        natives.raw_set("pcall", scope.create_function(protected_call)?)?;
        natives.raw_set("acl_check_cmd", scope.create_function(check)?)?;
        lua.set_named_registry_value("tick", scope.create_function(tick)?)?;
        let mut world = World::new(&lua, exchange, &natives, kind)?;
        lua.gc_set_pause(COLLECTOR_PAUSE);
        lua.gc_set_step_multiplier(COLLECTOR_SPEED);
        lua.gc_collect()?;
        lua.set_memory_limit(memory_bytes_max)?;
        loop {
            let Some(job) = exchange.job.take() else {
                return Ok(());
            };
            if matches!(job, Job::Quit) {
                return Ok(());
            }
            let outcome = world.perform(job);
            exchange.outcome.replace(Some(outcome));
            exchange.used_bytes.set(lua.used_memory());
            yielder.suspend(Ask::Done);
        }
    })
}

/// What the prelude is given.
fn natives(lua: &Lua, exchange: &Rc<Exchange>) -> mlua::Result<Table> {
    let table = lua.create_table()?;
    text::register(lua, &table)?;
    random::register(lua, &table)?;
    api::register(lua, &table, exchange)?;
    table.raw_set("bit", bits::table(lua)?)?;
    table.raw_set("struct", packing::table(lua)?)?;
    table.raw_set("cmsgpack", msgpack::table(lua)?)?;
    table.raw_set("cjson", lua.create_function(|lua, ()| json::table(lua))?)?;
    table.raw_set("loadstring", native::function(lua, loadstring)?)?;
    Ok(table)
}

fn loadstring(
    lua: &Lua,
    (code, name): (LuaString, Option<LuaString>),
) -> Result<(Value, Option<String>), native::Problem> {
    let environment: Table = lua.named_registry_value("environment")?;
    let name = match &name {
        Some(name) => name.to_string_lossy(),
        None => code.to_string_lossy(),
    };
    match compile(lua, &code.as_bytes(), &name.replace('\0', " "), environment) {
        Ok(function) => Ok((Value::Function(function), None)),
        Err(mlua::Error::SyntaxError { message, .. }) => Ok((Value::Nil, Some(message))),
        Err(error) => Err(native::Problem::Lua(error)),
    }
}

/// Compiles a text, never a binary chunk. The collector rests meanwhile: Lua 5.1's parser does not
/// hold on to all that it works with (CVE-2025-49844).
fn compile(lua: &Lua, code: &[u8], name: &str, environment: Table) -> mlua::Result<Function> {
    if code.first() == Some(&0x1b) {
        return Err(mlua::Error::SyntaxError {
            message: "attempt to load a binary chunk".to_owned(),
            incomplete_input: false,
        });
    }
    lua.gc_stop();
    let chunk = lua.load(code).set_name(name).set_mode(ChunkMode::Text);
    let function = chunk.set_environment(environment).into_function();
    lua.gc_restart();
    function
}

/// Looks at the clock, and at whether the script must end, every so many steps of the interpreter.
fn install_hook(lua: &Lua, exchange: &Rc<Exchange>, steps: u32) -> mlua::Result<()> {
    let inner = Rc::clone(exchange);
    let triggers = HookTriggers::new().every_nth_instruction(steps);
    lua.set_global_hook(triggers, move |lua, _| {
        on_hook(lua, &inner)?;
        Ok(VmState::Continue)
    })
}

fn on_hook(lua: &Lua, exchange: &Rc<Exchange>) -> mlua::Result<()> {
    exchange.has_run_on.set(true);
    let was_dying = exchange.dying.get().is_some();
    let now = Instant::now();
    if !was_dying {
        let is_late = exchange
            .deadline
            .get()
            .is_some_and(|deadline| now >= deadline);
        if is_late {
            exchange.dying.set(Some("ERR FUNCTION LOAD timeout"));
        }
        match exchange.steps_left.get() {
            Some(0) => exchange.dying.set(Some(
                "ERR the script took more steps than holdfast-script-steps-max allows",
            )),
            Some(left) => exchange.steps_left.set(Some(left - 1)),
            None => {}
        }
        if exchange.dying.get().is_none() && now >= exchange.slice_ends.get() {
            let tick: Function = lua.named_registry_value("tick")?;
            // It fails when the script was killed meanwhile: that is looked at below.
            drop(tick.call::<()>(()));
        }
    }
    let Some(why) = exchange.dying.get() else {
        return Ok(());
    };
    if !was_dying {
        // A script that catches the error meets it again at its next step.
        install_hook(lua, exchange, 1)?;
        exchange.position.replace(native::position(lua));
    }
    Err(mlua::Error::runtime(why))
}

struct World<'l> {
    lua: &'l Lua,
    exchange: &'l Rc<Exchange>,
    globals: Table,
    environment: Table,
    run: Function,
    /// For functions: what calls them, what loads a library, what ends that.
    library: Option<[Function; 3]>,
    scripts: HashMap<ScriptSha, Function>,
    /// By name in lower case.
    functions: HashMap<Box<[u8]>, Function>,
    /// What the last library registered.
    registered: Vec<(Box<[u8]>, Function)>,
    /// What was in use after the last full collection.
    live_bytes: usize,
}

impl<'l> World<'l> {
    fn new(
        lua: &'l Lua,
        exchange: &'l Rc<Exchange>,
        natives: &Table,
        kind: Kind,
    ) -> mlua::Result<Self> {
        let describing = Rc::clone(exchange);
        let describe = move |lua: &Lua, error: Value| api::describe(lua, &describing, error);
        natives.raw_set("describe", lua.create_function(describe)?)?;
        let host: Table = lua.load(PRELUDE_CODE).set_name(PRELUDE).call(natives)?;
        let environment: Table = host.raw_get("environment")?;
        lua.set_named_registry_value("environment", &environment)?;
        install_hook(lua, exchange, STEPS_PER_HOOK)?;
        let library = match kind {
            Kind::Eval => None,
            Kind::Function => {
                let chunk = lua.load(LIBRARY_CODE).set_name(PRELUDE);
                let library: Table = chunk.call((natives, &host))?;
                Some([
                    library.raw_get("run_function")?,
                    library.raw_get("load_library")?,
                    library.raw_get("end_load")?,
                ])
            }
        };
        Ok(Self {
            lua,
            exchange,
            globals: host.raw_get("globals")?,
            environment,
            run: host.raw_get("run")?,
            library,
            scripts: HashMap::new(),
            functions: HashMap::new(),
            registered: Vec::new(),
            live_bytes: lua.used_memory(),
        })
    }

    fn perform(&mut self, job: Job) -> Outcome {
        let outcome = match job {
            Job::Compile(sha, body) => self.compile(sha, &body),
            Job::Forget(sha) => {
                self.scripts.remove(&sha);
                Ok(Outcome::Done)
            }
            Job::Run(sha, keys) => self.run(&sha, keys),
            Job::Load(code) => self.load(&code),
            Job::Adopt(removed) => {
                for name in removed {
                    self.functions.remove(&name);
                }
                self.functions.extend(self.registered.drain(..));
                Ok(Outcome::Done)
            }
            Job::Drop(removed) => {
                self.registered.clear();
                for name in removed {
                    self.functions.remove(&name);
                }
                Ok(Outcome::Done)
            }
            Job::CallFunction(name, keys) => self.call_function(&name, keys),
            Job::Quit => Ok(Outcome::Done),
        };
        let outcome = outcome.unwrap_or_else(|error| Outcome::failed(self.without_frame(&error)));
        if self.exchange.dying.get().is_some() {
            self.exchange.dying.set(None);
            // It was there before: putting it back needs no memory.
            drop(install_hook(self.lua, self.exchange, STEPS_PER_HOOK));
        }
        self.collect_if_due();
        outcome
    }

    /// Lua 5.1 does not collect before it says that there is no memory: what a script has left is not
    /// for the next one to stumble over.
    fn collect_if_due(&mut self) {
        let used = self.lua.used_memory();
        if used > 2 * self.live_bytes + KEPT_GARBAGE_BYTES_MAX {
            drop(self.lua.gc_collect());
            self.live_bytes = self.lua.used_memory();
        }
    }

    /// The text of an error that the prelude did not catch: no memory, or the end of the script.
    fn without_frame(&self, error: &mlua::Error) -> String {
        match self.exchange.dying.get() {
            Some(why) => self.located(why),
            None => self.located(&format!("ERR {}", api::message(error))),
        }
    }

    fn compile(&mut self, sha: ScriptSha, body: &[u8]) -> mlua::Result<Outcome> {
        let header = Header::read_script(body).ok().flatten();
        let code = body.get(header.map_or(0, |header| header.bytes)..);
        let environment = self.environment.clone();
        match compile(self.lua, code.unwrap_or_default(), SCRIPT, environment) {
            Ok(function) => {
                self.scripts.insert(sha, function);
                Ok(Outcome::Done)
            }
            Err(error) => Ok(Outcome::failed(format!(
                "ERR Error compiling script (new function): {}",
                api::message(&error)
            ))),
        }
    }

    /// The words as two tables: the keys, and the arguments.
    fn words(&self, keys: usize) -> mlua::Result<(Table, Table)> {
        let words = self.exchange.words.borrow();
        let tables = (self.lua.create_table()?, self.lua.create_table()?);
        for (index, word) in words.iter().enumerate() {
            let word = self.lua.create_string(word)?;
            match index.checked_sub(keys) {
                None => tables.0.raw_set(index + 1, word)?,
                Some(index) => tables.1.raw_set(index + 1, word)?,
            }
        }
        Ok(tables)
    }

    fn give_words(&self, keys: usize) -> mlua::Result<()> {
        let bytes = self.exchange.words.borrow().bytes();
        let _unlimited = Unlimited::for_bytes(self.lua, bytes);
        let (keys, arguments) = self.words(keys)?;
        self.globals.raw_set("KEYS", keys)?;
        self.globals.raw_set("ARGV", arguments)
    }

    fn run(&self, sha: &ScriptSha, keys: usize) -> mlua::Result<Outcome> {
        let Some(script) = self.scripts.get(sha) else {
            return Ok(Outcome::failed(
                "NOSCRIPT No matching script. Please use EVAL.",
            ));
        };
        self.exchange.protocol.set(Protocol::Resp2);
        self.give_words(keys)?;
        let (ok, result): (bool, Value) = self.run.call(script)?;
        self.end(ok, &result)
    }

    fn call_function(&self, name: &[u8], keys: usize) -> mlua::Result<Outcome> {
        let (Some(function), Some([run_function, ..])) = (self.functions.get(name), &self.library)
        else {
            return Ok(Outcome::failed("ERR Function not found"));
        };
        self.exchange.protocol.set(Protocol::Resp2);
        let (keys, arguments) = self.words(keys)?;
        let (ok, result): (bool, Value) = run_function.call((function, keys, arguments))?;
        self.end(ok, &result)
    }

    fn end(&self, ok: bool, result: &Value) -> mlua::Result<Outcome> {
        if let Some(why) = self.exchange.dying.get() {
            return Ok(Outcome::failed(self.located(why)));
        }
        let failed = values::error_of(result);
        if let Some((text, counted)) = failed {
            let text = if ok { text } else { self.located(&text) };
            return Ok(Outcome::Failed { text, counted });
        }
        if !ok {
            // For want of memory, or after an error while an error was handled, Lua asks nobody.
            let text = self.lua.coerce_string(result.clone())?;
            let text = text.map_or_else(String::new, |text| text.to_string_lossy());
            return Ok(Outcome::failed(self.located(&format!("ERR {text}"))));
        }
        let mut reply = self.exchange.result.borrow_mut();
        let written = values::write(result, &mut reply, self.exchange.protocol.get());
        Ok(match written {
            Ok(()) => Outcome::Done,
            Err(error) => Outcome::failed(format!("ERR {}", api::message(&error))),
        })
    }

    /// An error with what Redis says of where it came from.
    fn located(&self, text: &str) -> String {
        let name = self.exchange.name.borrow();
        match &*self.exchange.position.borrow() {
            Some((source, line)) => format!("{text} script: {name}, on {source}:{line}."),
            None => format!("{text} script: {name}."),
        }
    }

    fn load(&mut self, code: &[u8]) -> mlua::Result<Outcome> {
        self.registered.clear();
        let code_bytes = code.iter().position(|&byte| byte == b'\n').unwrap_or(0);
        let body = code.get(code_bytes..).unwrap_or_default();
        let environment = self.environment.clone();
        let chunk = match compile(self.lua, body, FUNCTION, environment) {
            Ok(chunk) => chunk,
            Err(error) => {
                return Ok(Outcome::failed(format!(
                    "ERR Error compiling function: {}",
                    api::message(&error)
                )));
            }
        };
        let Some([_, load_library, end_load]) = &self.library else {
            return Ok(Outcome::failed("ERR this is not the place of functions"));
        };
        self.exchange
            .deadline
            .set(Some(Instant::now() + LOAD_TIME_MAX));
        let called: mlua::Result<(bool, Value, Option<Table>)> = load_library.call(chunk);
        self.exchange.deadline.set(None);
        if let Some(why) = self.exchange.dying.get() {
            // The prelude did not come to the end of its work.
            self.lua.remove_global_hook();
            end_load.call::<()>(())?;
            return Ok(Outcome::failed(format!(
                "ERR Error registering functions: {why}"
            )));
        }
        let (ok, problem, registered) = called?;
        if !ok {
            let text = values::error_of(&problem).map_or_else(String::new, |(text, _)| text);
            return Ok(Outcome::failed(format!(
                "ERR Error registering functions: {text}"
            )));
        }
        self.take_registered(registered)
    }

    fn take_registered(&mut self, registered: Option<Table>) -> mlua::Result<Outcome> {
        let mut all = Vec::new();
        for facts in registered.iter().flat_map(Table::sequence_values::<Table>) {
            let facts = facts?;
            let name: LuaString = facts.raw_get("function_name")?;
            let description: Option<LuaString> = facts.raw_get("description")?;
            let flags: Vec<LuaString> = facts.raw_get("flags")?;
            let key = name.as_bytes().to_ascii_lowercase().into();
            self.registered.push((key, facts.raw_get("callback")?));
            all.push(FunctionFacts {
                name: name.as_bytes().to_vec(),
                description: description.map(|text| text.as_bytes().to_vec()),
                flags: flags.iter().map(|flag| flag.as_bytes().to_vec()).collect(),
            });
        }
        Ok(if all.is_empty() {
            Outcome::failed("ERR No functions registered")
        } else {
            Outcome::Loaded(all)
        })
    }
}
