"""What a scenario may use: clients, and the server's sudden death.

A scenario is a generator: each `yield` is a moment at which the server may be killed and started
again. It runs once without and once with that. Callers: `__main__.py` and the scenario files.
"""

import threading

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from servers import Server


class Unexpected(AssertionError):
    """The server did not do what the scenario expects of Redis."""


def expect(actual, wanted, what):
    """Compares; the message names what was looked at."""
    if actual != wanted:
        raise Unexpected(f"{what}: {actual!r}, expected {wanted!r}")


class World:
    """One server, empty at the start of each scenario."""

    def __init__(self, flavour, extra=()):
        self.server = Server(flavour, extra=extra).start()
        self.seconds_to_serve = []

    @property
    def port(self):
        """Where the server listens."""
        return self.server.port

    def client(self, **options):
        """A redis-py client with retries off; bytes are decoded."""
        options = {"decode_responses": True, "socket_timeout": 60, **options}
        return redis.Redis(port=self.port, retry=Retry(NoBackoff(), 0), **options)

    def empty(self):
        """Removes all keys."""
        self.client().flushall()

    def kill(self):
        """kill -9, and a new start on the same data."""
        self.server.kill()
        self.server.start()
        self.seconds_to_serve.append(self.server.seconds_to_serve)

    def close(self):
        """Ends the server and removes its data."""
        self.server.kill()
        self.server.remove()


class Crowd:
    """Threads that run side by side; the first error of any of them is raised by `join`."""

    def __init__(self, actions):
        self.errors = []
        self.threads = [threading.Thread(target=self._run, args=(action,), daemon=True) for action in actions]
        for thread in self.threads:
            thread.start()

    def _run(self, action):
        try:
            action()
        except Exception as error:  # handed to the thread that joins
            self.errors.append(error)

    def join(self, seconds=60):
        """Waits for all."""
        for thread in self.threads:
            thread.join(seconds)
            if thread.is_alive():
                raise Unexpected("a thread of the scenario does not end")
        if self.errors:
            raise self.errors[0]
