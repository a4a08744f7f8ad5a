"""The rows of the comparison: what is loaded, against which peer mode, and what ratio is required.

Caller: `__main__.py`. Each requirement stands in the issue that asked for it; "aim" is beyond it.
"""

from dataclasses import dataclass

from load import VALUE


@dataclass(frozen=True)
class Row:
    """One line of the table: a load for both servers."""

    name: str
    clients: int
    pipeline: int
    requests: int
    arguments: tuple
    required: float
    aim: float = 0.0
    key_range: int = 1_000_000
    kind: str = "durable"
    preload: str = ""


def _set(clients, pipeline, requests, required, aim=0.0):
    return Row(
        name=f"SET {clients}x{pipeline}",
        clients=clients,
        pipeline=pipeline,
        requests=requests,
        arguments=("SET", "key:__rand_int__", VALUE),
        required=required,
        aim=aim,
    )


def _get(clients, pipeline, requests):
    return Row(
        name=f"GET {clients}x{pipeline}",
        clients=clients,
        pipeline=pipeline,
        requests=requests,
        arguments=("GET", "key:__rand_int__"),
        required=0.95,
        aim=1.2,
        kind="memory",
        preload="strings",
    )


def _write(name, arguments, key_range):
    return Row(name, 50, 16, 500_000, tuple(arguments), 1.5, key_range=key_range)


_RANDOM = "__rand_int__"
_MANY = 100_000

ROWS = [
    _set(1, 1, 20_000, 1.0, 1.5),
    _set(50, 1, 200_000, 1.0),
    _set(200, 1, 250_000, 1.0),
    _set(50, 16, 1_000_000, 1.9),
    _set(200, 16, 1_200_000, 2.0),
    _set(50, 64, 1_500_000, 2.5, 3.0),
    _write("LPUSH one key", ["LPUSH", "list", VALUE], _MANY),
    _write("LPUSH 100k keys", ["LPUSH", f"list:{_RANDOM}", VALUE], _MANY),
    _write("ZADD one key", ["ZADD", "board", _RANDOM, f"member:{_RANDOM}"], 1_000_000),
    _write("ZADD 100k keys", ["ZADD", f"board:{_RANDOM}", _RANDOM, f"member:{_RANDOM}"], _MANY),
    _write("HSET one key", ["HSET", "hash", f"field:{_RANDOM}", VALUE], 1_000_000),
    _write("HSET 100k keys", ["HSET", f"hash:{_RANDOM}", f"field:{_RANDOM}", VALUE], _MANY),
    _write("INCR one key", ["INCR", "counter"], _MANY),
    _write("INCR 100k keys", ["INCR", f"counter:{_RANDOM}"], _MANY),
    _write("MSET ten fixed keys", ["MSET"] + [x for n in range(10) for x in (f"key:{n}", VALUE)], _MANY),
    _write("MSET 100k keys", ["MSET"] + [f"key:{_RANDOM}", VALUE] * 10, _MANY),
    _get(50, 1, 250_000),
    _get(50, 16, 2_000_000),
]

# Rows that are more than one load; `measure.py` knows them by name.
SPECIAL = [
    "GET during SET 50x16",
    "10000 connections",
    "zset of 1M members",
    "default set",
]


def select(pattern):
    """The rows and special rows whose name contains `pattern`."""
    rows = [row for row in ROWS if pattern.lower() in row.name.lower()]
    special = [name for name in SPECIAL if pattern.lower() in name.lower()]
    return rows, special
