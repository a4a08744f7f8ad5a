//! The options that SCAN, HSCAN, SSCAN and ZSCAN share: cursor, MATCH, COUNT.

use holdfast_resp::Reply;

use crate::args::Args;
use crate::error::CommandError;
use crate::pattern;

const COUNT_DEFAULT: usize = 10;

/// Where to go on, what to show, and about how much of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ScanOptions<'a> {
    /// The position to go on from.
    pub(crate) from: u64,
    /// About how many elements to visit.
    pub(crate) count: usize,
    pattern: Option<&'a [u8]>,
}

impl<'a> ScanOptions<'a> {
    /// Reads the cursor.
    pub(crate) fn cursor(args: &mut Args<'a>) -> Result<Self, CommandError> {
        let text = std::str::from_utf8(args.next()?).map_err(|_| CommandError::InvalidCursor)?;
        Ok(Self {
            from: text.parse().map_err(|_| CommandError::InvalidCursor)?,
            count: COUNT_DEFAULT,
            pattern: None,
        })
    }

    /// Reads the next option, if it is one of those that all forms have.
    pub(crate) fn accept(&mut self, args: &mut Args<'a>) -> Result<bool, CommandError> {
        if args.remaining() >= 2 && args.accept("COUNT") {
            let count = args.next_i64()?;
            if count < 1 {
                return Err(CommandError::Syntax);
            }
            self.count = usize::try_from(count).unwrap_or(usize::MAX);
            return Ok(true);
        }
        if args.remaining() >= 2 && args.accept("MATCH") {
            // Everything matches a lone star: no need to look.
            self.pattern = Some(args.next()?).filter(|pattern| *pattern != b"*");
            return Ok(true);
        }
        Ok(false)
    }

    /// Reads all that is left, which must be options that all forms have.
    pub(crate) fn rest(mut self, args: &mut Args<'a>) -> Result<Self, CommandError> {
        while !args.is_done() {
            if !self.accept(args)? {
                return Err(CommandError::Syntax);
            }
        }
        Ok(self)
    }

    /// Whether an element is to be shown.
    pub(crate) fn shows(&self, text: &[u8]) -> bool {
        self.pattern
            .is_none_or(|pattern| pattern::matches(pattern, text))
    }
}

/// Writes the reply: where to go on, and what was found.
pub(crate) fn write(reply: &mut Reply, next: Option<u64>, found: &[Vec<u8>]) {
    reply.array(2);
    reply.bulk_display(next.unwrap_or(0));
    reply.array(found.len());
    for text in found {
        reply.bulk(text);
    }
}
