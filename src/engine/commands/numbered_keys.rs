//! `numkeys key [key …]` and the options after it, for the commands that take a counted list of
//! keys: LMPOP, ZMPOP, ZUNION and their kin.

use crate::args::Args;
use crate::error::CommandError;

/// Reads the keys of a command that has a word after them (LMPOP, ZMPOP).
pub(crate) fn read_before_where<'a>(args: &mut Args<'a>) -> Result<&'a [&'a [u8]], CommandError> {
    let count = read_positive(args).ok_or(CommandError::NumkeysNotPositive)?;
    args.take(count)
}

/// Reads `COUNT count` at the end of LMPOP and ZMPOP; 1 if it is not there.
pub(crate) fn read_pop_count(args: &mut Args<'_>) -> Result<usize, CommandError> {
    if args.is_done() {
        return Ok(1);
    }
    if args.remaining() < 2 || !args.accept("COUNT") {
        return Err(CommandError::Syntax);
    }
    let count = read_positive(args).ok_or(CommandError::CountNotPositive)?;
    args.finish()?;
    Ok(count)
}

fn read_positive(args: &mut Args<'_>) -> Option<usize> {
    let number = args.next_i64().ok()?;
    usize::try_from(number).ok().filter(|&number| number > 0)
}
