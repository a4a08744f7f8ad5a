//! The ten facts of a command that COMMAND INFO answers.

use holdfast_engine::command::{Begin, Categories, Find, Group, KeySpec, Spec};
use holdfast_resp::Reply;

use crate::registry::Registered;

/// Flags that Redis keeps to itself.
const UNSHOWN: [&str; 2] = ["may_replicate", "protected"];

/// Writes the facts of a command and of its subcommands.
pub(super) fn write(reply: &mut Reply, command: &Registered) {
    let spec = command.spec;
    let (first, last, step) = key_range(spec);
    reply.array(10);
    reply.bulk(command.full_name.as_bytes());
    reply.integer(spec.arity.wire());
    let movable = spec.keys_are_movable().then_some("movablekeys");
    let flags = spec.flags.names().filter(|name| !UNSHOWN.contains(name));
    write_words(reply, &flags.chain(movable).collect::<Vec<_>>());
    reply.integer(first);
    reply.integer(last);
    reply.integer(step);
    write_categories(reply, categories(command));
    reply.set(0); // tips: none are given
    reply.array(spec.keys.len());
    for keys in spec.keys {
        write_key_spec(reply, keys);
    }
    reply.array(command.subcommands.len());
    for subcommand in &command.subcommands {
        write(reply, subcommand);
    }
}

/// A set of words, as simple strings.
pub(super) fn write_words(reply: &mut Reply, words: &[&str]) {
    reply.set(words.len());
    for word in words {
        reply.simple(word);
    }
}

/// The ACL categories of a command. A mere container is in none but those that are said.
pub(super) fn categories(command: &Registered) -> Categories {
    let spec = command.spec;
    if command.is_container() {
        Categories::derived(spec.flags, Group::Server).with(spec.categories)
    } else {
        spec.all_categories()
    }
}

fn write_categories(reply: &mut Reply, all: Categories) {
    let known = Categories::NAMES.iter();
    let names: Vec<String> = known
        .filter(|(category, _)| all.has(*category))
        .map(|(_, name)| format!("@{name}"))
        .collect();
    reply.set(names.len());
    for name in names {
        reply.simple(name);
    }
}

/// First key, last key and step, as clients before key specifications read them: they cover what
/// stands at fixed places without a gap.
fn key_range(spec: &Spec) -> (i64, i64, i64) {
    let mut covered: Option<(i64, i64, i64)> = None;
    for keys in spec.keys {
        let (Begin::Index(index), Find::Range { last, step, .. }) = (keys.begin, keys.find) else {
            continue;
        };
        let first = i64::from(index);
        let step = i64::from(step);
        let last = match i64::from(last) {
            last if last >= 0 => first + last,
            from_end => from_end,
        };
        covered = match covered {
            None => Some((first, last, step)),
            Some((start, end, 1)) if step == 1 && end >= 0 && end + 1 == first => {
                Some((start, last, 1))
            }
            unchanged => unchanged,
        };
    }
    covered.unwrap_or_default()
}

/// What a specification says is done to its keys.
pub(super) fn access_words(keys: &KeySpec) -> Vec<&'static str> {
    let mut words = Vec::new();
    if keys.not_key {
        words.push("not_key");
    } else {
        words.push(keys.access.mode);
        words.extend(keys.access.access.then_some("access"));
        words.extend(keys.access.change);
    }
    words.extend(keys.incomplete.then_some("incomplete"));
    words.extend(keys.variable_flags.then_some("variable_flags"));
    words
}

fn write_key_spec(reply: &mut Reply, keys: &KeySpec) {
    reply.map(3);
    reply.bulk(b"flags");
    write_words(reply, &access_words(keys));
    reply.bulk(b"begin_search");
    match keys.begin {
        Begin::Index(index) => write_step(reply, "index", &[("index", i64::from(index))]),
        Begin::Keyword(word, from) => {
            reply.map(2);
            reply.bulk(b"type");
            reply.bulk(b"keyword");
            reply.bulk(b"spec");
            reply.map(2);
            reply.bulk(b"keyword");
            reply.bulk(word.as_bytes());
            reply.bulk(b"startfrom");
            reply.integer(i64::from(from));
        }
        Begin::Unknown => write_step(reply, "unknown", &[]),
    }
    reply.bulk(b"find_keys");
    match keys.find {
        Find::Range { last, step, limit } => write_step(
            reply,
            "range",
            &[
                ("lastkey", i64::from(last)),
                ("keystep", i64::from(step)),
                ("limit", i64::from(limit)),
            ],
        ),
        Find::Count { at, first, step } => write_step(
            reply,
            "keynum",
            &[
                ("keynumidx", i64::from(at)),
                ("firstkey", i64::from(first)),
                ("keystep", i64::from(step)),
            ],
        ),
        Find::Unknown => write_step(reply, "unknown", &[]),
    }
}

fn write_step(reply: &mut Reply, kind: &str, numbers: &[(&str, i64)]) {
    reply.map(2);
    reply.bulk(b"type");
    reply.bulk(kind.as_bytes());
    reply.bulk(b"spec");
    reply.map(numbers.len());
    for (name, number) in numbers {
        reply.bulk(name.as_bytes());
        reply.integer(*number);
    }
}
