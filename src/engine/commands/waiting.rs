//! What the blocking commands share: their timeouts, and what they do when there is nothing yet.

use holdfast_resp::Reply;

use crate::context::{Block, OnTimeout, WriteContext};
use crate::error::CommandError;
use crate::number::parse_f64;

/// Reads a timeout in seconds as milliseconds; `None`, which clients write as 0, is for ever.
pub(crate) fn parse_timeout(text: &[u8]) -> Result<Option<u64>, CommandError> {
    /// About 2^63 milliseconds: more cannot be added to a time.
    const MS_MAX: f64 = 9.2e18;
    let seconds = parse_f64(text).ok_or(CommandError::InvalidTimeout)?;
    if seconds < 0.0 {
        return Err(CommandError::NegativeTimeout);
    }
    // A part of a millisecond counts as a whole one, so that it is not taken for no timeout.
    let ms = (seconds * 1000.0).ceil();
    if ms >= MS_MAX {
        return Err(CommandError::TimeoutOutOfRange);
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked to be within 0 and 2^63"
    )]
    let ms = ms as u64;
    Ok((ms > 0).then_some(ms))
}

/// Nothing was found at `keys`: waits for them, or answers at once that there is nothing where the
/// caller may not wait.
pub(crate) fn wait_or_answer(
    context: &mut WriteContext<'_>,
    reply: &mut Reply,
    keys: &[&[u8]],
    timeout_ms: Option<u64>,
    at_once: OnTimeout,
) {
    if context.caller.may_block {
        context.block(Block {
            command: None,
            keys: keys.iter().map(|&key| key.into()).collect(),
            timeout_ms,
            // Redis answers all blocked commands alike here, whatever they answer at once.
            on_timeout: OnTimeout::NullArray,
        });
        return;
    }
    match at_once {
        OnTimeout::NullArray => reply.null_array(),
        OnTimeout::Null => reply.null(),
        OnTimeout::Zero => reply.integer(0),
    }
}

/// Tells whether a key of another type ends the command with an error: a command that has waited
/// passes over it and goes on waiting.
pub(crate) fn pass_over<T>(
    context: &WriteContext<'_>,
    found: Result<Option<T>, CommandError>,
) -> Result<Option<T>, CommandError> {
    let has_waited = context.caller.has_waited;
    match found {
        Err(CommandError::WrongType) if has_waited => Ok(None),
        found => found,
    }
}
