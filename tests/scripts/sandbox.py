"""Hostile scripts: each ends in an error; the node, a canary and its memory do not notice."""

import threading
import time

import redis
from attempts import ALL
from servers import Server

CANARY = b"alive"
# No attempt may keep others waiting for longer than the threshold below and this.
ATTEMPT_SECONDS_MAX = 60
GROWTH_MAX = 1.10


class Bystander(threading.Thread):
    """Another client, which asks for the canary all the time and notes how long it waits."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.client = redis.Redis(port=port)
        self.waits, self.busy, self.wrong = [], 0, []
        self.ends = threading.Event()

    def run(self):
        """Asks until it is told to end."""
        while not self.ends.is_set():
            began = time.monotonic()
            try:
                if self.client.get("canary") != CANARY:
                    self.wrong.append("the canary is not what it was")
            except redis.ResponseError as error:
                self.busy += 1
                if not str(error).startswith("BUSY"):
                    self.wrong.append(str(error))
            self.waits.append(time.monotonic() - began)
            time.sleep(0.001)


def used_memory(client):
    """Bytes in use, after a script that leaves nothing behind."""
    client.eval("return collectgarbage('collect')", 0)
    return client.info("memory")["used_memory"]


def sandbox(flavour):
    """Runs every attempt."""
    # Scripts that run for long give way early here, so that the waits of others are those of single steps.
    with Server(flavour, extra=("--busy-reply-threshold", "100", "--save", "")) as server:
        client = redis.Redis(port=server.port, socket_timeout=ATTEMPT_SECONDS_MAX)
        client.set("canary", CANARY)
        client.eval("return 1", 0)
        before = used_memory(client)
        bystander = Bystander(server.port)
        bystander.start()
        count, slowest = 0, (0, "")
        for name, scripts in ALL.items():
            for script in scripts:
                began = time.monotonic()
                try:
                    answer = client.eval(script, 0)
                except redis.ResponseError:
                    pass
                except redis.RedisError as error:
                    raise AssertionError(f"{name}: {script!r} ended with {error}") from None
                else:
                    raise AssertionError(f"{name}: {script!r} was answered with {answer!r:.100}")
                count += 1
                slowest = max(slowest, (time.monotonic() - began, script))
        bystander.ends.set()
        bystander.join()
        if bystander.wrong:
            raise AssertionError(f"another client heard {bystander.wrong[:3]}")
        if not server.alive() or client.get("canary") != CANARY or client.ping() is not True:
            raise AssertionError("the node did not survive")
        client.script_flush()
        growth = used_memory(client) / before
        if growth > GROWTH_MAX:
            raise AssertionError(f"memory grew by {growth - 1:.0%}")
        if count < 60:
            raise AssertionError(f"only {count} attempts")
        waits = sorted(bystander.waits)
        p99 = waits[int(len(waits) * 0.99)] * 1000
        print(f"      {count} attempts; slowest {slowest[0]:.1f} s: {slowest[1][:60]}")
        print(
            f"      another client: {len(waits)} reads, {bystander.busy} heard BUSY, "
            f"p99 {p99:.1f} ms, longest {waits[-1] * 1000:.0f} ms; memory {growth - 1:+.1%}"
        )
