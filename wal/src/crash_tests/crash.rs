//! Power is lost before each operation on the disk in turn.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use proptest::prelude::*;

use super::model::{Model, Run, Step, open, open_to_read, script};
use crate::Method;
use crate::storage::{Crash, SimulatedDisk};

/// The disk before one operation, and how many steps had been reported durable by then.
struct Moment {
    disk: SimulatedDisk,
    reported: usize,
}

/// Runs a script and keeps every moment. `wait_every` steps it waits, so that frames differ in size.
fn moments(
    disk: &SimulatedDisk,
    model: Model,
    steps: &[(usize, Step)],
    wait_every: usize,
) -> (Vec<Moment>, Model) {
    let moments = Arc::new(Mutex::new(Vec::new()));
    let reported = Arc::new(AtomicUsize::new(model.after.len() - 1));
    let keep = {
        let (moments, reported) = (Arc::clone(&moments), Arc::clone(&reported));
        move |disk: &SimulatedDisk| {
            // Counted first: what is reported while the copy is made need not be in it.
            let reported = reported.load(Ordering::SeqCst);
            let moment = Moment {
                disk: disk.copy(),
                reported,
            };
            moments.lock().expect("no test panics in it").push(moment);
        }
    };
    disk.observe(Arc::new(keep));
    let (wal, _) = open(disk).expect("a log that was left in order");
    let mut run = Run::new(wal, model, reported);
    for (number, (which, step)) in steps.iter().enumerate() {
        run.step(*which, step).expect("the disk is well");
        if number % wait_every == 0 {
            run.wait();
        }
    }
    run.wait();
    run.wal.close().expect("the disk is well");
    disk.observe(Arc::new(|_| {}));
    let reported = run.reported.load(Ordering::SeqCst);
    let mut moments = std::mem::take(&mut *moments.lock().expect("no test panics in it"));
    moments.push(Moment {
        disk: disk.copy(),
        reported,
    });
    (moments, run.model)
}

/// Recovers from a crash and checks what is there.
fn check(moment: &Moment, crash: Crash, model: &Model, context: &str) {
    let context = format!("{context}, {crash:?}, {} steps reported", moment.reported);
    let disk = moment.disk.after_crash(crash);
    let (wal, _) = open_to_read(&disk).unwrap_or_else(|error| panic!("{context}: {error}"));
    model
        .matching(&wal, moment.reported)
        .unwrap_or_else(|e| panic!("{context}: {e}"));
}

/// The same; then goes on, and checks again after another crash.
fn check_twice(moment: &Moment, crash: Crash, model: &Model, context: &str) {
    let context = format!("{context}, {crash:?}, {} steps reported", moment.reported);
    let disk = moment.disk.after_crash(crash);
    let (wal, _) = open(&disk).unwrap_or_else(|error| panic!("{context}: {error}"));
    let steps = model
        .matching(&wal, moment.reported)
        .unwrap_or_else(|e| panic!("{context}: {e}"));
    let mut run = Run::new(wal, model.cut_to(steps), Arc::default());
    run.step(0, &Step::Append(50)).expect("the log goes on");
    run.step(1, &Step::Append(4000)).expect("the log goes on");
    run.wait();
    let reported = run.reported.load(Ordering::SeqCst);
    let (wal, _) = open_to_read(&disk.after_crash(Crash::LosesAll))
        .unwrap_or_else(|error| panic!("{context}, second: {error}"));
    run.model
        .matching(&wal, reported)
        .unwrap_or_else(|e| panic!("{context}, second: {e}"));
}

#[test]
fn whatever_was_reported_survives_a_crash_before_each_operation() {
    for method in [Method::Fdatasync, Method::Direct] {
        for wait_every in [1, 4, 100] {
            let disk = SimulatedDisk::new(method);
            let (moments, model) = moments(&disk, Model::new(), &script(), wait_every);
            assert!(moments.len() > 50, "{} operations", moments.len());
            for (number, moment) in moments.iter().enumerate() {
                let context = format!("{method}, waiting every {wait_every}, operation {number}");
                for crash in [Crash::LosesAll, Crash::KeepsAll] {
                    check(moment, crash, &model, &context);
                }
                for seed in 0..6 {
                    let seed = 1000 * seed + u64::try_from(number).expect("few");
                    check(moment, Crash::Random(seed), &model, &context);
                }
                if number % 20 == 0 {
                    let seed = u64::try_from(number).expect("few");
                    check_twice(moment, Crash::Random(seed), &model, &context);
                }
            }
        }
    }
}

#[test]
fn a_write_may_be_torn_at_every_byte() {
    let disk = SimulatedDisk::new(Method::Direct);
    let steps = [
        (1, Step::State(1)),
        (0, Step::Append(60)),
        (0, Step::Append(9)),
        (0, Step::Truncate(1)),
        (0, Step::Append(300)),
    ];
    let (moments, model) = moments(&disk, Model::new(), &steps, 1);
    for (number, moment) in moments.iter().enumerate() {
        let interesting = (0..500).chain((500..4096).step_by(97)).chain([4095, 4096]);
        for at in interesting {
            let context = format!("operation {number} torn at {at}");
            let disk = moment.disk.after_crash(Crash::TearsLastWriteAt(at));
            let (wal, _) = open_to_read(&disk).unwrap_or_else(|error| panic!("{context}: {error}"));
            let found = model.matching(&wal, moment.reported);
            found.unwrap_or_else(|e| panic!("{context}: {e}"));
        }
    }
}

#[test]
fn recovery_itself_may_crash_at_each_operation() {
    let disk = SimulatedDisk::new(Method::Fdatasync);
    let (first, model) = moments(&disk, Model::new(), &script(), 3);
    for (number, moment) in first.iter().enumerate().skip(20).step_by(5) {
        let seed = u64::try_from(number).expect("few");
        let crashed = moment.disk.after_crash(Crash::Random(seed));
        let steps = {
            let (wal, _) = open_to_read(&crashed.copy()).expect("recovers undisturbed");
            model
                .matching(&wal, moment.reported)
                .unwrap_or_else(|e| panic!("{number}: {e}"))
        };
        let (second, longer) = moments(&crashed, model.cut_to(steps), &[(0, Step::Append(70))], 1);
        for (operation, moment) in second.iter().enumerate() {
            for crash in [Crash::LosesAll, Crash::KeepsAll, Crash::Random(seed + 9)] {
                let context = format!("crash {number}, operation {operation} of its recovery");
                check(moment, crash, &longer, &context);
            }
        }
    }
}

fn any_step() -> impl Strategy<Value = (usize, Step)> {
    let step = prop_oneof![
        6 => (0usize..2500).prop_map(Step::Append),
        1 => (2500usize..40_000).prop_map(Step::Append),
        2 => (0u64..1000).prop_map(Step::State),
        2 => (1u64..6).prop_map(Step::Truncate),
        2 => (1u64..9).prop_map(Step::Purge),
        1 => (1u64..4).prop_map(Step::PurgePast),
        1 => (0u64..1000).prop_map(Step::Hint),
    ];
    (0usize..2, step)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_script_survives_any_crash(
        steps in proptest::collection::vec(any_step(), 1..60),
        wait_every in 1usize..9,
        is_direct: bool,
        seed: u64,
    ) {
        let method = if is_direct { Method::Direct } else { Method::Fdatasync };
        let disk = SimulatedDisk::new(method);
        let steps: Vec<_> = std::iter::once((1, Step::State(0))).chain(steps).collect();
        let (moments, model) = moments(&disk, Model::new(), &steps, wait_every);
        for (number, moment) in moments.iter().enumerate().step_by(3) {
            let seed = seed.wrapping_add(u64::try_from(number).expect("few"));
            let context = format!("operation {number}");
            check(moment, Crash::Random(seed), &model, &context);
            if number % 15 == 0 {
                check_twice(moment, Crash::Random(seed), &model, &context);
            }
        }
    }
}
