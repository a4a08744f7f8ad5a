"""A session store: unique numbers, tokens with a time to live, log-outs, and short-lived tokens.

What always holds: a number is given once; an acknowledged log-in is there until its log-out or its
deadline, with about the time to live that it was given; a token past its deadline never comes back.
"""

import time
import uuid

from journal import JournalReader
from writer import Writer, client

TTL_S = 3600
SHORT_MS = 400
TOLERANCE_S = 60
_RECENT = 3000


class SessionWriter(Writer):
    """Logs in, logs out, and issues short-lived tokens."""

    def open(self):
        super().open()
        self.live = []
        self.pending = None

    def connect(self, port):
        """A new connection."""
        self.link = client(port)

    def step(self):
        """One visit: a number, a log-in, and now and then a log-out or a short-lived token."""
        self._do("N", "-", lambda: self.link.incr("session:number"))
        token = f"{self.name}-{uuid.UUID(int=self.random.getrandbits(128), version=4)}"
        self._do("I", token, lambda: self.link.set(f"session:{token}", token, ex=TTL_S))
        self.live.append(token)
        if self.random.random() < 0.3:
            gone = self.live.pop(self.random.randrange(len(self.live)))
            self._do("O", gone, lambda: self.link.delete(f"session:{gone}"))
        if self.random.random() < 0.1:
            self._do("S", token, lambda: self.link.set(f"short:{token}", 1, px=SHORT_MS))

    def _do(self, what, token, action):
        self.pending = (what, token)
        answer = action()
        self.pending = None
        self.journal.write("A", what, token, answer if what == "N" else time.time())

    def lost(self, error):
        """The operation under way may or may not have happened; its token is not used again."""
        if self.pending:
            self.journal.write("U", *self.pending, time.time())
            self.live = [token for token in self.live if token != self.pending[1]]


class SessionAudit:
    """Compares the store with the journals."""

    def __init__(self, writers):
        self.readers = [JournalReader(writer.path) for writer in writers]
        self.numbers = set()
        self.live = {}
        self.gone = set()
        self.short = {}

    def check(self, port, findings, whole=False):
        """Checks the recent sessions, or all of them."""
        link = client(port, 60)
        for reader in self.readers:
            for event in reader.news():
                self._note(findings, *event)
        highest = int(link.get("session:number") or 0)
        if self.numbers and highest < max(self.numbers):
            findings.add("lost", f"number {max(self.numbers)} was given, the counter stands at {highest}")
        self._check_live(link, findings, whole)
        self._check_gone(link, findings, whole)

    def _note(self, findings, state, what, token, detail):
        if state == "U":
            findings.unknown += 1
            self.live.pop(token, None)
            return
        findings.acks += 1
        if what == "N":
            if int(detail) in self.numbers:
                findings.add("doubled", f"number {detail} was given twice")
            self.numbers.add(int(detail))
        elif what == "I":
            self.live[token] = float(detail)
        elif what == "O":
            self.live.pop(token, None)
            self.gone.add(f"session:{token}")
        else:
            self.short[f"short:{token}"] = float(detail)

    def _check_live(self, link, findings, whole):
        chosen = list(self.live.items())[0 if whole else -_RECENT :]
        for start in range(0, len(chosen), 1000):
            part = chosen[start : start + 1000]
            pipe = link.pipeline(transaction=False)
            for token, _ in part:
                pipe.get(f"session:{token}").ttl(f"session:{token}")
            answers = pipe.execute()
            for (token, since), value, ttl in zip(part, answers[::2], answers[1::2], strict=True):
                left = TTL_S - (time.time() - since)
                if value != token:
                    findings.add("lost", f"session {token} holds {value}")
                elif abs(ttl - left) > TOLERANCE_S:
                    findings.add("wrong", f"session {token} has {ttl} s to live, not {left:.0f}")

    def _check_gone(self, link, findings, whole):
        now = time.time()
        expired = [key for key, since in self.short.items() if now > since + SHORT_MS / 1000 + 0.05]
        chosen = (list(self.gone) + expired)[0 if whole else -_RECENT :]
        for start in range(0, len(chosen), 1000):
            part = chosen[start : start + 1000]
            for key, value in zip(part, link.mget(part), strict=True):
                if value is not None:
                    findings.add("lost", f"{key} is back after its log-out or its deadline")
