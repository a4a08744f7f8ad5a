//! Append-only files: rows of commands, perhaps behind an RDB preamble, and the manifest that names them.
//!
//! Called by the importer and the offline tool. Files are opened by the caller; here are only streams.
//!
//! | file | what |
//! |---|---|
//! | `reader` | commands and timestamps of one file, and how it ends |
//! | `writer` | the same, written |
//! | `manifest` | the list of files of the layout since Redis 7.0 |

mod manifest;
mod reader;
mod writer;

pub use manifest::{Manifest, ManifestError, ManifestFile};
pub use reader::{AofReader, AofStart, AofStep, AofTail, open};
pub use writer::AofWriter;

#[cfg(test)]
mod tests;
