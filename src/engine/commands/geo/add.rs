//! GEOADD: ZADD with places for scores.

use holdfast_resp::Reply;

use super::read_place;
use crate::args::Args;
use crate::command::Arity::AtLeast;
use crate::command::{Argument, Command, Flags, Group, KeySpec};
use crate::commands::sorted_set::{self, AddOptions};
use crate::context::WriteContext;
use crate::error::CommandError;
use crate::execute::Handler;

pub(super) const GEOADD: Command<Handler> = Command::write("geoadd", Group::Geo, geoadd)
    .arity(AtLeast(5))
    .flags(Flags::DENY_OOM)
    .keys(&[KeySpec::CHANGE])
    .doc(
        "3.2.0",
        "O(log(N)) for each member",
        "Adds members at places on Earth, or moves them.",
        &[
            Argument::key("key"),
            Argument::one_of(
                "condition",
                &[Argument::word("nx", "NX"), Argument::word("xx", "XX")],
            )
            .optional(),
            Argument::word("change", "CH").optional(),
            Argument::block(
                "longitude_latitude_member",
                &[
                    Argument::double("longitude"),
                    Argument::double("latitude"),
                    Argument::string("member"),
                ],
            )
            .multiple(),
        ],
    );

fn geoadd(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let key = context.key(args.next()?);
    let mut options = AddOptions::default();
    loop {
        let option = if args.accept("NX") {
            &mut options.only_new
        } else if args.accept("XX") {
            &mut options.only_present
        } else if args.accept("CH") {
            &mut options.counts_changed
        } else {
            break;
        };
        *option = true;
    }
    let has_whole_places = !args.is_done() && args.remaining().is_multiple_of(3);
    if !has_whole_places || (options.only_new && options.only_present) {
        return Err(CommandError::Syntax);
    }
    let mut members = Vec::with_capacity(args.remaining() / 3);
    while !args.is_done() {
        let place = read_place(args)?;
        members.push((place.score(), args.next()?));
    }
    sorted_set::add(context, key, options, &members, reply)
}
