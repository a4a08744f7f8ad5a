"""Compiles the preload library and gives the environment that loads it. Caller: `rounds.py`."""

import pathlib
import shutil
import subprocess

from .cut import KINDS, SYNC_ALL_RECORD

_SOURCE = pathlib.Path(__file__).with_name("powercut.c")


class ShimMissing(RuntimeError):
    """There is no C compiler, or the library does not compile."""


class Shim:
    """The library, its undo log and its limbo of unlinked files, for one data directory."""

    def __init__(self, directory, syncs="delayed", kinds=KINDS):
        """`syncs` is "real", "delayed" (a pause instead of the disk) or "none" (each sync is a lie).

        `kinds` are the kinds of cut to choose from.
        """
        self.directory = pathlib.Path(directory)
        self.library = self.directory.with_name(self.directory.name + ".powercut.so")
        self.log = self.directory.with_name(self.directory.name + ".undo")
        self.limbo = self.directory.with_name(self.directory.name + ".undo.limbo")
        self.syncs = syncs
        self.kinds = kinds
        compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
        if compiler is None:
            raise ShimMissing("no C compiler (cc) is installed")
        command = [compiler, "-O2", "-shared", "-fPIC", "-o", str(self.library), str(_SOURCE), "-ldl", "-lpthread"]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise ShimMissing(done.stderr)
        self.reset()

    def environment(self):
        """What makes a server run on the simulated disk."""
        environment = {
            "LD_PRELOAD": str(self.library),
            "POWERCUT_DIR": str(self.directory),
            "POWERCUT_LOG": str(self.log),
        }
        if self.syncs == "none":
            environment["POWERCUT_NOSYNC"] = "1"
        if self.syncs != "real":
            # As slow as a middling disk, so that most deaths find something unsynced.
            environment["POWERCUT_DELAY_US"] = "500"
        return environment

    def reset(self):
        """Makes all that is in the directory durable: as after a quiet moment, or after a cut."""
        self.log.unlink(missing_ok=True)
        shutil.rmtree(self.limbo, ignore_errors=True)
        self.limbo.mkdir()

    def reset_running(self):
        """Makes all that is there durable while the server runs: for peers that do not sync their first names."""
        with open(self.log, "ab") as log:
            log.write(SYNC_ALL_RECORD)

    def remove(self):
        """Deletes everything of the shim."""
        self.log.unlink(missing_ok=True)
        self.library.unlink(missing_ok=True)
        shutil.rmtree(self.limbo, ignore_errors=True)
