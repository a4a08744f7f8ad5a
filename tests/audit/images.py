"""Snapshots under sudden deaths: whatever moment it was, each one that has its name is whole.

Caller: `__main__.py`, for the mode in which a snapshot is always under way.
"""

import subprocess

# So little log that the next snapshot is due when one is done, and so slow that most deaths hit one.
OPTIONS = ("--holdfast-snapshot-log-bytes", "64kb", "--holdfast-snapshot-rate-limit", "2mb")
_TAKEN_MIN = 5


class Images:
    """Looks at the snapshots of a data directory after each death."""

    def __init__(self):
        self.checked = 0

    def look(self, server, findings):
        """Every snapshot file passes Redis's own check."""
        for path in sorted(server.directory.glob("snapshot-*.rdb")):
            result = subprocess.run(["redis-check-rdb", path], capture_output=True, text=True, errors="replace", check=False)
            self.checked += 1
            if result.returncode:
                findings.add("wrong", f"{path.name} is damaged: {result.stdout.strip()[-200:]}")

    def taken(self, server):
        """How many snapshots were published, by the server's own log, and how many starts used one."""
        text = server.log_path.read_text(errors="replace")
        return text.count("snapshot saved and verified"), text.count("snapshot loaded")

    def verdict(self, server):
        """Whether there was something to look at; prints it."""
        taken, loaded = self.taken(server)
        print(f"  {taken} snapshots taken, {loaded} starts from one, {self.checked} files checked")
        if taken < _TAKEN_MIN or not loaded:
            print("  !!! hardly a snapshot was taken: nothing was shown")
            return False
        return True
