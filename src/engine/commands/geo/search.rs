//! GEOSEARCH and GEOSEARCHSTORE, and GEORADIUS and GEORADIUSBYMEMBER, which they replaced.

use holdfast_resp::Reply;

use super::found::Found;
use super::search_options::{Form, Storing};
use super::store::store;
use super::units::Unit;
use crate::args::Args;
use crate::command::Arity::AtLeast;
use crate::command::{Argument, ArgumentKind, Command, Flags, Group, KeySpec};
use crate::context::{ReadContext, WriteContext};
use crate::error::CommandError;
use crate::execute::Handler;

const COST: &str =
    "O(N+log(M)) where N is the number of members near the shape and M that of all members";
const KEY: Argument = Argument::key("key");
const LONGITUDE: Argument = Argument::double("longitude");
const LATITUDE: Argument = Argument::double("latitude");
const MEMBER: Argument = Argument::string("member");
const RADIUS: Argument = Argument::double("radius");
const WITH_PLACE: Argument = Argument::word("withcoord", "WITHCOORD").optional();
const WITH_DISTANCE: Argument = Argument::word("withdist", "WITHDIST").optional();
const WITH_SCORE: Argument = Argument::word("withhash", "WITHHASH").optional();
const COUNT: Argument = Argument::block(
    "count",
    &[
        Argument::integer("count").token("COUNT"),
        Argument::word("any", "ANY").optional(),
    ],
)
.optional();
const ORDER: Argument = Argument::one_of(
    "order",
    &[Argument::word("asc", "ASC"), Argument::word("desc", "DESC")],
)
.optional();
const STORE: Argument = Argument::new("key", ArgumentKind::Key(1))
    .token("STORE")
    .optional();
const STORE_DISTANCES: Argument = Argument::new("key", ArgumentKind::Key(2))
    .token("STOREDIST")
    .optional();
const FROM: Argument = Argument::one_of(
    "from",
    &[
        MEMBER.token("FROMMEMBER"),
        Argument::block("longitude_latitude", &[LONGITUDE, LATITUDE]).token("FROMLONLAT"),
    ],
);
const BY: Argument = Argument::one_of(
    "by",
    &[
        Argument::block("circle", &[RADIUS.token("BYRADIUS"), Unit::ARGUMENT]),
        Argument::block(
            "box",
            &[
                Argument::double("width").token("BYBOX"),
                Argument::double("height"),
                Unit::ARGUMENT,
            ],
        ),
    ],
);

pub(super) const GEORADIUS: Command<Handler> = Command::write("georadius", Group::Geo, georadius)
    .arity(AtLeast(6))
    .flags(Flags::DENY_OOM)
    .keys(&[
        KeySpec::READ,
        KeySpec::OVERWRITE.after("STORE", 6),
        KeySpec::OVERWRITE.after("STOREDIST", 6),
    ])
    .doc(
        "3.2.0",
        COST,
        "Returns or stores the members within a circle around a place.",
        &[
            KEY,
            LONGITUDE,
            LATITUDE,
            RADIUS,
            Unit::ARGUMENT,
            WITH_PLACE,
            WITH_DISTANCE,
            WITH_SCORE,
            COUNT,
            ORDER,
            STORE,
            STORE_DISTANCES,
        ],
    )
    .deprecated(
        "6.2.0",
        "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` argument",
    );

pub(super) const GEORADIUS_RO: Command<Handler> =
    Command::read("georadius_ro", Group::Geo, georadius_ro)
        .arity(AtLeast(6))
        .keys(&[KeySpec::READ])
        .doc(
            "3.2.10",
            COST,
            "Returns the members within a circle around a place.",
            &[
                KEY,
                LONGITUDE,
                LATITUDE,
                RADIUS,
                Unit::ARGUMENT,
                WITH_PLACE,
                WITH_DISTANCE,
                WITH_SCORE,
                COUNT,
                ORDER,
            ],
        )
        .deprecated("6.2.0", "`GEOSEARCH` with the `BYRADIUS` argument");

pub(super) const GEORADIUSBYMEMBER: Command<Handler> =
    Command::write("georadiusbymember", Group::Geo, georadiusbymember)
        .arity(AtLeast(5))
        .flags(Flags::DENY_OOM)
        .keys(&[
            KeySpec::READ,
            KeySpec::OVERWRITE.after("STORE", 5),
            KeySpec::OVERWRITE.after("STOREDIST", 5),
        ])
        .doc(
            "3.2.0",
            COST,
            "Returns or stores the members within a circle around a member.",
            &[
                KEY,
                MEMBER,
                RADIUS,
                Unit::ARGUMENT,
                WITH_PLACE,
                WITH_DISTANCE,
                WITH_SCORE,
                COUNT,
                ORDER,
                STORE,
                STORE_DISTANCES,
            ],
        )
        .deprecated(
            "6.2.0",
            "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` and `FROMMEMBER` arguments",
        );

pub(super) const GEORADIUSBYMEMBER_RO: Command<Handler> =
    Command::read("georadiusbymember_ro", Group::Geo, georadiusbymember_ro)
        .arity(AtLeast(5))
        .keys(&[KeySpec::READ])
        .doc(
            "3.2.10",
            COST,
            "Returns the members within a circle around a member.",
            &[
                KEY,
                MEMBER,
                RADIUS,
                Unit::ARGUMENT,
                WITH_PLACE,
                WITH_DISTANCE,
                WITH_SCORE,
                COUNT,
                ORDER,
            ],
        )
        .deprecated(
            "6.2.0",
            "`GEOSEARCH` with the `BYRADIUS` and `FROMMEMBER` arguments",
        );

pub(super) const GEOSEARCH: Command<Handler> = Command::read("geosearch", Group::Geo, geosearch)
    .arity(AtLeast(7))
    .keys(&[KeySpec::READ])
    .doc(
        "6.2.0",
        COST,
        "Returns the members within a circle or a box.",
        &[
            KEY,
            FROM,
            BY,
            ORDER,
            COUNT,
            WITH_PLACE,
            WITH_DISTANCE,
            WITH_SCORE,
        ],
    );

pub(super) const GEOSEARCHSTORE: Command<Handler> =
    Command::write("geosearchstore", Group::Geo, geosearchstore)
        .arity(AtLeast(8))
        .flags(Flags::DENY_OOM)
        .keys(&[KeySpec::OVERWRITE, KeySpec::READ.index(2)])
        .doc(
            "6.2.0",
            COST,
            "Stores the members within a circle or a box.",
            &[
                Argument::key("destination"),
                Argument::new("source", ArgumentKind::Key(1)),
                FROM,
                BY,
                ORDER,
                COUNT,
                Argument::word("storedist", "STOREDIST").optional(),
            ],
        );

/// Searches and answers.
fn answer(
    context: &ReadContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
    form: Form,
) -> Result<(), CommandError> {
    let key = context.key(args.next()?);
    Found::search(context, key, args, form)?.write(reply);
    Ok(())
}

/// Searches, and answers or stores.
fn answer_or_store(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
    form: Form,
) -> Result<(), CommandError> {
    let key = context.key(args.next()?);
    let found = Found::search(&context.reading(&[key]), key, args, form)?;
    match found.options.store {
        None => found.write(reply),
        Some(destination) => {
            let destination = context.key(destination);
            store(context, destination, &found, "georadiusstore", reply);
        }
    }
    Ok(())
}

fn georadius(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    answer_or_store(context, args, reply, Form::Radius(Storing::Allowed))
}

fn georadius_ro(
    context: &ReadContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    answer(context, args, reply, Form::Radius(Storing::Refused))
}

fn georadiusbymember(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    answer_or_store(context, args, reply, Form::RadiusByMember(Storing::Allowed))
}

fn georadiusbymember_ro(
    context: &ReadContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    answer(context, args, reply, Form::RadiusByMember(Storing::Refused))
}

fn geosearch(
    context: &ReadContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    answer(context, args, reply, Form::Search)
}

fn geosearchstore(
    context: &mut WriteContext<'_>,
    args: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let (destination, key) = (context.key(args.next()?), context.key(args.next()?));
    let found = Found::search(&context.reading(&[key]), key, args, Form::SearchStore)?;
    store(context, destination, &found, "geosearchstore", reply);
    Ok(())
}
