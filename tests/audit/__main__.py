"""Real writers, sudden deaths, and an audit of every acknowledged operation.

    python3 tests/audit --mode fast                 CI: kills, power cuts and the check of the check, 90 s
    python3 tests/audit --mode kill --minutes 5     kill -9 at random moments
    python3 tests/audit --mode cut --minutes 5      power cuts that lose and tear what was not synced
    python3 tests/audit --mode long                 200 power cuts and a million acknowledged writes
    python3 tests/audit --mode snapshots           both kinds of death while snapshots are always under way
    python3 tests/audit --mode nosync               syncs that lie: the audit must fail
    python3 tests/audit --mode slow                 syncs of 50 ms: does anything leave before its sync?

Exit status: 0 all is well, 1 something was lost, doubled or wrong, 2 a tool is missing.
"""

import argparse
import pathlib
import random
import statistics
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import slow  # noqa: E402
from images import OPTIONS, Images  # noqa: E402
from rounds import Rounds  # noqa: E402
from servers import flavour_of, target_directory  # noqa: E402
from shim import ShimMissing  # noqa: E402

_NOSYNC_CUTS_MAX = 10
_LONG_CUTS = 200
_LONG_ACKS = 1_000_000


def main():
    """Parses the command line and runs the mode."""
    options = arguments()
    flavour = flavour_of(options.server)
    print(f"seed {options.seed}")
    try:
        passed = all([run(flavour, options) for run in modes(options)])
    except ShimMissing as missing:
        print(f"!!! THE POWER CUTS CANNOT BE RUN: {missing}", file=sys.stderr)
        return 2
    return 0 if passed else 1


def arguments():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", default=str(target_directory() / "release" / "holdfast"), help="binary to audit")
    parser.add_argument("--mode", choices=["fast", "kill", "cut", "long", "snapshots", "nosync", "slow"], default="fast")
    parser.add_argument("--minutes", type=float, default=2.0)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    parser.add_argument("--writers", type=int, default=1, help="how many of each kind of writer")
    parser.add_argument("--rate", type=int, default=20_000, help="pipelined writes per second, in all")
    parser.add_argument("--real-syncs", action="store_true", help="sync the real disk too under power cuts")
    parser.add_argument("--keep", action="store_true", help="keep data, journals and logs")
    parser.add_argument("--option", action="append", default=[], help="an option for the server, such as --option=--save")
    return parser.parse_args()


def modes(options):
    """The runs that make up a mode."""
    syncs = "real" if options.real_syncs else "delayed"

    def timed(seconds):
        end = time.monotonic() + seconds
        return lambda tally: time.monotonic() > end

    def kills(seconds):
        return lambda flavour, o: audit(flavour, o, "kills", None, timed(seconds))

    def cuts(enough):
        return lambda flavour, o: audit(flavour, o, "power cuts", syncs, enough)

    if options.mode == "kill":
        return [kills(60 * options.minutes)]
    if options.mode == "cut":
        return [lambda flavour, o: audit(flavour, o, "power cuts", syncs, timed(60 * options.minutes))]
    if options.mode == "long":
        return [cuts(lambda tally: tally.deaths >= _LONG_CUTS and tally.findings.acks >= _LONG_ACKS)]
    if options.mode == "snapshots":
        half = 30 * options.minutes
        return [
            lambda flavour, o: audit(flavour, o, "kills with snapshots", None, timed(half), Images()),
            lambda flavour, o: audit(flavour, o, "power cuts with snapshots", syncs, timed(half), Images()),
        ]
    if options.mode == "nosync":
        return [lie]
    if options.mode == "slow":
        return [slow_disk]
    return [kills(20), lambda flavour, o: audit(flavour, o, "power cuts", syncs, timed(30)), lie, slow_disk]


def audit(flavour, options, name, syncs, enough, images=None):
    """One run that must find nothing."""
    extra = [*options.option, *(OPTIONS if images else ())]
    rounds = Rounds(flavour, options.seed, syncs, extra, options.writers, options.rate, images)
    tally = rounds.run(enough)
    findings = tally.findings
    rate = findings.acks / tally.seconds_loaded if tally.seconds_loaded else 0
    serve = sorted(tally.seconds_to_serve) or [0.0]
    print(
        f"{name}: {findings.acks:,} acks ({rate:,.0f}/s), {tally.deaths} deaths + {tally.deaths_recovering} while "
        f"recovering, {findings.lost} lost, {findings.doubled} doubled, {findings.wrong} wrong, "
        f"{findings.unknown:,} unknown; to serve again {1000 * statistics.median(serve):.0f} ms median, "
        f"{1000 * serve[-1]:.0f} ms at most"
    )
    passed = findings.clean() and not tally.refused
    if images and not images.verdict(rounds.server):
        passed = False
    if syncs:
        print(f"  {tally.syncs:,} syncs seen, {tally.changes_undone:,} writes or sectors and {tally.names_undone} names lost")
        if not tally.syncs:
            print("  !!! no sync went through the shim: the server does not use fdatasync through libc")
            passed = False
    show(tally, rounds, passed, options)
    return passed


def lie(flavour, options):
    """The check of the check: where syncs do nothing, the audit must find a loss."""
    rounds = Rounds(flavour, options.seed, "none", options.option, options.writers, options.rate)
    tally = rounds.run(lambda tally: tally.deaths >= _NOSYNC_CUTS_MAX, load_seconds=(0.5, 1.0))
    caught = not tally.findings.clean() or bool(tally.refused)
    how = "refused to start" if tally.refused else f"{tally.findings.lost} lost, {tally.findings.wrong} wrong"
    print(f"syncs that lie: {'caught' if caught else 'NOT CAUGHT'} after {tally.deaths} power cuts ({how})")
    if not options.keep:
        rounds.remove()
    return caught


def slow_disk(flavour, options):
    """With slow syncs, nothing that shows a write may leave before the write's sync."""
    complaints = slow.run(flavour, options.option)
    print(f"slow syncs: {len(complaints)} complaints")
    for complaint in complaints:
        print(f"  {complaint}")
    return not complaints


def show(tally, rounds, passed, options):
    """Prints what was found and keeps the evidence of a failure."""
    for sentence in tally.findings.sentences:
        print(f"  {sentence}")
    if tally.refused:
        print("  " + tally.refused.replace("\n", "\n  "))
    if passed and not options.keep:
        rounds.remove()
    else:
        print(f"  evidence: {rounds.evidence()}")


if __name__ == "__main__":
    sys.exit(main())
