//! Drives commands over a small keyspace in the families' tests: a line in, the reply out, and a
//! second keyspace that lives from the effects alone.

use holdfast_resp::{Protocol, Reply, split_inline};

use super::CommandTable;
use crate::context::Caller;
use crate::effects::Effects;
use crate::execute::{Engine, Outcome};
use crate::hashing::HashSeed;
use crate::keyspace::{DatabaseIndex, Expiry, Keyspace};
use crate::replay::replay;
use crate::value::Value;
use crate::values::encodings::Encodings;

/// The time at which every test begins, in milliseconds since 1970.
pub(crate) const START_MS: i64 = 1_700_000_000_000;

/// A keyspace with a client, and a replica of it.
pub(crate) struct Harness {
    pub(crate) keyspace: Keyspace,
    replica: Keyspace,
    effects: Effects,
    commands_count: u32,
    table: CommandTable,
    pub(crate) database: DatabaseIndex,
    pub(crate) caller: Caller,
    pub(crate) protocol: Protocol,
    /// How the last command ended.
    pub(crate) outcome: Outcome,
    /// Where a random test is, for the message of a failure.
    pub(crate) note: String,
    /// The effects of the last command, as `SET a b; DEL c`.
    pub(crate) logged: String,
}

impl Harness {
    pub(crate) fn new() -> Self {
        let own = Encodings {
            seed: HashSeed(1),
            ..Encodings::default()
        };
        // Nothing that is logged may depend on any of these.
        let other = Encodings {
            seed: HashSeed(2),
            hash_max_listpack_entries: 2,
            hash_max_listpack_value: 8,
            set_max_intset_entries: 2,
            zset_max_listpack_entries: 2,
            zset_max_listpack_value: 8,
            list_max_listpack_size: 2,
            hll_sparse_max_bytes: 40,
            stream_node_max_bytes: 100,
            stream_node_max_entries: 2,
            ..Encodings::default()
        };
        let mut keyspace = Keyspace::new(16, own, 7);
        keyspace.set_now_ms(START_MS);
        Self {
            keyspace,
            replica: Keyspace::new(16, other, 8),
            effects: Effects::default(),
            commands_count: 0,
            table: CommandTable::default(),
            database: DatabaseIndex::default(),
            caller: Caller::default(),
            protocol: Protocol::Resp2,
            outcome: Outcome::default(),
            note: String::new(),
            logged: String::new(),
        }
    }

    /// Runs a line with the quoting of inline commands; returns the reply without its last line
    /// end and with `|` for the others. The replica follows, and must come to the same contents.
    pub(crate) fn run(&mut self, line: &str) -> String {
        let (mut bytes, mut spans) = (Vec::new(), Vec::new());
        split_inline(line.as_bytes(), &mut bytes, |start, end| {
            spans.push(start..end);
        })
        .expect("the line is well quoted");
        let words: Vec<&[u8]> = spans.into_iter().map(|span| &bytes[span]).collect();
        self.run_words(&words)
    }

    /// Runs a command given in words.
    pub(crate) fn run_words(&mut self, words: &[&[u8]]) -> String {
        let (handler, skip) = self.table.find(words).expect("the command is known");
        let mut reply = Reply::new(self.protocol);
        let mut engine = Engine {
            keyspace: &mut self.keyspace,
            effects: &mut self.effects,
        };
        self.outcome = engine.execute(handler, words, skip, self.database, self.caller, &mut reply);
        self.follow();
        let text = String::from_utf8_lossy(reply.as_slice()).into_owned();
        text.strip_suffix("\r\n")
            .unwrap_or(&text)
            .replace("\r\n", "|")
    }

    fn follow(&mut self) {
        let body = self.effects.take();
        self.logged = describe(&body);
        replay(
            &mut self.replica,
            &self.table,
            &body,
            self.keyspace.now_ms(),
        )
        .expect("the effects replay");
        self.commands_count += 1;
        // A digest walks through everything: a test that runs thousands of commands gets fewer.
        if self.commands_count > 100 && !self.commands_count.is_multiple_of(64) {
            return;
        }
        assert_eq!(
            crate::digest::of_keyspace(&self.keyspace),
            crate::digest::of_keyspace(&self.replica),
            "the replica has other contents after {:?} {}",
            self.logged,
            self.note
        );
    }

    /// Puts a value on both sides, as if it had always been there.
    pub(crate) fn put(&mut self, name: &str, value: &Value) {
        for keyspace in [&mut self.keyspace, &mut self.replica] {
            let key = keyspace.key(name.as_bytes());
            keyspace.put(
                DatabaseIndex::default(),
                key,
                value.clone().into(),
                Expiry::Never,
            );
        }
    }

    /// Lets time pass.
    pub(crate) fn wait_ms(&mut self, ms: i64) {
        self.keyspace.set_now_ms(self.keyspace.now_ms() + ms);
    }

    /// Runs each line and compares its reply, and what it logged where that is given.
    pub(crate) fn expect(&mut self, cases: &[(&str, &str)]) {
        for (line, want) in cases {
            assert_eq!(self.run(line), *want, "{line}");
        }
    }

    /// Turns every notification on and forgets those before.
    pub(crate) fn listen(&mut self) {
        self.keyspace.notify = crate::notify::NotifyClasses::ALL;
        self.keyspace.notices.clear();
    }

    /// The notifications since the last time, as `set a, expire a`.
    pub(crate) fn heard(&mut self) -> String {
        let notices = std::mem::take(&mut self.keyspace.notices);
        let heard = notices
            .iter()
            .map(|notice| format!("{} {}", notice.event, String::from_utf8_lossy(&notice.key)));
        heard.collect::<Vec<_>>().join(", ")
    }
}

/// Effects as text.
fn describe(mut body: &[u8]) -> String {
    let mut lines = Vec::new();
    while !body.is_empty() {
        if let [b'@', _, _, _, _, rest @ ..] = body {
            body = rest;
            continue;
        }
        let mut words = Vec::new();
        let consumed = holdfast_resp::read_command(body, &mut words).expect("effects are commands");
        body = &body[consumed..];
        let words = words.iter().map(|word| String::from_utf8_lossy(word));
        lines.push(words.collect::<Vec<_>>().join(" "));
    }
    lines.join("; ")
}
