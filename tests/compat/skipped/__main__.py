"""What Redis's suite cannot ask of a server that it did not start, in our own words.

    python3 tests/compat/skipped                                   against target/release/holdfast
    python3 tests/compat/skipped --server /usr/bin/redis-server    all of it holds for Redis too

Covers the units auth, info, limits, maxmemory, networking, obuf-limits, wait and shutdown, and a
redis-server that follows. Exit status 0 if all is as on Redis, 1 if not.
"""

import argparse
import pathlib
import sys
import time
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

import access  # noqa: E402
import counters  # noqa: E402
import limits  # noqa: E402
import replicas  # noqa: E402
import running  # noqa: E402
from place import Place  # noqa: E402
from servers import flavour_of, target_directory  # noqa: E402


def main():
    """Parses the command line and runs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", default=str(target_directory() / "release" / "holdfast"), help="binary to start")
    parser.add_argument("--only", default="", help="tests whose name contains this")
    options = parser.parse_args()
    place = Place(flavour_of(options.server))
    failed = 0
    for test in [*access.TESTS, *counters.TESTS, *limits.TESTS, *replicas.TESTS, *running.TESTS]:
        if options.only not in test.__name__:
            continue
        began = time.monotonic()
        try:
            test(place)
            outcome = "ok"
        except Exception:
            failed += 1
            outcome = "FAILED\n" + traceback.format_exc()
        print(f"{test.__name__:30} {time.monotonic() - began:5.2f} s  {outcome}", flush=True)
    print(f"{failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
