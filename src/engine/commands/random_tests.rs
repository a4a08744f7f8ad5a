//! Random commands on few keys: whatever they answer, their effects alone must give a replica with
//! another seed and other thresholds the same contents. A run that fails names its seed.

use super::testing::Harness;
use crate::keyspace::DatabaseIndex;

const COMMANDS_COUNT: u32 = 2_500;
const SEEDS: [u64; 2] = [1, 0x5eed_0002];

/// What is executed: `k` is a key, `v` a value, `i` an integer, `f` a float, `t` a time from now in
/// milliseconds, `T` one since 1970, `d` a database, `p` a position of a bit, `h` and `g` keys of which
/// others keep away, `l` a longitude, `b` a latitude.
const TEMPLATES: &[&str] = &[
    "SET k v",
    "SET k v NX PX t",
    "SET k v XX KEEPTTL",
    "SET k v GET PXAT T",
    "SETNX k v",
    "SETEX k 1 v",
    "PSETEX k t v",
    "GETSET k v",
    "GETDEL k",
    "GETEX k PX t",
    "GETEX k PXAT T",
    "GETEX k PERSIST",
    "MSET k v k v",
    "MSETNX k v k v",
    "INCR k",
    "DECRBY k i",
    "INCRBY k i",
    "INCRBYFLOAT k f",
    "APPEND k v",
    "SETRANGE k 3 v",
    "SETBIT k p 1",
    "SETBIT k p 0",
    "BITOP AND k k k",
    "BITOP XOR k k k",
    "BITOP NOT k k",
    "BITFIELD k SET u5 p i OVERFLOW SAT INCRBY i7 #2 i",
    "BITFIELD k OVERFLOW FAIL INCRBY u3 p 5 GET u8 0",
    "PFADD h v v v v",
    "PFADD h v f f f f f f f f f",
    "PFCOUNT h",
    "PFCOUNT h h",
    "PFMERGE h h h",
    "PFDEBUG TODENSE h",
    "DEL h",
    "RENAME h k",
    "COPY k h",
    "GEOADD g l b v l b v l b v",
    "GEOADD g NX CH l b v",
    "GEORADIUS g l b 3000 km STORE g",
    "GEORADIUS g l b 5000 km COUNT 2 ANY STOREDIST k",
    "GEOSEARCHSTORE k g FROMLONLAT l b BYBOX 4000 2000 km COUNT 2",
    "GEOSEARCHSTORE g g FROMLONLAT l b BYRADIUS 6000 km DESC",
    "DEL k k",
    "UNLINK k",
    "RENAME k k",
    "RENAMENX k k",
    "COPY k k",
    "COPY k k REPLACE",
    "COPY k k DB d REPLACE",
    "MOVE k d",
    "EXPIRE k 1",
    "PEXPIRE k t NX",
    "PEXPIRE k t XX",
    "PEXPIRE k t GT",
    "PEXPIRE k t LT",
    "PEXPIREAT k T",
    "PERSIST k",
    "GET k",
    "KEYS *",
    "SCAN 0",
    "RANDOMKEY",
    "TOUCH k k",
    "SADD k v v v",
    "RPUSH k v v",
    "SORT k ALPHA STORE k",
    "SORT k BY nosort GET # GET k STORE k",
    "HSET k v v v f",
    "SWAPDB 0 d",
    "FLUSHDB",
];

/// The same for streams; `x` is a stream id, `G` a group, `c` a consumer.
const STREAM_TEMPLATES: &[&str] = &[
    "XADD k * v v",
    "XADD k * v v v v",
    "XADD k x v v",
    "XADD k MAXLEN ~ 8 * v v",
    "XADD k MAXLEN 12 * v v",
    "XADD k MINID ~ x * v v",
    "XADD k NOMKSTREAM MINID x * v v",
    "XDEL k x x",
    "XTRIM k MAXLEN ~ 6",
    "XTRIM k MAXLEN 9",
    "XTRIM k MINID x",
    "XSETID k x ENTRIESADDED 90",
    "XSETID k x MAXDELETEDID x",
    "XGROUP CREATE k G x",
    "XGROUP CREATE k G $ MKSTREAM",
    "XGROUP CREATE k G 0 MKSTREAM ENTRIESREAD 3",
    "XGROUP SETID k G x",
    "XGROUP SETID k G $ ENTRIESREAD 5",
    "XGROUP DESTROY k G",
    "XGROUP CREATECONSUMER k G c",
    "XGROUP DELCONSUMER k G c",
    "XREADGROUP GROUP G c COUNT 3 STREAMS k >",
    "XREADGROUP GROUP G c STREAMS k >",
    "XREADGROUP GROUP G c NOACK COUNT 2 STREAMS k >",
    "XREADGROUP GROUP G c STREAMS k x",
    "XREADGROUP GROUP G c COUNT 2 STREAMS k k > x",
    "XREAD STREAMS k x",
    "XACK k G x x x",
    "XCLAIM k G c t x x x",
    "XCLAIM k G c 0 x x FORCE",
    "XCLAIM k G c 0 x TIME T RETRYCOUNT i FORCE JUSTID LASTID x",
    "XAUTOCLAIM k G c t 0 COUNT 4",
    "XAUTOCLAIM k G c 0 x JUSTID",
    "XADD k * v v",
    "XADD k * v v",
    "XGROUP CREATE k G 0 MKSTREAM",
    "XGROUP CREATE k G 0 MKSTREAM",
    "XREADGROUP GROUP G c COUNT 5 STREAMS k >",
    "EXPIRE k 1",
    "COPY k k REPLACE",
    "FLUSHDB",
];

struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % bound
    }

    fn word(&mut self, word: &str, now_ms: i64) -> String {
        match word {
            "k" => format!("key:{}", self.below(6)),
            "v" => match self.below(4) {
                0 => self.below(100).to_string(),
                1 => format!("{}.5", self.below(10)),
                2 => "word".repeat(usize::try_from(self.below(30)).expect("small")),
                _ => format!("w{}", self.below(10)),
            },
            "i" => (self.below(200).cast_signed() - 100).to_string(),
            "f" => format!("{}.{}", self.below(10), self.below(1000)),
            "t" => (self.below(300) + 1).to_string(),
            "T" => (now_ms + self.below(300).cast_signed() - 50).to_string(),
            "h" => format!("hll:{}", self.below(3)),
            "g" => format!("geo:{}", self.below(3)),
            "l" => (self.below(360).cast_signed() - 180).to_string(),
            "b" => format!("{}.{}", self.below(160).cast_signed() - 80, self.below(10)),
            "p" => self.below(100).to_string(),
            "d" => self.below(3).to_string(),
            // Near the times at which entries are added, so that they meet some.
            "x" => match self.below(4) {
                0 => "0".to_owned(),
                1 => format!("{}-{}", self.below(50), self.below(3)),
                _ => (now_ms - self.below(600).cast_signed()).to_string(),
            },
            "G" => format!("group:{}", self.below(2)),
            "c" => format!("consumer:{}", self.below(3)),
            other => other.to_owned(),
        }
    }
}

#[test]
fn effects_alone_give_the_same_contents() {
    run_all(TEMPLATES);
}

#[test]
fn effects_of_streams_alone_give_the_same_contents() {
    run_all(STREAM_TEMPLATES);
}

fn run_all(templates: &[&str]) {
    for seed in SEEDS {
        let mut random = Random(seed);
        let mut harness = Harness::new();
        // So small that approximate trims find whole nodes.
        harness.keyspace.encodings.stream_node_max_entries = 3;
        let mut logged_count = 0;
        for number in 0..COMMANDS_COUNT {
            let at = usize::try_from(random.below(templates.len() as u64)).expect("small");
            // Whole databases vanish seldom enough for keys to meet.
            if at >= templates.len() - 2 && random.below(8) > 0 {
                continue;
            }
            let now_ms = harness.keyspace.now_ms();
            let words: Vec<String> = templates[at]
                .split(' ')
                .map(|word| random.word(word, now_ms))
                .collect();
            let words: Vec<&[u8]> = words.iter().map(String::as_bytes).collect();
            harness.note = format!("seed {seed:#x}, command {number}");
            harness.run_words(&words);
            logged_count += usize::from(harness.outcome.changed);
            harness.wait_ms(random.below(40).cast_signed());
            if random.below(20) == 0 {
                harness.database = DatabaseIndex(random.below(3).try_into().expect("small"));
            }
        }
        assert!(
            logged_count > 1000,
            "only {logged_count} commands changed anything"
        );
    }
}
