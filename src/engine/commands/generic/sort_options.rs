//! The options of SORT.

use std::cmp::Ordering;
use std::ops::Range;

use crate::args::Args;
use crate::error::CommandError;

/// What SORT was asked for.
#[derive(Clone, Debug, Default)]
pub(super) struct SortOptions<'a> {
    pub(super) by: Option<&'a [u8]>,
    pub(super) get: Vec<&'a [u8]>,
    pub(super) store: Option<&'a [u8]>,
    pub(super) descending: bool,
    pub(super) by_text: bool,
    limit: Option<Limit>,
}

/// `LIMIT offset count`; a negative count is all.
#[derive(Clone, Copy, Debug)]
struct Limit {
    offset: i64,
    count: i64,
}

impl<'a> SortOptions<'a> {
    pub(super) fn read(args: &mut Args<'a>) -> Result<Self, CommandError> {
        let mut options = Self::default();
        while !args.is_done() {
            if args.accept("ASC") {
                options.descending = false;
            } else if args.accept("DESC") {
                options.descending = true;
            } else if args.accept("ALPHA") {
                options.by_text = true;
            } else if args.remaining() > 2 && args.accept("LIMIT") {
                options.limit = Some(Limit {
                    offset: args.next_i64()?,
                    count: args.next_i64()?,
                });
            } else if args.accept("STORE") {
                options.store = Some(args.next()?);
            } else if args.accept("BY") {
                options.by = Some(args.next()?);
            } else if args.accept("GET") {
                options.get.push(args.next()?);
            } else {
                return Err(CommandError::Syntax);
            }
        }
        Ok(options)
    }

    /// Whether no order is wanted: a pattern without a place for the element says so.
    pub(super) fn is_as_stored(&self) -> bool {
        self.by.is_some_and(|pattern| !pattern.contains(&b'*'))
    }

    pub(super) const fn directed(&self, ordering: Ordering) -> Ordering {
        if self.descending {
            ordering.reverse()
        } else {
            ordering
        }
    }

    /// Which of `len` sorted elements are wanted.
    pub(super) fn range(&self, len: usize) -> Range<usize> {
        let Some(Limit { offset, count }) = self.limit else {
            return 0..len;
        };
        let start = usize::try_from(offset.max(0)).unwrap_or(len).min(len);
        let count = usize::try_from(count).unwrap_or(len);
        start..start.saturating_add(count).min(len)
    }
}
