"""Keeping things for a while: cache-aside, sessions, a feed, tags, a leaderboard. Caller: `__main__.py`."""

import time
import uuid

from servers.wire import encode
from servers.wire import load as wire_load
from world import expect

BOARD_MEMBERS = 1_000_000


def cache_aside(world):
    """Read through a cache with a time to live; a write to the source drops the cached value."""
    link = world.client()
    source = {f"product:{n}": f"price {n}" for n in range(50)}
    loads = []

    def read(name):
        cached = link.get(f"cache:{name}")
        if cached is None:
            loads.append(name)
            cached = source[name]
            link.set(f"cache:{name}", cached, ex=300)
        return cached

    for name in list(source) * 2:
        expect(read(name), source[name], name)
    expect(len(loads), 50, "loads from the source")
    source["product:7"] = "price 8"
    link.delete("cache:product:7")
    yield
    link = world.client()
    expect(read("product:7"), "price 8", "the new price")
    expect((read("product:3"), len(loads)), ("price 3", 51), "the other values are still cached")


def session_store(world):
    """Sessions as hashes with a time to live that each visit renews; short ones end on time."""
    link = world.client()
    tokens = [str(uuid.uuid4()) for _ in range(30)]
    for number, token in enumerate(tokens):
        link.pipeline(transaction=True).hset(f"session:{token}", mapping={"user": number, "visits": 0}).expire(
            f"session:{token}", 1800
        ).execute()
    link.set("session:short", "x", px=300)
    link.hincrby(f"session:{tokens[3]}", "visits", 1)
    link.expire(f"session:{tokens[3]}", 3600)
    link.delete(f"session:{tokens[4]}")
    yield
    link = world.client()
    expect(link.hgetall(f"session:{tokens[3]}"), {"user": "3", "visits": "1"}, "a session")
    expect(1800 < link.ttl(f"session:{tokens[3]}") <= 3600, True, "its renewed time to live")
    expect(link.exists(f"session:{tokens[4]}"), 0, "a session after its log-out")
    time.sleep(0.35)
    expect(link.get("session:short"), None, "a session past its end")
    expect(sum(1 for _ in link.scan_iter("session:*", count=7)), 29, "the sessions that SCAN finds")


def tags(world):
    """Articles by tag: sets, and their intersections and unions."""
    link = world.client()
    for number in range(1, 301):
        for divisor, tag in ((2, "even"), (3, "three"), (5, "five")):
            if number % divisor == 0:
                link.sadd(f"tag:{tag}", number)
    yield
    link = world.client()
    expect(len(link.sinter("tag:even", "tag:three", "tag:five")), 10, "articles with all three tags")
    expect(link.sinterstore("both", "tag:even", "tag:three"), 50, "articles with two tags")
    expect(link.scard("both"), 50, "the stored intersection")
    expect(link.sunionstore("any", "tag:even", "tag:three", "tag:five"), 220, "articles with any tag")
    expect(link.sdiffstore("odd", "any", "tag:even"), 70, "tagged, but not even")
    yield
    link = world.client()
    expect((link.scard("both"), link.scard("any"), link.scard("odd")), (50, 220, 70), "what was stored")


def feed(world):
    """The last 500 messages: LPUSH and LTRIM."""
    link = world.client()
    for start in range(0, 1200, 100):
        pipe = link.pipeline(transaction=True)
        for number in range(start, start + 100):
            pipe.lpush("feed", f"message {number}")
        pipe.ltrim("feed", 0, 499)
        pipe.execute()
    yield
    link = world.client()
    expect(link.llen("feed"), 500, "the length of the feed")
    expect(link.lrange("feed", 0, 1), ["message 1199", "message 1198"], "the newest")
    expect(link.lindex("feed", -1), "message 700", "the oldest")


def leaderboard(world):
    """The top and a rank among a million players."""
    link = world.client()
    count = BOARD_MEMBERS
    wire_load(world.port, (encode("ZADD", "board", n * 7919 % count, f"player{n}") for n in range(count)))

    def check(link):
        # 7919 is a prime that does not divide the count, so that each score occurs once.
        top = link.zrevrange("board", 0, 9, withscores=True)
        expect([int(score) for _, score in top], list(range(count - 1, count - 11, -1)), "the top ten scores")
        player = f"player{count // 3}"
        score = count // 3 * 7919 % count
        expect(link.zscore("board", player), float(score), "a score")
        expect(link.zrank("board", player), score, "a rank from below")
        expect(link.zrevrank("board", player), count - 1 - score, "a rank from the top")
        expect(link.zcount("board", 100, 199), 100, "players in a range of scores")

    check(link)
    yield
    link = world.client()
    check(link)
    link.zincrby("board", count, "player5")
    expect(link.zrevrank("board", "player5"), 0, "the new leader")
    expect(link.zrevrange("board", 0, 0), ["player5"], "the new leader's name")
