"""A disk whose every sync takes a twentieth of a second: what leaves the server before the sync?

Caller: `__main__.py`. Power cuts find a reply that came too early by chance; here each way in which
a write could show itself is tried on purpose, and must wait for the sync: its reply, a read of its
key, an error or a refusal that reveals it, a message, a notification, a monitor's line, the wake-up
of a blocked client. What has nothing to do with the write must not wait (Redis waits with it, so
that half is judged for Holdfast only).
"""

import shutil
import time

from servers import Server, temporary_directory
from servers.wire import Wire, WireError, encode
from shim import Shim

DELAY_S = 0.05
_HEAD_START_S = 0.004


class Line:
    """A connection on which things may arrive unasked."""

    def __init__(self, port):
        self.wire = Wire(port, timeout=10)

    def send(self, *arguments):
        """Sends one command and does not wait."""
        self.wire.link.sendall(encode(*arguments))

    def ask(self, *arguments):
        """One command and its first line, error or not, and when it came."""
        self.send(*arguments)
        return self.first()

    def first(self):
        """The next line, and when it came."""
        line = self.wire.line()
        return line, time.monotonic()

    def quiet(self):
        """Reads all that has come, until nothing comes."""
        self.wire.link.settimeout(2 * DELAY_S)
        try:
            while self.wire.link.recv(65536):
                pass
        except TimeoutError:
            pass
        self.wire.rest = b""
        self.wire.link.settimeout(10)


# What is written, what somebody else asks right after, and what the answer would give away.
_REVEALING = [
    ("a read of the key", ("SET", "k", "newer"), ("GET", "k"), b"$5"),
    ("the type", ("RPUSH", "fresh", "x"), ("TYPE", "fresh"), b"+list"),
    ("the number of keys", ("SET", "another", "x"), ("DBSIZE",), None),
    ("a scan", ("SET", "scanned", "x"), ("SCAN", "0", "MATCH", "scanned", "COUNT", "1000"), None),
    ("an error that tells the type", ("RPUSH", "list", "x"), ("INCR", "list"), b"-WRONGTYPE"),
    ("a write that changes nothing", ("SADD", "set", "x"), ("SADD", "set", "x"), b":0"),
    ("a refused SET NX", ("SET", "lock", "a"), ("SET", "lock", "b", "NX"), b"$-1"),
    ("a deletion", ("DEL", "k"), ("EXISTS", "k"), b":0"),
    ("a read in a transaction", ("SET", "k", "newest"), ("STRLEN", "k"), b":6"),
    ("a flush", ("FLUSHDB",), ("GET", "k"), b"$-1"),
]


def run(flavour, options=()):
    """All cases; the sentences of what came too early or waited for nothing."""
    complaints = []
    scratch = temporary_directory("slow")
    (scratch / "data").mkdir()
    shim = Shim(scratch / "data", "delayed")
    environment = {**shim.environment(), "POWERCUT_DELAY_US": str(int(DELAY_S * 1e6))}
    server = Server(flavour, extra=(*flavour.power_cut, *options), directory=shim.directory, environment=environment)
    try:
        server.start()
        complaints += _own_replies(server.port)
        for name, write, read, answer in _REVEALING:
            complaints += _reveals(server.port, name, write, read, answer)
        complaints += _pushes(server.port)
        if flavour.name == "holdfast":
            complaints += _others(server.port)
    except (OSError, WireError) as error:
        complaints.append(f"{error}\n{server.log_tail()}")
    finally:
        server.kill()
        shutil.rmtree(scratch, ignore_errors=True)
    return complaints


def _early(name, seconds):
    return [] if seconds >= DELAY_S * 0.9 else [f"{name} left {1000 * seconds:.1f} ms after a write whose sync takes 50 ms"]


def _own_replies(port):
    line = Line(port)
    complaints = []
    for command in (("SET", "k", "old"), ("INCR", "n"), ("MSET", "a", "1", "b", "2"), ("EXPIRE", "a", "100")):
        began = time.monotonic()
        _, came = line.ask(*command)
        complaints += _early(f"the reply to {command[0]}", came - began)
    return complaints


def _reveals(port, name, write, read, answer):
    writer, reader = Line(port), Line(port)
    began = time.monotonic()
    writer.send(*write)
    time.sleep(_HEAD_START_S)
    got, came = reader.ask(*read)
    writer.first()
    if answer is not None and not got.startswith(answer):
        # The state before the write would be a fair answer too; it gives nothing away.
        return []
    return _early(name, came - began)


def _pushes(port):
    """Messages, notifications, monitors and blocked clients, each behind a write in the same pipeline."""
    complaints = []
    Line(port).ask("CONFIG", "SET", "notify-keyspace-events", "KEA")
    cases = [
        ("a message", [("SUBSCRIBE", "news")], [("SET", "p", "1"), ("PUBLISH", "news", "x")]),
        ("a notification", [("SUBSCRIBE", "__keyevent@0__:set")], [("SET", "p", "2")]),
        ("a monitor's line", [("MONITOR",)], [("SET", "p", "3")]),
        ("a blocked client's wake-up", [("BLPOP", "queue", "5")], [("RPUSH", "queue", "x")]),
    ]
    for name, listen, act in cases:
        try:
            complaints += _push(port, name, listen, act)
        except (OSError, WireError) as error:
            complaints.append(f"{name}: {error}")
    return complaints


def _push(port, name, listen, act):
    listener, writer = Line(port), Line(port)
    for command in listen:
        listener.send(*command)
    if "blocked" in name:
        time.sleep(0.05)
    else:
        listener.quiet()
    began = time.monotonic()
    writer.wire.link.sendall(b"".join(encode(*command) for command in act))
    _, came = listener.first()
    listener.wire.close()
    writer.quiet()
    return _early(name, came - began)


def _others(port):
    """Reads of settled keys while writes wait for the disk all the time."""
    Line(port).ask("SET", "settled", "x")
    writer, reader = Line(port), Line(port)
    time.sleep(2 * DELAY_S)
    waits = []
    for number in range(40):
        writer.send("SET", f"busy:{number}", "x")
        time.sleep(_HEAD_START_S)
        began = time.monotonic()
        reader.wire.command("GET", "settled")
        waits.append(time.monotonic() - began)
    waits.sort()
    # One in forty may share its place in the table of dirty keys with a busy key.
    if waits[-2] > DELAY_S / 2:
        return [f"a read of a settled key waited {1000 * waits[-2]:.1f} ms for other keys' syncs"]
    return []
