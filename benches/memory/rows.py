"""Bytes per key of four kinds of data, as used_memory and as resident memory tell. Caller: `__main__.py`.

The figure is the larger of used_memory and resident memory / 1.15, each minus the empty server's:
an allocator that hides its waste gains nothing.
"""

import time
from dataclasses import dataclass
from typing import Callable

from servers import Server
from servers.wire import Wire
from servers.wire import load as wire_load

RESIDENT_SHARE = 1.15


@dataclass(frozen=True)
class Row:
    """One kind of data, what it may cost, and how it is loaded."""

    name: str
    keys: int
    limit: int
    commands: Callable
    per_batch: int = 1000


def _strings(count):
    form = b"*3\r\n$3\r\nSET\r\n$14\r\nkey:%010d\r\n$32\r\n%032d\r\n"
    return (form % (number, number) for number in range(count))


def _hashes(count):
    fields = b"".join(b"$3\r\nf%02d\r\n$16\r\n%%016d\r\n" % field for field in range(5))
    form = b"*12\r\n$4\r\nHSET\r\n$12\r\nhash:%07d\r\n" + fields
    return (form % (number, *[number * 5 + field for field in range(5)]) for number in range(count))


def _sorted_sets(members):
    def pair(member, score):
        score = b"%d" % score
        return b"$%d\r\n%s\r\n$11\r\nm%010d\r\n" % (len(score), score, member)

    def commands(count):
        # 64 different sets of members: as good as a new one for each key, and quick to make.
        bodies = []
        for kind in range(64):
            pairs = ((kind * members + n, (kind * 7919 + n * 104_729) % 10_000) for n in range(members))
            bodies.append(b"".join(pair(member, score) for member, score in pairs))
        head = b"*%d\r\n$4\r\nZADD\r\n$12\r\nzset:%%07d\r\n" % (2 + 2 * members)
        return (head % number + bodies[number % 64] for number in range(count))

    return commands


ROWS = [
    Row("5 M strings of 32 B", 5_000_000, 90, _strings),
    Row("1 M hashes of 5 fields", 1_000_000, 185, _hashes),
    Row("100 k sorted sets of 50", 100_000, 958, _sorted_sets(50), 100),
    Row("100 k sorted sets of 200", 100_000, 12_000, _sorted_sets(200), 50),
]


@dataclass
class Weight:
    """used_memory and resident memory, in bytes."""

    used: int
    resident: int


def weigh(server):
    """Both figures of a running server, now."""
    wire = Wire(server.port)
    text = wire.command("INFO", "memory").decode()
    wire.close()
    used = next(int(line.split(":")[1]) for line in text.splitlines() if line.startswith("used_memory:"))
    return Weight(used, server.status_kib("VmRSS") * 1024)


def measure(row, flavour, scale=1.0):
    """Bytes per key: judged, by used_memory, by resident memory; and the seconds that loading took."""
    count = max(1000, int(row.keys * scale))
    with Server(flavour, mode="volatile" if flavour.volatile else "durable") as server:
        empty = weigh(server)
        began = time.monotonic()
        wire_load(server.port, row.commands(count), row.per_batch)
        seconds = time.monotonic() - began
        # Tables that grow in steps and buffers that are kept for a moment come to rest.
        time.sleep(3)
        full = weigh(server)
        used, resident = (full.used - empty.used) / count, (full.resident - empty.resident) / count
        return max(used, resident / RESIDENT_SHARE), used, resident, seconds
