"""A writer's local record of what was acknowledged and what is unknown.

Callers: the writers, which append; the audits, which read what was added. One line per event; a
writer flushes when its connection is lost, and the driver lets the audit read only after that.
"""

import pathlib


class Journal:
    """Append side: one file per writer."""

    def __init__(self, path):
        self.file = open(path, "a", buffering=1 << 16)

    def write(self, *fields):
        """One event: a letter that says what, then its fields, none with a space."""
        self.file.write(" ".join(map(str, fields)) + "\n")

    def flush(self):
        """Hands everything to the reader."""
        self.file.flush()


class JournalReader:
    """Read side: gives each event once."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.position = 0

    def news(self):
        """The events since the last call, each as a list of words."""
        if not self.path.exists():
            return []
        with open(self.path) as file:
            file.seek(self.position)
            lines = file.readlines()
            self.position = file.tell()
        return [line.split() for line in lines]
