"""Counting what people do: the basket, and three ways to limit how often. Caller: `__main__.py`."""

import time

from redis import WatchError

from world import expect


def basket_counter(world):
    """A basket per visitor in a hash, a counter of sales, a set of distinct visitors."""
    link = world.client()
    for visitor in range(20):
        for item in ("apple", "pear", "apple"):
            link.hincrby(f"basket:{visitor}", item, 1)
            link.incr("sold")
        link.sadd("visitors", visitor)
    yield
    link = world.client()
    expect(link.hgetall("basket:7"), {"apple": "2", "pear": "1"}, "a basket")
    expect(link.hincrby("basket:7", "pear", -1), 0, "one pear put back")
    link.hdel("basket:7", "pear")
    yield
    link = world.client()
    expect(link.hgetall("basket:7"), {"apple": "2"}, "the basket without pears")
    expect((int(link.get("sold")), link.scard("visitors")), (60, 20), "the counters")


def fixed_window(world):
    """At most 5 calls a window: INCR, and EXPIRE on the first."""
    link = world.client()

    def allowed(window):
        count = link.incr(f"calls:{window}")
        if count == 1:
            link.expire(f"calls:{window}", 60)
        return count <= 5

    expect([allowed(1) for _ in range(7)], [True] * 5 + [False] * 2, "calls of the first window")
    yield
    link = world.client()
    expect(allowed(1), False, "a call after the restart")
    expect(0 < link.ttl("calls:1") <= 60, True, "the window still ends")
    expect(allowed(2), True, "the next window")


def sliding_window(world):
    """At most 3 calls in the last second: a sorted set of times, trimmed and counted at once."""
    link = world.client()

    def allowed(number):
        now = time.time()
        pipe = link.pipeline(transaction=True)
        pipe.zremrangebyscore("recent", 0, now - 1).zadd("recent", {f"call{number}": now}).zcard("recent")
        pipe.expire("recent", 10)
        return pipe.execute()[2] <= 3

    expect([allowed(number) for number in range(5)], [True] * 3 + [False] * 2, "five calls at once")
    yield
    link = world.client()
    expect(link.zcard("recent"), 5, "the calls that are remembered")
    time.sleep(1.05)
    expect(allowed(9), True, "a call a second later")


def token_bucket(world):
    """A bucket of 10 tokens that fills by 20 a second, under WATCH."""
    link = world.client()

    def take(tokens):
        while True:
            with link.pipeline() as pipe:
                try:
                    pipe.watch("bucket")
                    level, at = pipe.hmget("bucket", "level", "at")
                    now = time.time()
                    level = min(10.0, float(level or 10) + 20 * (now - float(at or now)))
                    pipe.multi()
                    granted = level >= tokens
                    pipe.hset("bucket", mapping={"level": level - tokens * granted, "at": now})
                    pipe.execute()
                    return granted
                except WatchError:
                    continue

    expect([take(5), take(5)], [True, True], "ten tokens")
    expect(take(9), False, "more than there are")
    yield
    link = world.client()
    time.sleep(0.55)
    expect(take(9), True, "after it has filled again")
