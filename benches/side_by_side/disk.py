"""The disk's own counters, which no server can embellish: writes, bytes and flushes of a device."""

import os
import pathlib
from dataclasses import dataclass

_SECTOR_BYTES = 512


@dataclass
class Counters:
    """What a block device did since it came up, or between two readings."""

    writes: int
    megabytes: float
    flushes: int

    def since(self, before):
        """The difference from an earlier reading."""
        return Counters(self.writes - before.writes, self.megabytes - before.megabytes, self.flushes - before.flushes)

    def durable(self):
        """Whether the device wrote, and was told to flush what it wrote."""
        return self.writes > 0 and self.flushes > 0


def read(directory):
    """The counters of the device that holds `directory`; None where the kernel does not tell."""
    device = os.stat(directory).st_dev
    path = pathlib.Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}/stat")
    try:
        fields = [int(word) for word in path.read_text().split()]
    except OSError:
        return None
    flushes = fields[15] if len(fields) > 15 else 0
    return Counters(fields[4], fields[6] * _SECTOR_BYTES / 1e6, flushes)
