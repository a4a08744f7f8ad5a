//! Tests of the whole of `rdb`: real files against what is known of them, round trips, damage, and
//! a real redis-server as the judge of what the writer makes.

mod hostile;
mod model;
mod real_server;
mod round_trip;
mod samples;
