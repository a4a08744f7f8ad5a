"""The checked-in lists: which tests are expected to fail and why, and the reference's own counts.

- `expected.tsv`   unit, test name, fail|missing, reason. What is not listed is expected to pass.
  A `missing` row's name is `N tests`: so many of the reference's tests do not run at all.
- `reference.tsv`  unit, tests that redis-server 7.0.15 passes, fails and skips. Numbers only.

Caller: `__main__.py`. What always holds: no text of the suite is stored but names of failing tests.
"""

import pathlib
import re
from dataclasses import dataclass, field

HERE = pathlib.Path(__file__).resolve().parent
EXPECTED = HERE / "expected.tsv"
REFERENCE = HERE / "reference.tsv"
NO_REASON = "not looked at yet"


@dataclass
class Expected:
    """What is expected of one unit."""

    fails: dict = field(default_factory=dict)
    missing: int = 0
    missing_reason: str = ""


def read_expected(path=EXPECTED):
    """The expected list by unit."""
    units = {}
    for unit, name, state, reason in _rows(path, 4):
        entry = units.setdefault(unit, Expected())
        if state == "missing":
            entry.missing, entry.missing_reason = int(name.split()[0]), reason
        else:
            entry.fails[name] = reason
    return units


def read_reference(path=REFERENCE):
    """The reference's counts by unit: (ok, fail, skipped)."""
    return {unit: tuple(map(int, counts)) for unit, *counts in _rows(path, 4)}


def _rows(path, columns):
    if not path.exists():
        return
    for line in path.read_text().splitlines():
        if line and not line.startswith("#"):
            row = line.split("\t")
            if len(row) != columns:
                raise ValueError(f"{path.name}: {columns} columns expected: {line!r}")
            yield row


def compare(result, expected, reference):
    """What is worse than expected (regressions) and what is better, as lists of sentences."""
    worse, better = [], []
    for name, state in result.tests.items():
        if state == "fail" and name not in expected.fails:
            worse.append(f"{result.unit}: {name}: fails, expected to pass")
        elif state == "ok" and name in expected.fails:
            better.append(f"{result.unit}: {name}: passes now, strike it from expected.tsv")
    if result.unit in reference:
        missing = sum(reference[result.unit][:2]) - len(result.tests)
        if missing > expected.missing:
            worse.append(f"{result.unit}: {missing} tests did not run, expected {expected.missing} ({result.ended})")
        elif missing < expected.missing:
            better.append(f"{result.unit}: {missing} tests did not run, expected.tsv says {expected.missing}")
    return worse, better


def record_expected(results, reference, path=EXPECTED):
    """Writes what happened as what is expected, keeping the reasons that stand there."""
    units = read_expected(path)
    for result in results:
        old = units.get(result.unit, Expected())
        fails = {n: old.fails.get(n, NO_REASON) for n, state in result.tests.items() if state == "fail"}
        total = sum(reference.get(result.unit, (0, 0, 0))[:2])
        missing = max(0, total - len(result.tests))
        units[result.unit] = Expected(fails, missing, old.missing_reason or f"{NO_REASON}: {result.ended}")
    lines = ["# unit\ttest\tstate\treason"]
    for unit in sorted(units):
        for name in sorted(units[unit].fails):
            lines.append(f"{unit}\t{name}\tfail\t{units[unit].fails[name]}")
        if units[unit].missing:
            reason = re.sub(r"\s+", " ", units[unit].missing_reason)
            lines.append(f"{unit}\t{units[unit].missing} tests\tmissing\t{reason}")
    path.write_text("\n".join(lines) + "\n")


def record_reference(results, path=REFERENCE):
    """Writes the counts of a run against the reference itself."""
    counts = read_reference(path)
    for result in results:
        counts[result.unit] = (result.count("ok"), result.count("fail"), result.skipped)
    lines = ["# unit\tok\tfail\tskipped, by redis-server 7.0.15"]
    lines += [f"{unit}\t" + "\t".join(map(str, counts[unit])) for unit in counts if any(counts[unit])]
    path.write_text("\n".join(lines) + "\n")
