"""The mass of writes: pipelined appends, sets and increments, each acknowledged one by one.

What always holds: each acknowledged operation is there exactly once and in its order; what was sent
and not acknowledged is there at most once; where the connection just broke, what is there of it has
no gap. A reader of the counters never sees a value that is lost later.
"""

import time

from journal import JournalReader
from servers.wire import Wire, WireError, encode
from writer import Writer, client

BATCH = 100
CHUNK = 10_000
KINDS = ("list", "set", "counter")


class FirehoseWriter(Writer):
    """Sends batches of one kind of operation, numbered from 1."""

    def __init__(self, name, path, seed, kind, per_second):
        super().__init__(name, path, seed)
        self.kind = kind
        self.pause_s = BATCH / per_second

    def open(self):
        super().open()
        self.next = 1

    def connect(self, port):
        """A new connection."""
        self.wire = Wire(port, timeout=15)
        self.due = time.monotonic()

    def _command(self, number):
        if self.kind == "list":
            return encode("RPUSH", f"log:{self.name}:{number // CHUNK}", number)
        if self.kind == "set":
            return encode("SET", f"item:{self.name}:{number}", number)
        return encode("INCR", f"counter:{self.name}")

    def step(self):
        """One batch; on failure the acknowledged part and the unknown rest go to the journal."""
        # A pace keeps the data small enough for many restarts; a late writer catches up.
        self.due += self.pause_s
        time.sleep(max(0.0, self.due - time.monotonic()))
        first, self.next = self.next, self.next + BATCH
        blob = b"".join(self._command(number) for number in range(first, first + BATCH))
        try:
            self.wire.run(blob, BATCH)
        except WireError as error:
            acked = error.answered
            if acked:
                self.journal.write("A", first, first + acked - 1)
            self.journal.write("U", first + acked, first + BATCH - 1, "any" if error.refused else "gapless")
            raise
        self.journal.write("A", first, first + BATCH - 1)


class CounterReader(Writer):
    """Reads the counters under load and writes down the highest values that it was shown."""

    def __init__(self, name, path, seed, counters):
        super().__init__(name, path, seed)
        self.counters = counters
        self.shown = dict.fromkeys(counters, 0)

    def connect(self, port):
        """A new connection."""
        self.link = client(port)

    def step(self):
        """One look at all counters."""
        for name, value in zip(self.counters, self.link.mget([f"counter:{n}" for n in self.counters]), strict=True):
            value = int(value or 0)
            if value < self.shown[name]:
                self.journal.write("V", name, self.shown[name], value)
            self.shown[name] = max(self.shown[name], value)

    def lost(self, error):
        """Hands over what was shown."""
        for name, value in self.shown.items():
            self.journal.write("R", name, value)


class FirehoseAudit:
    """Compares lists, keys and counters with the journals."""

    def __init__(self, writers, readers):
        self.writers = {writer.name: (writer.kind, JournalReader(writer.path)) for writer in writers}
        self.readers = [JournalReader(reader.path) for reader in readers]
        self.acked = {name: [] for name in self.writers}
        self.unknown = {name: [] for name in self.writers}
        self.counted = dict.fromkeys(self.writers, 0)

    def check(self, port, findings, whole=False):
        """Checks what is new, or everything."""
        link = client(port, 120)
        for name, (kind, reader) in self.writers.items():
            acked, unknown = self._news(name, reader, findings)
            if kind == "counter":
                self._check_counter(link, name, acked, unknown, findings)
                continue
            if whole:
                acked, unknown = self.acked[name], self.unknown[name]
            if acked or unknown:
                check = self._check_list if kind == "list" else self._check_keys
                check(link, name, acked, unknown, findings)
        self._check_shown(link, findings)

    def _news(self, name, reader, findings):
        acked, unknown = [], []
        for what, first, last, *rest in reader.news():
            span = range(int(first), int(last) + 1)
            if what == "A":
                findings.acks += len(span)
                acked.append(span)
            else:
                findings.unknown += len(span)
                unknown.append((span, rest[0]))
        self.acked[name] += acked
        self.unknown[name] += unknown
        return acked, unknown

    def _check_list(self, link, name, acked, unknown, findings):
        spans = acked + [span for span, _ in unknown if len(span)]
        first, last = min(span[0] for span in spans), max(span[-1] for span in spans)
        held = []
        for chunk in range(first // CHUNK, last // CHUNK + 1):
            held += map(int, link.lrange(f"log:{name}:{chunk}", 0, -1))
        if held != sorted(held):
            findings.add("wrong", f"the list of {name} is out of order")
        there = set(held)
        if len(there) != len(held):
            findings.add("doubled", f"the list of {name} holds {len(held) - len(there)} numbers twice")
        self._compare(name, there, acked, unknown, findings)
        if there and max(there) > last:
            findings.add("wrong", f"the list of {name} holds {max(there)}, which was never sent")

    def _check_keys(self, link, name, acked, unknown, findings):
        there = set()
        for span in acked + [span for span, _ in unknown]:
            for start in range(span.start, span.stop, 1000):
                part = range(start, min(start + 1000, span.stop))
                values = link.mget([f"item:{name}:{number}" for number in part]) if len(part) else []
                for number, value in zip(part, values, strict=True):
                    if value is not None:
                        there.add(number)
                        if value != str(number):
                            findings.add("wrong", f"item {number} of {name} holds {value}")
        self._compare(name, there, acked, unknown, findings)

    def _compare(self, name, there, acked, unknown, findings):
        for span in acked:
            missing = [number for number in span if number not in there]
            for number in missing:
                findings.add("lost", f"operation {number} of {name} was acknowledged")
        for span, how in unknown:
            shown = [number in there for number in span]
            if how == "gapless" and shown != sorted(shown, reverse=True):
                findings.add("wrong", f"operations {span} of {name} have a gap")

    def _check_counter(self, link, name, acked, unknown, findings):
        low = self.counted[name] + sum(map(len, acked))
        high = low + sum(len(span) for span, _ in unknown)
        value = int(link.get(f"counter:{name}") or 0)
        if value < low:
            findings.add("lost", f"{name} counted {low}, the counter stands at {value}")
        elif value > high:
            findings.add("doubled", f"{name} sent {high}, the counter stands at {value}")
        self.counted[name] = value

    def _check_shown(self, link, findings):
        for reader in self.readers:
            for what, name, shown, *now in reader.news():
                value = int(now[0] if what == "V" else link.get(f"counter:{name}") or 0)
                if value < int(shown):
                    findings.add("lost", f"a reader was shown {shown} of {name}, then {value}")
