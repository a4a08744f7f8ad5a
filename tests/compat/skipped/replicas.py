"""A redis-server that follows the server under test: it gets a snapshot, then what is committed.
Caller: `__main__.py`."""

import random
import shutil

from place import Place, expect, stat, wait_for
from servers import flavour_of

_FOLLOWER = "redis-server"


def _write(link, numbers):
    """Some of every kind, with deadlines, removals and transactions."""
    for number in numbers:
        name = f"{number % 97}"
        pipe = link.pipeline(transaction=number % 3 == 0)
        pipe.set(f"s{name}", number, px=600_000 if number % 5 == 0 else None)
        pipe.incr(f"n{name}")
        pipe.rpush(f"l{name}", number, "x")
        pipe.lpop(f"l{name}")
        pipe.sadd(f"t{name}", number, number + 1)
        pipe.spop(f"t{name}")
        pipe.hset(f"h{name}", f"f{number}", number)
        pipe.hincrbyfloat(f"h{name}", "sum", 0.1)
        pipe.zadd(f"z{name}", {f"m{number % 7}": number / 3})
        if number % 11 == 0:
            pipe.delete(f"l{name}")
        pipe.execute()


def _contents(link):
    read = {
        "string": link.get,
        "list": lambda key: link.lrange(key, 0, -1),
        "set": lambda key: sorted(link.smembers(key)),
        "hash": link.hgetall,
        "zset": lambda key: link.zrange(key, 0, -1, withscores=True),
    }
    return {
        key: (read[link.type(key)](key), link.pexpiretime(key))
        for key in sorted(link.keys("*"))
    }


def a_redis_server_follows(place):
    """It holds the same after a full synchronisation under load, and after its link broke."""
    if shutil.which(_FOLLOWER) is None:
        raise AssertionError(f"a peer is missing: {_FOLLOWER} (Debian: redis-server)")
    draw = random.Random(20)
    with place.server() as (server, link), Place(flavour_of(_FOLLOWER)).server(mode="volatile") as (_, follower):
        link.flushall()
        _write(link, range(500))
        follower.replicaof("127.0.0.1", server.port)
        _write(link, range(500, 1500))

        def is_linked():
            return stat(follower, "replication", "master_link_status") == "up"

        expect(wait_for(is_linked, 30), True, "the link is up")
        for _ in range(2):
            _write(link, [draw.randrange(100_000) for _ in range(300)])
            link.set("mark", draw.random())
            caught_up = wait_for(lambda: follower.get("mark") == link.get("mark"), 30)
            expect(caught_up, True, "the follower has it all")
            expect(_contents(follower), _contents(link), "the follower's data")
            follower.client_kill_filter(_type="master")
            expect(wait_for(is_linked, 30), True, "the link is up again")
        expect(stat(link, "replication", "connected_slaves"), "1", "replicas")


TESTS = [a_redis_server_follows]
