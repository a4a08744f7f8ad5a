//! The bytes of entries and of the state record in the log. Changing them is a change of format: new kinds get new numbers.

use std::collections::BTreeMap;

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};

use crate::types::{EntryPayload, LeaderId, LogId, Members, Payload, Vote};
use crate::{Membership, RaftError};

/// The kind byte of a proposal's entry; its payload is the proposal's.
pub(crate) const KIND_NORMAL: u8 = 1;
/// The kind byte of a leader's first entry; its payload is the leader's id.
pub(crate) const KIND_BLANK: u8 = 2;
/// The kind byte of a membership; its payload is JSON.
pub(crate) const KIND_MEMBERSHIP: u8 = 3;

const STATE_VERSION: u8 = 1;
const VOTE_PRESENT: u8 = 1;
const VOTE_COMMITTED: u8 = 2;
/// Version, flags, the vote's term and node, and how many positions follow.
const STATE_HEAD_BYTES: usize = 19;
const POSITION_BYTES: usize = 16;

/// What the log's state record holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LogStateRecord {
    pub(crate) vote: Option<Vote>,
    /// Where the newest memberships are in the log. One may be listed that a crash or a truncation took away, so each is
    /// compared with the entry itself.
    pub(crate) memberships: Vec<LogId>,
}

/// Encodes the log's state record. Of the memberships the newest 255 are kept.
pub(crate) fn encode_state(state: &LogStateRecord) -> Bytes {
    let skip = state.memberships.len().saturating_sub(usize::from(u8::MAX));
    let memberships = state.memberships.get(skip..).unwrap_or_default();
    let mut bytes = BytesMut::with_capacity(STATE_HEAD_BYTES + memberships.len() * POSITION_BYTES);
    bytes.put_u8(STATE_VERSION);
    bytes.put_u8(match state.vote {
        None => 0,
        Some(vote) if vote.committed => VOTE_PRESENT | VOTE_COMMITTED,
        Some(_) => VOTE_PRESENT,
    });
    bytes.put_u64_le(state.vote.map_or(0, |vote| vote.leader_id.term));
    bytes.put_u64_le(state.vote.map_or(0, |vote| vote.leader_id.voted_for));
    bytes.put_u8(u8::try_from(memberships.len()).expect("cut to 255 above"));
    for position in memberships {
        bytes.put_u64_le(position.leader_id.term);
        bytes.put_u64_le(position.index);
    }
    bytes.freeze()
}

/// Decodes [`encode_state`]'s bytes.
///
/// # Errors
/// Any other bytes.
pub(crate) fn decode_state(mut bytes: &[u8]) -> Result<LogStateRecord, RaftError> {
    let length = bytes.len();
    let malformed = |reason: &str| RaftError::Decode {
        what: "the log's state",
        reason: format!("{reason} ({length} bytes)"),
    };
    if length < STATE_HEAD_BYTES {
        return Err(malformed("expected at least 19 bytes"));
    }
    if bytes.get_u8() != STATE_VERSION {
        return Err(malformed("unknown version"));
    }
    let flags = bytes.get_u8();
    let leader_id = LeaderId {
        term: bytes.get_u64_le(),
        voted_for: bytes.get_u64_le(),
    };
    let vote = match flags {
        0 => None,
        VOTE_PRESENT => Some(Vote {
            leader_id,
            committed: false,
        }),
        flags if flags == VOTE_PRESENT | VOTE_COMMITTED => Some(Vote {
            leader_id,
            committed: true,
        }),
        _ => return Err(malformed("unknown flags")),
    };
    let count = usize::from(bytes.get_u8());
    if bytes.len() != count * POSITION_BYTES {
        return Err(malformed("the count of memberships is not theirs"));
    }
    let position = |bytes: &mut &[u8]| LogId::new(bytes.get_u64_le().into(), bytes.get_u64_le());
    let memberships = (0..count).map(|_| position(&mut bytes)).collect();
    Ok(LogStateRecord { vote, memberships })
}

/// Gives an entry's kind byte and payload. A proposal's payload is passed on without a copy.
///
/// # Errors
/// A membership that JSON cannot hold, which none can be.
pub(crate) fn encode_payload(payload: &EntryPayload) -> Result<(u8, Bytes), RaftError> {
    Ok(match payload {
        EntryPayload::Normal(Payload(bytes)) => (KIND_NORMAL, bytes.clone()),
        EntryPayload::Blank { leader } => {
            (KIND_BLANK, Bytes::copy_from_slice(&leader.to_le_bytes()))
        }
        EntryPayload::Membership(members) => {
            let json =
                serde_json::to_vec(&membership_of(members)).map_err(|error| RaftError::Decode {
                    what: "membership",
                    reason: error.to_string(),
                })?;
            (KIND_MEMBERSHIP, Bytes::from(json))
        }
    })
}

/// Decodes what [`encode_payload`] gave.
///
/// # Errors
/// Any other kind or bytes.
pub(crate) fn decode_payload(kind: u8, bytes: Bytes) -> Result<EntryPayload, RaftError> {
    match kind {
        KIND_NORMAL => Ok(EntryPayload::Normal(Payload(bytes))),
        KIND_BLANK => {
            let leader = bytes.as_ref().try_into().map_err(|_| RaftError::Decode {
                what: "blank entry",
                reason: format!("expected 8 bytes, found {}", bytes.len()),
            })?;
            Ok(EntryPayload::Blank {
                leader: u64::from_le_bytes(leader),
            })
        }
        KIND_MEMBERSHIP => {
            let membership: Membership =
                serde_json::from_slice(&bytes).map_err(|error| RaftError::Decode {
                    what: "membership",
                    reason: error.to_string(),
                })?;
            Ok(EntryPayload::Membership(members_of(&membership)?))
        }
        unknown => Err(RaftError::Decode {
            what: "entry",
            reason: format!("unknown kind {unknown}"),
        }),
    }
}

/// openraft's membership in our words.
pub(crate) fn membership_of(members: &Members) -> Membership {
    Membership {
        voters: members.get_joint_config().clone(),
        nodes: members
            .nodes()
            .map(|(id, node)| (*id, node.clone()))
            .collect::<BTreeMap<_, _>>(),
    }
}

/// Our membership in openraft's words.
///
/// # Errors
/// A voter has no node, or there is no voter.
pub(crate) fn members_of(membership: &Membership) -> Result<Members, RaftError> {
    Members::new(membership.voters.clone(), membership.nodes.clone()).map_err(|error| {
        RaftError::Decode {
            what: "membership",
            reason: error.to_string(),
        }
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::Node;

    #[test]
    fn the_state_survives_its_bytes_and_nothing_else_decodes() {
        let vote = |committed| {
            Some(Vote {
                leader_id: LeaderId {
                    term: 7,
                    voted_for: u64::MAX,
                },
                committed,
            })
        };
        let positions = [LogId::new(0.into(), 0), LogId::new(7.into(), u64::MAX)];
        for vote in [None, vote(false), vote(true)] {
            for memberships in [&positions[..0], &positions[..1], &positions] {
                let state = LogStateRecord {
                    vote,
                    memberships: memberships.to_vec(),
                };
                let bytes = encode_state(&state);
                assert_eq!(decode_state(&bytes).expect("our own bytes"), state);
                for cut in 0..bytes.len() {
                    assert!(
                        decode_state(&bytes[..cut]).is_err(),
                        "{cut} bytes of {state:?}"
                    );
                }
            }
        }
        let mut flags = encode_state(&LogStateRecord::default()).to_vec();
        flags[1] = 4;
        assert!(decode_state(&flags).is_err(), "an unknown flag");
    }

    #[test]
    fn each_kind_of_entry_survives_its_bytes() {
        let membership = Membership {
            voters: vec![BTreeSet::from([1, 2])],
            nodes: BTreeMap::from([
                (
                    1,
                    Node {
                        address: "a:1".to_owned(),
                        dir_id: [7; 16],
                    },
                ),
                (2, Node::default()),
                (3, Node::default()),
            ]),
        };
        for payload in [
            EntryPayload::Normal(Payload(Bytes::from_static(b"effects"))),
            EntryPayload::Blank { leader: 5 },
            EntryPayload::Membership(members_of(&membership).expect("a valid membership")),
        ] {
            let (kind, bytes) = encode_payload(&payload).expect("encodes");
            assert_eq!(decode_payload(kind, bytes).expect("decodes"), payload);
        }
        assert!(decode_payload(KIND_BLANK, Bytes::from_static(b"short")).is_err());
        assert!(decode_payload(KIND_MEMBERSHIP, Bytes::from_static(b"{}")).is_err());
        assert!(decode_payload(0, Bytes::new()).is_err());
    }
}
