"""Hit rates of LRU and LFU under a Zipf load, beside redis-server. Caller: `__main__.py`.

Each server gets as much memory as a fixed share of the keys needs *on that server*, so that the
policies are compared and not the memory per key.
"""

import bisect
import itertools
import random

from servers import Server
from servers.wire import Wire, encode
from servers.wire import load as wire_load

POLICIES = ("allkeys-lru", "allkeys-lfu")
KEYS = 100_000
SHARE = 0.2
EXPONENT = 0.9
_VALUE = "x" * 100
_BATCH = 50


def _zipf(seed):
    """An endless sequence of key numbers; number 0 is the most wanted."""
    weights = list(itertools.accumulate(1 / (rank**EXPONENT) for rank in range(1, KEYS + 1)))
    source = random.Random(seed)
    while True:
        yield bisect.bisect(weights, source.random() * weights[-1])


def _used(wire):
    text = wire.command("INFO", "memory").decode()
    return next(int(line.split(":")[1]) for line in text.splitlines() if line.startswith("used_memory:"))


def _name(number):
    # The most wanted keys are spread over the keyspace.
    return f"key:{number * 7919 % KEYS:08d}"


def _get_batch(wire, names):
    """GETs of a batch; for each whether it hit."""
    wire.link.sendall(b"".join(encode("GET", name) for name in names))
    hits = []
    for _ in names:
        line = wire.line()
        hits.append(line != b"$-1")
        if line != b"$-1":
            wire.line()
    return hits


def hit_rate(flavour, policy, requests=600_000, seed=7):
    """The share of hits in the second half of a cache's life."""
    with Server(flavour, mode="volatile" if flavour.volatile else "durable") as server:
        wire = Wire(server.port)
        empty = _used(wire)
        wire_load(server.port, (encode("SET", _name(number), _VALUE) for number in range(KEYS)))
        need = _used(wire) - empty
        wire.command("FLUSHALL")
        wire.command("CONFIG", "SET", "maxmemory", _used(wire) + int(SHARE * need))
        wire.command("CONFIG", "SET", "maxmemory-policy", policy)
        numbers = _zipf(seed)
        hits = asked = 0
        for start in range(0, requests, _BATCH):
            names = [_name(number) for number in itertools.islice(numbers, _BATCH)]
            found = _get_batch(wire, names)
            missed = [encode("SET", name, _VALUE) for name, hit in zip(names, found, strict=True) if not hit]
            if missed:
                wire.run(b"".join(missed), len(missed))
            if start >= requests // 2:
                hits += sum(found)
                asked += len(found)
        held = int(wire.command("DBSIZE"))
        wire.close()
        return hits / asked, held
