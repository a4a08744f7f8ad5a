"""Runs redis-benchmark and reads its report: throughput and latency percentiles.

Caller: `measure.py`. The load generator is the peer's own, so that nobody can say that ours flatters.
"""

import re
import subprocess
from dataclasses import dataclass

VALUE = "x" * 100


class LoadFailed(RuntimeError):
    """redis-benchmark reported an error, or did not finish."""


@dataclass
class Figures:
    """One run: requests per second and latencies in milliseconds."""

    rps: float
    p50: float
    p99: float
    p999: float
    maximum: float


def command_line(port, clients, pipeline, requests, arguments, key_range=1_000_000):
    """The command line of one load."""
    return [
        *("redis-benchmark", "-h", "127.0.0.1", "-p", str(port), "-c", str(clients), "-P", str(pipeline)),
        *("-n", str(requests), "-d", "100", "-r", str(key_range), "--precision", "3", *arguments),
    ]


def run(port, clients, pipeline, requests, arguments, key_range=1_000_000, limit_seconds=600):
    """Runs one load to its end."""
    command = command_line(port, clients, pipeline, requests, arguments, key_range)
    done = subprocess.run(command, capture_output=True, text=True, timeout=limit_seconds)
    if done.returncode or "rror" in done.stderr or "Error" in done.stdout:
        raise LoadFailed((done.stdout[-500:] + done.stderr[-500:]).strip())
    return parse(done.stdout)


def parse(text):
    """Reads the long report."""
    rate = re.search(r"throughput summary: ([\d.]+) requests per second", text)
    if not rate:
        raise LoadFailed(f"no summary in redis-benchmark's output: {text[-500:]}")
    summary = re.search(r"latency summary \(msec\):\n.*\n\s+(.*)", text)[1].split()
    _average, _minimum, p50, _p95, p99, maximum = map(float, summary)
    points = re.findall(r"([\d.]+)% <= ([\d.]+) milliseconds \(cumulative count", text)
    p999 = next((float(ms) for percent, ms in points if float(percent) >= 99.9), maximum)
    return Figures(float(rate[1]), p50, p99, p999, maximum)


class Background:
    """A load that runs until it is ended, and then tells its overall rate."""

    def __init__(self, port, clients, pipeline, arguments, key_range=1_000_000):
        command = command_line(port, clients, pipeline, 1_000_000_000, ["-q", *arguments], key_range)
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def end(self):
        """Ends the load; its requests per second."""
        self.process.kill()
        text = self.process.communicate()[0].decode(errors="replace")
        rates = re.findall(r"rps=[\d.]+ \(overall: ([\d.]+)\)", text)
        if not rates:
            raise LoadFailed(text[-500:])
        return float(rates[-1])
