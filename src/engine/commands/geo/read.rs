//! GEODIST, GEOHASH and GEOPOS: where members are, and how far apart.

use holdfast_resp::Reply;

use super::units::Unit;
use super::{write_distance, write_place};
use crate::args::Args;
use crate::command::Arity::AtLeast;
use crate::command::{Argument, Command, Group, KeySpec};
use crate::context::ReadContext;
use crate::error::CommandError;
use crate::execute::Handler;
use crate::values::geo::{Place, distance_m};
use crate::values::sorted_set::SortedSet;

pub(super) const GEODIST: Command<Handler> = Command::read("geodist", Group::Geo, geodist)
    .arity(AtLeast(4))
    .keys(&[KeySpec::READ])
    .doc(
        "3.2.0",
        "O(log(N))",
        "Returns the distance between two members.",
        &[
            Argument::key("key"),
            Argument::string("member1"),
            Argument::string("member2"),
            Unit::ARGUMENT.optional(),
        ],
    );

pub(super) const GEOHASH: Command<Handler> = Command::read("geohash", Group::Geo, geohash)
    .arity(AtLeast(2))
    .keys(&[KeySpec::READ])
    .doc(
        "3.2.0",
        "O(log(N)) for each member",
        "Returns the places of members as geohash texts.",
        &[Argument::key("key"), Argument::string("member").multiple()],
    );

pub(super) const GEOPOS: Command<Handler> = Command::read("geopos", Group::Geo, geopos)
    .arity(AtLeast(2))
    .keys(&[KeySpec::READ])
    .doc(
        "3.2.0",
        "O(log(N)) for each member",
        "Returns the longitudes and latitudes of members.",
        &[Argument::key("key"), Argument::string("member").multiple()],
    );

fn geodist(
    context: &ReadContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let key = context.key(args.next()?);
    let members = (args.next()?, args.next()?);
    let unit = match args.remaining() {
        0 => Unit::METRE,
        1 => Unit::read(args)?,
        _ => return Err(CommandError::Syntax),
    };
    let set = context.get::<SortedSet>(key)?;
    let place = |member| set.and_then(|set| set.score(member)).map(Place::of_score);
    match (place(members.0), place(members.1)) {
        (Some(one), Some(two)) => write_distance(reply, unit.of_metres(distance_m(one, two))),
        _ => reply.null(),
    }
    Ok(())
}

fn geohash(
    context: &ReadContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    each_place(context, args, reply, |reply, place| {
        reply.bulk_or_null(place.map(Place::geohash).as_ref().map(|text| &text[..]));
    })
}

fn geopos(
    context: &ReadContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    each_place(context, args, reply, |reply, place| match place {
        Some(place) => write_place(reply, place),
        None => reply.null_array(),
    })
}

fn each_place(
    context: &ReadContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
    write: impl Fn(&mut Reply, Option<Place>),
) -> Result<(), CommandError> {
    let (key, members) = (context.key(args.next()?), args.take_rest());
    let set = context.get::<SortedSet>(key)?;
    reply.array(members.len());
    for member in members {
        let score = set.and_then(|set| set.score(member));
        write(reply, score.map(Place::of_score));
    }
    Ok(())
}
