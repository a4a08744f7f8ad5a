"""Memory per key, the longest waits, and the hit rates of eviction.

    python3 benches/memory                       all three parts, beside redis-server
    python3 benches/memory --part rows           bytes per key only (rows | turns | eviction)
    python3 benches/memory --scale 0.1           a tenth of the data
    python3 benches/memory --only strings        rows or cases whose name contains this
    python3 benches/memory --alone               Holdfast only

Exit status 0 if each limit is met, 1 if not, 2 if a server is missing.
"""

import argparse
import pathlib
import resource
import shutil
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests"))

import eviction  # noqa: E402
import rows  # noqa: E402
import turns  # noqa: E402
from servers import flavour_of, target_directory  # noqa: E402

_HIT_POINTS = 0.02


class Run:
    """The servers to measure, ours last, and what was above its limit."""

    def __init__(self, options):
        self.flavours = [flavour_of(options.ours)]
        if not options.alone:
            self.flavours.insert(0, flavour_of(options.peer))
        self.scale = options.scale
        self.only = options.only
        self.failed = []

    def judge(self, flavour, name, met):
        """Remembers a limit that our server missed."""
        ours = flavour is self.flavours[-1]
        if ours and not met:
            self.failed.append(name)
        return ("ok" if met else "ABOVE") if ours else ""

    def rows(self):
        """Bytes per key."""
        print(f"{'data':26} {'server':9} {'B/key':>8} {'used':>8} {'resident':>8} {'limit':>6} {'load s':>7}")
        for row in (row for row in rows.ROWS if self.only in row.name):
            for flavour in self.flavours:
                judged, used, resident, seconds = rows.measure(row, flavour, self.scale)
                verdict = self.judge(flavour, row.name, judged <= row.limit)
                figures = f"{judged:8.0f} {used:8.0f} {resident:8.0f} {row.limit:6} {seconds:7.1f}"
                print(f"{row.name:26} {flavour.name:9} {figures}  {verdict}", flush=True)

    def turns(self):
        """The longest waits."""
        print(f"\n{'while':54} {'server':9} {'p99.9':>7} {'worst':>8} {'own':>8} ms")
        for case, limit in turns.CASES:
            name = turns.name_of(case)
            for flavour in self.flavours if self.only in name else []:
                p999, worst, own = turns.measure(case, flavour, self.scale)
                verdict = self.judge(flavour, name, (own if own is not None else worst) <= limit) if limit else ""
                shown = f"{own:8.2f}" if own is not None else f"{'-':>8}"
                print(f"{name:54} {flavour.name:9} {p999:7.2f} {worst:8.2f} {shown}     {verdict}", flush=True)

    def eviction(self):
        """Hit rates; they mean something beside a peer only."""
        print(f"\n{'policy':14} {'server':9} {'hits':>7} {'keys held':>10}")
        for policy in eviction.POLICIES:
            rates = []
            for flavour in self.flavours:
                rate, held = eviction.hit_rate(flavour, policy)
                rates.append(rate)
                verdict = self.judge(flavour, policy, abs(rate - rates[0]) <= _HIT_POINTS)
                print(f"{policy:14} {flavour.name:9} {100 * rate:6.2f} % {held:10,}  {verdict}", flush=True)


def main():
    """Parses the command line and runs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ours", default=str(target_directory() / "release" / "holdfast"))
    parser.add_argument("--peer", default=shutil.which("redis-server") or "")
    parser.add_argument("--alone", action="store_true")
    parser.add_argument("--part", choices=["rows", "turns", "eviction"])
    parser.add_argument("--only", default="")
    parser.add_argument("--scale", type=float, default=1.0)
    options = parser.parse_args()
    for binary in [options.ours] + ([] if options.alone else [options.peer]):
        if not binary or not pathlib.Path(binary).exists():
            print(f"!!! A SERVER IS MISSING: {binary or 'redis-server'}", file=sys.stderr)
            return 2
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    run = Run(options)
    for part in ("rows", "turns", "eviction"):
        if options.part in (None, part):
            getattr(run, part)()
    print(f"\n{len(run.failed)} above the limit" + "".join(f"\n  {name}" for name in run.failed))
    return 1 if run.failed else 0


if __name__ == "__main__":
    sys.exit(main())
