"""The longest that anybody waits while the server grows, frees and expires much. Caller: `__main__.py`."""

import re
import time

from probe import Probe
from rows import ROWS
from servers import Server
from servers.wire import Wire, encode
from servers.wire import load as wire_load

LIMIT_MS = 5.0
MEMBERS = 1_000_000


def _collection(port, kind, key, count):
    """One collection of `count` members, sent a thousand at a time."""
    forms = {
        "hash": (b"HSET", lambda n: b"$9\r\nf%08d\r\n$9\r\nv%08d\r\n" % (n, n), 2),
        "set": (b"SADD", lambda n: b"$9\r\nm%08d\r\n" % n, 1),
        "zset": (b"ZADD", lambda n: b"$8\r\n%08d\r\n$9\r\nm%08d\r\n" % (n, n), 2),
        "list": (b"RPUSH", lambda n: b"$9\r\nm%08d\r\n" % n, 1),
    }
    name, member, words = forms[kind]
    head = b"*%d\r\n$%d\r\n%s\r\n$%d\r\n%s\r\n"
    blocks = (range(start, min(start + 1000, count)) for start in range(0, count, 1000))
    commands = (
        head % (2 + words * len(block), len(name), name, len(key), key) + b"".join(map(member, block)) for block in blocks
    )
    wire_load(port, commands, per_batch=10)


def _once(port, *arguments):
    wire = Wire(port)
    wire.command(*arguments)
    wire.close()


def _gone(port, patience_s=60):
    """Waits until no key but the probe's is left."""
    wire = Wire(port)
    end = time.monotonic() + patience_s
    while int(wire.command("DBSIZE")) > 1 and time.monotonic() < end:
        time.sleep(0.05)
    wire.close()


def _now_ms(port):
    wire = Wire(port)
    wire.link.sendall(encode("TIME"))
    words = [wire.line() for _ in range(5)]
    wire.close()
    return int(words[2]) * 1000 + int(words[4]) // 1000


def idle(server, count, probe):
    """nothing, to show what the machine itself adds"""
    with probe:
        time.sleep(2)


def _deletes(kind, command):
    def case(server, count, probe):
        _collection(server.port, kind, b"big", count)
        with probe:
            _once(server.port, command, "big")
            time.sleep(1)

    case.__doc__ = f"{command} of a {kind} of 1 M members"
    return case


def _expires(kind):
    def case(server, count, probe):
        _collection(server.port, kind, b"big", count)
        with probe:
            _once(server.port, "PEXPIRE", "big", "300")
            _gone(server.port)
            time.sleep(1)

    case.__doc__ = f"a {kind} of 1 M members expires"
    return case


def keys_expire(server, count, probe):
    """1 M keys expire at once"""
    wire = Wire(server.port)
    deadline = _now_ms(server.port) + 20_000
    form = b"*5\r\n$3\r\nSET\r\n$12\r\nkey:%08d\r\n$1\r\nx\r\n$4\r\nPXAT\r\n$13\r\n%d\r\n"
    wire.close()
    wire_load(server.port, (form % (number, deadline) for number in range(count)))
    time.sleep(max(0, (deadline - _now_ms(server.port)) / 1000 - 1))
    with probe:
        time.sleep(1.5)
        _gone(server.port)


def growth(server, count, probe):
    """growth through 10 M keys"""
    with probe:
        wire_load(server.port, ROWS[0].commands(10 * count))


def keys_command(server, count, probe):
    """KEYS over 1 M keys (as on Redis; no limit)"""
    wire_load(server.port, ROWS[0].commands(count))
    with probe:
        _once(server.port, "KEYS", "nothing*")


def sinterstore(server, count, probe):
    """SINTERSTORE of two sets of 1 M (as on Redis; no limit)"""
    _collection(server.port, "set", b"one", count)
    _collection(server.port, "set", b"two", count)
    with probe:
        _once(server.port, "SINTERSTORE", "three", "one", "two")
        time.sleep(0.5)


CASES = [
    (idle, 0.0),
    *[(_deletes(kind, "DEL"), LIMIT_MS) for kind in ("hash", "set", "zset", "list")],
    (_deletes("zset", "UNLINK"), LIMIT_MS),
    *[(_expires(kind), LIMIT_MS) for kind in ("hash", "zset")],
    (keys_expire, LIMIT_MS),
    (growth, LIMIT_MS),
    (keys_command, 0.0),
    (sinterstore, 0.0),
]


def name_of(case):
    """A case's line in the table."""
    return case.__doc__.strip().split("\n")[0].rstrip(".")


def own_counter(server):
    """The longest turn that the server itself has seen, in ms, if its INFO tells; else None."""
    wire = Wire(server.port)
    text = wire.command("INFO", "everything").decode(errors="replace")
    wire.close()
    found = re.search(r"(?m)^\w*longest_turn\w*_(us|ms):(\d+(?:\.\d+)?)", text)
    return None if not found else float(found[2]) / (1000 if found[1] == "us" else 1)


def measure(case, flavour, scale=1.0):
    """Runs one case on a fresh server: p99.9 and worst wait in ms, and the server's own figure."""
    with Server(flavour, mode="volatile" if flavour.volatile else "durable") as server:
        probe = Probe(server.port)
        case(server, max(1000, int(MEMBERS * scale)), probe)
        return probe.p999, probe.worst, own_counter(server)
