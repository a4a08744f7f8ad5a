"""Holdfast beside redis-server with `appendfsync always`, in one run, alternating.

    python3 benches/side_by_side                      all rows, 5 rounds
    python3 benches/side_by_side --row "SET 50x16"    rows whose name contains this
    python3 benches/side_by_side --quick              fewer requests, 3 rounds
    python3 benches/side_by_side --ours PATH --peer PATH --json FILE

Prints medians, the ratio of medians, p50/p99/p99.9, what the disk did, and whether each required
ratio is met. Exit status 0 if all are, 1 if not, 2 if a peer is missing.
"""

import argparse
import json
import pathlib
import resource
import shutil
import sys
from dataclasses import asdict

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests"))

import measure  # noqa: E402
import report  # noqa: E402
import rows  # noqa: E402
from servers import flavour_of, target_directory  # noqa: E402


class Run:
    """The options, and what has been found so far."""

    def __init__(self, options):
        self.peer = flavour_of(options.peer)
        self.ours = flavour_of(options.ours)
        self.scale = 0.2 if options.quick else 1.0
        self.rounds = options.rounds or (3 if options.quick else 5)
        self.failed = []
        self.results = {}

    def show(self, name, sides, required, ratio=None, note=""):
        """Prints one line and remembers the verdict."""
        text, met = report.line(name, sides, required, ratio, note)
        print(text, flush=True)
        if not met:
            self.failed.append(name)
        self.results[name] = [[asdict(figures) for figures in side.figures] for side in sides]

    def require(self, name, met, text):
        """A requirement that is no ratio of rates."""
        print(f"{name:22} {text}  {'ok' if met else 'BELOW'}", flush=True)
        if not met:
            self.failed.append(name)

    def all(self, chosen, special):
        """Every chosen row."""
        print(report.head())
        for row in (row for row in chosen if row.kind == "durable"):
            sides = measure.durable_row(row, self.peer, self.ours, self.rounds, self.scale)
            self.show(row.name, sides, row.required)
            note, durable = report.disk_note(sides)
            print(f"{'':22} {note}")
            if not durable:
                self.failed.append(f"{row.name}: no flush seen")
        in_memory = [row for row in chosen if row.kind == "memory"]
        if in_memory:
            for row, sides in measure.memory_rows(in_memory, self.peer, self.ours, self.rounds, self.scale):
                hits = min(min(side.extra) for side in sides)
                self.show(row.name, sides, row.required, note=f"hits {100 * hits:.1f} %")
        for name in special:
            self.special(name)

    def special(self, name):
        """The rows that are more than one load."""
        if name == "GET during SET 50x16":
            sides = measure.get_during_set(self.peer, self.ours, self.rounds, self.scale)
            self.show(name, sides, 0)
            p99 = [report.latencies(side)[1] for side in sides]
            sets = [report.median(side.extra) for side in sides]
            self.require("  its GET p99", p99[1] <= p99[0] / 3, f"{p99[0]:.2f} -> {p99[1]:.2f} ms, at most a third")
            text = f"{sets[0]:,.0f} -> {sets[1]:,.0f}/s, {sets[1] / sets[0]:.2f} times, at least 1.5"
            self.require("  its SETs", sets[1] >= 1.5 * sets[0], text)
        elif name == "10000 connections":
            self.show(name, measure.many_connections(self.peer, self.ours, min(3, self.rounds), self.scale), 0)
        elif name == "zset of 1M members":
            sides = measure.big_zset(self.peer, self.ours, min(3, self.rounds), self.scale)
            self.show("ZRANK of 1M members", sides, 0)
            slower = [report.median(side.extra) for side in sides]
            text = f"ZRANK is {slower[0]:.2f} | {slower[1]:.2f} times slower than with 10,000 members, at most 4"
            self.require("  its O(log n)", slower[1] <= 4, text)
        else:
            passed, lines = measure.default_set(self.ours, self.scale)
            print("\n".join(f"    {line}" for line in lines))
            self.require(name, passed, "redis-benchmark's default set runs without an error")


def main():
    """Parses the command line and runs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", default=shutil.which("redis-server") or "")
    parser.add_argument("--ours", default=str(target_directory() / "release" / "holdfast"))
    parser.add_argument("--row", default="", help="only rows whose name contains this")
    parser.add_argument("--rounds", type=int, default=0)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", help="write every round's figures to this file")
    options = parser.parse_args()
    if not options.peer or shutil.which("redis-benchmark") is None:
        print("!!! A PEER IS MISSING: redis-server and redis-benchmark (Debian: redis-server)", file=sys.stderr)
        return 2
    if not pathlib.Path(options.ours).exists():
        print(f"!!! {options.ours} is missing: cargo build --release", file=sys.stderr)
        return 2
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    run = Run(options)
    run.all(*rows.select(options.row))
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(run.results, indent=1))
    print(f"\n{len(run.failed)} below what is required" + "".join(f"\n  {name}" for name in run.failed))
    return 1 if run.failed else 0


if __name__ == "__main__":
    sys.exit(main())
