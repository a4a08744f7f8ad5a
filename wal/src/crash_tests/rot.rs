//! Bytes that were durable rot, files go missing.

use super::model::{Model, Run, open, open_to_read, script};
use crate::storage::SimulatedDisk;
use crate::{Method, Wal, WalError};

/// A disk with a log that was closed in order, so that a seal stands behind everything.
fn sealed() -> (SimulatedDisk, Model) {
    let disk = SimulatedDisk::new(Method::Direct);
    let (wal, _) = open(&disk).expect("an empty disk");
    let mut run = Run::new(wal, Model::new(), std::sync::Arc::default());
    for (which, step) in script() {
        run.step(which, &step).expect("the disk is well");
        run.wait();
    }
    run.wal.close().expect("the disk is well");
    (disk, run.model)
}

/// Opens a damaged log: it is either whole or refused with the file and what was found.
fn whole_or_refused(disk: &SimulatedDisk, model: &Model, context: &str) -> Option<(String, u64)> {
    let all = model.after.len() - 1;
    match open_to_read(disk) {
        Ok((wal, _)) => {
            model
                .matching(&wal, all)
                .unwrap_or_else(|e| panic!("{context}: {e}"));
            None
        }
        Err(WalError::Corrupt {
            file,
            offset,
            what,
            expected,
            found,
        }) => {
            assert!(
                !what.is_empty() && expected != found,
                "{context}: {what} {expected} {found}"
            );
            Some((file, offset))
        }
        Err(error) => panic!("{context}: {error}"),
    }
}

#[test]
fn a_flipped_bit_in_a_sealed_log_is_harmless_or_refused() {
    let (disk, model) = sealed();
    let mut refused_count = 0;
    for (name, size) in disk.files() {
        let bytes = disk.bytes(&name);
        for offset in 0..size {
            // Long runs of equal bytes are payload or padding: a sample of them is enough.
            let is_dull = offset > 0 && bytes[offset] == bytes[offset - 1] && offset % 61 != 0;
            if is_dull {
                continue;
            }
            let rotten = disk.copy();
            rotten.rot(&name, offset, |byte| byte ^ (1 << (offset % 8)), 1);
            let context = format!("{name} byte {offset}");
            if let Some((file, at)) = whole_or_refused(&rotten, &model, &context) {
                refused_count += 1;
                let at = usize::try_from(at).expect("small");
                assert!(
                    file <= name && (file < name || at <= offset),
                    "{context}: {file} {at}"
                );
            }
        }
    }
    assert!(refused_count > 100, "{refused_count} refused");
}

#[test]
fn a_zeroed_sector_in_a_sealed_log_is_harmless_or_refused() {
    let (disk, model) = sealed();
    let mut refused_count = 0;
    for (name, size) in disk.files() {
        for offset in (0..size).step_by(512) {
            for length in [512, 4096] {
                let rotten = disk.copy();
                rotten.rot(&name, offset, |_| 0, length);
                let context = format!("{name} byte {offset}, {length} bytes");
                refused_count += usize::from(whole_or_refused(&rotten, &model, &context).is_some());
            }
        }
    }
    assert!(refused_count > 10, "{refused_count} refused");
}

#[test]
fn a_missing_segment_between_others_is_refused() {
    let (disk, model) = sealed();
    let names: Vec<String> = disk.files().into_iter().map(|(name, _)| name).collect();
    for name in &names[..names.len() - 1] {
        let damaged = disk.copy();
        damaged.lose_file(name);
        let is_refused = match open(&damaged) {
            Err(WalError::Corrupt { .. }) => true,
            // The first files may have been of use to nobody any more.
            Ok((wal, _)) => {
                model.matching(&wal, model.after.len() - 1).expect("whole");
                false
            }
            Err(error) => panic!("{name}: {error}"),
        };
        assert!(is_refused || *name == names[0], "{name}");
    }
}

#[test]
fn rot_in_the_last_group_before_its_seal_looks_like_a_torn_tail() {
    let disk = SimulatedDisk::new(Method::Direct);
    let (wal, _): (Wal, _) = open(&disk).expect("an empty disk");
    let mut run = Run::new(wal, Model::new(), std::sync::Arc::default());
    run.step(1, &super::model::Step::State(1)).expect("open");
    run.wait();
    run.step(0, &super::model::Step::Append(10)).expect("open");
    run.wait();
    let unsealed = disk.copy();
    let before = run.model.after.len() - 2;
    // The last frame is that of `wait`; the one before it holds the entry or both were one group.
    let name = unsealed.files()[0].0.clone();
    let last_block = unsealed
        .bytes(&name)
        .iter()
        .rposition(|b| *b != 0)
        .expect("not empty")
        / 4096;
    unsealed.rot(&name, last_block * 4096 + 70, |byte| byte ^ 1, 1);
    let (wal, recovery) = open(&unsealed).expect("cut, not refused: nobody can know");
    assert!(recovery.cut.is_some());
    run.model
        .matching(&wal, before - 1)
        .expect("nothing but the last group is lost");
}
