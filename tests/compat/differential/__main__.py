"""The same random commands to redis-server and to Holdfast: each reply and each state must agree.

    python3 tests/compat/differential                         all groups, 60 seconds
    python3 tests/compat/differential --groups zset --seed 7  one group, again
    python3 tests/compat/differential --resp 3

Prints one example per command and kind of difference. Exit status 0 if all agreed, 1 if not, 2 if a
server is missing.
"""

import argparse
import pathlib
import random
import shutil
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

import compare  # noqa: E402
import grammar  # noqa: E402
from link import Link  # noqa: E402
from servers import Server, flavour_of, target_directory  # noqa: E402

_ROUND_COMMANDS = 300
_READS = {
    "string": lambda key: ["GET", key],
    "list": lambda key: ["LRANGE", key, "0", "-1"],
    "set": lambda key: ["SMEMBERS", key],
    "zset": lambda key: ["ZRANGE", key, "0", "-1", "WITHSCORES"],
    "hash": lambda key: ["HGETALL", key],
    "stream": lambda key: ["XINFO", "STREAM", key, "FULL", "COUNT", "0"],
}


class Differences:
    """One example of each kind of difference, and how often it came."""

    def __init__(self):
        self.examples = {}
        self.counts = {}

    def add(self, words, one, two, past):
        """Notes a difference; the same command with the same kinds of replies is the same difference."""
        sub = words[1].lower() if len(words) > 1 and words[0].lower() in ("object", "client", "config", "command", "debug", "xgroup", "xinfo") else ""
        key = (words[0].lower(), sub, one[0], two[0], one[1] if one[0] == "-" else "", two[1] if two[0] == "-" else "")
        self.counts[key] = self.counts.get(key, 0) + 1
        self.examples.setdefault(key, (words, one, two, past))

    def report(self):
        """Prints all, the most frequent first."""
        for key in sorted(self.counts, key=self.counts.get, reverse=True):
            words, one, two, past = self.examples[key]
            print(f"\n{self.counts[key]} times: {' '.join(map(repr, words))}")
            for before in past:
                print(f"    after    {' '.join(map(repr, before))}")
            print(f"    redis    {compare.show(one)}\n    holdfast {compare.show(two)}")


def play(ports, source, differences, resp):
    """One round on empty servers; returns how many commands were compared."""
    links = [Link(port) for port in ports]
    for link in links:
        link.ask(["FLUSHALL"])
        if resp == 3:
            link.ask(["HELLO", "3"])
    history, queued = [], []
    for number in range(_ROUND_COMMANDS):
        words = source.command()
        if not words:
            continue
        if words[0].upper() in ("HELLO", "RESET") and resp == 3:
            continue
        one, two = (link.ask(words) for link in links)
        history.append(words)
        if not compare.same(words, one, two) and not compare.same_exec(words, one, two, queued):
            keys = set(words[1:])
            past = [before for before in history[:-1] if keys & set(before[1:]) or before[0] in ("MULTI", "EXEC")][-4:]
            differences.add(words, one, two, past)
            # The states may be apart now: what follows would only be an echo.
            return number + 1
        queued = [*queued, words] if one[1] == "QUEUED" else [] if words[0].upper() in ("EXEC", "MULTI") else queued
    settle(links)
    states(links, differences, history)
    return _ROUND_COMMANDS


def settle(links):
    """Leaves transactions and subscriptions."""
    for link in links:
        link.ask(["DISCARD"])
        link.ask(["SELECT", "0"])


def states(links, differences, history):
    """Compares all keys with their types, encodings, values and deadlines."""
    for key in grammar._KEYS:
        kinds = [link.ask(["TYPE", key]) for link in links]
        checks = [["TYPE", key], ["OBJECT", "ENCODING", key], ["PTTL", key]]
        if kinds[0] == kinds[1] and kinds[0][1] in _READS:
            checks.append(_READS[kinds[0][1]](key))
        for words in checks:
            one, two = (link.ask(words) for link in links)
            if not compare.same(words, one, two):
                past = [before for before in history if key in before][-6:]
                differences.add(words, one, two, past)
                break


def main():
    """Parses the command line and runs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", default=str(target_directory() / "release" / "holdfast"))
    parser.add_argument("--peer", default=shutil.which("redis-server") or "")
    parser.add_argument("--groups", nargs="+", choices=list(grammar.GROUPS), default=list(grammar.GROUPS))
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    parser.add_argument("--resp", type=int, choices=(2, 3), default=2)
    options = parser.parse_args()
    if not options.peer:
        print("!!! A PEER IS MISSING: redis-server (Debian: redis-server)", file=sys.stderr)
        return 2
    print(f"seed {options.seed}")
    differences, compared, rounds = Differences(), 0, 0
    with Server(flavour_of(options.peer), mode="volatile") as peer, Server(flavour_of(options.server)) as ours:
        end = time.monotonic() + options.seconds
        while time.monotonic() < end:
            source = grammar.Grammar(options.groups, f"{options.seed}-{rounds}")
            rounds += 1
            try:
                compared += play((peer.port, ours.port), source, differences, options.resp)
            except (OSError, ValueError) as error:
                print(f"round {rounds - 1}: {error}")
                if not ours.alive():
                    print(f"the server died:\n{ours.log_tail()}")
                    ours.start()
    differences.report()
    print(f"\n{compared} replies compared, {sum(differences.counts.values())} differ in {len(differences.counts)} ways")
    return 1 if differences.counts else 0


if __name__ == "__main__":
    sys.exit(main())
