//! The keys of a command line, found by the command's specifications: GETKEYS, GETKEYSANDFLAGS.

use holdfast_engine::CommandError;
use holdfast_engine::command::Flags;

use super::describe::access_words;
use crate::registry::{Found, Registered, Registry};

/// Keys in the order of the specifications, and what is done to them.
type Keys<'a> = Vec<(&'a [u8], Vec<&'static str>)>;

/// Finds the keys of a command line.
///
/// # Errors
/// It is no command, its number of arguments is wrong, or it has no keys.
pub(super) fn find<'a>(registry: &Registry, words: &[&'a [u8]]) -> Result<Keys<'a>, CommandError> {
    let Found::Command(command) = registry.find(words) else {
        return Err(CommandError::InvalidCommand);
    };
    if command.spec.keys.iter().all(|keys| keys.not_key) {
        return Err(CommandError::NoKeyArguments);
    }
    if !command.spec.arity.accepts(words.len()) {
        return Err(CommandError::InvalidCommandArity);
    }
    let mut found = Vec::new();
    for keys in command.spec.keys.iter().filter(|keys| !keys.not_key) {
        let flags = match by_arguments(command, words) {
            Some(flags) if keys.variable_flags => flags,
            _ => access_words(keys)
                .into_iter()
                .filter(|word| *word != "incomplete" && *word != "variable_flags")
                .collect(),
        };
        for position in keys.positions(words) {
            found.extend(words.get(position).map(|key| (*key, flags.clone())));
        }
    }
    if command.spec.name == "sort" {
        let stored = sort_destination(words).map(|key| (key, vec!["OW", "update"]));
        found.extend(stored);
    }
    if found.is_empty() && !command.has(Flags::NO_MANDATORY_KEYS) {
        return Err(CommandError::InvalidCommand);
    }
    Ok(found)
}

/// Where SORT stores: the last STORE wins, and words that belong to other options are none.
fn sort_destination<'a>(words: &[&'a [u8]]) -> Option<&'a [u8]> {
    let mut destination = None;
    let mut at = 2;
    while let Some(word) = words.get(at) {
        match word.to_ascii_lowercase().as_slice() {
            b"limit" => at += 2,
            b"get" | b"by" => at += 1,
            b"store" => {
                at += 1;
                destination = words.get(at).copied().or(destination);
            }
            _ => {}
        }
        at += 1;
    }
    destination
}

/// What is done to the key of a command for which that depends on its arguments.
fn by_arguments(command: &Registered, words: &[&[u8]]) -> Option<Vec<&'static str>> {
    let has = |wanted: &str| {
        let options = words.iter().skip(3);
        options
            .into_iter()
            .any(|word| word.eq_ignore_ascii_case(wanted.as_bytes()))
    };
    match command.spec.name {
        "set" if has("GET") => Some(vec!["RW", "access", "update"]),
        "set" => Some(vec!["OW", "update"]),
        "bitfield" if only_reads_fields(words) => Some(vec!["RO", "access"]),
        "bitfield" => Some(vec!["RW", "access", "update"]),
        _ => None,
    }
}

/// Whether BITFIELD has nothing but GET. What is malformed counts as a write.
fn only_reads_fields(words: &[&[u8]]) -> bool {
    let mut at = 2;
    while let Some(word) = words.get(at) {
        let follow = words.len() - at - 1;
        at += match word.to_ascii_lowercase().as_slice() {
            b"get" if follow >= 2 => 3,
            b"overflow" if follow >= 1 => 2,
            _ => return false,
        };
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(line: &str) -> Result<Vec<String>, CommandError> {
        let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
        let found = find(&Registry::new(), &words)?;
        let shown = found.into_iter().map(|(key, flags)| {
            let key = String::from_utf8_lossy(key).into_owned();
            format!("{key} {}", flags.join(" "))
        });
        Ok(shown.collect())
    }

    #[test]
    fn keys_are_found_with_what_is_done_to_them() {
        for (line, want) in [
            ("set a b", &["a OW update"][..]),
            ("SET a b GET", &["a RW access update"]),
            ("mset a 1 b 2", &["a OW update", "b OW update"]),
            (
                "sort a by store limit 0 1 store b store c",
                &["a RO access", "c OW update"],
            ),
            ("sort a get store", &["a RO access"]),
            ("bitfield a get u8 0 overflow sat", &["a RO access"]),
            ("bitfield a get u8 0 set u8 0 1", &["a RW access update"]),
            (
                "bitop and a b c",
                &["a OW update", "b RO access", "c RO access"],
            ),
        ] {
            let want: Vec<String> = want.iter().map(|&key| key.to_owned()).collect();
            assert_eq!(keys(line), Ok(want), "{line}");
        }
        assert_eq!(keys("ping a"), Err(CommandError::NoKeyArguments));
        assert_eq!(keys("get"), Err(CommandError::InvalidCommandArity));
        assert_eq!(keys("nosuch a"), Err(CommandError::InvalidCommand));
    }
}
