"""The classic uses of Redis, each as it is and across a kill -9 with a restart.

    python3 tests/scenarios                               all, against target/release/holdfast
    python3 tests/scenarios --server /usr/bin/redis-server --only queue

Exit status: 0 if all behave as on Redis, 1 if not.
"""

import argparse
import pathlib
import sys
import time
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import coordination  # noqa: E402
import limits  # noqa: E402
import stores  # noqa: E402
from servers import flavour_of, target_directory  # noqa: E402
from world import World  # noqa: E402

# The leaderboard comes last: a server whose log still holds a million commands starts slowly.
SCENARIOS = [
    limits.basket_counter,
    stores.cache_aside,
    limits.fixed_window,
    limits.sliding_window,
    limits.token_bucket,
    stores.session_store,
    coordination.incr_lock,
    coordination.set_nx_lock,
    coordination.work_queue,
    stores.tags,
    stores.feed,
    coordination.notification,
    coordination.bank_transfer,
    stores.leaderboard,
]


def play(scenario, world, deadly):
    """Runs one scenario, with or without deaths at its yields."""
    world.empty()
    for _ in scenario(world):
        if deadly:
            world.kill()


def main():
    """Parses the command line and runs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", default=str(target_directory() / "release" / "holdfast"), help="binary to start")
    parser.add_argument("--only", default="", help="scenarios whose name contains this")
    parser.add_argument("--members", type=int, default=stores.BOARD_MEMBERS, help="players on the leaderboard")
    options = parser.parse_args()
    stores.BOARD_MEMBERS = options.members
    world = World(flavour_of(options.server))
    failed = 0
    try:
        for scenario in [s for s in SCENARIOS if options.only in s.__name__]:
            for deadly, how in ((False, ""), (True, " across a kill")):
                began = time.monotonic()
                try:
                    play(scenario, world, deadly)
                    outcome = "ok"
                except Exception:
                    failed += 1
                    outcome = "FAILED\n" + traceback.format_exc()
                print(f"{scenario.__name__ + how:36} {time.monotonic() - began:5.2f} s  {outcome}", flush=True)
                if not world.server.alive():
                    print(f"  the server died:\n{world.server.log_tail()}")
                    world.server.start()
    finally:
        world.close()
    serve = max(world.seconds_to_serve, default=0)
    print(f"{failed} failed; {len(world.seconds_to_serve)} kills, at most {1000 * serve:.0f} ms to serve again")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
