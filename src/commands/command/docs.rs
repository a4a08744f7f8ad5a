//! What COMMAND DOCS answers of a command: maps that leave out what there is nothing to say about.

use holdfast_engine::command::{Argument, ArgumentKind};
use holdfast_resp::Reply;

use crate::registry::Registered;

/// Writes the documentation of a command and of its subcommands.
pub(super) fn write(reply: &mut Reply, command: &Registered) {
    let docs = &command.spec.docs;
    reply.map_of(|reply| {
        write_text(reply, "summary", docs.summary);
        write_text(reply, "since", docs.since);
        write_text(reply, "group", command.spec.group.name());
        write_text(reply, "complexity", docs.complexity);
        let mut count = 4;
        if let Some((since, replaced_by)) = docs.deprecated {
            reply.bulk(b"doc_flags");
            reply.set(1);
            reply.simple("deprecated");
            write_text(reply, "deprecated_since", since);
            write_text(reply, "replaced_by", replaced_by);
            count += 3;
        }
        if !docs.arguments.is_empty() {
            reply.bulk(b"arguments");
            write_arguments(reply, docs.arguments);
            count += 1;
        }
        if command.is_container() {
            reply.bulk(b"subcommands");
            reply.map(command.subcommands.len());
            for subcommand in &command.subcommands {
                reply.bulk(subcommand.full_name.as_bytes());
                write(reply, subcommand);
            }
            count += 1;
        }
        count
    });
}

fn write_text(reply: &mut Reply, name: &str, text: &str) {
    reply.bulk(name.as_bytes());
    reply.bulk(text.as_bytes());
}

fn write_arguments(reply: &mut Reply, arguments: &[Argument]) {
    reply.array(arguments.len());
    for argument in arguments {
        write_argument(reply, argument);
    }
}

fn write_argument(reply: &mut Reply, argument: &Argument) {
    reply.map_of(|reply| {
        write_text(reply, "name", argument.name);
        write_text(reply, "type", kind_name(argument.kind));
        let mut count = 2;
        if let ArgumentKind::Key(index) = argument.kind {
            reply.bulk(b"key_spec_index");
            reply.integer(i64::from(index));
            count += 1;
        }
        if let Some(token) = argument.token {
            write_text(reply, "token", token);
            count += 1;
        }
        let flags = [
            (argument.optional, "optional"),
            (argument.multiple, "multiple"),
            (argument.multiple_token, "multiple_token"),
        ];
        let flags: Vec<_> = flags.iter().filter(|(is_set, _)| *is_set).collect();
        if !flags.is_empty() {
            reply.bulk(b"flags");
            reply.set(flags.len());
            for (_, name) in flags {
                reply.simple(name);
            }
            count += 1;
        }
        if let ArgumentKind::OneOf(parts) | ArgumentKind::Block(parts) = argument.kind {
            reply.bulk(b"arguments");
            write_arguments(reply, parts);
            count += 1;
        }
        count
    });
}

const fn kind_name(kind: ArgumentKind) -> &'static str {
    match kind {
        ArgumentKind::String => "string",
        ArgumentKind::Integer => "integer",
        ArgumentKind::Double => "double",
        ArgumentKind::Key(_) => "key",
        ArgumentKind::Pattern => "pattern",
        ArgumentKind::UnixTime => "unix-time",
        ArgumentKind::Token => "pure-token",
        ArgumentKind::OneOf(_) => "oneof",
        ArgumentKind::Block(_) => "block",
    }
}
