"""Runs Redis's own Tcl suite, unit by unit, against a server, and compares with `expected.tsv`.

    python3 tests/compat/tcl --units fast                      CI's part, at most five minutes
    python3 tests/compat/tcl --all --jobs 2                    everything
    python3 tests/compat/tcl --units unit/type/zset --verbose  some units, with the failures' texts
    python3 tests/compat/tcl --server /usr/bin/redis-server --all --record-reference

By default each unit meets a fresh server of its own, so that one crash costs one unit only; with
--port everything runs against a server that is already there. Exit status: 0 as expected, 1 worse
than expected, 2 the suite or a tool is missing.
"""

import argparse
import concurrent.futures
import os
import pathlib
import queue
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

import expected  # noqa: E402
import suite  # noqa: E402
import unit as unit_run  # noqa: E402
from servers import Server, ServerDied, flavour_of, free_port, target_directory  # noqa: E402

# The units of the groups that a lone node serves, the slow ones first.
FAST = [
    "unit/pause",
    "unit/type/list-3",
    "unit/geo",
    "unit/scripting",
    "unit/functions",
    "unit/type/zset",
    "unit/dump",
    "unit/type/stream",
    "unit/type/list",
    "unit/expire",
    "unit/latency-monitor",
    "integration/redis-cli",
    "unit/type/list-2",
    "unit/type/string",
    "unit/scan",
    "unit/introspection-2",
    "unit/other",
    "unit/type/hash",
    "unit/multi",
    "unit/type/set",
    "unit/sort",
    "unit/querybuf",
    "unit/keyspace",
    "unit/bitops",
    "unit/bitfield",
    "unit/slowlog",
    "unit/pubsub",
    "unit/lazyfree",
    "unit/type/stream-cgroups",
    "unit/type/incr",
    "unit/quit",
    "unit/protocol",
    "unit/introspection",
    "unit/info-command",
    "unit/replybufsize",
]


def main():
    """Parses the command line, runs, prints the summary."""
    options = arguments()
    try:
        place = suite.fetch()
    except suite.SuiteMissing as missing:
        print(f"!!! THE TCL SUITE IS MISSING: {missing}", file=sys.stderr)
        return 2
    units = chosen(options, suite.units(place))
    began = time.monotonic()
    results = run_all(options, place, units)
    reference = expected.read_reference()
    if options.record_reference:
        expected.record_reference(results)
        reference = expected.read_reference()
    if options.record:
        expected.record_expected(results, reference)
    worse = report(results, reference, options)
    print(f"{time.monotonic() - began:.0f} s")
    return 1 if worse and not (options.record or options.record_reference) else 0


def arguments():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", default=str(target_directory() / "release" / "holdfast"), help="binary to start")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, help="use the server on this port instead of starting one per unit")
    parser.add_argument("--units", nargs="+", default=["fast"], help="unit names, or `fast`")
    parser.add_argument("--all", action="store_true", help="every unit of the suite")
    parser.add_argument("--limit", type=int, default=240, help="seconds a unit may take")
    parser.add_argument("--jobs", type=int, default=2, help="servers side by side")
    parser.add_argument("--disk", action="store_true", help="data on the real disk; else in memory where there is /dev/shm")
    parser.add_argument("--tags", default="", help="passed to the suite, such as -needs:debug")
    parser.add_argument("--record", action="store_true", help="write expected.tsv from this run")
    parser.add_argument("--record-reference", action="store_true", help="write reference.tsv from this run")
    parser.add_argument("--verbose", action="store_true", help="print each failure's text")
    return parser.parse_args()


def chosen(options, known):
    """The units to run; an unknown name is an error."""
    if options.all:
        return known
    units = []
    for name in options.units:
        units += FAST if name == "fast" else [name]
    unknown = [name for name in units if name not in known]
    if unknown:
        raise SystemExit(f"no such unit: {unknown}")
    return units


def run_all(options, place, units):
    """Runs the units, several jobs at a time if each starts its own server."""
    jobs = 1 if options.port else max(1, options.jobs)
    copies = queue.Queue()
    with tempfile.TemporaryDirectory(dir=suite.cache_directory()) as scratch:
        port = options.port
        for number in range(jobs):
            port = options.port or free_port(port + 1 if port else 7821, 60)
            copy = suite.working_copy(place, pathlib.Path(scratch) / str(number))
            copies.put((copy, port))

        def one(name):
            copy, port = copies.get()
            try:
                result = run_unit(options, name, copy, port)
            finally:
                copies.put((copy, port))
            print(f"  {name}: {result.count('ok')} ok, {result.count('fail')} failed, {result.ended}", flush=True)
            return result

        with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
            return list(pool.map(one, units))


def run_unit(options, name, copy, port):
    """One unit against the given server, or against one of its own."""
    began = time.monotonic()
    if options.port:
        result = unit_run.run(name, copy, options.host, port, options.limit, options.tags)
    else:
        # The suite asks what commands do, not what survives: a disk would only make it slow.
        memory = None if options.disk or not os.path.isdir("/dev/shm") else tempfile.mkdtemp(dir="/dev/shm")
        server = Server(flavour_of(options.server), port=port, directory=memory, owned=True)
        try:
            server.start()
            result = unit_run.run(name, copy, "127.0.0.1", port, options.limit, options.tags)
            if not server.alive():
                result.ended = f"the server died ({server.process.returncode})"
                result.messages["(server)"] = server.log_tail()
        except ServerDied as died:
            result = unit_run.UnitResult(name, ended="the server did not start")
            result.messages["(server)"] = str(died)
        finally:
            server.kill()
            server.remove()
    result.seconds = time.monotonic() - began
    return result


def report(results, reference, options):
    """Prints counts by unit, the failures that were not expected, and the total."""
    lists = expected.read_expected()
    worse, better = [], []
    passed = wanted = 0
    print(f"\n{'unit':34} {'ok':>5} {'fail':>5} {'redis':>6} {'s':>5}  ended")
    for result in results:
        ok, fail = result.count("ok"), result.count("fail")
        redis_ok = reference.get(result.unit, (0, 0, 0))[0]
        passed, wanted = passed + min(ok, redis_ok), wanted + redis_ok
        if ok or fail or redis_ok or result.ended != "done":
            print(f"{result.unit:34} {ok:5} {fail:5} {redis_ok:6} {result.seconds:5.0f}  {result.ended}")
        some_worse, some_better = expected.compare(result, lists.get(result.unit, expected.Expected()), reference)
        worse += some_worse
        better += some_better
        if options.verbose:
            for name, message in result.messages.items():
                print(f"    [{name}]\n      " + message.strip().replace("\n", "\n      "))
    for line in better:
        print(f"BETTER {line}")
    for line in worse:
        print(f"WORSE  {line}")
    share = 100 * passed / wanted if wanted else 0
    print(f"\n{sum(r.count('ok') for r in results)} ok; {passed} of redis-server's {wanted} ({share:.1f} %);", end=" ")
    print(f"{len(worse)} worse than expected, {len(better)} better", end="; ")
    return worse


if __name__ == "__main__":
    sys.exit(main())
