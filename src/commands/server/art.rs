//! LOLWUT: a small picture, the same for the same seed, and the version below it.

use holdfast_engine::command::Arity::AtLeast;
use holdfast_engine::command::{Argument, Command, Flags, Group};
use holdfast_engine::{Args, CommandError};

use crate::commands::ServerHandler;
use crate::core::Core;
use crate::session::Session;

const WIDTH: usize = 48;
const HEIGHT: usize = 8;

pub(super) const LOLWUT: Command<ServerHandler> =
    Command::<ServerHandler>::new("lolwut", Group::Server, lolwut)
        .arity(AtLeast(1))
        .flags(Flags::READONLY.with(Flags::FAST).with(Flags::LOCAL))
        .doc(
            "5.0.0",
            "O(1)",
            "Draws a rope that holds fast, and says the version.",
            &[Argument::integer("version").token("VERSION").optional()],
        );

fn lolwut(core: &mut Core, session: &mut Session, args: &mut Args<'_>) -> Result<(), CommandError> {
    if args.accept("VERSION") {
        args.next_i64()?;
    }
    let mut text = rope(core.keyspace.random());
    text.push_str(&format!(
        "\nHoldfast {}. Redis ver. {}\n",
        env!("CARGO_PKG_VERSION"),
        crate::REDIS_VERSION
    ));
    session.out.reply.verbatim(*b"txt", text.as_bytes());
    Ok(())
}

/// Two strands that twist around each other.
fn rope(seed: u64) -> String {
    let phase = (seed % 628) as f64 / 100.0;
    let mut rows = vec![vec![' '; WIDTH]; HEIGHT];
    for column in 0..WIDTH {
        let angle = column as f64 / 5.0 + phase;
        let middle = (HEIGHT - 1) as f64 / 2.0;
        for (strand, mark) in [(angle.sin(), 'o'), (-angle.sin(), '~')] {
            let row = (middle + strand * middle).round() as usize;
            if let Some(place) = rows.get_mut(row).and_then(|row| row.get_mut(column)) {
                *place = mark;
            }
        }
    }
    let lines: Vec<String> = rows
        .into_iter()
        .map(|row| row.into_iter().collect())
        .collect();
    lines.join("\n") + "\n"
}
