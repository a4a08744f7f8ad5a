//! `maxclients` against the number of files that the process may have open.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tracing::warn;

use super::Config;
use super::kind::Origin;

/// Descriptors for the log, snapshots, listeners and the runtime.
const RESERVED: u64 = 64;

/// Makes room for so many clients; returns for how many there is room, at most as many.
pub fn make_room(clients: usize) -> usize {
    let wanted = u64::try_from(clients)
        .unwrap_or(u64::MAX)
        .saturating_add(RESERVED);
    let limit = getrlimit(Resource::Nofile);
    let Some(current) = limit.current.filter(|current| *current < wanted) else {
        return clients;
    };
    let raised = limit.maximum.map_or(wanted, |maximum| maximum.min(wanted));
    let set = setrlimit(
        Resource::Nofile,
        Rlimit {
            current: Some(raised),
            maximum: limit.maximum,
        },
    );
    let available = if set.is_ok() { raised } else { current };
    let room = usize::try_from(available.saturating_sub(RESERVED)).unwrap_or(usize::MAX);
    room.clamp(1, clients)
}

/// Makes room at start: where there is less than is configured, `maxclients` is what there is.
pub fn make_room_at_start(config: &mut Config) {
    let clients = config.clients_max;
    let room = make_room(clients);
    if room == clients {
        return;
    }
    warn!(
        maxclients = clients,
        room, "the limit on open files leaves room for fewer clients than `maxclients`"
    );
    config
        .set(
            b"maxclients",
            &[room.to_string().as_bytes()],
            Origin::Command,
        )
        .expect("a smaller number than an accepted one, and at least 1, is accepted");
}
