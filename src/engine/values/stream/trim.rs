//! `Trim`: what is to be taken from the front of a stream.

use holdfast_formats::rdb::StreamId;

/// What stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// The last so many entries.
    Length(u64),
    /// The entries from this id on.
    Id(StreamId),
}

/// How a stream is trimmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trim {
    /// What stays.
    pub bound: Bound,
    /// A node of which some must stay, stays whole: cheap, and not exact.
    pub only_whole_nodes: bool,
    /// How many entries go at most, if that is limited; counted by nodes.
    pub removed_max: Option<u64>,
}
