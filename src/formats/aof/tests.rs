//! Real append-only files against `redis-check-aof`, damage, and manifests as servers wrote them.

use std::io::Read;
use std::path::Path;
use std::process::Command;

use proptest::prelude::*;

use super::*;
use crate::FormatError;
use crate::samples::{files, samples_folder};

type Commands = Vec<Vec<Vec<u8>>>;

/// Reads a whole file: its commands, how it ends, and through where it is valid.
fn read_all<R: Read>(stream: R) -> (Commands, Result<AofTail, FormatError>, u64) {
    let mut commands = Vec::new();
    let mut reader = match open(stream, None) {
        Ok(AofStart::Commands(reader)) => reader,
        Ok(AofStart::Preamble(mut preamble)) => {
            loop {
                match preamble.next_record() {
                    Ok(Some(_)) => {}
                    Ok(None) => break,
                    Err(error) => return (commands, Err(error), 0),
                }
            }
            AofReader::after_preamble(preamble)
        }
        Err(error) => return (commands, Err(error), 0),
    };
    loop {
        match reader.next_step() {
            Ok(AofStep::Command) => {
                commands.push(reader.arguments().map(<[u8]>::to_vec).collect());
            }
            Ok(AofStep::Timestamp(_) | AofStep::Annotation) => {}
            Ok(AofStep::End(tail)) => return (commands, Ok(tail), reader.valid_through()),
            Err(error) => return (commands, Err(error), reader.valid_through()),
        }
    }
}

/// What redis-check-aof says of a file: through where it is good.
fn official_valid_through(file: &Path) -> Option<u64> {
    let output = Command::new("redis-check-aof").arg(file).output().ok()?;
    let report = String::from_utf8_lossy(&output.stdout).into_owned();
    let (_, rest) = report.split_once("ok_up_to=")?;
    rest.split(',').next()?.parse().ok()
}

#[test]
fn every_file_is_valid_as_far_as_the_official_checker_says() {
    let Some(folder) = samples_folder() else {
        eprintln!("SKIPPED: no samples beside the repository");
        return;
    };
    let mut compared = 0;
    for file in [
        files(&folder.join("aof"), ".aof"),
        files(&folder.join("fixtures"), ".aof"),
    ]
    .concat()
    {
        let bytes = std::fs::read(&file).expect("a sample");
        // The checker takes a file that begins with an image for an image only.
        if bytes.starts_with(b"REDIS") || bytes.is_empty() {
            continue;
        }
        let Some(official) = official_valid_through(&file) else {
            eprintln!("SKIPPED: no redis-check-aof");
            return;
        };
        let (_, end, valid_through) = read_all(&*bytes);
        assert_eq!(valid_through, official, "{}: {end:?}", file.display());
        let whole = usize::try_from(official) == Ok(bytes.len());
        assert_eq!(
            matches!(end, Ok(AofTail::Clean)),
            whole,
            "{}: {end:?}",
            file.display()
        );
        compared += 1;
    }
    assert!(compared > 80, "only {compared} files");
}

#[test]
fn commands_follow_a_preamble() {
    let Some(folder) = samples_folder() else {
        eprintln!("SKIPPED: no samples beside the repository");
        return;
    };
    for name in ["preamble-5.0", "preamble-6.2"] {
        let file = folder.join("aof").join(name).join("base/appendonly.aof");
        let bytes = std::fs::read(file).expect("a sample");
        let (commands, end, valid_through) = read_all(&*bytes);
        assert!(matches!(end, Ok(AofTail::Clean)), "{end:?}");
        assert_eq!(usize::try_from(valid_through), Ok(bytes.len()));
        assert!(commands.len() > 50, "{}", commands.len());
        assert_eq!(commands[0], [b"SELECT".to_vec(), b"0".to_vec()]);
    }
}

#[test]
fn a_cut_keeps_whole_commands_and_whole_transactions() {
    let file = b"*1\r\n$4\r\nPING\r\n*1\r\n$5\r\nMULTI\r\n*2\r\n$3\r\nDEL\r\n$1\r\nk\r\n*1\r\n$4\r\nexec\r\n";
    let multi = 14;
    for cut in 0..=file.len() {
        let (_, end, valid_through) = read_all(&file[..cut]);
        let (want, through) = match cut {
            0 => (AofTail::Clean, 0),
            1..14 => (AofTail::Torn, 0),
            14 => (AofTail::Clean, multi),
            _ if cut < file.len() => (AofTail::Torn, multi),
            _ => (AofTail::Clean, 63),
        };
        assert_eq!(end.expect("a cut is no damage"), want, "cut at {cut}");
        assert_eq!(valid_through, through, "cut at {cut}");
    }
}

#[test]
fn what_no_server_writes_is_corrupt() {
    for bytes in [
        &b"PING\r\n"[..],
        b"*0\r\n",
        b"*-1\r\n",
        b"*x\r\n",
        b"*1\r\nPING\r\n",
        b"*1\r\n$-1\r\n",
        b"*1\r\n$4\r\nPINGxx",
        b"*1\r\n$3\r\nPING\r\n",
        b"*1111111111111111111111111111\r\n",
        b"#TS:x\r\n",
        b"*1\r\n$4\r\nEXEC\r\n",
        b"*1\r\n$5\r\nMULTI\r\n*1\r\n$5\r\nmulti\r\n",
        b"\0\0\0\0",
    ] {
        let (_, end, _) = read_all(bytes);
        assert!(
            matches!(end, Err(FormatError::Corrupt { .. })),
            "{bytes:?}: {end:?}"
        );
    }
    let long = [&b"#"[..], &[b'x'; 2000], b"\r\n"].concat();
    assert!(read_all(&*long).1.is_err());
    // A length beyond the file is what a cut looks like, and takes no memory.
    let (_, end, through) = read_all(&b"*1\r\n$9000000000000000000\r\nx"[..]);
    assert!(matches!(end, Ok(AofTail::Torn)));
    assert_eq!(through, 0);
}

#[test]
fn timestamps_are_told() {
    let mut writer = AofWriter::new(Vec::new());
    writer.timestamp(1_700_000_000).expect("memory");
    writer.command(&["SET", "a", "b"]).expect("memory");
    let mut bytes = writer.finish().expect("memory");
    bytes.extend(b"#whatever\r\n");
    let Ok(AofStart::Commands(mut reader)) = open(&*bytes, None) else {
        panic!("no preamble");
    };
    let mut next = || reader.next_step().expect("our own file");
    assert_eq!(next(), AofStep::Timestamp(1_700_000_000));
    assert_eq!(next(), AofStep::Command);
    assert_eq!(next(), AofStep::Annotation);
    assert_eq!(next(), AofStep::End(AofTail::Clean));
}

#[test]
fn manifests_of_servers_are_read_and_written_alike() {
    let Some(folder) = samples_folder() else {
        eprintln!("SKIPPED: no samples beside the repository");
        return;
    };
    let (mut good, mut bad) = (0, 0);
    for file in files(&folder.join("aof"), ".manifest") {
        let bytes = std::fs::read(&file).expect("a sample");
        let name = file.display().to_string();
        let damaged = ["manifest-cut", "manifest-typo", "manifest-empty"];
        match Manifest::parse(&bytes) {
            Ok(manifest) => {
                assert_eq!(manifest.to_bytes(), bytes, "{name}");
                good += 1;
            }
            Err(error) => {
                assert!(
                    damaged.iter().any(|kind| name.contains(kind)),
                    "{name}: {error}"
                );
                bad += 1;
            }
        }
    }
    assert!(good > 50 && bad > 5, "{good} good, {bad} bad");
}

#[test]
fn bad_manifest_lines_name_their_line() {
    let good = "file a.1.base.rdb seq 1 type b\n";
    for (text, line) in [
        ("", 1),
        ("\n", 1),
        ("file a seq 1 type b", 1),
        ("file a seq 1\n", 1),
        ("file a seq 1 type b x\n", 1),
        ("file ../a seq 1 type b\n", 1),
        ("file a seq 0 type b\n", 1),
        ("file a seq x type b\n", 1),
        ("file a seq 1 type c\n", 1),
        ("file \"a seq 1 type b\n", 1),
        ("file a seq 1 kind b\n", 1),
        ("file a seq 1 type b\nfile b seq 2 type b\n", 2),
        ("file a seq 2 type i\n# comment\nfile b seq 2 type i\n", 3),
    ] {
        let error = Manifest::parse(text.as_bytes()).expect_err(text);
        assert_eq!(error.line, line, "{text:?}: {error}");
    }
    assert!(Manifest::parse(good.as_bytes()).is_ok());
    let later = "file a seq 1 type i colour red\n";
    assert!(Manifest::parse(later.as_bytes()).is_ok());
}

proptest! {
    #[test]
    fn commands_come_back(
        commands in proptest::collection::vec(
            proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 1..6),
            0..20,
        ),
        cut: u16,
    ) {
        let mut writer = AofWriter::new(Vec::new());
        for command in &commands {
            writer.command(command).expect("memory");
        }
        let bytes = writer.finish().expect("memory");
        let (again, end, _) = read_all(&*bytes);
        prop_assert_eq!(&again, &commands);
        prop_assert!(end.is_ok());
        let cut = usize::from(cut) % (bytes.len() + 1);
        let (again, end, _) = read_all(&bytes[..cut]);
        prop_assert!(end.is_ok());
        prop_assert!(commands.starts_with(&again));
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = read_all(&*bytes);
        let _ = Manifest::parse(&bytes);
    }

    #[test]
    fn manifests_come_back(
        base in proptest::option::of(("[^/\\p{Cc}]{1,20}", 1u64..100)),
        incremental in proptest::collection::btree_map(1u64..1000, "[^/\\p{Cc}]{1,20}", 0..5),
        start_offset: Option<u32>,
    ) {
        let manifest = Manifest {
            base: base.map(|(name, sequence)| ManifestFile {
                name: name.into_bytes(),
                sequence,
                ..ManifestFile::default()
            }),
            history: Vec::new(),
            incremental: incremental
                .into_iter()
                .map(|(sequence, name)| ManifestFile {
                    name: name.into_bytes(),
                    sequence,
                    start_offset: start_offset.map(u64::from),
                    end_offset: None,
                })
                .collect(),
        };
        let text = manifest.to_bytes();
        if !text.is_empty() {
            prop_assert_eq!(Manifest::parse(&text), Ok(manifest));
        }
    }
}
