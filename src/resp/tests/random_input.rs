//! The properties of the fuzz targets on their kept inputs and on a bounded number of random ones,
//! on any compiler.
//!
//! A failure prints the seed; `HOLDFAST_SEED` runs that seed again.

#[path = "../fuzz/properties.rs"]
mod properties;

use std::fs;
use std::path::Path;

/// Pieces of syntax, from which deeper states are reached than from random bytes.
const PIECES: &[&[u8]] = &[
    b"*1\r\n",
    b"*2\r\n",
    b"*3\r\n",
    b"*0\r\n",
    b"*-1\r\n",
    b"*10\r\n",
    b"$0\r\n\r\n",
    b"$1\r\na\r\n",
    b"$3\r\nSET\r\n",
    b"$4\r\nPING\r\n",
    b"$12\r\nabcdefghijkl\r\n",
    b"$-1\r\n",
    b"$5\r\n",
    b"PING\r\n",
    b"SET 'a b' \"c\\x00\\n\"\r\n",
    b"\r\n",
    b"\n",
    b"\r",
    b"*",
    b"$",
    b"\"",
    b"'",
    b"\\",
    b"\0",
    b" ",
    b"9",
    b"0",
    b"-",
    b"\xff",
];

/// A generator whose whole state is the seed that is printed (xorshift64*).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

fn input(random: &mut Random) -> Vec<u8> {
    let mut input = vec![random.next().to_le_bytes()[7]];
    for _ in 0..random.below(20) {
        let piece =
            PIECES[usize::try_from(random.below(PIECES.len() as u64)).expect("a small number")];
        input.extend_from_slice(piece);
        if random.below(30) == 0 {
            input.push(random.next().to_le_bytes()[7]);
        }
        if random.below(200) == 0 {
            input.extend(std::iter::repeat_n(b'x', 70_000));
        }
    }
    input
}

fn run(target: &str, property: fn(&[u8])) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/corpus")
        .join(target);
    for item in fs::read_dir(&corpus).expect("the kept inputs are part of the source") {
        let path = item.expect("the folder can be read").path();
        println!("{}", path.display());
        property(&fs::read(path).expect("the input can be read"));
    }
    let seed = match std::env::var("HOLDFAST_SEED") {
        Ok(seed) => seed.parse().expect("HOLDFAST_SEED is a number"),
        Err(_) => u64::from(std::process::id()) + 1,
    };
    println!("HOLDFAST_SEED={seed}");
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    for _ in 0..5_000 {
        property(&input(&mut random));
    }
}

#[test]
fn commands_do_not_depend_on_how_bytes_arrive() {
    run(
        "commands",
        properties::commands_do_not_depend_on_how_bytes_arrive,
    );
}

#[test]
fn what_is_read_is_what_would_be_written() {
    run("effects", properties::what_is_read_is_what_would_be_written);
}
