//! Geo: sorted sets whose scores are places on Earth.
//!
//! - `add` GEOADD · `read` distances and places of members · `units` what distances are given in
//! - `search` the commands that search, in their old and new forms · `search_options` what they
//!   take · `found` what they find, of which `nearest` are the first · `store` what they keep

mod add;
mod found;
mod nearest;
mod read;
mod search;
mod search_options;
mod store;
mod units;

use holdfast_resp::Reply;

use crate::args::Args;
use crate::command::Command;
use crate::error::CommandError;
use crate::execute::Handler;
use crate::values::geo::Place;

/// The family.
pub const COMMANDS: &[Command<Handler>] = &[
    add::GEOADD,
    read::GEODIST,
    read::GEOHASH,
    read::GEOPOS,
    search::GEORADIUS,
    search::GEORADIUS_RO,
    search::GEORADIUSBYMEMBER,
    search::GEORADIUSBYMEMBER_RO,
    search::GEOSEARCH,
    search::GEOSEARCHSTORE,
];

/// Reads a longitude and a latitude.
fn read_place(args: &mut Args<'_>) -> Result<Place, CommandError> {
    let (longitude, latitude) = (args.next_f64()?, args.next_f64()?);
    Place::new(longitude, latitude).ok_or_else(|| {
        let text = |degrees: f64| format!("{degrees:.6}").into_boxed_str();
        CommandError::NotOnMap(text(longitude), text(latitude))
    })
}

/// Writes a place with all digits that are there, at most 17 behind the point.
fn write_place(reply: &mut Reply, place: Place) {
    reply.array(2);
    for degrees in [place.longitude, place.latitude] {
        let text = format!("{degrees:.17}");
        let text = text.trim_end_matches('0').trim_end_matches('.');
        reply.double_text(if text == "-0" { b"0" } else { text.as_bytes() });
    }
}

/// Writes a distance, to a tenth of a thousandth.
fn write_distance(reply: &mut Reply, distance: f64) {
    reply.bulk_display(format_args!("{distance:.4}"));
}

#[cfg(test)]
mod tests;
