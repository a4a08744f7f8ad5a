//! Value structures: they know nothing of arguments and replies, and handlers know nothing of
//! encodings.

pub mod bits;
pub mod direction;
pub mod encodings;
pub mod geo;
pub mod hash;
pub mod hyperloglog;
pub mod list;
pub mod set;
pub mod sorted_set;
pub mod stream;
pub mod string;
