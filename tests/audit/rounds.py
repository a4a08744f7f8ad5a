"""The driver: rounds of load, sudden death, restart and audit. Caller: `__main__.py`.

A death is a SIGKILL; in a round of power cuts the shim then takes back what was not synced. Now and
then the server dies a second time while it recovers.
"""

import contextlib
import pathlib
import random
import shutil
import time
from dataclasses import dataclass, field

import firehose
import ledger
import sessions
from findings import Findings
from servers import Server, ServerDied, temporary_directory
from shim import KINDS, Shim, cut
from writer import WriterProcess

_DEATH_WHILE_RECOVERING = 0.1


@dataclass
class Tally:
    """What happened in a run."""

    findings: Findings = field(default_factory=Findings)
    deaths: int = 0
    deaths_recovering: int = 0
    seconds_loaded: float = 0.0
    seconds_to_serve: list = field(default_factory=list)
    syncs: int = 0
    changes_undone: int = 0
    names_undone: int = 0
    refused: str = ""


class Rounds:
    """One server, its writers and its audits over many deaths."""

    def __init__(self, flavour, seed, syncs=None, extra=(), writers=1, per_second=20_000, images=None):
        """`syncs` None kills only; else it is the shim's mode, and each death is a power cut."""
        self.images = images
        self.random = random.Random(seed)
        self.scratch = temporary_directory("audit")
        data = self.scratch / "data"
        data.mkdir()
        self.shim = Shim(data, syncs, KINDS if flavour.survives_tearing else KINDS[:2]) if syncs else None
        self.lenient_start = flavour.name != "holdfast"
        if syncs:
            extra = (*flavour.power_cut, *extra)
        environment = self.shim.environment() if syncs else None
        self.server = Server(flavour, extra=extra, directory=data, environment=environment)
        self.tally = Tally()
        self._cast(seed, writers, per_second / (writers * len(firehose.KINDS)))
        self.processes = []

    def _cast(self, seed, writers, pace):
        """Who writes, who reads, who audits."""

        def made(kind, name, *rest):
            return kind(name, str(self.scratch / f"{name}.journal"), f"{seed}-{name}", *rest)

        tellers = [made(ledger.LedgerWriter, f"teller{n}") for n in range(2 * writers)]
        watchers = [made(ledger.LedgerWatcher, "watcher")]
        visitors = [made(sessions.SessionWriter, f"visitor{n}") for n in range(writers)]
        hoses = [made(firehose.FirehoseWriter, f"{kind}{n}", kind, pace) for kind in firehose.KINDS for n in range(writers)]
        counters = [hose.name for hose in hoses if hose.kind == "counter"]
        readers = [made(firehose.CounterReader, "reader", counters)]
        self.writers = [*tellers, *watchers, *visitors, *hoses, *readers]
        self.audits = [
            ledger.LedgerAudit(tellers, watchers),
            sessions.SessionAudit(visitors),
            firehose.FirehoseAudit(hoses, readers),
        ]

    def run(self, enough, load_seconds=(0.2, 2.0)):
        """Rounds until `enough(tally)`; then one audit of everything. The tally tells all."""
        tally = self.tally
        try:
            self._start()
            ledger.open_accounts(self.server.port)
            if self.shim and self.lenient_start:
                self.shim.reset_running()
            self.processes = [WriterProcess(writer, self.server.port) for writer in self.writers]
            while not enough(tally) and tally.findings.clean():
                self._load(self.random.uniform(*load_seconds))
                self._die()
                self._start()
                self._audit()
            self._audit(whole=True)
        except ServerDied as died:
            tally.refused = str(died)
        finally:
            for process in self.processes:
                process.end()
            self.server.kill()
        return tally

    def _start(self):
        self.server.start()
        self.tally.seconds_to_serve.append(self.server.seconds_to_serve)

    def _load(self, seconds):
        for process in self.processes:
            process.go()
        began = time.monotonic()
        while time.monotonic() < began + seconds:
            time.sleep(0.02)
            if not self.server.alive():
                raise ServerDied(f"the server ended under load:\n{self.server.log_tail()}")
        for process in self.processes:
            if process.is_down():
                reason = process.wait_until_down()
                self.tally.findings.add("wrong", f"{process.writer.name} was refused or cut off before any kill: {reason}")
                process.go()
        self.tally.seconds_loaded += time.monotonic() - began

    def _die(self):
        self.server.kill()
        self.tally.deaths += 1
        for process in self.processes:
            process.wait_until_down()
        self._cut()
        if self.images:
            self.images.look(self.server, self.tally.findings)
        while self.random.random() < _DEATH_WHILE_RECOVERING:
            patience = self.random.uniform(0.0, 2 * self.tally.seconds_to_serve[-1])
            with contextlib.suppress(ServerDied):
                self.server.start(wait_seconds=patience)
            self.server.kill()
            self.tally.deaths_recovering += 1
            self._cut()

    def _cut(self):
        if self.shim:
            result = cut(self.shim, self.random)
            self.shim.reset()
            self.tally.syncs += result.syncs
            self.tally.changes_undone += result.writes_undone + result.sectors_undone
            self.tally.names_undone += result.names_undone

    def _audit(self, whole=False):
        for audit in self.audits:
            audit.check(self.server.port, self.tally.findings, whole)

    def remove(self):
        """Deletes everything of this run."""
        if self.shim:
            self.shim.remove()
        shutil.rmtree(self.scratch, ignore_errors=True)

    def evidence(self):
        """Where the data directory, the journals and the server's log are."""
        return pathlib.Path(self.scratch)
