//! Channels, patterns and their subscribers, and the messages that are pushed to them. Messages
//! stand in the receiver's one queue with its replies, and wait for the same commits (RULES.md 5).

use bytes::Bytes;
use holdfast_engine::notify::{Notice, NotifyClasses};
use holdfast_engine::pattern;
use holdfast_resp::Reply;
use std::collections::HashMap;

use crate::session::{SessionId, Subscriptions};

/// Which sessions are subscribed to what.
#[derive(Debug, Default)]
pub struct PubSub {
    channels: HashMap<Box<[u8]>, Vec<SessionId>>,
    shard_channels: HashMap<Box<[u8]>, Vec<SessionId>>,
    /// In order of the first subscription, which is the order of delivery.
    patterns: Vec<(Box<[u8]>, Vec<SessionId>)>,
}

/// A message as it is pushed to a session.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "the fields are named as in Redis's documentation"
)]
pub enum Message {
    /// From a channel.
    Channel { channel: Bytes, payload: Bytes },
    /// From a shard channel.
    Shard { channel: Bytes, payload: Bytes },
    /// From a channel that matches a pattern.
    Pattern {
        pattern: Bytes,
        channel: Bytes,
        payload: Bytes,
    },
    /// A line of MONITOR.
    Monitor(Bytes),
}

impl Message {
    /// Writes it in the shape of the receiver's protocol.
    pub fn write(&self, reply: &mut Reply) {
        match self {
            Self::Channel { channel, payload } => push(reply, &[b"message", channel, payload]),
            Self::Shard { channel, payload } => push(reply, &[b"smessage", channel, payload]),
            Self::Pattern {
                pattern,
                channel,
                payload,
            } => push(reply, &[b"pmessage", pattern, channel, payload]),
            Self::Monitor(line) => reply.raw(line),
        }
    }
}

fn push(reply: &mut Reply, parts: &[&[u8]]) {
    reply.push(parts.len());
    for part in parts {
        reply.bulk(part);
    }
}

/// Kinds of channel that a session subscribes to by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChannelKind {
    /// SUBSCRIBE.
    Plain,
    /// SSUBSCRIBE.
    Shard,
}

impl PubSub {
    fn of(&mut self, kind: ChannelKind) -> &mut HashMap<Box<[u8]>, Vec<SessionId>> {
        match kind {
            ChannelKind::Plain => &mut self.channels,
            ChannelKind::Shard => &mut self.shard_channels,
        }
    }

    /// Adds a subscriber that is not subscribed yet.
    pub fn subscribe(&mut self, kind: ChannelKind, channel: &[u8], id: SessionId) {
        self.of(kind).entry(channel.into()).or_default().push(id);
    }

    /// Removes a subscriber.
    pub fn unsubscribe(&mut self, kind: ChannelKind, channel: &[u8], id: SessionId) {
        let channels = self.of(kind);
        if let Some(ids) = channels.get_mut(channel) {
            ids.retain(|&subscriber| subscriber != id);
            if ids.is_empty() {
                channels.remove(channel);
            }
        }
    }

    /// Adds a subscriber of a pattern that is not subscribed to it yet.
    pub fn subscribe_pattern(&mut self, pattern: &[u8], id: SessionId) {
        match self
            .patterns
            .iter_mut()
            .find(|(known, _)| **known == *pattern)
        {
            Some((_, ids)) => ids.push(id),
            None => self.patterns.push((pattern.into(), vec![id])),
        }
    }

    /// Removes a subscriber of a pattern.
    pub fn unsubscribe_pattern(&mut self, pattern: &[u8], id: SessionId) {
        if let Some((_, ids)) = self
            .patterns
            .iter_mut()
            .find(|(known, _)| **known == *pattern)
        {
            ids.retain(|&subscriber| subscriber != id);
        }
        self.patterns.retain(|(_, ids)| !ids.is_empty());
    }

    /// Forgets a session.
    pub fn forget(&mut self, id: SessionId, subscriptions: &Subscriptions) {
        for channel in &subscriptions.channels {
            self.unsubscribe(ChannelKind::Plain, channel, id);
        }
        for channel in &subscriptions.shard_channels {
            self.unsubscribe(ChannelKind::Shard, channel, id);
        }
        for pattern in &subscriptions.patterns {
            self.unsubscribe_pattern(pattern, id);
        }
    }

    /// Who gets a message that is published to a channel, and in which form.
    pub fn deliveries(&self, channel: &[u8], payload: &[u8]) -> Vec<(SessionId, Message)> {
        let mut deliveries = Vec::new();
        if self.channels.is_empty() && self.patterns.is_empty() {
            return deliveries;
        }
        let payload = Bytes::copy_from_slice(payload);
        let name = Bytes::copy_from_slice(channel);
        for &id in self.channels.get(channel).into_iter().flatten() {
            let (channel, payload) = (name.clone(), payload.clone());
            deliveries.push((id, Message::Channel { channel, payload }));
        }
        for (pattern, ids) in &self.patterns {
            if pattern::matches(pattern, channel) {
                let pattern = Bytes::copy_from_slice(pattern);
                deliveries.extend(ids.iter().map(|&id| {
                    let (pattern, channel, payload) =
                        (pattern.clone(), name.clone(), payload.clone());
                    (
                        id,
                        Message::Pattern {
                            pattern,
                            channel,
                            payload,
                        },
                    )
                }));
            }
        }
        deliveries
    }

    /// Who gets a message that is published to a shard channel.
    pub fn shard_deliveries(&self, channel: &[u8], payload: &[u8]) -> Vec<(SessionId, Message)> {
        let ids = self.shard_channels.get(channel).into_iter().flatten();
        ids.map(|&id| {
            let channel = Bytes::copy_from_slice(channel);
            let payload = Bytes::copy_from_slice(payload);
            (id, Message::Shard { channel, payload })
        })
        .collect()
    }

    /// The channels with subscribers, with their number; optionally only those that match a pattern.
    pub fn channels(&self, kind: ChannelKind) -> impl Iterator<Item = (&[u8], usize)> {
        let channels = match kind {
            ChannelKind::Plain => &self.channels,
            ChannelKind::Shard => &self.shard_channels,
        };
        channels
            .iter()
            .map(|(channel, ids)| (&**channel, ids.len()))
    }

    /// How many sessions are subscribed to a channel.
    pub fn subscribers(&self, kind: ChannelKind, channel: &[u8]) -> usize {
        let channels = match kind {
            ChannelKind::Plain => &self.channels,
            ChannelKind::Shard => &self.shard_channels,
        };
        channels.get(channel).map_or(0, Vec::len)
    }

    /// How many patterns have subscribers.
    pub fn patterns_count(&self) -> usize {
        self.patterns.len()
    }
}

/// The messages that announce a change of a key: to the channel of the key, to that of the event.
pub fn notification(notice: &Notice, classes: NotifyClasses) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut messages = Vec::new();
    let database = notice.database.0;
    if classes.has(NotifyClasses::KEYSPACE) {
        let mut channel = format!("__keyspace@{database}__:").into_bytes();
        channel.extend_from_slice(&notice.key);
        messages.push((channel, notice.event.as_bytes().to_vec()));
    }
    if classes.has(NotifyClasses::KEYEVENT) {
        let channel = format!("__keyevent@{database}__:{}", notice.event).into_bytes();
        messages.push((channel, notice.key.to_vec()));
    }
    messages
}
