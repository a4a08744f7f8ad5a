//! A Lua state on a stack of its own: a stackful coroutine that the core thread resumes.
//!
//! A script that calls a command suspends the whole stack, Lua's frames in C included; the core
//! executes the command with everything that it owns, and resumes. A script that runs for long
//! suspends in the same way, from a hook of the interpreter, and the core serves its sockets before
//! it resumes. So nothing of the core is ever lent to Lua, and a short script costs no thread.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::mem::ManuallyDrop;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use corosensei::stack::DefaultStack;
use corosensei::{Coroutine, CoroutineResult};
use holdfast_engine::scripts::ScriptSha;
use holdfast_resp::{Protocol, Reply};

use super::{Kind, world};

/// Room for Lua's nested calls in C, which Lua itself bounds, and for our own recursions, which have
/// bounds of their own. Pages that are never touched cost nothing.
const STACK_BYTES: usize = 16 << 20;

/// Why the coroutine gives way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ask {
    /// The words in the exchange are a command to be executed.
    Call,
    /// The words in the exchange are a command: may the user run it?
    Check,
    /// The slice of time is used up.
    Tick,
    /// The job is done.
    Done,
}

/// What the world inside is to do next.
#[derive(Debug)]
pub(crate) enum Job {
    /// Compile a script.
    Compile(ScriptSha, Arc<[u8]>),
    /// Forget a script.
    Forget(ScriptSha),
    /// Run a script; the words are its keys, so many of them, and its arguments.
    Run(ScriptSha, usize),
    /// Run the text of a library and see which functions it registers.
    Load(Arc<[u8]>),
    /// Keep the functions that the last Load registered, after these are removed.
    Adopt(Vec<Box<[u8]>>),
    /// Remove these functions.
    Drop(Vec<Box<[u8]>>),
    /// Call a function by its name in lower case; the words are as for Run.
    CallFunction(Box<[u8]>, usize),
    /// End.
    Quit,
}

/// A function that a library registered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FunctionFacts {
    /// Its name as it was written.
    pub name: Vec<u8>,
    /// What it does.
    pub description: Option<Vec<u8>>,
    /// Its flags.
    pub flags: Vec<Vec<u8>>,
}

/// How a job ended.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// Well; a reply, if there is one, is in the exchange.
    Done,
    /// A library was run, and registered these.
    Loaded(Vec<FunctionFacts>),
    /// With an error; whether it was counted when a command answered it.
    Failed {
        /// The text on the wire.
        text: String,
        /// It came from a command.
        counted: bool,
    },
}

impl Outcome {
    /// An error that nobody has counted yet.
    pub(crate) fn failed(text: impl Into<String>) -> Self {
        Self::Failed {
            text: text.into(),
            counted: false,
        }
    }
}

/// Words of a command line, one behind the other.
#[derive(Debug, Default)]
pub(crate) struct Words {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Words {
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
        // What one script needed is not kept for ever.
        self.bytes.shrink_to(1 << 16);
        self.ends.shrink_to(1 << 10);
    }

    pub(crate) fn push(&mut self, word: &[u8]) {
        self.bytes.extend_from_slice(word);
        self.ends.push(self.bytes.len());
    }

    /// How many bytes they take in Lua, roughly.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes.len() + 32 * self.ends.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let mut from = 0;
        self.ends.iter().map(move |&end| {
            let word = self.bytes.get(from..end).unwrap_or_default();
            from = end;
            word
        })
    }
}

/// What the core and the world inside hand each other.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub job: RefCell<Option<Job>>,
    pub outcome: RefCell<Option<Outcome>>,
    pub words: RefCell<Words>,
    /// What the last command answered, in the script's protocol.
    pub reply: RefCell<Reply>,
    /// What `Check` answered; nothing if there is no such command.
    pub permission: Cell<Option<bool>>,
    /// The script's protocol (`redis.setresp`).
    pub protocol: Cell<Protocol>,
    /// What the script answers, in its caller's protocol.
    pub result: RefCell<Reply>,
    /// What stands behind `script:` in errors.
    pub name: RefCell<String>,
    /// When the script is to give way.
    pub slice_ends: Cell<Instant>,
    /// When it is to fail; for the loading of libraries.
    pub deadline: Cell<Option<Instant>>,
    /// Interpreter steps that are left, in units of the hook; nothing for no limit.
    pub steps_left: Cell<Option<u64>>,
    /// Why it must end: every step fails from then on.
    pub dying: Cell<Option<&'static str>>,
    /// Where the last error came from.
    pub position: RefCell<Option<(String, i32)>>,
    /// The script has run for a while since this was last reset.
    pub has_run_on: Cell<bool>,
    /// Bytes that Lua uses.
    pub used_bytes: Cell<usize>,
}

impl Exchange {
    fn new() -> Self {
        Self {
            job: RefCell::default(),
            outcome: RefCell::default(),
            words: RefCell::default(),
            reply: RefCell::default(),
            permission: Cell::new(None),
            protocol: Cell::default(),
            result: RefCell::default(),
            name: RefCell::default(),
            slice_ends: Cell::new(Instant::now()),
            deadline: Cell::new(None),
            steps_left: Cell::new(None),
            dying: Cell::new(None),
            position: RefCell::default(),
            has_run_on: Cell::new(false),
            used_bytes: Cell::new(0),
        }
    }
}

/// One Lua state.
pub(crate) struct Machine {
    // Never dropped while it is suspended inside a script: that would unwind through frames in C.
    // `quit` lets it return first; a process that ends in the middle of a script leaves it.
    coroutine: ManuallyDrop<Coroutine<(), Ask, ()>>,
    pub exchange: Rc<Exchange>,
}

impl fmt::Debug for Machine {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Machine").finish_non_exhaustive()
    }
}

impl Machine {
    /// A new state that may use so many bytes.
    ///
    /// # Errors
    /// There is no memory for its stack.
    pub(crate) fn new(kind: Kind, memory_bytes_max: usize) -> std::io::Result<Self> {
        let exchange = Rc::new(Exchange::new());
        let inner = Rc::clone(&exchange);
        let stack = DefaultStack::new(STACK_BYTES)?;
        let coroutine = Coroutine::with_stack(stack, move |yielder, ()| {
            world::live(yielder, &inner, kind, memory_bytes_max);
        });
        Ok(Self {
            coroutine: ManuallyDrop::new(coroutine),
            exchange,
        })
    }

    /// Lets it go on until it asks for something.
    pub(crate) fn resume(&mut self) -> Ask {
        if self.coroutine.done() {
            return Ask::Done;
        }
        match self.coroutine.resume(()) {
            CoroutineResult::Yield(ask) => ask,
            CoroutineResult::Return(()) => Ask::Done,
        }
    }

    /// Whether it has ended: of itself only where there was no memory for a Lua state.
    pub(crate) fn is_over(&self) -> bool {
        self.coroutine.done()
    }

    /// Gives it its next job; `resume` does it.
    pub(crate) fn give(&self, job: Job) {
        self.exchange.dying.set(None);
        self.exchange.deadline.set(None);
        self.exchange.outcome.replace(None);
        self.exchange.job.replace(Some(job));
    }

    /// How the job ended, once `resume` has said that it did.
    pub(crate) fn outcome(&self) -> Outcome {
        let outcome = self.exchange.outcome.take();
        outcome.unwrap_or_else(|| Outcome::failed("ERR there is no memory to run scripts"))
    }

    /// Does a job that calls no commands.
    pub(crate) fn perform(&mut self, job: Job) -> Outcome {
        self.give(job);
        while self.resume() != Ask::Done {}
        self.outcome()
    }

    /// Ends it, and gives its memory back.
    pub(crate) fn quit(mut self) {
        self.give(Job::Quit);
        while self.resume() != Ask::Done {}
        if self.coroutine.done() {
            drop(ManuallyDrop::into_inner(self.coroutine));
        }
    }
}
