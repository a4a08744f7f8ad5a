//! Sorted sets: ZADD, ZRANGE and their kin, and those that wait for members.

mod add;
mod algebra;
mod pop;
mod random;
mod range;
mod read;
mod remove;
mod selection;

pub(super) use add::{Options as AddOptions, add};
use holdfast_formats::Element;
use holdfast_resp::{Protocol, Reply};

use crate::command::Command;
use crate::commands::element::write_element;
use crate::execute::Handler;

/// The family.
pub const COMMANDS: &[Command<Handler>] = &[
    add::ZADD,
    add::ZINCRBY,
    remove::ZREM,
    remove::ZREMRANGEBYRANK,
    remove::ZREMRANGEBYSCORE,
    remove::ZREMRANGEBYLEX,
    read::ZCARD,
    read::ZCOUNT,
    read::ZLEXCOUNT,
    read::ZSCORE,
    read::ZMSCORE,
    read::ZRANK,
    read::ZREVRANK,
    read::ZSCAN,
    range::ZRANGE,
    range::ZRANGESTORE,
    range::ZREVRANGE,
    range::ZRANGEBYSCORE,
    range::ZREVRANGEBYSCORE,
    range::ZRANGEBYLEX,
    range::ZREVRANGEBYLEX,
    pop::ZPOPMIN,
    pop::ZPOPMAX,
    pop::ZMPOP,
    pop::BZPOPMIN,
    pop::BZPOPMAX,
    pop::BZMPOP,
    random::ZRANDMEMBER,
    algebra::ZUNION,
    algebra::ZUNIONSTORE,
    algebra::ZINTER,
    algebra::ZINTERSTORE,
    algebra::ZINTERCARD,
    algebra::ZDIFF,
    algebra::ZDIFFSTORE,
];

/// Opens an array of members. With scores it is flat in RESP2, and made of pairs in RESP3.
fn write_header(reply: &mut Reply, count: usize, with_scores: bool) {
    let is_flat = with_scores && reply.protocol() == Protocol::Resp2;
    reply.array(if is_flat { count * 2 } else { count });
}

/// Writes one member of that array.
fn write_member(reply: &mut Reply, member: Element<'_>, score: f64, with_scores: bool) {
    if with_scores && reply.protocol() == Protocol::Resp3 {
        reply.array(2);
    }
    write_element(reply, member);
    if with_scores {
        reply.double(score);
    }
}

#[cfg(test)]
mod tests;
