"""Snapshots of a real server: what they hold, who can read them, and what damage does.

    python3 tests/snapshots                         all, against target/release/holdfast
    python3 tests/snapshots --only damage

- equal      each snapshot with the log behind it gives the same data as the log alone
- redis      redis-check-rdb passes each one, and redis-server holds the same contents
- bounded    the log stays small while more is written than it may hold
- imported   what redis-server wrote, as RDB, AOF and with a torn tail, is imported whole or refused
- damage     a damaged newest snapshot is passed over; a log that lacks its snapshot is refused

Exit status: 0 if all holds, 1 if not, 2 if a tool is missing.
"""

import argparse
import pathlib
import random
import shutil
import sys
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import checks  # noqa: E402
from servers import flavour_of, target_directory  # noqa: E402

CHECKS = [checks.equal, checks.redis_, checks.bounded, checks.damage, checks.imported]


def main():
    """Parses the command line and runs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", default=str(target_directory() / "release" / "holdfast"), help="binary to start")
    parser.add_argument("--only", default="", help="checks whose name contains this")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    options = parser.parse_args()
    if missing := [tool for tool in ("redis-check-rdb", "redis-server") if not shutil.which(tool)]:
        print(f"!!! MISSING: {missing}", file=sys.stderr)
        return 2
    print(f"seed {options.seed}")
    flavour = flavour_of(options.server)
    failed = 0
    for check in CHECKS:
        if options.only not in check.__name__:
            continue
        try:
            check(flavour, random.Random(options.seed))
            print(f"ok    {check.__name__}")
        except Exception:
            failed += 1
            print(f"FAIL  {check.__name__}")
            traceback.print_exc()
    return 1 if failed else 0


sys.exit(main())
