"""Turns the rounds of both servers into medians, ratios and verdicts. Caller: `__main__.py`."""

from statistics import median

_HEAD = (
    f"{'row':22} {'redis/s':>10} {'holdfast/s':>10} {'ratio':>6} {'need':>5}  "
    f"{'redis p50/p99/p99.9 ms':>24} {'holdfast p50/p99/p99.9':>24}  verdict"
)


def head():
    """The table's first line."""
    return _HEAD


def rates(side):
    """The median rate of a side."""
    return median(figures.rps for figures in side.figures)


def latencies(side):
    """The medians of p50, p99 and p99.9."""
    return tuple(median(getattr(f, name) for f in side.figures) for name in ("p50", "p99", "p999"))


def line(name, sides, required, ratio=None, note=""):
    """One line of the table and whether the requirement is met."""
    peer, ours = sides
    ratio = rates(ours) / rates(peer) if ratio is None else ratio
    met = ratio >= required
    spread = [f"{'/'.join(f'{ms:.2f}' for ms in latencies(side)):>24}" for side in sides]
    verdict = ("ok" if met else "BELOW") if required else "-"
    text = f"{name:22} {rates(peer):10,.0f} {rates(ours):10,.0f} {ratio:6.2f} {required:5.2f}  "
    return f"{text}{spread[0]} {spread[1]}  {verdict} {note}".rstrip(), met


def disk_note(sides):
    """What the device did in the median durable run of each side, and whether both flushed."""
    parts, durable = [], True
    for name, side in zip(("redis", "holdfast"), sides, strict=True):
        if not side.disks:
            return "disk counters are not readable", True
        durable = durable and all(counters.durable() for counters in side.disks)
        writes = median(c.writes for c in side.disks)
        flushes = median(c.flushes for c in side.disks)
        megabytes = median(c.megabytes for c in side.disks)
        parts.append(f"{name} {writes:,.0f} writes, {flushes:,.0f} flushes, {megabytes:,.0f} MB")
    return "; ".join(parts), durable
