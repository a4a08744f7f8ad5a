//! What the sorted-set commands answer, log and announce. Replies were compared with Redis 7.0.15.

use holdfast_resp::Protocol;

use crate::commands::testing::Harness;

#[test]
fn members_are_added_under_conditions() {
    Harness::new().expect(&[
        ("ZADD z 1 a 2 b 3 c", ":3"),
        ("ZADD z 1 a 5 b", ":0"),
        ("ZADD z CH 1 a 6 b 7 d", ":2"),
        ("ZADD z NX 9 a 4 e", ":1"),
        ("ZADD z XX 9 a 4 f", ":0"),
        ("ZADD z GT 8 a 10 b 1 g", ":1"),
        ("ZADD z LT CH 8 a 10 b", ":1"),
        ("ZADD z GT CH XX 20 a", ":1"),
        ("ZADD z NX CH 20 a 30 h", ":1"),
        ("ZADD z INCR 5 a", "$2|25"),
        ("ZADD z NX INCR 5 a", "$-1"),
        ("ZADD z XX INCR 5 none", "$-1"),
        ("ZADD z GT INCR -5 a", "$-1"),
        ("ZADD z LT INCR -5 a", "$2|20"),
        ("ZADD none XX 1 a", ":0"),
        ("ZADD none XX INCR 1 a", "$-1"),
        ("ZINCRBY z 1.5 a", "$4|21.5"),
        ("ZINCRBY z 1.5 new", "$3|1.5"),
        ("ZINCRBY z inf new", "$3|inf"),
        ("ZINCRBY z -inf new", "-ERR resulting score is not a number (NaN)"),
        ("ZINCRBY z x new", "-ERR value is not a valid float"),
        ("ZRANGE z 0 -1 WITHSCORES", "*16|$1|g|$1|1|$1|c|$1|3|$1|e|$1|4|$1|d|$1|7|$1|b|$2|10|$1|a|$4|21.5|$1|h|$2|30|$3|new|$3|inf"),
        ("ZADD z NX XX 1 a", "-ERR XX and NX options at the same time are not compatible"),
        ("ZADD z NX GT 1 a", "-ERR GT, LT, and/or NX options at the same time are not compatible"),
        ("ZADD z GT LT 1 a", "-ERR GT, LT, and/or NX options at the same time are not compatible"),
        ("ZADD z INCR 1 a 2 b", "-ERR INCR option supports a single increment-element pair"),
        ("ZADD z 1 a 2", "-ERR syntax error"),
        ("ZADD z CH 1", "-ERR syntax error"),
        ("ZADD z x a", "-ERR value is not a valid float"),
        ("ZADD z nan a", "-ERR value is not a valid float"),
        ("ZADD z 1 ok x bad", "-ERR value is not a valid float"),
        ("ZSCORE z ok", "$-1"),
        ("ZADD z 0x10 hex 1e2 exp -.5 half", ":3"),
        ("ZMSCORE z hex exp half none", "*4|$2|16|$3|100|$4|-0.5|$-1"),
        ("ZMSCORE none a b", "*2|$-1|$-1"),
        ("ZSCORE z none", "$-1"),
        ("ZSCORE none a", "$-1"),
        ("ZCARD z", ":11"),
        ("ZCARD none", ":0"),
        ("ZREM z a b none", ":2"),
        ("ZREM none a", ":0"),
        ("ZREM z c d e f g h new hex exp half", ":9"),
        ("EXISTS z", ":0"),
    ]);
}

#[test]
fn ranks() {
    Harness::new().expect(&[
        ("ZADD z 1 a 2 b 3 c", ":3"),
        ("ZRANK z a", ":0"),
        ("ZRANK z c", ":2"),
        ("ZREVRANK z a", ":2"),
        ("ZRANK z none", "$-1"),
        ("ZRANK none a", "$-1"),
        ("ZREVRANK z none", "$-1"),
    ]);
}

#[test]
fn ranges() {
    Harness::new().expect(&[
        ("ZADD z 1 a 2 b 3 c 4 d 5 e", ":5"),
        ("ZRANGE z 0 -1", "*5|$1|a|$1|b|$1|c|$1|d|$1|e"),
        ("ZRANGE z 1 2 WITHSCORES", "*4|$1|b|$1|2|$1|c|$1|3"),
        ("ZRANGE z 1 2 REV", "*2|$1|d|$1|c"),
        ("ZRANGE z -2 -1 REV", "*2|$1|b|$1|a"),
        ("ZRANGE z 5 9", "*0"),
        ("ZRANGE z 3 1", "*0"),
        ("ZREVRANGE z 0 1 WITHSCORES", "*4|$1|e|$1|5|$1|d|$1|4"),
        ("ZREVRANGE z -1 -1", "*1|$1|a"),
        ("ZRANGE z 2 4 BYSCORE", "*3|$1|b|$1|c|$1|d"),
        ("ZRANGE z (2 4 BYSCORE WITHSCORES", "*4|$1|c|$1|3|$1|d|$1|4"),
        ("ZRANGE z (4 2 BYSCORE REV", "*2|$1|c|$1|b"),
        ("ZRANGE z -inf +inf BYSCORE LIMIT 1 2", "*2|$1|b|$1|c"),
        ("ZRANGE z +inf -inf BYSCORE REV LIMIT 1 2", "*2|$1|d|$1|c"),
        ("ZRANGE z -inf +inf BYSCORE LIMIT 1 -1", "*4|$1|b|$1|c|$1|d|$1|e"),
        ("ZRANGE z -inf +inf BYSCORE LIMIT 9 1", "*0"),
        ("ZRANGE z -inf +inf BYSCORE LIMIT -1 2", "*0"),
        ("ZRANGE z -inf +inf BYSCORE LIMIT 0 0", "*0"),
        ("ZRANGE z (3 (3 BYSCORE", "*0"),
        ("ZRANGE z 4 2 BYSCORE", "*0"),
        ("ZRANGEBYSCORE z 2 3", "*2|$1|b|$1|c"),
        ("ZRANGEBYSCORE z (1 +inf LIMIT 0 -1 WITHSCORES", "*8|$1|b|$1|2|$1|c|$1|3|$1|d|$1|4|$1|e|$1|5"),
        ("ZREVRANGEBYSCORE z 3 2 WITHSCORES LIMIT 0 1", "*2|$1|c|$1|3"),
        ("ZRANGEBYSCORE none 2 3", "*0"),
        ("ZCOUNT z 2 (4", ":2"),
        ("ZCOUNT none 2 4", ":0"),
        ("ZCOUNT z 4 2", ":0"),
        ("ZCOUNT z x 1", "-ERR min or max is not a float"),
        ("ZRANGE z 0 1 BYLEX WITHSCORES", "-ERR syntax error, WITHSCORES not supported in combination with BYLEX"),
        ("ZRANGE z 0 1 LIMIT 0 1", "-ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX"),
        ("ZRANGE z 0 1 LIMIT 0 -1", "*2|$1|a|$1|b"),
        ("ZRANGE z 0 1 BYSCORE LIMIT a 1", "-ERR value is not an integer or out of range"),
        ("ZRANGE z 0 1 BYSCORE LIMIT 1", "-ERR syntax error"),
        ("ZRANGE z 0 1 FOO", "-ERR syntax error"),
        ("ZRANGE none x y", "-ERR value is not an integer or out of range"),
        ("ZRANGE z x y", "-ERR value is not an integer or out of range"),
        ("ZRANGE z x y BYSCORE", "-ERR min or max is not a float"),
        ("ZRANGE z x y BYLEX", "-ERR min or max not valid string range item"),
        ("ZRANGE z 0 1 BYSCORE BYLEX", "-ERR syntax error"),
        ("ZRANGEBYSCORE z 0 1 BYSCORE", "-ERR syntax error"),
        ("ZREVRANGE z 0 1 REV", "-ERR syntax error"),
        ("ZREVRANGE z 0 1 LIMIT 0 1", "-ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX"),
        ("ZREVRANGEBYLEX z [a [b WITHSCORES", "-ERR syntax error, WITHSCORES not supported in combination with BYLEX"),
    ]);
}

#[test]
fn ranges_of_members() {
    Harness::new().expect(&[
        ("ZADD z 0 alpha 0 bar 0 cool 0 down 0 elephant 0 foo", ":6"),
        ("ZRANGEBYLEX z - [cool", "*3|$5|alpha|$3|bar|$4|cool"),
        ("ZRANGEBYLEX z [bar [down", "*3|$3|bar|$4|cool|$4|down"),
        ("ZRANGEBYLEX z (bar (down", "*1|$4|cool"),
        ("ZRANGEBYLEX z + -", "*0"),
        ("ZRANGEBYLEX z (aaaa (b LIMIT 0 1", "*1|$5|alpha"),
        ("ZREVRANGEBYLEX z + [d", "*3|$3|foo|$8|elephant|$4|down"),
        ("ZREVRANGEBYLEX z + - LIMIT 1 2", "*2|$8|elephant|$4|down"),
        ("ZRANGE z [e + BYLEX", "*2|$8|elephant|$3|foo"),
        ("ZRANGE z + [e BYLEX REV", "*2|$3|foo|$8|elephant"),
        ("ZLEXCOUNT z - +", ":6"),
        ("ZLEXCOUNT z [b (e", ":3"),
        (
            "ZLEXCOUNT z x +",
            "-ERR min or max not valid string range item",
        ),
        ("ZLEXCOUNT none - +", ":0"),
        ("ZREMRANGEBYLEX z [a (c", ":2"),
        (
            "ZREMRANGEBYLEX z x (c",
            "-ERR min or max not valid string range item",
        ),
        ("ZREMRANGEBYLEX none - +", ":0"),
        ("ZRANGE z 0 -1", "*4|$4|cool|$4|down|$8|elephant|$3|foo"),
        ("ZREMRANGEBYLEX z - +", ":4"),
        ("EXISTS z", ":0"),
    ]);
}

#[test]
fn ranges_are_removed_and_stored() {
    Harness::new().expect(&[
        ("ZADD z 1 a 2 b 3 c 4 d 5 e 6 f", ":6"),
        ("ZREMRANGEBYRANK z 0 0", ":1"),
        ("ZREMRANGEBYRANK z -1 -1", ":1"),
        ("ZREMRANGEBYRANK z 9 10", ":0"),
        (
            "ZREMRANGEBYRANK z x 1",
            "-ERR value is not an integer or out of range",
        ),
        ("ZREMRANGEBYSCORE z (2 3", ":1"),
        ("ZREMRANGEBYSCORE z x 3", "-ERR min or max is not a float"),
        ("ZREMRANGEBYSCORE none 1 2", ":0"),
        ("ZRANGE z 0 -1", "*3|$1|b|$1|d|$1|e"),
        ("ZRANGESTORE d z 0 -1", ":3"),
        ("ZRANGESTORE d z 4 +inf BYSCORE LIMIT 0 1", ":1"),
        ("ZRANGE d 0 -1 WITHSCORES", "*2|$1|d|$1|4"),
        ("ZRANGESTORE d z 0 0 REV", ":1"),
        ("ZRANGE d 0 -1 WITHSCORES", "*2|$1|e|$1|5"),
        ("ZRANGESTORE z z 0 0", ":1"),
        ("ZRANGE z 0 -1", "*1|$1|b"),
        ("ZRANGESTORE d none 0 -1", ":0"),
        ("EXISTS d", ":0"),
        ("ZRANGESTORE d z 0 1 WITHSCORES", "-ERR syntax error"),
        (
            "ZRANGESTORE d z 0 1 BYLEX",
            "-ERR min or max not valid string range item",
        ),
        ("ZRANGESTORE d z 5 9", ":0"),
        ("ZREMRANGEBYRANK z 0 -1", ":1"),
        ("EXISTS z", ":0"),
    ]);
}

#[test]
fn members_are_popped() {
    Harness::new().expect(&[
        ("ZADD z 1 a 2 b 3 c 4 d 5 e 6 f", ":6"),
        ("ZPOPMIN z", "*2|$1|a|$1|1"),
        ("ZPOPMAX z", "*2|$1|f|$1|6"),
        ("ZPOPMIN z 0", "*0"),
        ("ZPOPMIN z 2", "*4|$1|b|$1|2|$1|c|$1|3"),
        ("ZPOPMAX z 5", "*4|$1|e|$1|5|$1|d|$1|4"),
        ("ZPOPMAX z", "*0"),
        ("ZPOPMIN none 3", "*0"),
        (
            "ZPOPMIN z x",
            "-ERR value is out of range, must be positive",
        ),
        (
            "ZPOPMIN z -1",
            "-ERR value is out of range, must be positive",
        ),
        ("ZPOPMIN z 1 2", "-ERR syntax error"),
        ("ZADD z 1 a 2 b 3 c 4 d 5 e 6 f", ":6"),
        ("ZMPOP 2 none z MIN", "*2|$1|z|*1|*2|$1|a|$1|1"),
        (
            "ZMPOP 2 none z MAX COUNT 2",
            "*2|$1|z|*2|*2|$1|f|$1|6|*2|$1|e|$1|5",
        ),
        ("BZPOPMIN none z 0", "*3|$1|z|$1|b|$1|2"),
        ("BZPOPMAX none z 0", "*3|$1|z|$1|d|$1|4"),
        ("BZMPOP 0 2 none z MIN COUNT 9", "*2|$1|z|*1|*2|$1|c|$1|3"),
        ("ZMPOP 2 none z MIN", "*-1"),
        ("ZMPOP 0 z MIN", "-ERR numkeys should be greater than 0"),
        ("ZMPOP 2 z MIN", "-ERR syntax error"),
        (
            "ZMPOP 1 z MIN COUNT 0",
            "-ERR count should be greater than 0",
        ),
        ("ZMPOP 1 z FOO", "-ERR syntax error"),
        ("ZMPOP 1 z MIN COUNT 1 COUNT 1", "-ERR syntax error"),
        ("BZMPOP -1 1 z MIN", "-ERR timeout is negative"),
        ("BZMPOP x 0 z MIN", "-ERR numkeys should be greater than 0"),
        ("BZPOPMIN z -1", "-ERR timeout is negative"),
        (
            "BZPOPMIN z x",
            "-ERR timeout is not a float or out of range",
        ),
        ("SET s x", "+OK"),
        (
            "ZPOPMIN s",
            "-WRONGTYPE Operation against a key holding the wrong kind of value",
        ),
        (
            "ZMPOP 1 s MIN",
            "-WRONGTYPE Operation against a key holding the wrong kind of value",
        ),
        (
            "BZPOPMIN none s 0",
            "-WRONGTYPE Operation against a key holding the wrong kind of value",
        ),
    ]);
}

#[test]
fn sets_are_united_intersected_and_subtracted() {
    Harness::new().expect(&[
        ("ZADD x 1 a 2 b 3 c", ":3"),
        ("ZADD y 10 b 20 c 30 d", ":3"),
        ("SADD s a c 7", ":3"),
        ("ZUNION 2 x y", "*4|$1|a|$1|b|$1|c|$1|d"),
        (
            "ZUNION 2 x y WITHSCORES",
            "*8|$1|a|$1|1|$1|b|$2|12|$1|c|$2|23|$1|d|$2|30",
        ),
        (
            "ZUNION 3 x y s WITHSCORES WEIGHTS 1 2 3",
            "*10|$1|7|$1|3|$1|a|$1|4|$1|b|$2|22|$1|c|$2|46|$1|d|$2|60",
        ),
        (
            "ZUNION 2 x y WITHSCORES AGGREGATE MIN",
            "*8|$1|a|$1|1|$1|b|$1|2|$1|c|$1|3|$1|d|$2|30",
        ),
        (
            "ZUNION 2 x y WITHSCORES AGGREGATE max",
            "*8|$1|a|$1|1|$1|b|$2|10|$1|c|$2|20|$1|d|$2|30",
        ),
        (
            "ZUNION 2 x none WITHSCORES",
            "*6|$1|a|$1|1|$1|b|$1|2|$1|c|$1|3",
        ),
        ("ZINTER 2 x y", "*2|$1|b|$1|c"),
        (
            "ZINTER 2 x y WITHSCORES WEIGHTS 2 -1",
            "*4|$1|c|$3|-14|$1|b|$2|-6",
        ),
        ("ZINTER 3 x y s WITHSCORES AGGREGATE MAX", "*2|$1|c|$2|20"),
        ("ZINTER 2 x none", "*0"),
        (
            "ZINTER 2 x x WITHSCORES",
            "*6|$1|a|$1|2|$1|b|$1|4|$1|c|$1|6",
        ),
        ("ZDIFF 2 x y WITHSCORES", "*2|$1|a|$1|1"),
        ("ZDIFF 2 x s", "*1|$1|b"),
        ("ZDIFF 2 none x", "*0"),
        ("ZINTERCARD 2 x y", ":2"),
        ("ZINTERCARD 2 x y LIMIT 1", ":1"),
        ("ZINTERCARD 2 x y LIMIT 0", ":2"),
        ("ZINTERCARD 2 x none", ":0"),
        ("ZUNIONSTORE d 2 x s WEIGHTS 2 1", ":4"),
        (
            "ZRANGE d 0 -1 WITHSCORES",
            "*8|$1|7|$1|1|$1|a|$1|3|$1|b|$1|4|$1|c|$1|7",
        ),
        ("ZINTERSTORE d 2 x y AGGREGATE MIN", ":2"),
        ("ZRANGE d 0 -1 WITHSCORES", "*4|$1|b|$1|2|$1|c|$1|3"),
        ("ZDIFFSTORE d 2 x y", ":1"),
        ("ZRANGE d 0 -1 WITHSCORES", "*2|$1|a|$1|1"),
        ("ZINTERSTORE d 2 x none", ":0"),
        ("EXISTS d", ":0"),
        ("ZUNIONSTORE x 2 x y", ":4"),
        (
            "ZRANGE x 0 -1 WITHSCORES",
            "*8|$1|a|$1|1|$1|b|$2|12|$1|c|$2|23|$1|d|$2|30",
        ),
    ]);
}

#[test]
fn the_algebra_of_sets_checks_its_arguments() {
    Harness::new().expect(&[
        ("ZADD x 1 a 2 b 3 c 4 d", ":4"),
        ("ZADD i inf a", ":1"),
        ("ZADD j -inf a", ":1"),
        ("ZUNION 2 i j WITHSCORES", "*2|$1|a|$1|0"),
        ("ZUNION 2 i j WITHSCORES WEIGHTS 0 0", "*2|$1|a|$1|0"),
        (
            "ZUNION 0 x",
            "-ERR at least 1 input key is needed for 'zunion' command",
        ),
        ("ZUNION x x", "-ERR value is not an integer or out of range"),
        ("ZUNION 2 x", "-ERR syntax error"),
        ("ZUNION 1 x WEIGHTS", "-ERR syntax error"),
        ("ZUNION 1 x WEIGHTS y", "-ERR weight value is not a float"),
        ("ZUNION 1 x AGGREGATE", "-ERR syntax error"),
        ("ZUNION 1 x AGGREGATE foo", "-ERR syntax error"),
        ("ZUNION 1 x FOO", "-ERR syntax error"),
        (
            "ZUNIONSTORE d 0 x",
            "-ERR at least 1 input key is needed for 'zunionstore' command",
        ),
        ("ZUNIONSTORE d 1 x WITHSCORES", "-ERR syntax error"),
        (
            "ZINTERSTORE d -1 x",
            "-ERR at least 1 input key is needed for 'zinterstore' command",
        ),
        ("ZDIFF 1 x WEIGHTS 1", "-ERR syntax error"),
        (
            "ZDIFFSTORE d 0 x",
            "-ERR at least 1 input key is needed for 'zdiffstore' command",
        ),
        (
            "ZINTERCARD 0 x",
            "-ERR at least 1 input key is needed for 'zintercard' command",
        ),
        (
            "ZINTERCARD x x",
            "-ERR value is not an integer or out of range",
        ),
        ("ZINTERCARD 2 x", "-ERR syntax error"),
        ("ZINTERCARD 1 x LIMIT -1", "-ERR LIMIT can't be negative"),
        ("ZINTERCARD 1 x LIMIT y", "-ERR LIMIT can't be negative"),
        ("ZINTERCARD 1 x LIMIT", "-ERR syntax error"),
        ("ZINTERCARD 1 x FOO 1", "-ERR syntax error"),
        ("SET t x", "+OK"),
        (
            "ZUNION 1 t",
            "-WRONGTYPE Operation against a key holding the wrong kind of value",
        ),
        (
            "ZUNION 2 x t FOO",
            "-WRONGTYPE Operation against a key holding the wrong kind of value",
        ),
        (
            "ZINTERCARD 2 none t",
            "-WRONGTYPE Operation against a key holding the wrong kind of value",
        ),
        ("ZUNIONSTORE t 1 x", ":4"),
        ("ZCARD t", ":4"),
    ]);
}

#[test]
fn sets_are_scanned_and_members_drawn() {
    Harness::new().expect(&[
        ("ZADD z 1.5 a 2 b", ":2"),
        ("ZSCAN z 0", "*2|$1|0|*4|$1|a|$3|1.5|$1|b|$1|2"),
        ("ZSCAN z 0 MATCH a*", "*2|$1|0|*2|$1|a|$3|1.5"),
        ("ZSCAN z 0 COUNT 0", "-ERR syntax error"),
        ("ZSCAN z x", "-ERR invalid cursor"),
        ("ZSCAN none 0", "*2|$1|0|*0"),
        ("ZREM z b", ":1"),
        ("ZRANDMEMBER z", "$1|a"),
        ("ZRANDMEMBER z 5", "*1|$1|a"),
        ("ZRANDMEMBER z 5 WITHSCORES", "*2|$1|a|$3|1.5"),
        ("ZRANDMEMBER z -2 WITHSCORES", "*4|$1|a|$3|1.5|$1|a|$3|1.5"),
        ("ZRANDMEMBER z 0", "*0"),
        ("ZRANDMEMBER none", "$-1"),
        ("ZRANDMEMBER none 2", "*0"),
        (
            "ZRANDMEMBER z x",
            "-ERR value is not an integer or out of range",
        ),
        ("ZRANDMEMBER z 1 FOO", "-ERR syntax error"),
        ("ZRANDMEMBER z 1 WITHSCORES x", "-ERR syntax error"),
    ]);
}

#[test]
fn other_types_are_refused() {
    Harness::new().expect(&[
        ("SET s x", "+OK"),
        (
            "ZADD s 1 a",
            "-WRONGTYPE Operation against a key holding the wrong kind of value",
        ),
        (
            "ZINCRBY s 1 a",
            "-WRONGTYPE Operation against a key holding the wrong kind of value",
        ),
        (
            "ZREM s a",
            "-WRONGTYPE Operation against a key holding the wrong kind of value",
        ),
        (
            "ZCARD s",
            "-WRONGTYPE Operation against a key holding the wrong kind of value",
        ),
        (
            "ZCOUNT s 0 1",
            "-WRONGTYPE Operation against a key holding the wrong kind of value",
        ),
        (
            "ZLEXCOUNT s - +",
            "-WRONGTYPE Operation against a key holding the wrong kind of value",
        ),
        (
            "ZSCORE s a",
            "-WRONGTYPE Operation against a key holding the wrong kind of value",
        ),
        (
            "ZMSCORE s a",
            "-WRONGTYPE Operation against a key holding the wrong kind of value",
        ),
        (
            "ZRANK s a",
            "-WRONGTYPE Operation against a key holding the wrong kind of value",
        ),
        (
            "ZRANGE s 0 1",
            "-WRONGTYPE Operation against a key holding the wrong kind of value",
        ),
        (
            "ZRANGESTORE d s 0 1",
            "-WRONGTYPE Operation against a key holding the wrong kind of value",
        ),
        (
            "ZREMRANGEBYRANK s 0 1",
            "-WRONGTYPE Operation against a key holding the wrong kind of value",
        ),
        (
            "ZRANDMEMBER s",
            "-WRONGTYPE Operation against a key holding the wrong kind of value",
        ),
        (
            "ZSCAN s 0",
            "-WRONGTYPE Operation against a key holding the wrong kind of value",
        ),
    ]);
}

#[test]
fn resp3_has_doubles_and_pairs() {
    let mut harness = Harness::new();
    harness.protocol = Protocol::Resp3;
    harness.expect(&[
        ("ZADD z 1 a 2.5 b inf c", ":3"),
        ("ZADD z INCR 1 a", ",2"),
        ("ZINCRBY z 1 a", ",3"),
        ("ZADD z NX INCR 1 a", "_"),
        ("ZSCORE z b", ",2.5"),
        ("ZSCORE z none", "_"),
        ("ZMSCORE z b none", "*2|,2.5|_"),
        (
            "ZRANGE z 0 -1 WITHSCORES",
            "*3|*2|$1|b|,2.5|*2|$1|a|,3|*2|$1|c|,inf",
        ),
        (
            "ZRANGEBYSCORE z 0 9 WITHSCORES",
            "*2|*2|$1|b|,2.5|*2|$1|a|,3",
        ),
        (
            "ZUNION 1 z WITHSCORES",
            "*3|*2|$1|b|,2.5|*2|$1|a|,3|*2|$1|c|,inf",
        ),
        (
            "ZDIFF 1 z WITHSCORES",
            "*3|*2|$1|b|,2.5|*2|$1|a|,3|*2|$1|c|,inf",
        ),
        ("ZRANDMEMBER z -2 FOO", "-ERR syntax error"),
        ("ZPOPMIN z 1", "*1|*2|$1|b|,2.5"),
        ("ZPOPMIN z", "*2|$1|a|,3"),
        ("ZADD z 1 a 2 b 3 c", ":2"),
        ("ZMPOP 1 z MIN", "*2|$1|z|*1|*2|$1|a|,1"),
        ("BZPOPMIN z 0", "*3|$1|z|$1|b|,2"),
        ("ZSCAN z 0", "*2|$1|0|*2|$1|c|$1|3"),
        ("ZRANDMEMBER z 1 WITHSCORES", "*1|*2|$1|c|,3"),
        ("ZPOPMIN z 5", "*1|*2|$1|c|,3"),
        ("ZPOPMIN z", "*0"),
        ("ZPOPMIN z 5", "*0"),
        ("ZMPOP 1 z MIN", "_"),
        ("ZRANK z a", "_"),
    ]);
}

#[test]
fn ranks_come_with_scores() {
    Harness::new().expect(&[
        ("ZADD z 1 a 2.5 b", ":2"),
        ("ZRANK z b WITHSCORE", "*2|:1|$3|2.5"),
        ("ZREVRANK z b withscore", "*2|:0|$3|2.5"),
        ("ZRANK z none WITHSCORE", "*-1"),
        ("ZRANK z a FOO", "-ERR syntax error"),
        (
            "ZRANK z a WITHSCORE x",
            "-ERR wrong number of arguments for 'zrank' command",
        ),
    ]);
}

#[test]
fn what_was_taken_is_logged() {
    let mut harness = Harness::new();
    for (line, logged) in [
        ("ZADD z 1 a 2 b 3 c 4 d 5 e", "ZADD z 1 a 2 b 3 c 4 d 5 e"),
        ("ZADD z 1 a", ""),
        ("ZADD z GT 0 a", ""),
        ("ZINCRBY z 0 a", ""),
        ("ZINCRBY z 0.1 a", "ZINCRBY z 0.1 a"),
        ("ZPOPMIN z", "ZPOPMIN z 1"),
        ("BZPOPMAX none z 0", "ZPOPMAX z 1"),
        ("ZMPOP 2 none z MIN", "ZPOPMIN z 1"),
        ("ZRANGESTORE d z 0 0", "ZRANGESTORE d z 0 0"),
        ("ZUNIONSTORE d 1 none", "ZUNIONSTORE d 1 none"),
        ("ZUNIONSTORE d 1 none", ""),
        ("ZREM z none", ""),
        ("BZMPOP 0 1 z MAX COUNT 100", "ZPOPMAX z 2"),
        ("ZPOPMIN z", ""),
    ] {
        harness.run(line);
        assert_eq!(harness.logged, logged, "{line}");
    }
}

#[test]
fn an_expired_source_is_gone_before_a_result_is_stored() {
    let mut harness = Harness::new();
    harness.run("ZADD x 1 a");
    harness.run("ZADD y 2 b");
    harness.run("PEXPIRE x 10");
    harness.wait_ms(10);
    assert_eq!(harness.run("ZUNIONSTORE d 2 x y"), ":1");
    assert_eq!(harness.logged, "DEL x; ZUNIONSTORE d 2 x y");
}

#[test]
fn subscribers_hear_of_changes() {
    let mut harness = Harness::new();
    harness.listen();
    for (line, heard) in [
        ("ZADD z 1 a 2 b 3 c 4 d 5 e 6 f", "zadd z"),
        ("ZADD z 1 a", ""),
        ("ZINCRBY z 1 a", "zincr z"),
        ("ZADD z INCR 1 a", "zincr z"),
        ("ZREM z a", "zrem z"),
        ("ZPOPMIN z", "zpopmin z"),
        ("ZREMRANGEBYRANK z 0 0", "zremrangebyrank z"),
        ("ZUNIONSTORE d 1 z", "zunionstore d"),
        ("ZDIFFSTORE d 2 z z", "del d"),
        ("ZRANGESTORE d z 0 0", "zrangestore d"),
        ("ZREMRANGEBYSCORE d -inf inf", "zremrangebyscore d, del d"),
        ("BZMPOP 0 1 z MAX COUNT 9", "zpopmax z, del z"),
    ] {
        harness.run(line);
        assert_eq!(harness.heard(), heard, "{line}");
    }
}

#[test]
fn a_command_waits_where_it_may() {
    let mut harness = Harness::new();
    assert_eq!(harness.run("BZPOPMIN a b 0"), "*-1");
    assert_eq!(harness.run("BZMPOP 1 1 a MIN"), "*-1");
    harness.caller.may_block = true;
    for line in [
        "BZPOPMIN a b 0.5",
        "BZPOPMAX a b 0.5",
        "BZMPOP 0.5 2 a b MAX",
    ] {
        assert_eq!(harness.run(line), "", "{line}");
        let block = harness.outcome.block.take().expect("the command waits");
        assert_eq!(block.timeout_ms, Some(500), "{line}");
        assert_eq!(block.keys.len(), 2, "{line}");
    }
}

#[test]
fn large_sets_are_drawn_from_and_scanned() {
    let mut harness = Harness::new();
    for number in 0..500 {
        harness.run(&format!("ZADD z {number} m{number}"));
    }
    for count in [1, 10, 160, 400, 500] {
        let reply = harness.run(&format!("ZRANDMEMBER z {count}"));
        let members: std::collections::BTreeSet<_> = reply
            .split('|')
            .filter(|line| line.starts_with('m'))
            .collect();
        assert_eq!(members.len(), count);
    }
    assert!(harness.run("ZRANDMEMBER z -1000").starts_with("*1000|"));
    let first = harness.run("ZSCAN z 0 COUNT 100");
    assert!(!first.starts_with("*2|$1|0|"), "{first}");
}

#[test]
fn members_with_other_scores_are_walked_from_the_lowest() {
    let mut harness = Harness::new();
    harness.expect(&[
        ("ZADD z 1 a 2 b 3 c 4 d", ":4"),
        ("ZRANGE z [b [c BYLEX", "*2|$1|b|$1|c"),
        ("ZRANGE z [c (a BYLEX REV", "*2|$1|c|$1|b"),
        ("ZLEXCOUNT z - (c", ":2"),
        ("ZRANGESTORE d z [b [c BYLEX", ":2"),
        ("ZREMRANGEBYLEX z (b +", ":2"),
        ("ZRANGE z 0 -1", "*2|$1|a|$1|b"),
        ("ZRANGEBYLEX z [x +", "*0"),
    ]);
}
