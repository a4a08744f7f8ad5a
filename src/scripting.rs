//! Scripts and functions on Lua 5.1. The commands are in `commands/scripting` and
//! `commands/functions`; what was loaded is state of the engine (`holdfast_engine::scripts`).
//!
//! - `machine` a Lua state on a stack of its own · `world` what runs on that stack
//! - `prelude.lua` what scripts see of Lua, `library.lua` what libraries of functions do · `native`, `api`, `values` the `redis` table
//! - `text`, `pattern`, `random`, `bits`, `json/`, `msgpack`, `packing` the libraries
//! - `run` runs a script and executes its commands · `suspended` one that takes long
//! - `libraries` functions by name, as the machine for functions holds them
//!
//! What always holds: all effects of one script go into one batch; while a script is suspended no
//! other command reaches the keyspace, and no batch is closed.

mod api;
mod bits;
mod json;
pub(crate) mod libraries;
pub(crate) mod machine;
mod msgpack;
mod native;
mod packing;
mod pattern;
mod random;
pub(crate) mod run;
pub(crate) mod suspended;
mod text;
mod values;
mod world;

use std::collections::{HashMap, VecDeque};
use std::task::Waker;

use holdfast_engine::scripts::ScriptSha;

use libraries::Libraries;
use machine::{Job, Machine, Outcome};
use run::ScriptFlags;
use suspended::Suspended;

use crate::session::SessionId;

/// Scripts that EVAL keeps for EVALSHA; older ones are forgotten, as in later versions of Redis.
const EVALUATED_MAX: usize = 500;

/// Which machine runs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Scripts.
    Eval,
    /// Functions.
    Function,
}

impl Kind {
    /// Its command.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Eval => "SCRIPT",
            Self::Function => "FUNCTION",
        }
    }
}

/// Everything about scripts that is not replicated.
#[derive(Debug, Default)]
pub struct Scripts {
    eval: Option<Box<Machine>>,
    functions: Option<Box<Machine>>,
    /// Scripts that were compiled.
    compiled: HashMap<ScriptSha, ScriptFlags>,
    /// Those among them that only EVAL has brought, oldest first.
    evaluated: VecDeque<(ScriptSha, usize)>,
    scripts_version: u64,
    /// Functions by name.
    pub(crate) libraries: Libraries,
    /// A script that takes long.
    pub(crate) suspended: Option<Suspended>,
    /// Wakes the task that goes on with it.
    pub(crate) waker: Option<Waker>,
    /// Commands that scripts may not run are let through, for tests (DEBUG).
    pub(crate) denies_nothing: bool,
}

impl Scripts {
    /// Whether a script is suspended, so that most commands are answered with BUSY.
    pub const fn is_busy(&self) -> bool {
        self.suspended.is_some()
    }

    /// What runs, if a script is suspended.
    pub(crate) fn busy_kind(&self) -> Option<Kind> {
        self.suspended.as_ref().map(Suspended::kind)
    }

    /// Whether a suspended script was called by this session.
    pub(crate) fn runs_for(&self, id: SessionId) -> bool {
        let caller = self
            .suspended
            .as_ref()
            .map(|suspended| suspended.running.caller);
        caller == Some(id)
    }

    /// Takes the machine of this kind out, new where there is none.
    pub(crate) fn take(
        &mut self,
        kind: Kind,
        memory_bytes_max: usize,
    ) -> Result<Box<Machine>, Outcome> {
        let place = match kind {
            Kind::Eval => &mut self.eval,
            Kind::Function => &mut self.functions,
        };
        match place.take() {
            Some(machine) => Ok(machine),
            None => Machine::new(kind, memory_bytes_max)
                .map(Box::new)
                .map_err(|error| Outcome::failed(format!("ERR scripts cannot run: {error}"))),
        }
    }

    /// Puts it back, unless it could not begin: the next one may.
    pub(crate) fn put_back(&mut self, kind: Kind, machine: Box<Machine>) {
        if machine.is_over() {
            return machine.quit();
        }
        match kind {
            Kind::Eval => self.eval = Some(machine),
            Kind::Function => self.functions = Some(machine),
        }
    }

    /// Ends the machine of scripts: with it goes all that was compiled.
    pub(crate) fn forget_compiled(&mut self) {
        self.compiled.clear();
        self.evaluated.clear();
        if let Some(machine) = self.eval.take() {
            machine.quit();
        }
    }

    /// Ends the machine of functions.
    pub(crate) fn forget_functions(&mut self) {
        self.libraries.clear();
        if let Some(machine) = self.functions.take() {
            machine.quit();
        }
    }

    /// Follows a SCRIPT FLUSH that came by the log, or data that were replaced.
    pub(crate) fn follow(&mut self, scripts_version: u64) {
        if self.scripts_version != scripts_version {
            self.scripts_version = scripts_version;
            self.forget_compiled();
        }
    }

    /// The flags of a script that is compiled.
    pub(crate) fn flags(&self, sha: &ScriptSha) -> Option<ScriptFlags> {
        self.compiled.get(sha).copied()
    }

    /// Compiles a script that is not compiled yet.
    pub(crate) fn compile(
        &mut self,
        machine: &mut Machine,
        sha: ScriptSha,
        body: &[u8],
    ) -> Result<ScriptFlags, Outcome> {
        let flags = ScriptFlags::of_script(body);
        let flags = flags.map_err(|error| Outcome::failed(format!("ERR {error}")))?;
        match machine.perform(Job::Compile(sha, body.into())) {
            Outcome::Done => {
                self.compiled.insert(sha, flags);
                Ok(flags)
            }
            failed => Err(failed),
        }
    }

    /// Notes that only EVAL has brought a script; one that was too many is forgotten.
    pub(crate) fn note_evaluated(&mut self, machine: &mut Machine, sha: ScriptSha, bytes: usize) {
        self.evaluated.push_back((sha, bytes));
        if self.evaluated.len() > EVALUATED_MAX
            && let Some((oldest, _)) = self.evaluated.pop_front()
        {
            self.compiled.remove(&oldest);
            machine.perform(Job::Forget(oldest));
        }
    }

    /// A script that EVAL has brought was loaded for good.
    pub(crate) fn note_loaded(&mut self, sha: &ScriptSha) {
        self.evaluated.retain(|(evaluated, _)| evaluated != sha);
    }

    /// How many scripts only EVAL has brought, and their bytes.
    pub(crate) fn evaluated(&self) -> (usize, usize) {
        let bytes = self.evaluated.iter().map(|(_, bytes)| bytes).sum();
        (self.evaluated.len(), bytes)
    }

    /// Bytes that the machine of this kind uses.
    pub(crate) fn used_bytes(&self, kind: Kind) -> usize {
        let machine = match kind {
            Kind::Eval => &self.eval,
            Kind::Function => &self.functions,
        };
        machine
            .as_ref()
            .map_or(0, |machine| machine.exchange.used_bytes.get())
    }
}
