//! Random choices for SRANDMEMBER, SPOP, HRANDFIELD and ZRANDMEMBER.

use crate::error::CommandError;

/// How many elements a client asks for: distinct ones, or with repetition when negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// So many different ones, or all.
    Distinct(usize),
    /// So many draws, each from all.
    Draws(usize),
}

impl Wanted {
    /// Reads the count of a client.
    ///
    /// # Errors
    /// Its magnitude is more than half of what 64 bits hold.
    pub(crate) fn from_count(count: i64) -> Result<Self, CommandError> {
        let magnitude =
            usize::try_from(count.unsigned_abs()).map_err(|_| CommandError::OutOfRange)?;
        if count.unsigned_abs() > i64::MAX.unsigned_abs() / 2 {
            return Err(CommandError::OutOfRange);
        }
        Ok(if count < 0 {
            Self::Draws(magnitude)
        } else {
            Self::Distinct(magnitude)
        })
    }
}

/// Chooses `count` of the items, each choice as likely as any other, in random order.
pub(crate) fn distinct<T>(
    mut items: Vec<T>,
    count: usize,
    random: &mut dyn FnMut() -> u64,
) -> Vec<T> {
    let count = count.min(items.len());
    for at in 0..count {
        let left = (items.len() - at) as u64;
        let other = at + usize::try_from(random() % left).unwrap_or(0);
        items.swap(at, other);
    }
    items.truncate(count);
    items
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_item_is_chosen_about_as_often() {
        let mut state = 1_u64;
        let mut random = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        let mut counts = [0; 10];
        for _ in 0..10_000 {
            let chosen = distinct((0..10).collect(), 3, &mut random);
            assert_eq!(chosen.len(), 3);
            for item in chosen {
                counts[item] += 1;
            }
        }
        assert!(
            counts.iter().all(|count| (2_700..3_300).contains(count)),
            "{counts:?}"
        );
    }

    #[test]
    fn counts_beyond_half_the_range_are_refused() {
        assert_eq!(Wanted::from_count(-3), Ok(Wanted::Draws(3)));
        assert_eq!(Wanted::from_count(i64::MIN), Err(CommandError::OutOfRange));
        assert_eq!(Wanted::from_count(i64::MAX), Err(CommandError::OutOfRange));
    }
}
