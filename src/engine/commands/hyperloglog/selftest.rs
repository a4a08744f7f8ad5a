//! PFSELFTEST: whether this build counts as it should, on the machine that it runs on.

use holdfast_resp::Reply;

use crate::args::Args;
use crate::command::Arity::Exactly;
use crate::command::{Command, Flags, Group};
use crate::context::ReadContext;
use crate::error::CommandError;
use crate::execute::Handler;
use crate::values::hyperloglog::{self, Registers};

pub(super) const PFSELFTEST: Command<Handler> =
    Command::new("pfselftest", Group::HyperLogLog, Handler::Read(pfselftest))
        .arity(Exactly(1))
        .flags(Flags::ADMIN)
        .doc(
            "2.8.9",
            "O(1), the number of elements being fixed",
            "Tests that elements are counted within the margin of error; for tests.",
            &[],
        );

/// Enough for every register to be raised, few enough to be over in milliseconds.
const ELEMENTS_COUNT: u64 = 100_000;
/// Six standard errors of 1.04 / sqrt(16,384).
const ERROR_MAX: f64 = 0.0488;

fn pfselftest(
    _: &ReadContext<'_>,
    _: &mut Args<'_>,
    reply: &mut Reply,
) -> Result<(), CommandError> {
    let failure = count_in_both_encodings().err();
    match failure {
        None => reply.ok(),
        Some(what) => return Err(CommandError::HyperLogLogTest(what.into())),
    }
    Ok(())
}

fn count_in_both_encodings() -> Result<(), String> {
    let failed = |_| "the registers are corrupt".to_owned();
    let (mut dense, mut sparse) = (hyperloglog::empty(), hyperloglog::empty());
    hyperloglog::make_dense(&mut dense).map_err(failed)?;
    let mut next_look = 1;
    for number in 1..=ELEMENTS_COUNT {
        // Runs get slow when they are long, so they are left where any configuration leaves them.
        let element = number.to_le_bytes();
        hyperloglog::add(&mut dense, &element, 0).map_err(failed)?;
        hyperloglog::add(&mut sparse, &element, 3000).map_err(failed)?;
        if number < next_look {
            continue;
        }
        next_look *= 10;
        let [one, other] = [&dense, &sparse].map(|bytes| registers(bytes));
        let (one, other) = (one?, other?);
        if one.all() != other.all() {
            return Err(format!("the encodings differ after {number} elements"));
        }
        let estimate = one.estimate();
        let tolerance = (number as f64 * ERROR_MAX).ceil() as u64;
        if estimate.abs_diff(number) > tolerance {
            return Err(format!("{estimate} counted of {number} elements"));
        }
    }
    Ok(())
}

fn registers(bytes: &[u8]) -> Result<Registers, String> {
    let mut registers = Registers::default();
    let merged = registers.merge(bytes);
    merged.map_err(|_| "the registers are corrupt".to_owned())?;
    Ok(registers)
}
