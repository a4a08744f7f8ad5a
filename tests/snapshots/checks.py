"""The checks of `__main__.py`: each starts its own server and raises if something is not so."""

import contextlib
import subprocess
import time

import contents
import redis
from servers import Server, ServerDied, flavour_of

_KEPT = "--holdfast-snapshot-generations"


def expect(found, wanted, what):
    """Raises unless both are equal."""
    if found != wanted:
        raise AssertionError(f"{what}: found {found!r}, wanted {wanted!r}")


def client(server):
    """A client of a server."""
    return redis.Redis(port=server.port, socket_timeout=60)


def snapshots(server):
    """The snapshot files of a server, the oldest first."""
    return sorted(server.directory.glob("snapshot-*.rdb"))


def digest(server):
    """The digest of all data."""
    return client(server).execute_command("DEBUG", "DIGEST")


@contextlib.contextmanager
def started(flavour, *extra):
    """A server that is killed and removed at the end."""
    server = Server(flavour, extra=("--save", "", *extra))
    try:
        yield server.start()
    finally:
        server.kill()
        server.remove()


def equal(flavour, dice):
    """Snapshot at i and the log behind it = the log alone, for each i of several."""
    with started(flavour, _KEPT, "16") as server:
        link = client(server)
        for _ in range(6):
            contents.change(link, dice, 1500)
            link.bgsave()
            # The walk has not reached most keys when these are changed.
            contents.change(link, dice, 1500)
            wait_for_save(link)
        before = digest(server)
        kept = snapshots(server)
        expect(len(kept), 6, "snapshots kept")
        for count in range(len(kept), -1, -1):
            server.kill()
            server.start()
            expect(digest(server), before, f"the data from {count} snapshots and the log")
            if count:
                kept[count - 1].unlink()


def wait_for_save(link):
    """Waits until no save is in progress; it must have succeeded."""
    while (facts := link.info("persistence"))["rdb_bgsave_in_progress"]:
        time.sleep(0.01)
    expect(facts["rdb_last_bgsave_status"], "ok", "the last save")
    return facts


def redis_reads(path, scratch):
    """A redis-server that has loaded this file."""
    subprocess.run(["redis-check-rdb", path], check=True, capture_output=True)
    scratch.mkdir()
    (scratch / "dump.rdb").write_bytes(path.read_bytes())
    other = Server(flavour_of("redis-server"), mode="volatile", directory=scratch)
    return other.start()


def redis_(flavour, dice):
    """redis-server holds what Holdfast held."""
    with started(flavour) as server:
        link = client(server)
        for number in range(3):
            contents.change(link, dice, 3000)
            contents.large(link, 3000 * (number + 1))
            link.save()
            wanted = contents.read(link)
            other = redis_reads(snapshots(server)[-1], server.directory / f"redis{number}")
            try:
                contents.compare(contents.read(client(other)), wanted)
            finally:
                other.kill()


redis_.__name__ = "redis"


def bounded(flavour, dice):
    """Ten times as much is written as the log may hold; its disk use stays."""
    with started(flavour, "--holdfast-snapshot-log-bytes", "32mb") as server:
        link = client(server)
        value = dice.randbytes(1 << 16)
        largest = 0
        for number in range(6400):
            link.set(f"key:{number % 50}", value)
            if number % 50 == 0:
                largest = max(largest, link.info("persistence")["log_disk_bytes"])
        facts = wait_for_save(link)
        if facts["rdb_saves"] < 3 or facts["log_purged_index"] < 0:
            raise AssertionError(f"the log was not purged: {facts}")
        # Two intervals and what is written meanwhile, in segments of 64 MiB, and four prepared ones.
        if largest > 8 * (64 << 20):
            raise AssertionError(f"the log took {largest} bytes")
        before = digest(server)
        server.kill()
        server.start()
        expect(digest(server), before, "the data after a kill")


def damage(flavour, dice):
    """One flipped byte anywhere in the newest snapshot costs nothing; a missing snapshot is noticed."""
    with started(flavour) as server:
        link = client(server)
        for _ in range(3):
            contents.change(link, dice, 1000)
            link.save()
        contents.change(link, dice, 500)
        before = digest(server)
        server.kill()
        older, newest = snapshots(server)[-2:]
        whole = newest.read_bytes()
        for _ in range(8):
            flip(newest, whole, dice.randrange(len(whole)))
            server.start()
            expect(digest(server), before, "the data from the older snapshot")
            server.kill()
        flip(newest, whole, len(whole) // 2)
        kept = older.read_bytes()
        flip(older, kept, len(kept) // 2)
        refuses(server, str(newest))
        older.unlink()
        newest.unlink()
        refuses(server, "there is no snapshot of them")
        newest.write_bytes(whole)
        (server.directory / "snapshot.tmp").write_bytes(whole[: len(whole) // 2])
        server.start()
        expect(digest(server), before, "the data once the snapshot is back")
        expect((server.directory / "snapshot.tmp").exists(), False, "what a crash left behind")


def flip(path, whole, at):
    """Writes the file with one byte changed."""
    path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x20]) + whole[at + 1 :])


def refuses(server, words):
    """The server does not start, and says why."""
    try:
        server.start(wait_seconds=20)
    except ServerDied as died:
        expect(words in str(died), True, f"{words!r} among the last words of the server: {died}")
        return
    finally:
        server.kill()
    raise AssertionError("the server started")


def imported(flavour, dice):
    """The data directory of a redis-server, in each of its layouts, through --import."""
    redis_flavour = flavour_of("redis-server")
    layouts = {
        "rdb": ("--appendonly", "no"),
        "aof": ("--appendonly", "yes", "--aof-use-rdb-preamble", "no", "--auto-aof-rewrite-percentage", "0"),
        "preamble": ("--appendonly", "yes"),
    }
    for name, extra in layouts.items():
        with Server(redis_flavour, mode="volatile", extra=extra) as source:
            link = client(source)
            contents.change(link, dice, 4000)
            contents.large(link, 2000)
            if name == "preamble":
                link.bgrewriteaof()
                while link.info("persistence")["aof_rewrite_in_progress"]:
                    time.sleep(0.05)
                contents.change(link, dice, 2000)
            wanted = contents.read(link)
            if name == "rdb":
                link.save()
            source.stop()
            arrives(flavour, source.directory, wanted)
            if name == "aof":
                torn(flavour, source.directory, wanted)


def arrives(flavour, path, wanted):
    """An import gives these contents, and they are there without it as well."""
    server = Server(flavour, extra=("--save", "", "--import", str(path)))
    try:
        server.start()
        contents.compare(contents.read(client(server)), wanted)
        server.kill()
        refuses(server, "holds data already")
        server.extra = ("--save", "")
        server.start()
        contents.compare(contents.read(client(server)), wanted)
    finally:
        server.kill()
        server.remove()


def torn(flavour, path, wanted):
    """A torn end costs the command that it is in; damage in the middle ends the import."""
    incremental = next(path.glob("appendonlydir/*.incr.aof"))
    whole = incremental.read_bytes()
    incremental.write_bytes(whole + b"*3\r\n$3\r\nSET\r\n$4\r\nlost")
    arrives(flavour, path, wanted)
    middle = whole.index(b"\r\n*", len(whole) // 2)
    incremental.write_bytes(whole[:middle] + b"*x" + whole[middle:])
    with contextlib.ExitStack() as stack:
        server = Server(flavour, extra=("--save", "", "--import", str(path)))
        stack.callback(server.remove)
        stack.callback(server.kill)
        refuses(server, incremental.name)
        server.extra = ("--save", "")
        refuses(server, "was not finished")
        incremental.write_bytes(whole)
        server.extra = ("--save", "", "--import", str(path))
        server.start()
        contents.compare(contents.read(client(server)), wanted)
