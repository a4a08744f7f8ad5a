//! The numbers of RDB files: opcodes, type codes and the markers of lengths and strings.
//!
//! Used by the reader and the writer, so that neither can drift from the other.

/// The version that the writer states: the newest that stock Redis 7.0 loads.
pub(crate) const VERSION_WRITTEN: u16 = 10;
/// The newest version of Redis that the reader knows.
pub(crate) const VERSION_REDIS_MAX: u32 = 13;
/// The one version of Valkey's own numbering that the reader knows.
pub(crate) const VERSION_VALKEY: u32 = 80;

pub(crate) mod opcode {
    //! First bytes of records that are not keys.
    pub(crate) const KEY_META_OR_SLOT_IMPORT: u8 = 243;
    pub(crate) const SLOT_INFO: u8 = 244;
    pub(crate) const FUNCTION: u8 = 245;
    pub(crate) const FUNCTION_PRE_RELEASE: u8 = 246;
    pub(crate) const MODULE_AUX: u8 = 247;
    pub(crate) const IDLE: u8 = 248;
    pub(crate) const FREQUENCY: u8 = 249;
    pub(crate) const AUX: u8 = 250;
    pub(crate) const RESIZE_DB: u8 = 251;
    pub(crate) const EXPIRE_MS: u8 = 252;
    pub(crate) const EXPIRE_SECONDS: u8 = 253;
    pub(crate) const SELECT_DB: u8 = 254;
    pub(crate) const END: u8 = 255;
}

pub(crate) mod type_code {
    //! First bytes of keys' records.
    pub(crate) const STRING: u8 = 0;
    pub(crate) const LIST: u8 = 1;
    pub(crate) const SET: u8 = 2;
    pub(crate) const ZSET_TEXT: u8 = 3;
    pub(crate) const HASH: u8 = 4;
    pub(crate) const ZSET: u8 = 5;
    pub(crate) const MODULE: u8 = 7;
    pub(crate) const HASH_ZIPMAP: u8 = 9;
    pub(crate) const LIST_ZIPLIST: u8 = 10;
    pub(crate) const SET_INTSET: u8 = 11;
    pub(crate) const ZSET_ZIPLIST: u8 = 12;
    pub(crate) const HASH_ZIPLIST: u8 = 13;
    pub(crate) const QUICKLIST_ZIPLIST: u8 = 14;
    pub(crate) const STREAM: u8 = 15;
    pub(crate) const HASH_LISTPACK: u8 = 16;
    pub(crate) const ZSET_LISTPACK: u8 = 17;
    pub(crate) const QUICKLIST: u8 = 18;
    pub(crate) const STREAM_2: u8 = 19;
    pub(crate) const SET_LISTPACK: u8 = 20;
    pub(crate) const STREAM_3: u8 = 21;
    /// Redis: fields with deadlines, as a release candidate wrote them. Valkey: `HASH_2`.
    pub(crate) const HASH_EXPIRING_22: u8 = 22;
    pub(crate) const HASH_LISTPACK_EXPIRING_RC: u8 = 23;
    pub(crate) const HASH_EXPIRING: u8 = 24;
    pub(crate) const HASH_LISTPACK_EXPIRING: u8 = 25;
    pub(crate) const STREAM_4: u8 = 26;
}

pub(crate) mod length {
    //! First bytes of lengths and of strings in a special encoding.
    pub(crate) const BITS_32: u8 = 0x80;
    pub(crate) const BITS_64: u8 = 0x81;
    pub(crate) const STRING_I8: u8 = 0;
    pub(crate) const STRING_I16: u8 = 1;
    pub(crate) const STRING_I32: u8 = 2;
    pub(crate) const STRING_LZF: u8 = 3;
}

pub(crate) mod module_opcode {
    //! What stands between the values that a module saved.
    pub(crate) const END: u64 = 0;
    pub(crate) const SIGNED: u64 = 1;
    pub(crate) const UNSIGNED: u64 = 2;
    pub(crate) const FLOAT: u64 = 3;
    pub(crate) const DOUBLE: u64 = 4;
    pub(crate) const STRING: u64 = 5;
}

/// How a quicklist node is held.
pub(crate) const NODE_PLAIN: u64 = 1;
/// How a quicklist node is held.
pub(crate) const NODE_PACKED: u64 = 2;
/// "Unknown" as a stream group's count of read entries.
pub(crate) const ENTRIES_READ_UNKNOWN: u64 = u64::MAX;
