//! What the geo commands answer, log and announce. Replies are those of Redis 7.0.15.

use crate::commands::testing::Harness;
use holdfast_resp::Protocol;

#[test]
fn places_are_added() {
    Harness::new().expect(&[
        (
            "GEOADD s 13.361389 38.115556 Palermo 15.087269 37.502669 Catania",
            ":2",
        ),
        ("GEOADD s NX CH 13 38 Palermo 14 38 Cefalu", ":1"),
        ("GEOADD s XX CH 14.5 38.5 Cefalu 1 1 none", ":1"),
        ("GEOADD s XX 14.5 38.5 Cefalu", ":0"),
        ("GEOADD none XX 1 1 a", ":0"),
        ("GEOADD s NX XX 1 1 a", "-ERR syntax error"),
        ("GEOADD s NX CH CH", "-ERR syntax error"),
        (
            "GEOADD s 181 1 a",
            "-ERR invalid longitude,latitude pair 181.000000,1.000000",
        ),
        (
            "GEOADD s 1 -85.06 a",
            "-ERR invalid longitude,latitude pair 1.000000,-85.060000",
        ),
        (
            "GEOADD s inf 1 a",
            "-ERR invalid longitude,latitude pair inf,1.000000",
        ),
        ("GEOADD s x 1 a", "-ERR value is not a valid float"),
        ("ZSCORE s Palermo", "$16|3479099956230698"),
    ]);
}

#[test]
fn places_and_distances_of_members_are_told() {
    Harness::new().expect(&[
        ("GEOADD s 13.361389 38.115556 Palermo 15.087269 37.502669 Catania", ":2"),
        ("GEODIST s Palermo Catania", "$11|166274.1516"),
        ("GEODIST s Palermo Catania km", "$8|166.2742"),
        ("GEODIST s Palermo Catania FT", "$11|545518.8700"),
        ("GEODIST s Palermo Catania mi", "$8|103.3182"),
        ("GEODIST s Palermo Palermo", "$6|0.0000"),
        ("GEODIST s Palermo none", "$-1"),
        ("GEODIST none a b", "$-1"),
        ("GEODIST s Palermo Catania x", "-ERR unsupported unit provided. please use M, KM, FT, MI"),
        ("GEODIST s Palermo Catania m m", "-ERR syntax error"),
        ("GEOHASH s Palermo Catania none", "*3|$11|sqc8b49rny0|$11|sqdtr74hyu0|$-1"),
        ("GEOHASH none a", "*1|$-1"),
        ("GEOPOS s Palermo none Catania", "*3|*2|$20|13.36138933897018433|$20|38.11555639549629859|*-1|*2|$20|15.08726745843887329|$20|37.50266842333162032"),
        ("GEOPOS none a", "*1|*-1"),
        ("GEOADD edge 180 85.05112878 ne -180 -85.05112878 sw 180 0 e 0 0 o", ":4"),
        ("GEOPOS edge ne sw e o", "*4|*2|$3|180|$19|85.0511287799999991|*2|$22|-179.99999731779098511|$21|-85.05112751263942528|*2|$3|180|$19|0.00000126736058093|*2|$19|0.00000268220901489|$19|0.00000126736058093"),
        ("GEOHASH edge ne sw e o", "*4|$11|bp05b5048p0|$11|00bh0hbj200|$11|80000000000|$11|s0000000000"),
        ("ZADD odd -1 a 1e19 b inf c -inf d", ":4"),
        ("GEOPOS odd a b c d", "*4|*2|$3|180|$19|85.0511287799999991|*2|$3|180|$19|85.0511287799999991|*2|$22|-179.99999731779098511|$21|-85.05112751263942528|*2|$3|180|$21|-85.05112751263942528"),
        ("GEOHASH odd a b c d", "*4|$11|bp05b5048p0|$11|bp05b5048p0|$11|00bh0hbj200|$11|00bh0hbj200"),
    ]);
}

#[test]
fn members_within_a_shape_are_found() {
    Harness::new().expect(&[
        ("GEOADD s 13.361389 38.115556 Palermo 15.087269 37.502669 Catania 12.758489 38.788135 edge1 17.241510 38.788135 edge2", ":4"),
        ("GEORADIUS s 15 37 200 km", "*2|$7|Palermo|$7|Catania"),
        ("GEORADIUS s 15 37 200 km DESC WITHDIST", "*2|*2|$7|Palermo|$8|190.4424|*2|$7|Catania|$7|56.4413"),
        ("GEORADIUS_RO s 15 37 200 km ASC WITHCOORD WITHDIST WITHHASH COUNT 1", "*1|*4|$7|Catania|$7|56.4413|:3479447370796909|*2|$20|15.08726745843887329|$20|37.50266842333162032"),
        ("GEORADIUSBYMEMBER s Palermo 100 mi WITHDIST COUNT 2", "*2|*2|$7|Palermo|$6|0.0000|*2|$5|edge1|$7|56.7939"),
        ("GEORADIUSBYMEMBER_RO s Palermo 100 MI", "*2|$7|Palermo|$5|edge1"),
        ("GEOSEARCH s FROMLONLAT 15 37 BYBOX 400 400 km ASC WITHDIST", "*4|*2|$7|Catania|$7|56.4413|*2|$7|Palermo|$8|190.4424|*2|$5|edge2|$8|279.7403|*2|$5|edge1|$8|279.7405"),
        ("GEOSEARCH s FROMLONLAT 15 37 BYBOX 2000 10 km", "*0"),
        ("GEOSEARCH s FROMMEMBER edge1 BYRADIUS 0 m", "*1|$5|edge1"),
        ("GEOSEARCH s FROMMEMBER edge1 BYRADIUS 5000 km COUNT 3 ANY", "*3|$7|Palermo|$5|edge1|$7|Catania"),
        ("GEOSEARCH s FROMMEMBER edge1 BYRADIUS 50000 km COUNT 3 DESC", "*3|$5|edge2|$7|Catania|$7|Palermo"),
        ("GEOSEARCH none FROMMEMBER a BYRADIUS 1 m", "*0"),
        ("GEORADIUSBYMEMBER none a x y", "*0"),
    ]);
}

#[test]
fn what_was_found_is_stored() {
    Harness::new().expect(&[
        ("GEOADD s 13.361389 38.115556 Palermo 15.087269 37.502669 Catania 12.758489 38.788135 edge1 17.241510 38.788135 edge2", ":4"),
        ("GEORADIUS s 15 37 200 km STORE to", ":2"),
        ("ZRANGE to 0 -1 WITHSCORES", "*4|$7|Palermo|$16|3479099956230698|$7|Catania|$16|3479447370796909"),
        ("GEORADIUSBYMEMBER s Palermo 200 km STOREDIST to", ":3"),
        ("ZRANGE to 0 -1", "*3|$7|Palermo|$5|edge1|$7|Catania"),
        ("GEOSEARCHSTORE to s FROMLONLAT 15 37 BYBOX 400 400 km COUNT 1", ":1"),
        ("ZRANGE to 0 -1 WITHSCORES", "*2|$7|Catania|$16|3479447370796909"),
        ("GEOSEARCHSTORE to s FROMLONLAT 0 0 BYBOX 1 1 m STOREDIST", ":0"),
        ("EXISTS to", ":0"),
        ("GEORADIUS none 15 37 200 km STORE s", ":0"),
        ("EXISTS s", ":0"),
    ]);
}

#[test]
fn what_is_malformed_is_refused() {
    Harness::new().expect(&[
        ("GEOADD s 13.361389 38.115556 Palermo 15.087269 37.502669 Catania", ":2"),
        ("RPUSH l a", ":1"),
        ("GEORADIUS l 15 37 x km", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
        ("GEORADIUS s 15 37 x km", "-ERR need numeric radius"),
        ("GEORADIUS s 15 37 -1 km", "-ERR radius cannot be negative"),
        ("GEORADIUS s 15 37 1 nosuch", "-ERR unsupported unit provided. please use M, KM, FT, MI"),
        ("GEORADIUS s 200 37 1 km", "-ERR invalid longitude,latitude pair 200.000000,37.000000"),
        ("GEORADIUS s 15 37 1 km COUNT 0", "-ERR COUNT must be > 0"),
        ("GEORADIUS s 15 37 1 km COUNT x", "-ERR value is not an integer or out of range"),
        ("GEORADIUS s 15 37 1 km COUNT", "-ERR syntax error"),
        ("GEORADIUS s 15 37 1 km ANY", "-ERR the ANY argument requires COUNT argument"),
        ("GEORADIUS s 15 37 1 km STORE to WITHDIST", "-ERR STORE option in GEORADIUS is not compatible with WITHDIST, WITHHASH and WITHCOORD options"),
        ("GEORADIUS_RO s 15 37 1 km STORE to", "-ERR syntax error"),
        ("GEORADIUSBYMEMBER s none 1 km", "-ERR could not decode requested zset member"),
        ("GEOSEARCH s FROMMEMBER none BYRADIUS 1 km", "-ERR could not decode requested zset member"),
        ("GEOSEARCH s FROMMEMBER Palermo FROMLONLAT 1 1 BYRADIUS 1 km", "-ERR syntax error"),
        ("GEOSEARCH s FROMLONLAT 1 1 FROMMEMBER Palermo BYRADIUS 1 km", "-ERR syntax error"),
        ("GEOSEARCH s FROMMEMBER Palermo BYRADIUS 1 km BYBOX 1 1 km", "-ERR syntax error"),
        ("GEOSEARCH s FROMMEMBER Palermo BYBOX x 1 km", "-ERR need numeric width"),
        ("GEOSEARCH s FROMMEMBER Palermo BYBOX 1 x km", "-ERR need numeric height"),
        ("GEOSEARCH s FROMMEMBER Palermo BYBOX 1 -1 km", "-ERR height or width cannot be negative"),
        ("GEOSEARCH s BYRADIUS 1 km ASC ASC", "-ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for GEOSEARCH"),
        ("geosearch s FROMMEMBER Palermo ASC ASC ASC", "-ERR exactly one of BYRADIUS and BYBOX can be specified for geosearch"),
        ("GEOSEARCH s FROMMEMBER Palermo BYRADIUS 1 km STOREDIST", "-ERR syntax error"),
        ("GEOSEARCH s FROMMEMBER Palermo BYRADIUS 1 km STORE to", "-ERR syntax error"),
        ("GEOSEARCHSTORE to s FROMMEMBER Palermo BYRADIUS 1 km WITHCOORD", "-ERR GEOSEARCHSTORE is not compatible with WITHDIST, WITHHASH and WITHCOORD options"),
        ("GEOSEARCHSTORE to l FROMMEMBER Palermo BYRADIUS 1 km WITHCOORD", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
    ]);
}

#[test]
fn replicas_get_the_members_that_were_stored() {
    let mut harness = Harness::new();
    for (line, logged) in [
        (
            "GEOADD s 13.361389 38.115556 Palermo 15.087269 37.502669 Catania",
            "GEOADD s 13.361389 38.115556 Palermo 15.087269 37.502669 Catania",
        ),
        ("GEOADD s 13.361389 38.115556 Palermo", ""),
        ("GEORADIUS s 15 37 200 km", ""),
        (
            "GEORADIUS s 15 37 200 km STORE to",
            "ZADD to 3479099956230698 Palermo 3479447370796909 Catania",
        ),
        (
            "GEOSEARCHSTORE to s FROMLONLAT 15 37 BYRADIUS 100 km STOREDIST",
            "DEL to; ZADD to 56.4412578701582 Catania",
        ),
        ("GEOSEARCHSTORE to s FROMLONLAT 0 0 BYRADIUS 1 m", "DEL to"),
        ("GEORADIUSBYMEMBER none a 1 m STORE to", ""),
    ] {
        harness.run(line);
        assert_eq!(harness.logged, logged, "{line}");
    }
}

#[test]
fn events_have_their_names() {
    let mut harness = Harness::new();
    harness.listen();
    for line in [
        "GEOADD s 13.361389 38.115556 Palermo",
        "GEORADIUS s 13 38 200 km STORE to",
        "GEOSEARCHSTORE to s FROMLONLAT 13 38 BYRADIUS 100 km",
        "GEOSEARCHSTORE to s FROMLONLAT 0 0 BYRADIUS 1 m",
    ] {
        harness.run(line);
    }
    assert_eq!(
        harness.heard(),
        "zadd s, georadiusstore to, geosearchstore to, del to"
    );
}

#[test]
fn places_are_numbers_in_resp3_and_distances_are_texts() {
    let mut harness = Harness::new();
    harness.protocol = Protocol::Resp3;
    harness.expect(&[
        ("GEOADD s 13.361389 38.115556 Palermo", ":1"),
        (
            "GEOPOS s Palermo none",
            "*2|*2|,13.36138933897018433|,38.11555639549629859|_",
        ),
        (
            "GEOSEARCH s FROMMEMBER Palermo BYRADIUS 1 m WITHDIST WITHCOORD",
            "*1|*3|$7|Palermo|$6|0.0000|*2|,13.36138933897018433|,38.11555639549629859",
        ),
        ("GEODIST s Palermo none", "_"),
    ]);
}
