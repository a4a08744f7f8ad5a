//! Function libraries as the machine for functions holds them: which functions there are, and of
//! which library. Follows what the engine keeps, so that it is right after replay and roll-back too.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use holdfast_engine::scripts::ScriptStore;

use super::machine::{FunctionFacts, Job, Machine, Outcome};

/// A name in lower case.
type Name = Box<[u8]>;

/// A library that was run.
#[derive(Clone, Debug)]
pub(crate) struct Loaded {
    /// Its name as it was written.
    pub name: Box<[u8]>,
    /// Its text.
    pub code: Arc<[u8]>,
    /// What it registered.
    pub functions: Vec<FunctionFacts>,
}

/// All functions.
#[derive(Debug, Default)]
pub(crate) struct Libraries {
    /// By name in lower case.
    loaded: BTreeMap<Box<[u8]>, Loaded>,
    /// Functions by name in lower case, with their libraries' names.
    functions: HashMap<Name, (Name, usize)>,
    version: u64,
}

fn lower(name: &[u8]) -> Box<[u8]> {
    name.to_ascii_lowercase().into()
}

impl Libraries {
    /// Nothing is loaded; what the engine keeps is loaded when it is needed.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// A function with its name in lower case.
    pub(crate) fn function(&self, name: &[u8]) -> Option<(Box<[u8]>, &FunctionFacts)> {
        let name = lower(name);
        let (library, index) = self.functions.get(&name)?;
        let facts = self.loaded.get(library)?.functions.get(*index)?;
        Some((name, facts))
    }

    /// Every library, by name.
    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = &Loaded> {
        self.loaded.values()
    }

    /// How many functions there are.
    pub(crate) fn functions_count(&self) -> usize {
        self.functions.len()
    }

    /// Whether it holds what the engine keeps.
    pub(crate) const fn is_current(&self, store: &ScriptStore) -> bool {
        self.version == store.libraries_version()
    }

    /// Loads and drops what has changed in the engine. A library that cannot be loaded any more,
    /// for want of memory, is missing until the next change.
    pub(crate) fn follow(&mut self, store: &ScriptStore, machine: &mut Machine) {
        if self.is_current(store) {
            return;
        }
        let gone: Vec<_> = self
            .loaded
            .iter()
            .filter(|(name, loaded)| {
                store
                    .library(name)
                    .is_none_or(|kept| kept.code != loaded.code)
            })
            .map(|(name, _)| name.clone())
            .collect();
        for name in gone {
            self.remove(&name, machine);
        }
        for kept in store.libraries() {
            if !self.loaded.contains_key(&lower(&kept.name))
                && let Err(failed) = self.load(&kept.name, &kept.code, machine, &[])
            {
                tracing::warn!(?failed, "a function library cannot be loaded");
            }
        }
        self.version = store.libraries_version();
    }

    /// Says that the engine keeps what was just loaded or removed here.
    pub(crate) const fn is_followed_by(&mut self, store: &ScriptStore) {
        self.version = store.libraries_version();
    }

    /// Runs a library, and keeps its functions if no other library has functions of their names.
    /// `leaving` are libraries that make place in the same step.
    ///
    /// # Errors
    /// It does not compile, fails, registers nothing, or a function that is there: then nothing
    /// has changed.
    pub(crate) fn load(
        &mut self,
        name: &[u8],
        code: &Arc<[u8]>,
        machine: &mut Machine,
        leaving: &[&[u8]],
    ) -> Result<(), Outcome> {
        let functions = match machine.perform(Job::Load(Arc::clone(code))) {
            Outcome::Loaded(functions) => functions,
            failed => return Err(failed),
        };
        let is_leaving = |library: &[u8]| {
            let mut leaving = leaving.iter();
            leaving.any(|name| name.eq_ignore_ascii_case(library))
        };
        for facts in &functions {
            let taken = self.functions.get(&lower(&facts.name));
            if taken.is_some_and(|(library, _)| !is_leaving(library)) {
                let name = String::from_utf8_lossy(&facts.name);
                return Err(Outcome::failed(format!(
                    "ERR Function {name} already exists"
                )));
            }
        }
        let mut removed = Vec::new();
        for library in leaving {
            removed.extend(self.forget(library));
        }
        machine.perform(Job::Adopt(removed));
        for (index, facts) in functions.iter().enumerate() {
            self.functions
                .insert(lower(&facts.name), (lower(name), index));
        }
        let loaded = Loaded {
            name: name.into(),
            code: Arc::clone(code),
            functions,
        };
        self.loaded.insert(lower(name), loaded);
        Ok(())
    }

    /// Removes a library.
    pub(crate) fn remove(&mut self, name: &[u8], machine: &mut Machine) {
        let removed = self.forget(name);
        // Nothing is registered that could be adopted: a load that failed is cleared by this too.
        machine.perform(Job::Drop(removed));
    }

    /// Removes a library from the lists; returns its functions' names.
    fn forget(&mut self, name: &[u8]) -> Vec<Box<[u8]>> {
        let Some(loaded) = self.loaded.remove(&lower(name)) else {
            return Vec::new();
        };
        let names: Vec<_> = loaded
            .functions
            .iter()
            .map(|facts| lower(&facts.name))
            .collect();
        for name in &names {
            self.functions.remove(name);
        }
        names
    }
}
