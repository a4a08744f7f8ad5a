"""Scripts and functions on a real server: hostile ones, long ones, durable ones, users of them.

    python3 tests/scripts                           all, against target/release/holdfast
    python3 tests/scripts --only sandbox

- sandbox    every attempt to get out, to stay in or to take everything ends in an error, the node lives,
             a canary key is intact, memory is as before; the waits of another client are printed
- long       while a script runs for long others hear BUSY, it can be killed until it writes, and
             SHUTDOWN NOSAVE ends the node with nothing of it in the log
- durable    loaded scripts and libraries, and a script's writes as a whole, are there after kill -9,
             from the log and from a snapshot
- users      redis-py's lock and register_script do what they promise across kills

Exit status: 0 if all holds, 1 if not.
"""

import argparse
import pathlib
import sys
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import durable  # noqa: E402
import long  # noqa: E402
import sandbox  # noqa: E402
import users  # noqa: E402
from servers import flavour_of, target_directory  # noqa: E402

CHECKS = [sandbox.sandbox, long.long, durable.durable, users.users]


def main():
    """Parses the command line and runs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", default=str(target_directory() / "release" / "holdfast"), help="binary to start")
    parser.add_argument("--only", default="", help="checks whose name contains this")
    options = parser.parse_args()
    flavour = flavour_of(options.server)
    failed = 0
    for check in CHECKS:
        if options.only not in check.__name__:
            continue
        try:
            check(flavour)
            print(f"ok    {check.__name__}")
        except Exception:
            failed += 1
            print(f"FAIL  {check.__name__}")
            traceback.print_exc()
    return 1 if failed else 0


sys.exit(main())
