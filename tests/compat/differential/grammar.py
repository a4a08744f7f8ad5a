"""Random commands from templates. Caller: `__main__.py`.

A template is a line of words. `<k>` and the like are drawn anew each time; `[a b]` is there or not;
`(a|b)` is one of several; `<m>+` is one to three. A small universe of keys makes types collide and
values grow; odd numbers and broken syntax are part of it.
"""

import random
import re

_GENERIC = """
DEL <k>+|UNLINK <k>+|EXISTS <k>+|TYPE <k>|TOUCH <k>+|RENAME <k> <k>|RENAMENX <k> <k>
COPY <k> <k> [DB <db>] [REPLACE]|MOVE <k> <db>|DBSIZE|KEYS <p>|RANDOMKEY_
EXPIRE <k> <ttl> [(NX|XX|GT|LT)]|PEXPIRE <k> <ttlms> [(NX|XX|GT|LT)]|EXPIREAT <k> <at> [(NX|XX|GT|LT)]
PEXPIREAT <k> <atms> [(NX|XX|GT|LT)]|PERSIST <k>|TTL <k>|PTTL <k>|EXPIRETIME <k>|PEXPIRETIME <k>
OBJECT ENCODING <k>|OBJECT REFCOUNT_ <k>|OBJECT HELP|OBJECT NOSUCH <k>
SORT <k> [BY (w_*|w_*->f)] [LIMIT <i> <i>] [GET (#|o_*|h_*->f)] [(ASC|DESC)] [ALPHA] [STORE <k>]
SORT_RO <k> [LIMIT <i> <i>] [ALPHA]|SELECT <db>|ECHO <v>|PING [<v>]|SWAPDB <db> <db>
DUMP_ <k>|WAIT 0 0|MULTI|EXEC|DISCARD|WATCH <k>|UNWATCH
"""

_STRINGS = """
SET <k> <v>|SET <k> <v> [(NX|XX)] [GET] [(EX <ttl>|PX <ttlms>|EXAT <at>|PXAT <atms>|KEEPTTL)]
GET <k>|GETSET <k> <v>|GETDEL <k>|GETEX <k> [(EX <ttl>|PX <ttlms>|PERSIST|EXAT <at>)]
SETNX <k> <v>|SETEX <k> <ttl> <v>|PSETEX <k> <ttlms> <v>|MSET <k> <v> [<k> <v>]|MSETNX <k> <v> [<k> <v>]
MGET <k>+|APPEND <k> <v>|STRLEN <k>|SETRANGE <k> <off> <v>|GETRANGE <k> <i> <i>|SUBSTR <k> <i> <i>
INCR <k>|DECR <k>|INCRBY <k> <n>|DECRBY <k> <n>|INCRBYFLOAT <k> <f>|LCS <k> <k> [LEN] [IDX] [MINMATCHLEN <i>] [WITHMATCHLEN]
"""

_HASHES = """
HSET <k> <m> <v> [<m> <v>]|HSETNX <k> <m> <v>|HMSET <k> <m> <v> [<m> <v>]|HGET <k> <m>|HMGET <k> <m>+
HDEL <k> <m>+|HLEN <k>|HSTRLEN <k> <m>|HEXISTS <k> <m>|HGETALL <k>|HKEYS <k>|HVALS <k>
HINCRBY <k> <m> <n>|HINCRBYFLOAT <k> <m> <f>|HRANDFIELD <k> 100 [WITHVALUES]|HSCAN_ <k> 0 [MATCH <p>]
"""

_LISTS = """
LPUSH <k> <v>+|RPUSH <k> <v>+|LPUSHX <k> <v>|RPUSHX <k> <v>|LPOP <k> [<i>]|RPOP <k> [<i>]|LLEN <k>
LRANGE <k> <i> <i>|LINDEX <k> <i>|LSET <k> <i> <v>|LINSERT <k> (BEFORE|AFTER|NEAR) <m> <v>|LREM <k> <i> <m>
LTRIM <k> <i> <i>|RPOPLPUSH <k> <k>|LMOVE <k> <k> (LEFT|RIGHT) (LEFT|RIGHT|UP)|LPOS <k> <m> [RANK <i>] [COUNT <i>] [MAXLEN <i>]
LMPOP <num> <k> [<k>] (LEFT|RIGHT) [COUNT <i>]|BLPOP <k> <k> <wait>|BRPOP <k> <wait>|BRPOPLPUSH <k> <k> <wait>
BLMOVE <k> <k> (LEFT|RIGHT) (LEFT|RIGHT) <wait>|BLMPOP <wait> <num> <k> (LEFT|RIGHT) [COUNT <i>]
LPUSH <k> <m>+|RPUSH <k> <m>+|RPUSH <k> <n>+
"""

_SETS = """
SADD <k> <m>+|SADD <k> <n>+|SREM <k> <m>+|SMEMBERS <k>|SISMEMBER <k> <m>|SMISMEMBER <k> <m>+|SCARD <k>
SMOVE <k> <k> <m>|SPOP <k> 1000|SRANDMEMBER <k> 1000|SINTER <k>+|SUNION <k>+|SDIFF <k>+
SINTERSTORE <k> <k>+|SUNIONSTORE <k> <k>+|SDIFFSTORE <k> <k>+|SINTERCARD <num> <k> [<k>] [LIMIT <i>]|SSCAN_ <k> 0
"""

_SORTED_SETS = """
ZADD <k> <s> <m> [<s> <m>]|ZADD <k> [(NX|XX)] [(GT|LT)] [CH] [INCR] <s> <m>|ZINCRBY <k> <f> <m>|ZSCORE <k> <m>
ZMSCORE <k> <m>+|ZCARD <k>|ZCOUNT <k> <min> <max>|ZLEXCOUNT <k> <lmin> <lmax>|ZRANK <k> <m>|ZREVRANK <k> <m>
ZRANGE <k> <i> <i> [REV] [WITHSCORES]|ZRANGE <k> <min> <max> BYSCORE [REV] [LIMIT <i> <i>] [WITHSCORES]
ZRANGE <k> <lmin> <lmax> BYLEX [REV] [LIMIT <i> <i>]|ZRANGESTORE <k> <k> <i> <i> [REV]|ZREVRANGE <k> <i> <i> [WITHSCORES]
ZRANGEBYSCORE <k> <min> <max> [WITHSCORES] [LIMIT <i> <i>]|ZREVRANGEBYSCORE <k> <max> <min> [WITHSCORES] [LIMIT <i> <i>]
ZRANGEBYLEX <k> <lmin> <lmax> [LIMIT <i> <i>]|ZREVRANGEBYLEX <k> <lmax> <lmin> [LIMIT <i> <i>]|ZREM <k> <m>+
ZREMRANGEBYRANK <k> <i> <i>|ZREMRANGEBYSCORE <k> <min> <max>|ZREMRANGEBYLEX <k> <lmin> <lmax>
ZPOPMIN <k> [<i>]|ZPOPMAX <k> [<i>]|ZUNIONSTORE <k> <num> <k> [<k>] [WEIGHTS <f> [<f>]] [AGGREGATE (SUM|MIN|MAX|AVG)]
ZINTERSTORE <k> <num> <k> [<k>] [WEIGHTS <f> [<f>]] [AGGREGATE (SUM|MIN|MAX)]|ZDIFFSTORE <k> <num> <k> [<k>]
ZUNION <num> <k> [<k>] [AGGREGATE MAX] [WITHSCORES]|ZINTER <num> <k> [<k>] [WITHSCORES]|ZDIFF <num> <k> [<k>] [WITHSCORES]
ZINTERCARD <num> <k> [<k>] [LIMIT <i>]|ZMPOP <num> <k> [<k>] (MIN|MAX) [COUNT <i>]|BZPOPMIN <k> <wait>|BZPOPMAX <k> <wait>
BZMPOP <wait> <num> <k> (MIN|MAX) [COUNT <i>]|ZRANDMEMBER <k> 1000 [WITHSCORES]|ZSCAN_ <k> 0
"""

_BITMAPS = """
SETBIT <k> <bit> (0|1)|SETBIT <k> <bit> <i>|GETBIT <k> <bit>|BITCOUNT <k>|BITCOUNT <k> <i> <i> [(BYTE|BIT|NIBBLE)]|BITPOS <k> <i>
BITPOS <k> (0|1) [<i> [<i> [(BYTE|BIT)]]]|BITOP (AND|OR|XOR|NOT|NAND) <k> <k>+|BITOP NOT <k> <k>|APPEND <k> <v>|GET <k>|SET <k> <v>
BITFIELD <k> GET <field> <bit> [GET <field> <bit>]|BITFIELD_RO <k> [GET <field> <bit>] [SET <field> <bit> <n>]
BITFIELD <k> [OVERFLOW (WRAP|SAT|FAIL|MAX)] SET <field> <bit> <n> [OVERFLOW (WRAP|SAT|FAIL)] INCRBY <field> <bit> <n> GET <field> <bit>
BITFIELD <k> [OVERFLOW (WRAP|SAT|FAIL)] INCRBY <field> <bit> <n> [SET <field> <bit> <n>] [INCRBY <field> <bit> <n>]
"""

_HYPERLOGLOGS = """
PFADD <k> <e>+|PFADD <k>|PFADD <k> <e> <e> <e> <e> <e> <e> <e> <e> <e> <e> <e> <e>|PFADD <k> <v>+
PFCOUNT <k>|PFCOUNT <k>+|PFMERGE <k> <k>+|PFMERGE <k>|PFDEBUG (GETREG|DECODE|ENCODING|TODENSE|NOSUCH) <k>|PFDEBUG ENCODING <k>
GET <k>|GET <k>|STRLEN <k>|DEL <k>|COPY <k> <k> REPLACE|SET <k> <hll>|GETSET <k> <hll>|SET <k> <v>|OBJECT ENCODING <k>
"""

_GEO = """
GEOADD <k> <lon> <lat> <place>|GEOADD <k> <lon> <lat> <place> <lon> <lat> <place> <lon> <lat> <place> <lon> <lat> <place>
GEOADD <k> [(NX|XX)] [CH] <lon> <lat> <place> [<lon> <lat> <place>]|ZADD <k> <s> <place>|ZREM <k> <place>|SET <k> <v>|DEL <k>
GEODIST <k> <place> <place> [(m|km|MI|ft|x)]|GEOHASH <k> <place>+|GEOPOS <k> <place>+
GEORADIUS <k> <lon> <lat> <dist> [WITHDIST] [WITHHASH] [WITHCOORD] [COUNT <count> [ANY]] [(ASC|DESC)] [(STORE|STOREDIST) <k>]
GEORADIUS_RO <k> <lon> <lat> <dist> [WITHDIST] [COUNT <count> [ANY]] [(ASC|DESC)] [WITHCOORD]
GEORADIUSBYMEMBER <k> <place> <dist> [WITHDIST] [WITHHASH] [COUNT <count> [ANY]] [(ASC|DESC)] [(STORE|STOREDIST) <k>]
GEORADIUSBYMEMBER_RO <k> <place> <dist> [WITHDIST] [WITHHASH] [COUNT <count> [ANY]] [(ASC|DESC)]
GEOSEARCH <k> (FROMMEMBER <place>|FROMLONLAT <lon> <lat>) (BYRADIUS <dist>|BYBOX <side> <dist>) [WITHDIST] [WITHCOORD] [COUNT <count> [ANY]] [(ASC|DESC)]
GEOSEARCH <k> FROMLONLAT <lon> <lat> (BYRADIUS <dist>|BYBOX <side> <dist>)|GEOSEARCH <k> FROMLONLAT <lon> <lat> (BYRADIUS <dist>|BYBOX <side> <dist>) WITHDIST
GEOSEARCHSTORE <k> <k> (FROMMEMBER <place>|FROMLONLAT <lon> <lat>) (BYRADIUS <dist>|BYBOX <side> <dist>) [COUNT <count> [ANY]] [(ASC|DESC)] [STOREDIST]
"""

_STREAMS = """
XADD <x> <xid> <m> <v> [<m> <v>]|XADD <x> <xid> f <v>|XADD <x> [NOMKSTREAM] [(MAXLEN|MINID) [(=|~)] <xid> [LIMIT <i>]] <xid> f <v>
XADD <x> MAXLEN [(=|~)] <i> [LIMIT <i>] <xid> f <v> g <v>|XADD <x> MINID [(=|~)] <xid> <xid> f <v>|XLEN <x>|XRANGE <x> <xmin> <xmax> [COUNT <i>]
XREVRANGE <x> <xmax> <xmin> [COUNT <i>]|XDEL <x> <xid>+|XTRIM <x> (MAXLEN [(=|~)] <i>|MINID [(=|~)] <xid>) [LIMIT <i>]
XSETID <x> <xid> [ENTRIESADDED <i>] [MAXDELETEDID <xid>]|XREAD [COUNT <i>] [BLOCK <waitms>] STREAMS <x> <xid>|XREAD STREAMS <x> <x> <xid> (<xid>|$|>)
XGROUP CREATE <x> <g> (<xid>|$) [MKSTREAM] [ENTRIESREAD <i>]|XGROUP SETID <x> <g> (<xid>|$|-) [ENTRIESREAD <i>]|XGROUP DESTROY <x> <g>
XGROUP CREATECONSUMER <x> <g> <c>|XGROUP DELCONSUMER <x> <g> <c>|XGROUP (HELP|NOSUCH <x> <g>)|XACK <x> <g> <xid>+
XREADGROUP GROUP <g> <c> [COUNT <i>] [NOACK] STREAMS <x> (>|>|<xid>)|XREADGROUP GROUP <g> <c> [BLOCK <waitms>] STREAMS <x> <x> (>|>|<xid>|$) >
XPENDING <x> <g>|XPENDING_ <x> <g> <xmin> <xmax> <i> [<c>]|XPENDING <x> <g> [IDLE <ttlms>] <xmin> <xmax> <i> [<c>]
XCLAIM <x> <g> <c> 0 <xid>+ [TIME <i>] [RETRYCOUNT <i>] [FORCE] [JUSTID] [LASTID <xid>]|XCLAIM <x> <g> <c> <ttlms> <xid>
XAUTOCLAIM <x> <g> <c> 0 <xmin> [COUNT <i>] [JUSTID]|XINFO STREAM <x>|XINFO STREAM <x> FULL [COUNT <i>]|XINFO GROUPS <x>|XINFO CONSUMERS <x> <g>
XINFO (HELP|NOSUCH <x>)|XGROUP CREATE <x> <g> 0 MKSTREAM|XADD <x> <xid> a 1 b 2|COPY <x> <x> [REPLACE]|DEL <x>|RENAME <x> <x>|SET <x> <v>
"""

_SERVER = """
COMMAND COUNT_|COMMAND GETKEYS (SET a b|MSET a b c d|ZUNIONSTORE d 2 a b|GET|SORT a STORE b)|COMMAND NOSUCH
CONFIG GET (maxmemory|maxmemory-policy|hz|databases|nosuch|hash-max-*|timeout)|CONFIG SET (nosuch 1|hz abc|maxmemory-policy nosuch)
CLIENT (GETNAME|SETNAME <m>|GETREDIR|NO-EVICT on|HELP|NOSUCH|REPLY ON|TRACKINGINFO)|DEBUG NOSUCH|SLOWLOG (LEN_|RESET|NOSUCH|GET abc)
LATENCY (LATEST_|RESET|NOSUCH)|MEMORY (NOSUCH|HELP)|PUBLISH ch <v>|PUBSUB (CHANNELS|NUMPAT|NUMSUB a b|NOSUCH)|RESET|NOSUCHCOMMAND <v>
HELLO (4|abc)|AUTH x|OBJECT FREQ_ <k>|LOLWUT_|FLUSHDB [(ASYNC|SYNC|NOW)]|SCAN abc|SCAN 0 COUNT 0|SCAN 0 NOSUCH 1
"""

GROUPS = {
    "generic": _GENERIC,
    "string": _STRINGS,
    "hash": _HASHES,
    "list": _LISTS,
    "set": _SETS,
    "zset": _SORTED_SETS,
    "bitmap": _BITMAPS,
    "hyperloglog": _HYPERLOGLOGS,
    "geo": _GEO,
    "stream": _STREAMS,
    "server": _SERVER,
}

# With one word less, these answer at random, or with what is one server's own.
_ALONE = {"SPOP", "SRANDMEMBER", "HRANDFIELD", "ZRANDMEMBER", "COMMAND", "SLOWLOG", "LATENCY", "CLIENT"}
_KEYS = [f"{kind}{number}" for kind in "abcd" for number in range(3)]
_MEMBERS = ["a", "b", "c", "alpha", "beta", "1", "2", "10", "-3", "3.5", "", "x" * 70, "\x00\xff"]
_INTS = ["0", "1", "2", "3", "-1", "-2", "-100", "5", "100", "abc", "9223372036854775807"]
_NUMBERS = ["0", "1", "-1", "7", "12345", "-98765", "9223372036854775807", "-9223372036854775808", "1e3", "abc", "128"]
_FLOATS = ["0", "1", "1.5", "-2.25", "0.1", "3.0e3", "abc", "inf", "-inf", "nan", "1e308", "100000000000"]
_BOUNDS = ["-inf", "+inf", "0", "1", "(1", "2.5", "(2.5", "-1", "abc", "100"]
# Small ids meet; those made from the time would differ from server to server.
_STREAM_IDS = [*(f"{ms}-{number}" for ms in range(1, 7) for number in range(3)), *(str(ms) for ms in range(9)), "3-*", "5-*", "7-*", "0-1", "18446744073709551615-18446744073709551615", "abc", " 5", "1-1-1", "0-0"]
_STREAM_RANGE = ["-", "+", "-", "+", "(1-1", "(3", "0", "2", "4-1", "7", "(-", "(0-0", "abc", "(18446744073709551615-18446744073709551615"]
_LEX = ["-", "+", "[a", "(a", "[b", "(c", "[alpha", "x"]


class Grammar:
    """An endless source of commands from some groups."""

    def __init__(self, groups, seed):
        self.random = random.Random(seed)
        self.templates = []
        for group in groups:
            for line in GROUPS[group].strip().splitlines():
                self.templates += [t for t in _split(line) if "_" not in t.split(" ")[0] and "_ " not in t + " "]

    def command(self):
        """One command, as a list of strings in latin-1; now and then broken on purpose."""
        words = self._expand(self.random.choice(self.templates))
        dice = self.random.random()
        if dice < 0.02 and len(words) > 1 and words[0] not in _ALONE:
            words.pop()
        elif dice < 0.03:
            words.append(self.random.choice(["extra", "", "NX", "1"]))
        elif dice < 0.05:
            words = [words[0].lower(), *words[1:]]
        return words

    def _expand(self, template):
        # Options stand in brackets; the innermost first.
        while found := re.search(r"\[([^\[\]]*)\]", template):
            kept = found[1] if self.random.random() < 0.4 else ""
            template = template[: found.start()] + kept + template[found.end() :]
        while found := re.search(r"\(([^()]*\|[^()]*)\)", template):
            template = template[: found.start()] + self.random.choice(found[1].split("|")) + template[found.end() :]
        words = []
        for word in template.split():
            found = re.fullmatch(r"<(\w+)>(\+?)", word)
            if not found:
                words.append(word)
                continue
            for _ in range(self.random.randint(1, 3) if found[2] else 1):
                words += self._draw(found[1]).split(" ") if found[1] == "dist" else [self._draw(found[1])]
        return words

    def _draw(self, kind):
        pick = self.random.choice
        now = 4_000_000_000
        drawn = {
            "k": lambda: pick(_KEYS),
            "m": lambda: pick(_MEMBERS),
            "v": lambda: pick([*_MEMBERS, *_NUMBERS, "y" * 45, "z" * 300]),
            "i": lambda: pick(_INTS),
            "n": lambda: pick(_NUMBERS),
            "bit": lambda: pick(["0", "1", "7", "8", "9", "63", "100", str(self.random.randrange(300)), "#0", "#1", "#3", "-1", "abc", "4294967296"]),
            "field": lambda: pick(["u8", "i8", "u1", "i1", "u63", "i64", "i5", "u5", "i63", "u32", f"i{self.random.randrange(66)}", "u64", "x8"]),
            "e": lambda: str(self.random.randrange(4000)),
# Sound ones, and such as no element can be added to: Redis changes half of what is corrupt, this server none.
            "hll": lambda: "HYLL" + pick(["\x01" + "\0" * 10 + end for end in ("\0\x7f\xff", "\x80\x7f\xff", "\0", "\x80", "")] + ["\x00" + "\0" * 11, "\x02" + "\0" * 11 + "\x7f\xff"]),
            "lon": lambda: pick(["0", "180", "-180", "13.361389", "abc", *_at_random(self.random, 180)]),
            "lat": lambda: pick(["0", "85.05112878", "-85.05112878", "38.115556", "86", *_at_random(self.random, 85)]),
            "place": lambda: f"p{self.random.randrange(60)}",
            "dist": lambda: f"{_size(self.random)} {pick(['m', 'km', 'km', 'KM', 'mi', 'ft', 'km', 'x'])}",
            "side": lambda: _size(self.random),
            "count": lambda: pick(["1", "2", "5", "10", "1000", "0", "-1", "abc"]),
            "num": lambda: pick(["1", "2", "2", "1", "0", "abc", "3"]),
            "f": lambda: pick(_FLOATS),
            "s": lambda: pick(_FLOATS + _NUMBERS),
            "off": lambda: pick(["0", "1", "5", "-1", "600000000", "100"]),
            "min": lambda: pick(_BOUNDS),
            "max": lambda: pick(_BOUNDS),
            "lmin": lambda: pick(_LEX),
            "lmax": lambda: pick(_LEX),
            "x": lambda: pick(_KEYS[:3]),
            "xid": lambda: pick(_STREAM_IDS[:-9] if self.random.random() < 0.85 else _STREAM_IDS),
            "xmin": lambda: pick(_STREAM_RANGE),
            "xmax": lambda: pick(_STREAM_RANGE),
            "g": lambda: pick(["g", "g", "h", ""]),
            "c": lambda: pick(["alice", "bob", "carol"]),
            "waitms": lambda: pick(["1", "2", "1", "-1", "abc", "1.5"]),
            "p": lambda: pick(["*", "a*", "?1", "[ab]0", "nothing", "*[^0]", "\\a0"]),
            "db": lambda: pick(["0", "1", "0", "1", "16", "-1", "abc"]),
            "ttl": lambda: pick(["100", "1000", "0", "-1", "abc", "9223372036854775807", "10000000000"]),
            "ttlms": lambda: pick(["100000", "1000000", "0", "-5", "abc", "9223372036854775807"]),
            "at": lambda: pick([str(now), str(now + 5), "1", "-1", "abc"]),
            "atms": lambda: pick([str(now * 1000), str(now * 1000 + 7), "1", "abc"]),
            "wait": lambda: pick(["0.001", "0.001", "-1", "abc"]),
        }
        return drawn[kind]()


def _at_random(source, degrees):
    """Six angles, most of them close to each other."""
    return [str(source.uniform(-degrees, degrees)), *(str(round(source.gauss(20, 8), digits)) for digits in (0, 1, 3, 6, 9))]


def _size(source):
    """A length of any order of magnitude."""
    return source.choice(["0", "-1", "abc", *([str(round(10 ** source.uniform(0, 4.5), 3))] * 20)])


def _split(line):
    """Splits a line at the bars that are outside of parentheses."""
    parts, depth, start = [], 0, 0
    for position, letter in enumerate(line):
        depth += (letter == "(") - (letter == ")")
        if letter == "|" and depth == 0:
            parts.append(line[start:position])
            start = position + 1
    return [*parts, line[start:]]
