"""Which command line makes a server durable or volatile. The only place that knows the difference."""

import os
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Flavour:
    """A server binary and the options that each mode adds to the common ones."""

    name: str
    binary: str
    durable: tuple = ()
    volatile: tuple = ()
    debug: tuple = ()
    power_cut: tuple = ()
    survives_tearing: bool = True
    environment: dict = field(default_factory=dict)

    def command(self, port, directory, mode="durable", extra=()):
        """The command line of one server; `mode` is "durable" or "volatile"."""
        modes = {"durable": self.durable, "volatile": self.volatile}
        common = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(directory)]
        return [self.binary, *common, *modes[mode], *self.debug, *extra]


def flavour_of(binary):
    """Recognises a binary by its file name: redis-server, valkey-server, or Holdfast for the rest."""
    name = os.path.basename(binary)
    if name in ("redis-server", "valkey-server"):
        return Flavour(
            name=name.split("-")[0],
            binary=binary,
            durable=("--appendonly", "yes", "--appendfsync", "always", "--save", ""),
            volatile=("--appendonly", "no", "--save", ""),
            debug=("--enable-debug-command", "yes", "--maxclients", "12000"),
            # An AOF that ends within a command of a MULTI is cut behind the MULTI, not before it: the next
            # EXEC then executes half of the torn transaction too. The audit found it; it is not ours.
            survives_tearing=False,
        )
    return Flavour(
        name="holdfast",
        binary=binary,
        # Holdfast has no other mode than a durable one.
        debug=("--enable-debug-command", "yes", "--maxclients", "12000"),
        # io_uring and O_DIRECT writes go past the preload shim's buffers (RULES.md 24).
        power_cut=("--wal-method", "fdatasync"),
    )
