"""Runs rows on both servers in turn. Caller: `__main__.py`.

Durable rows start both servers afresh for each round, on empty directories of one file system, and
never run them at the same time. Rows against the volatile peer keep both preloaded servers and
alternate the load.
"""

import subprocess
import sys
from dataclasses import dataclass, field

import disk
import load
from load import VALUE
from servers import Server
from servers.wire import Wire, encode
from servers.wire import load as wire_load

KEYS = 1_000_000


@dataclass
class Side:
    """All rounds of one server in one row."""

    figures: list = field(default_factory=list)
    disks: list = field(default_factory=list)
    extra: list = field(default_factory=list)


def durable_row(row, peer, ours, rounds, scale):
    """Alternates fresh durable servers; returns the two sides."""
    sides = Side(), Side()
    requests = max(row.clients * row.pipeline, int(row.requests * scale))
    for _ in range(rounds):
        for flavour, side in zip((peer, ours), sides, strict=True):
            with Server(flavour) as server:
                warm = max(row.clients * row.pipeline, requests // 20)
                load.run(server.port, row.clients, row.pipeline, warm, row.arguments, row.key_range)
                before = disk.read(server.directory)
                side.figures.append(
                    load.run(server.port, row.clients, row.pipeline, requests, row.arguments, row.key_range)
                )
                after = disk.read(server.directory)
                if before and after:
                    side.disks.append(after.since(before))
        _progress(row.name, sides)
    return sides


def memory_rows(rows, peer, ours, rounds, scale):
    """GETs on preloaded keys against the peer without persistence; yields (row, sides)."""
    with Server(peer, mode="volatile") as peer_server, Server(ours) as our_server:
        for server in (peer_server, our_server):
            preload_strings(server.port)
        for row in rows:
            sides = Side(), Side()
            for _ in range(rounds):
                for server, side in zip((peer_server, our_server), sides, strict=True):
                    hits = _hits(server.port)
                    requests = int(row.requests * scale)
                    side.figures.append(load.run(server.port, row.clients, row.pipeline, requests, row.arguments))
                    side.extra.append(_hits(server.port, hits))
                _progress(row.name, sides)
            yield row, sides


def preload_strings(port, count=KEYS):
    """Keys named as redis-benchmark names them, so that each GET hits."""
    wire_load(port, (encode("SET", f"key:{number:012d}", VALUE) for number in range(count)))


def _hits(port, before=None):
    """Keyspace hits and misses, or the share of hits since `before`."""
    stats = info(port, "stats")
    now = int(stats.get("keyspace_hits", 0)), int(stats.get("keyspace_misses", 0))
    if before is None:
        return now
    hits, misses = now[0] - before[0], now[1] - before[1]
    return hits / (hits + misses) if hits + misses else 0.0


def info(port, section):
    """One section of INFO as a dictionary."""
    wire = Wire(port)
    text = wire.command("INFO", section).decode()
    wire.close()
    return dict(line.split(":", 1) for line in text.splitlines() if ":" in line)


def get_during_set(peer, ours, rounds, scale):
    """GETs by 4 clients while 50 clients SET at pipeline 16; `extra` holds the SETs' rates."""
    sides = Side(), Side()
    for _ in range(rounds):
        for flavour, side in zip((peer, ours), sides, strict=True):
            with Server(flavour) as server:
                preload_strings(server.port, KEYS // 10)
                background = load.Background(server.port, 50, 16, ("SET", f"key:{'__rand_int__'}", VALUE))
                try:
                    probe = ("GET", "key:__rand_int__")
                    trial = load.run(server.port, 4, 1, 1000, probe, KEYS // 10)
                    # As many GETs as take about three seconds, so that rare delays are met on both sides.
                    requests = max(1000, int(trial.rps * 3 * scale))
                    figures = load.run(server.port, 4, 1, requests, probe, KEYS // 10)
                finally:
                    rate = background.end()
                side.figures.append(figures)
                side.extra.append(rate)
        _progress("GET during SET", sides)
    return sides


def many_connections(peer, ours, rounds, scale, clients=10_000):
    """SETs from 10,000 connections; raises when one is refused."""
    sides = Side(), Side()
    for _ in range(rounds):
        for flavour, side in zip((peer, ours), sides, strict=True):
            with Server(flavour) as server:
                requests = max(clients * 3, int(200_000 * scale))
                side.figures.append(load.run(server.port, clients, 1, requests, ("SET", "key:__rand_int__", VALUE)))
        _progress("10000 connections", sides)
    return sides


def big_zset(peer, ours, rounds, scale):
    """ZRANK and ZADD on 1 M members; `extra` holds how much slower than on 10,000 members each is."""
    sides = Side(), Side()
    with Server(peer) as peer_server, Server(ours) as our_server:
        for server in (peer_server, our_server):
            for key, count in (("small", 10_000), ("big", KEYS)):
                commands = (encode("ZADD", key, number * 7919 % count, f"m:{number:012d}") for number in range(count))
                wire_load(server.port, commands)
        for _ in range(rounds):
            for server, side in zip((peer_server, our_server), sides, strict=True):
                requests = int(400_000 * scale)
                small = load.run(server.port, 50, 16, requests, ("ZRANK", "small", "m:__rand_int__"), 10_000)
                big = load.run(server.port, 50, 16, requests, ("ZRANK", "big", "m:__rand_int__"), KEYS)
                side.figures.append(big)
                side.extra.append(small.rps / big.rps)
            _progress("zset of 1M members", sides)
    return sides


def default_set(ours, scale):
    """redis-benchmark's whole default set; the lines of its report, or an error."""
    with Server(ours) as server:
        command = ["redis-benchmark", "-p", str(server.port), "-q", "-n", str(int(100_000 * scale)), "-P", "4"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=900)
        parts = [part.strip() for part in done.stdout.replace("\r", "\n").splitlines()]
        lines = [part for part in parts if "requests per second" in part or "rror" in part]
        failed = done.returncode != 0 or "rror" in done.stdout + done.stderr or not server.alive()
        return not failed, lines + done.stderr.splitlines()


def _progress(name, sides):
    latest = [f"{side.figures[-1].rps:,.0f}" for side in sides]
    print(f"  {name}: {latest[0]} | {latest[1]}", file=sys.stderr, flush=True)
