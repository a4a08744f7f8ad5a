//! Why bytes are not a listpack: what `Listpack::check` says of foreign ones.

/// Why bytes are not a listpack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListpackError {
    /// The stated total size is not the size that there is.
    #[error("a listpack of {found} bytes states {stated}")]
    Size {
        /// What the header says.
        stated: usize,
        /// How many bytes there are.
        found: usize,
    },
    /// An entry does not decode, overruns the block, or its back length is wrong.
    #[error("bad listpack entry at byte {at}")]
    Entry {
        /// Offset in the block.
        at: usize,
    },
    /// The end byte is missing or stands before the end.
    #[error("a listpack ends at byte {at} of {size}")]
    End {
        /// Offset of the end byte.
        at: usize,
        /// Size of the block.
        size: usize,
    },
    /// The stated count is not the number of entries.
    #[error("a listpack of {found} elements states {stated}")]
    Count {
        /// What the header says.
        stated: usize,
        /// How many entries there are.
        found: usize,
    },
}
