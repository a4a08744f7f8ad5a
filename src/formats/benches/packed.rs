//! Nanoseconds per operation of listpacks and intsets, and gigabytes per second of checksum and
//! compression: `cargo bench -p holdfast-formats`. Best of several rounds, so that a busy machine
//! disturbs less.

use std::hint::black_box;
use std::time::Instant;

use holdfast_formats::rdb::{
    Compression, Content, KeyAttributes, Part, RdbReader, RdbWriter, Refused,
};
use holdfast_formats::{Element, Intset, Listpack, LzfCompressor, crc64, lzf_decompress};

const ROUNDS: u32 = 7;

/// The shortest time of one `work`, in nanoseconds, with `count` of them in a row.
fn best(count: u32, mut work: impl FnMut(u32)) -> f64 {
    (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            for index in 0..count {
                work(index);
            }
            start.elapsed().as_secs_f64() * 1e9 / f64::from(count)
        })
        .fold(f64::INFINITY, f64::min)
}

fn report(name: &str, nanoseconds: f64) {
    println!("{name:<48} {nanoseconds:>9.1} ns");
}

fn report_rate(name: &str, bytes: usize, nanoseconds: f64) {
    let gigabytes = f64::from(u32::try_from(bytes).expect("a small input")) / nanoseconds;
    println!("{name:<48} {gigabytes:>9.2} GB/s");
}

fn hash_of(fields: u32) -> (Listpack, Vec<String>) {
    let names: Vec<String> = (0..fields).map(|index| format!("field:{index}")).collect();
    let mut hash = Listpack::new();
    for name in &names {
        hash.append_pair(name.as_bytes(), b"some value of a field");
    }
    (hash, names)
}

fn listpacks() {
    for fields in [5u32, 16, 64, 128] {
        let (hash, names) = hash_of(fields);
        let picked = |index: u32| {
            let name = usize::try_from(index % fields).expect("small");
            names[name].as_bytes()
        };
        let time = best(200_000, |index| {
            black_box(hash.find(black_box(picked(index)), 1));
        });
        report(&format!("find a field of {fields} (average place)"), time);
        let time = best(200_000, |index| {
            let position = hash.find(picked(index), 1).expect("it is there");
            let value = hash.next(position).and_then(|next| hash.element(next));
            black_box(value);
        });
        report(&format!("get a value of {fields} fields"), time);
        let time = best(20_000, |_| {
            black_box(
                hash.iter()
                    .filter(|element| matches!(element, Element::Text(_)))
                    .count(),
            );
        });
        report(&format!("walk {fields} fields and values"), time);
    }
    let time = best(200, |_| {
        let mut list = Listpack::new();
        for index in 0..128 {
            list.push_back_integer(index);
            list.push_back(b"an element of a list");
        }
        black_box(list);
    });
    report("push_back, each of 256 from empty", time / 256.0);
    let (mut hash, names) = hash_of(64);
    let time = best(200_000, |index| {
        let name = names[usize::try_from(index % 64).expect("small")].as_bytes();
        let position = hash.find(name, 1).expect("it is there");
        let value = hash.next(position).expect("a value follows");
        hash.replace(
            value,
            if index % 2 == 0 {
                b"short"
            } else {
                b"some value that is longer"
            },
        );
    });
    report("find and replace a value of 64 fields", time);
}

fn intsets() {
    let mut set = Intset::new();
    for value in 0..512 {
        set.add(value * 7919 % 65_536 - 32_768);
    }
    let time = best(500_000, |index| {
        black_box(set.contains(i64::from(index) * 31 % 65_536 - 32_768));
    });
    report("contains, of 512 integers", time);
}

fn streams() {
    let text: Vec<u8> = (0..1_000_000u32).flat_map(u32::to_le_bytes).collect();
    let time = best(5, |_| {
        black_box(crc64(0, black_box(&text)));
    });
    report_rate("crc64 of 4 MB", text.len(), time);
    let time = best(100_000, |_| {
        black_box(crc64(0, black_box(&text[..64])));
    });
    report_rate("crc64 of 64 bytes", 64, time);

    let json = br#"{"id":12345,"name":"somebody","mail":"somebody@example.com","tags":["a","b"]}"#
        .repeat(6);
    let mut compressor = LzfCompressor::new();
    let time = best(20_000, |_| {
        black_box(compressor.compress(black_box(&json), json.len()));
    });
    report_rate("LZF compression of 450 bytes of JSON", json.len(), time);
    let packed = compressor.compress(&json, json.len()).expect("it repeats");
    let time = best(20_000, |_| {
        black_box(lzf_decompress(black_box(&packed), json.len()).expect("our own"));
    });
    report_rate("LZF decompression of the same", json.len(), time);
}

fn files() {
    const KEYS: u32 = 100_000;
    let (hash, _) = hash_of(8);
    let write = || {
        let mut writer = RdbWriter::new(Vec::new(), Compression::None).expect("memory");
        for index in 0..KEYS {
            let key = format!("some:key:{index}");
            let mut value = writer
                .key(key.as_bytes(), KeyAttributes::default())
                .expect("memory");
            if index % 2 == 0 {
                value.string(&[b'v'; 100]).expect("memory");
            } else {
                value.hash_packed(&hash).expect("memory");
            }
            value.finish();
        }
        writer.finish().expect("memory")
    };
    let time = best(1, |_| {
        black_box(write());
    });
    let file = write();
    report_rate("RDB writing, strings and small hashes", file.len(), time);
    report("the same, each key", time / f64::from(KEYS));
    let time = best(1, |_| {
        let mut reader = RdbReader::new(&*file, None).expect("our own file");
        let mut parts = 0u32;
        while reader.next_record().expect("our own file").is_some() {
            let mut sink = |part: Part<'_>| {
                parts += u32::from(!matches!(part, Part::NotKept(_)));
                Ok::<(), Refused>(())
            };
            assert_eq!(
                reader.read_value(&mut sink).expect("our own file"),
                Content::Some
            );
        }
        assert_eq!(black_box(parts), KEYS);
    });
    report_rate("RDB reading of the same", file.len(), time);
    report("the same, each key", time / f64::from(KEYS));
}

fn main() {
    listpacks();
    intsets();
    streams();
    files();
}
