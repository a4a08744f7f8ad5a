//! Every error that a command can answer. `Display` *is* the text on the wire, its code word
//! included, and the only place where that text stands.

use thiserror::Error;

use crate::scripts::HeaderError;

/// The answer of a command that failed. A handler that returns one has changed nothing.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[expect(missing_docs, reason = "the text of each variant says what it is")]
pub enum CommandError {
    // What any command may answer.
    #[error("WRONGTYPE Operation against a key holding the wrong kind of value")]
    WrongType,
    #[error("ERR syntax error")]
    Syntax,
    #[error("ERR value is not an integer or out of range")]
    NotAnInteger,
    #[error("ERR value is out of range, must be positive")]
    NotPositive,
    #[error("ERR value is out of range")]
    OutOfRange,
    #[error("ERR value is not a valid float")]
    NotAFloat,
    #[error("ERR no such key")]
    NoSuchKey,
    #[error("ERR index out of range")]
    IndexOutOfRange,
    #[error("ERR offset is out of range")]
    OffsetOutOfRange,
    #[error("ERR string exceeds maximum allowed size (proto-max-bulk-len)")]
    StringTooLong,
    #[error("ERR invalid expire time in '{0}' command")]
    InvalidExpireTime(&'static str),
    #[error("ERR wrong number of arguments for '{0}' command")]
    WrongArity(Box<str>),
    #[error("ERR unknown subcommand '{subcommand}'. Try {container} HELP.")]
    UnknownSubcommand {
        container: Box<str>,
        subcommand: Box<str>,
    },
    #[error("ERR invalid cursor")]
    InvalidCursor,
    #[error("ERR invalid DB index")]
    InvalidDatabase,
    #[error("ERR DB index is out of range")]
    DatabaseOutOfRange,
    #[error("ERR timeout is not a float or out of range")]
    InvalidTimeout,
    #[error("ERR timeout is negative")]
    NegativeTimeout,
    #[error("ERR timeout is out of range")]
    TimeoutOutOfRange,
    #[error("OOM command not allowed when used memory > 'maxmemory'.")]
    OutOfMemory,

    // Numbers and strings.
    #[error("ERR increment or decrement would overflow")]
    IncrementOverflow,
    #[error("ERR decrement would overflow")]
    DecrementOverflow,
    #[error("ERR value is NaN or Infinity")]
    NotFinite,
    #[error("ERR increment would produce NaN or Infinity")]
    IncrementNotFinite,
    #[error("ERR The specified keys must contain string values")]
    LcsNotStrings,
    #[error("ERR If you want both the length and indexes, please just use IDX.")]
    LcsLengthAndIndexes,
    #[error("ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len")]
    LcsTooLarge,

    // Keys.
    #[error("ERR source and destination objects are the same")]
    SameObject,
    #[error(
        "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching \
         between policies at runtime LRU and LFU data will take some time to adjust."
    )]
    UsesNotCounted,
    #[error(
        "ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when switching between \
         policies at runtime LRU and LFU data will take some time to adjust."
    )]
    IdleTimeNotKept,
    #[error("ERR Unsupported option {0}")]
    UnsupportedOption(Box<str>),
    #[error("ERR NX and XX, GT or LT options at the same time are not compatible")]
    NxNotAlone,
    #[error("ERR GT and LT options at the same time are not compatible")]
    GtAndLt,
    #[error("BUSYKEY Target key name already exists.")]
    BusyKey,
    #[error("ERR Invalid TTL value, must be >= 0")]
    InvalidTtl,
    #[error("ERR Invalid IDLETIME value, must be >= 0")]
    InvalidIdleTime,
    #[error("ERR Invalid FREQ value, must be >= 0 and <= 255")]
    InvalidFrequency,
    #[error("ERR DUMP payload version or checksum are wrong")]
    DumpTrailer,
    #[error("ERR Bad data format")]
    DumpData,
    #[error("ERR One or more scores can't be converted into double")]
    SortScores,
    #[error("ERR invalid first DB index")]
    InvalidFirstDatabase,
    #[error("ERR invalid second DB index")]
    InvalidSecondDatabase,

    // Several keys and limits.
    #[error("ERR numkeys should be greater than 0")]
    NumkeysNotPositive,
    #[error("ERR Number of keys can't be greater than number of args")]
    NumkeysTooLarge,
    #[error("ERR LIMIT can't be negative")]
    LimitNegative,

    // Bitmaps.
    #[error("ERR bit offset is not an integer or out of range")]
    BitOffset,
    #[error("ERR bit is not an integer or out of range")]
    BitValue,
    #[error("ERR The bit argument must be 1 or 0.")]
    BitNeitherOneNorZero,
    #[error("ERR BITOP NOT must be called with a single source key.")]
    NotOfSeveral,
    #[error(
        "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is."
    )]
    BitfieldType,
    #[error("ERR Invalid OVERFLOW type specified")]
    BitfieldOverflow,
    #[error("ERR BITFIELD_RO only supports the GET subcommand")]
    BitfieldReadOnly,

    // HyperLogLog.
    #[error("WRONGTYPE Key is not a valid HyperLogLog string value.")]
    NotHyperLogLog,
    #[error("INVALIDOBJ Corrupted HLL object detected")]
    CorruptHyperLogLog,
    #[error("ERR The specified key does not exist")]
    KeyDoesNotExist,
    #[error("ERR HLL encoding is not sparse")]
    HyperLogLogNotSparse,
    #[error("ERR Unknown PFDEBUG subcommand '{0}'")]
    UnknownPfdebug(Box<str>),
    #[error("ERR TESTFAILED {0}")]
    HyperLogLogTest(Box<str>),

    // Places.
    #[error("ERR invalid longitude,latitude pair {0},{1}")]
    NotOnMap(Box<str>, Box<str>),
    #[error("ERR unsupported unit provided. please use M, KM, FT, MI")]
    UnknownUnit,
    #[error("ERR need numeric radius")]
    RadiusNotANumber,
    #[error("ERR radius cannot be negative")]
    RadiusNegative,
    #[error("ERR need numeric width")]
    WidthNotANumber,
    #[error("ERR need numeric height")]
    HeightNotANumber,
    #[error("ERR height or width cannot be negative")]
    BoxNegative,
    #[error("ERR could not decode requested zset member")]
    NoSuchPlace,
    #[error("ERR COUNT must be > 0")]
    GeoCountNotPositive,
    #[error("ERR the ANY argument requires COUNT argument")]
    AnyWithoutCount,
    #[error("ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for {0}")]
    NoCentre(Box<str>),
    #[error("ERR exactly one of BYRADIUS and BYBOX can be specified for {0}")]
    NoShape(Box<str>),
    #[error("ERR {0} is not compatible with WITHDIST, WITHHASH and WITHCOORD options")]
    StoredWithDetails(&'static str),

    // Hashes.
    #[error("ERR hash value is not an integer")]
    HashValueNotAnInteger,
    #[error("ERR hash value is not a float")]
    HashValueNotAFloat,

    // Lists.
    #[error(
        "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... \
         or use negative to start from the end of the list"
    )]
    RankZero,
    #[error("ERR COUNT can't be negative")]
    CountNegative,
    #[error("ERR MAXLEN can't be negative")]
    MaxlenNegative,
    #[error("ERR count should be greater than 0")]
    CountNotPositive,

    // Sorted sets.
    #[error("ERR XX and NX options at the same time are not compatible")]
    XxAndNx,
    #[error("ERR GT, LT, and/or NX options at the same time are not compatible")]
    GtLtOrNx,
    #[error("ERR INCR option supports a single increment-element pair")]
    IncrSeveral,
    #[error("ERR resulting score is not a number (NaN)")]
    ScoreNotANumber,
    #[error("ERR min or max is not a float")]
    ScoreBound,
    #[error("ERR min or max not valid string range item")]
    LexBound,
    #[error(
        "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX"
    )]
    LimitByIndex,
    #[error("ERR syntax error, WITHSCORES not supported in combination with BYLEX")]
    ScoresByLex,
    #[error("ERR at least 1 input key is needed for '{0}' command")]
    NoInputKeys(&'static str),
    #[error("ERR weight value is not a float")]
    WeightNotAFloat,

    // Streams.
    #[error("ERR Invalid stream ID specified as stream command argument")]
    InvalidStreamId,
    #[error("ERR invalid start ID for the interval")]
    IntervalStart,
    #[error("ERR invalid end ID for the interval")]
    IntervalEnd,
    #[error("ERR The ID specified in XADD must be greater than 0-0")]
    AddedIdZero,
    #[error("ERR The ID specified in XADD is equal or smaller than the target stream top item")]
    AddedIdTooSmall,
    #[error("ERR The stream has exhausted the last possible ID, unable to add more items")]
    StreamExhausted,
    #[error("ERR Elements are too large to be stored")]
    StreamElementsTooLarge,
    #[error("ERR The MAXLEN argument must be >= 0.")]
    TrimLengthNegative,
    #[error("ERR The LIMIT argument must be >= 0.")]
    TrimLimitNegative,
    #[error("ERR syntax error, MAXLEN and MINID options at the same time are not compatible")]
    TrimTwice,
    #[error("ERR syntax error, LIMIT cannot be used without specifying a trimming strategy")]
    TrimLimitAlone,
    #[error("ERR syntax error, LIMIT cannot be used without the special ~ option")]
    TrimLimitExact,
    #[error("ERR syntax error, XTRIM must be called with a trimming strategy")]
    TrimMissing,
    #[error("ERR The ID specified in XSETID is smaller than the target stream top item")]
    SetIdBelowTop,
    #[error("ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id")]
    SetIdBelowDeleted,
    #[error("ERR entries_added must be positive")]
    EntriesAddedNegative,
    #[error("ERR The entries_added specified in XSETID is smaller than the target stream length")]
    EntriesAddedBelowLength,
    #[error("ERR value for ENTRIESREAD must be positive or -1")]
    EntriesReadNegative,
    #[error(
        "ERR Unbalanced XREAD list of streams: for each stream key an ID or '$' must be specified."
    )]
    StreamsUnbalanced,
    #[error(
        "ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option."
    )]
    NewIdWithoutGroup,
    #[error(
        "ERR The $ ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by \
         specifying a proper ID, or use the > ID to get new messages. The $ ID would just return an empty result set."
    )]
    LastIdWithGroup,
    #[error("ERR The {0} option is only supported by XREADGROUP. You called XREAD instead.")]
    OnlyWithGroup(&'static str),
    #[error("ERR {0} command is not allowed with BLOCK option from scripts")]
    WaitInScript(Box<str>),
    #[error("ERR Missing GROUP option for XREADGROUP")]
    GroupMissing,
    #[error("NOGROUP No such key '{key}' or consumer group '{group}'{place}")]
    NoKeyOrGroup {
        key: Box<str>,
        group: Box<str>,
        place: &'static str,
    },
    #[error("NOGROUP No such consumer group '{group}' for key name '{key}'")]
    NoGroup { key: Box<str>, group: Box<str> },
    #[error("NOGROUP the consumer group this client was blocked on no longer exists")]
    AwaitedGroupGone,
    #[error("UNBLOCKED the stream key no longer exists")]
    AwaitedStreamGone,
    #[error("BUSYGROUP Consumer Group name already exists")]
    GroupExists,
    #[error(
        "ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM \
         option to create an empty stream automatically."
    )]
    GroupNeedsKey,
    #[error("ERR Invalid min-idle-time argument for {0}")]
    MinIdleTime(&'static str),
    #[error("ERR Invalid {0} option argument for XCLAIM")]
    ClaimOption(&'static str),
    #[error("ERR Unrecognized XCLAIM option '{0}'")]
    ClaimUnknownOption(Box<str>),
    #[error("ERR COUNT must be > 0")]
    ClaimCount,

    // Connections and transactions.
    #[error("ERR MULTI calls can not be nested")]
    NestedMulti,
    #[error("ERR DISCARD without MULTI")]
    DiscardWithoutMulti,
    #[error("ERR EXEC without MULTI")]
    ExecWithoutMulti,
    #[error("ERR WATCH inside MULTI is not allowed")]
    WatchInsideMulti,
    #[error("EXECABORT Transaction discarded because of previous errors.")]
    ExecAborted,
    #[error(
        "ERR AUTH <password> called without any password configured for the default user. \
         Are you sure your configuration is correct?"
    )]
    AuthWithoutPassword,
    #[error("WRONGPASS invalid username-password pair or user is disabled.")]
    WrongPassword,
    #[error("ERR Protocol version is not an integer or out of range")]
    HelloVersionNotANumber,
    #[error("NOPROTO unsupported protocol version")]
    HelloVersion,
    #[error("ERR Syntax error in HELLO option '{0}'")]
    HelloOption(Box<str>),
    #[error(
        "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> \
         option can be used to authenticate the client and select the RESP protocol version at the same time"
    )]
    HelloNotAuthenticated,
    #[error("ERR Client names cannot contain spaces, newlines or special characters.")]
    ClientName,
    // Persistence, slow log, latency, memory, DEBUG.
    #[error(
        "ERR unknown subcommand or wrong number of arguments for '{subcommand}'. Try {container} HELP."
    )]
    SubcommandArguments {
        container: &'static str,
        subcommand: Box<str>,
    },
    #[error("ERR Background save already in progress")]
    SaveInProgress,
    #[error("ERR the snapshot could not be started: {0}")]
    SaveNotStarted(Box<str>),
    #[error("ERR count should be greater than or equal to -1")]
    SlowlogCount,
    #[error("ERR No samples available for event '{0}'")]
    NoLatencySamples(Box<str>),
    #[error("ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.")]
    ReloadOption,
    #[error("ERR Error trying to load the RDB dump, check server logs: {0}")]
    ReloadFailed(Box<str>),
    #[error("ERR Out of range database")]
    DebugDatabase,
    #[error("ERR Not a listpack encoded object.")]
    NotAListpack,
    #[error("ERR The value stored at the specified key is not represented using an hash table")]
    NotAHashTable,
    #[error("ERR argument must be a memory value bigger than 1 and smaller than 4gb")]
    PackedThreshold,
    #[error(
        "ERR Wrong protocol type name. Please use one of the following: \
         string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false"
    )]
    ProtocolType,
    #[error("ERR RESP2 is not supported by this command")]
    NeedsResp3,

    // Administration.
    #[error("ERR CONFIG SET failed (possibly related to argument '{name}') - {reason}")]
    ConfigSet { name: Box<str>, reason: Box<str> },
    #[error("ERR Unknown option or number of arguments for CONFIG SET - '{0}'")]
    ConfigUnknown(Box<str>),
    #[error("ERR The server is running without a config file")]
    ConfigWithoutFile,
    #[error("ERR Rewriting config file: {0}")]
    ConfigRewrite(Box<str>),
    #[error("ERR No such client")]
    NoSuchClient,
    #[error("ERR Unknown client type '{0}'")]
    UnknownClientType(Box<str>),
    #[error("ERR client-id should be greater than 0")]
    ClientIdNotPositive,
    #[error("ERR Invalid client ID")]
    InvalidClientId,
    #[error("ERR No such user '{0}'")]
    NoSuchUser(Box<str>),
    #[error("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR")]
    UnblockReason,
    #[error("ERR CLIENT PAUSE mode must be WRITE or ALL")]
    PauseMode,
    #[error("ERR Unrecognized option '{0}'")]
    ClientInfoOption(Box<str>),
    #[error("ERR {0} cannot contain spaces, newlines or special characters.")]
    ClientInfoValue(&'static str),
    #[error(
        "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled"
    )]
    CachingWithoutTracking,
    #[error("ERR nodes replicate through Raft; REPLICAOF is not offered, but for NO ONE")]
    ReplicaOf,
    #[error("ERR client-side caching is not offered yet")]
    TrackingNotOffered,
    #[error("ERR timeout is not an integer or out of range")]
    TimeoutNotAnInteger,
    #[error("ERR Invalid command specified")]
    InvalidCommand,
    #[error("ERR Invalid number of arguments specified for command")]
    InvalidCommandArity,
    #[error("ERR The command has no key arguments")]
    NoKeyArguments,
    #[error("ERR No shutdown in progress.")]
    NoShutdown,
    // Scripts and functions.
    /// What a script ended with. `counted`: a command answered it before, and it was counted then.
    #[error("{text}")]
    Script { text: Box<str>, counted: bool },
    #[error("ERR Number of keys can't be negative")]
    KeysNegative,
    #[error("ERR Bad number of keys provided")]
    KeysNotANumber,
    #[error("NOSCRIPT No matching script. Please use EVAL.")]
    NoScript,
    #[error("NOTBUSY No scripts in execution right now.")]
    NotBusy,
    #[error(
        "UNKILLABLE Sorry the script already executed write commands against the dataset. You can either wait the script \
         termination or kill the server in a hard way using the SHUTDOWN NOSAVE command."
    )]
    Unkillable,
    #[error("BUSY Redis is busy running a script. You can only call {0} KILL or SHUTDOWN NOSAVE.")]
    Busy(&'static str),
    #[error("ERR Use SCRIPT DEBUG YES/SYNC/NO")]
    ScriptDebugMode,
    #[error("ERR the debugger of scripts is not offered")]
    NoScriptDebugger,
    #[error("ERR Function not found")]
    NoFunction,
    #[error("ERR Library not found")]
    NoLibrary,
    #[error("ERR Library '{0}' already exists")]
    LibraryExists(Box<str>),
    #[error("ERR Library {0} already exists")]
    RestoredLibraryExists(Box<str>),
    #[error("ERR {0}")]
    Header(HeaderError),
    #[error("ERR Unknown option given: {0}")]
    FunctionLoadOption(Box<str>),
    #[error("ERR Unknown argument {0}")]
    FunctionListArgument(Box<str>),
    #[error("ERR library name argument was not given")]
    FunctionListName,
    #[error("ERR Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE.")]
    RestorePolicy,
    #[error("ERR failed loading functions payload")]
    FunctionPayload,
    #[error("ERR FUNCTION FLUSH only supports SYNC|ASYNC option")]
    FunctionFlushMode,
    #[error("ERR SCRIPT FLUSH only support SYNC|ASYNC option")]
    ScriptFlushMode,
    #[error("ERR This instance has cluster support disabled")]
    ClusterDisabled,
}
