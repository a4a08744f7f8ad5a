"""The process around a writer: connect, work until the connection is lost, report, wait.

Callers: `rounds.py` starts one process per writer; `ledger.py`, `sessions.py` and `firehose.py` say
what a writer does. Client retries are off: an operation whose reply was lost is unknown, and only
the writer decides what to do about it.
"""

import multiprocessing
import random
import signal

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from journal import Journal
from servers.wire import WireError

LOST = (redis.ConnectionError, redis.TimeoutError, ConnectionError, TimeoutError, WireError)


def client(port, seconds=15):
    """A redis-py client that never sends anything twice."""
    return redis.Redis(
        port=port,
        socket_timeout=seconds,
        retry=Retry(NoBackoff(), 0),
        retry_on_timeout=False,
        decode_responses=True,
    )


class Writer:
    """What one process does. A subclass has `connect(port)`, `step()` and `lost()`."""

    def __init__(self, name, path, seed):
        self.name = name
        self.path = path
        self.seed = seed

    def open(self):
        """Called once, in the process itself."""
        self.journal = Journal(self.path)
        self.random = random.Random(self.seed)

    def lost(self, error):
        """The connection went: write down what is unknown now."""


class WriterProcess:
    """The driver's handle on one writer."""

    def __init__(self, writer, port):
        self.writer = writer
        self.pipe, theirs = multiprocessing.Pipe()
        self.process = multiprocessing.Process(target=_main, args=(writer, port, theirs), daemon=True)
        self.process.start()
        theirs.close()

    def go(self):
        """Lets the writer work until its connection is lost."""
        self.pipe.send("go")

    def wait_until_down(self, seconds=30):
        """Waits for the report that the connection was lost; its journal is complete then."""
        if not self.pipe.poll(seconds):
            raise TimeoutError(f"writer {self.writer.name} does not notice that the server is gone")
        return self.pipe.recv()

    def is_down(self):
        """Whether the writer has lost its connection."""
        return self.pipe.poll(0)

    def end(self):
        """Ends the process."""
        self.process.kill()
        self.process.join()


def _main(writer, port, pipe):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    writer.open()
    while pipe.recv() == "go":
        reason = ""
        try:
            writer.connect(port)
            while True:
                writer.step()
        except LOST as error:
            reason = str(error)
            writer.lost(error)
        except redis.ResponseError as error:
            # An error reply is a definite refusal, but for those that say that they do not know.
            reason = str(error)
            writer.lost(error)
        writer.journal.flush()
        pipe.send(reason)
