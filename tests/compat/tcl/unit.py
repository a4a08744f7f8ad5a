"""Runs one unit of the suite against a server and reads what became of each test.

Caller: `__main__.py`. A unit's run has a time limit; what it printed up to then is still counted.
"""

import os
import random
import re
import signal
import subprocess
from dataclasses import dataclass, field

# It needs the server's process id, and leaves its configuration behind for the tests after it.
SKIPPED = ("SRANDMEMBER with a dict containing long chain",)

_LINE = re.compile(r"^\[(ok|err|skip|ignore|exception|TIMEOUT)\]:? ?(.*)$")
_ELAPSED = re.compile(r" \(\d+ ms\)$")
_NUMBERS = [
    # Names that carry a random or a clock's figure would never be found again.
    (re.compile(r"seed: ?\d+"), "seed: N"),
    (re.compile(r"\b0x[0-9a-f]{6,}\b"), "0xN"),
]


@dataclass
class UnitResult:
    """What one unit did: test name to "ok" or "fail", and how it ended."""

    unit: str
    tests: dict = field(default_factory=dict)
    messages: dict = field(default_factory=dict)
    skipped: int = 0
    ended: str = "done"
    seconds: float = 0.0

    def count(self, what):
        """How many tests ended as `what`."""
        return sum(1 for state in self.tests.values() if state == what)


def run(unit, copy, host, port, limit_seconds, tags=""):
    """Runs `unit` from the working copy against host:port."""
    for _ in range(5):
        result = _run(unit, copy, host, port, limit_seconds, tags)
        if "address already in use" not in result.messages.get("(outside)", ""):
            break
    return result


def _run(unit, copy, host, port, limit_seconds, tags):
    # The suite's own control socket: its search for a free port does not see everybody's.
    base_port = random.randrange(12_000, 20_000, 40)
    command = ["tclsh", "tests/test_helper.tcl", "--host", host, "--port", str(port), "--durable"]
    command += ["--timeout", str(limit_seconds), "--baseport", str(base_port), "--single", unit]
    for name in SKIPPED:
        command += ["--skiptest", name]
    if tags:
        command += ["--tags", tags]
    environment = {**os.environ, "TERM": "dumb"}
    process = subprocess.Popen(
        command,
        cwd=copy,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    ended = None
    try:
        output, _ = process.communicate(timeout=limit_seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output, _ = process.communicate()
        ended = f"stopped after {limit_seconds} s"
    else:
        _end_group(process.pid)
    result = parse(unit, output.decode(errors="replace"))
    result.ended = ended or result.ended
    if not result.tests and result.ended != "done":
        result.messages["(outside)"] = output.decode(errors="replace")[-1500:]
    return result


def _end_group(group):
    """The suite leaves helpers behind when it stops on an exception."""
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        pass


def parse(unit, output):
    """Reads the suite's report. A name that comes again gets ` #2`, ` #3` …"""
    result = UnitResult(unit, ended="broke off")
    seen = {}
    current = None
    for line in output.splitlines():
        found = _LINE.match(line)
        if line.strip() == "The End":
            break
        if re.match(r"^\[\d+/\d+ done\]", line):
            result.ended = "done"
            current = None
        elif not found:
            if current is not None and len(result.messages[current]) < 1500:
                result.messages[current] += "\n" + line
        elif found[1] in ("skip", "ignore"):
            result.skipped += 1
            current = None
        elif found[1] in ("exception", "TIMEOUT"):
            result.ended = f"{found[1].lower()}: {found[2][:200]}"
            current = f"({found[1].lower()})"
            result.messages[current] = found[2]
        else:
            name = _name(found[2], unit)
            seen[name] = seen.get(name, 0) + 1
            if seen[name] > 1:
                name = f"{name} #{seen[name]}"
            result.tests[name] = "ok" if found[1] == "ok" else "fail"
            current = None if found[1] == "ok" else name
            if current:
                result.messages[current] = ""
    return result


def _name(text, unit):
    name = _ELAPSED.sub("", text)
    name = name.removesuffix(f" in tests/{unit}.tcl")
    for pattern, instead in _NUMBERS:
        name = pattern.sub(instead, name)
    return re.sub(r"\s+", " ", name).strip() or "(outside of a test)"
