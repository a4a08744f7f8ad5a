"""A double-entry ledger: accounts, transfers by WATCH and MULTI, one entry for each transfer.

Half of the accounts are strings, half are hashes. Each transfer has an operation id of its own, so
that a transfer whose outcome is unknown is tried again under the same id and happens once.
What always holds: the sum of all accounts is constant; the balances are what the entries say; each
acknowledged transfer has exactly one entry.
"""

from redis import WatchError

from journal import JournalReader
from writer import Writer, client

ACCOUNTS = 64
OPENING = 10_000


def _read(pipe, account):
    if account % 2:
        return pipe.hget(f"account:{account}", "balance")
    return pipe.get(f"account:{account}")


def _add(pipe, account, amount):
    if account % 2:
        pipe.hincrby(f"account:{account}", "balance", amount)
    else:
        pipe.incrby(f"account:{account}", amount)


def open_accounts(port):
    """Puts the opening balance on each account, all at once."""
    pipe = client(port).pipeline(transaction=True)
    for account in range(ACCOUNTS):
        _add(pipe, account, OPENING)
    pipe.execute()


def balances(link):
    """All balances, read in one transaction."""
    pipe = link.pipeline(transaction=True)
    for account in range(ACCOUNTS):
        _read(pipe, account)
    return [int(balance or 0) for balance in pipe.execute()]


class LedgerWriter(Writer):
    """Transfers random amounts between random accounts."""

    def open(self):
        super().open()
        self.number = 0
        self.open_transfer = None

    def connect(self, port):
        """A new connection; an open transfer is tried again under its id."""
        self.link = client(port)

    def step(self):
        """One transfer, tried until it is acknowledged."""
        if self.open_transfer is None:
            source, target = self.random.sample(range(ACCOUNTS), 2)
            self.number += 1
            self.open_transfer = (f"{self.name}:{self.number}", source, target, self.random.randint(1, 50))
        while not self._transfer(*self.open_transfer):
            pass
        self.journal.write("A", *self.open_transfer)
        self.open_transfer = None

    def _transfer(self, identity, source, target, amount):
        with self.link.pipeline(transaction=True) as pipe:
            try:
                pipe.watch(f"account:{source}", f"account:{target}", f"transfer:{identity}")
                if pipe.exists(f"transfer:{identity}"):
                    return True
                if int(_read(pipe, source) or 0) < amount:
                    amount = 0
                pipe.multi()
                _add(pipe, source, -amount)
                _add(pipe, target, amount)
                pipe.rpush(f"entries:{self.name}", f"{identity} {source} {target} {amount}")
                pipe.set(f"transfer:{identity}", amount)
                pipe.execute()
                return True
            except WatchError:
                return False

    def lost(self, error):
        """The open transfer may or may not have happened."""
        if self.open_transfer:
            self.journal.write("U", *self.open_transfer)


class LedgerWatcher(Writer):
    """Reads all accounts at once, all the time: no reader ever sees half of a transfer."""

    def connect(self, port):
        """A new connection."""
        self.link = client(port)

    def step(self):
        """One look."""
        total = sum(balances(self.link))
        if total != ACCOUNTS * OPENING:
            self.journal.write("V", total)


class LedgerAudit:
    """Compares what the server holds with what the writers' journals say."""

    def __init__(self, writers, watchers):
        self.readers = {writer.name: JournalReader(writer.path) for writer in writers}
        self.watchers = [JournalReader(watcher.path) for watcher in watchers]
        self.acked = {name: set() for name in self.readers}
        self.unknown = {name: set() for name in self.readers}
        self._forget()

    def _forget(self):
        self.position = dict.fromkeys(self.readers, 0)
        self.seen = {name: set() for name in self.readers}
        self.expected = [OPENING] * ACCOUNTS

    def check(self, port, findings, whole=False):
        """Checks what is new, or everything; adds to `findings`."""
        link = client(port, 60)
        if whole:
            self._forget()
        for name, reader in self.readers.items():
            self._read_journal(name, reader, findings)
            self._read_entries(link, name, findings)
            for identity in self.acked[name] - self.seen[name]:
                findings.add("lost", f"transfer {identity} was acknowledged and has no entry")
            for identity in self.seen[name] - self.acked[name] - self.unknown[name]:
                findings.add("wrong", f"entry {identity} was never sent")
        now = balances(link)
        if sum(now) != ACCOUNTS * OPENING:
            findings.add("wrong", f"the ledger's sum is {sum(now)}, not {ACCOUNTS * OPENING}")
        if now != self.expected:
            findings.add("wrong", "the balances are not what the entries say")
        for watcher in self.watchers:
            for event in watcher.news():
                findings.add("wrong", f"a reader saw the sum {event[1]}")

    def _read_journal(self, name, reader, findings):
        for what, identity, *_ in reader.news():
            if what == "A":
                findings.acks += 1
                self.acked[name].add(identity)
                self.unknown[name].discard(identity)
            else:
                findings.unknown += 1
                self.unknown[name].add(identity)

    def _read_entries(self, link, name, findings):
        while entries := link.lrange(f"entries:{name}", self.position[name], self.position[name] + 9999):
            self.position[name] += len(entries)
            for entry in entries:
                identity, source, target, amount = entry.split()
                if identity in self.seen[name]:
                    findings.add("doubled", f"transfer {identity} has two entries")
                self.seen[name].add(identity)
                self.expected[int(source)] -= int(amount)
                self.expected[int(target)] += int(amount)
