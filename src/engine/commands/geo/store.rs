//! Keeps what a search found as a sorted set.

use holdfast_resp::Reply;

use super::found::Found;
use crate::context::WriteContext;
use crate::keyspace::{Expiry, Key};
use crate::notify::NotifyClasses;
use crate::value::Collection;
use crate::values::sorted_set::SortedSet;

/// Stores what was found in place of what is at a key; removes it if nothing was. The log gets the
/// members: sines and cosines decided about them, which not every machine computes alike.
pub(super) fn store(
    context: &mut WriteContext<'_>,
    destination: Key<'_>,
    found: &Found<'_>,
    event: &'static str,
    reply: &mut Reply,
) {
    reply.integer(i64::try_from(found.points.len()).unwrap_or(i64::MAX));
    let was_there = context.exists(destination);
    if was_there {
        context.log(&[b"DEL", destination.bytes]);
    }
    if found.points.is_empty() {
        if was_there {
            context.remove(destination);
            context.changed(destination, NotifyClasses::GENERIC, "del");
        }
        return;
    }
    let encodings = context.encodings();
    let mut set = SortedSet::new();
    let mut scores = Vec::with_capacity(found.points.len());
    for point in &found.points {
        let score = if found.options.stores_distances {
            found.distance(point)
        } else {
            point.score
        };
        set.insert(&point.member, score, &encodings);
        scores.push(score.to_string());
    }
    let mut effect: Vec<&[u8]> = vec![b"ZADD", destination.bytes];
    for (score, point) in scores.iter().zip(&found.points) {
        effect.extend([score.as_bytes(), &point.member]);
    }
    context.put(destination, set.into_value(), Expiry::Never);
    context.log(&effect);
    context.changed(destination, NotifyClasses::SORTED_SET, event);
}
