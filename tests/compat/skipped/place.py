"""What the tests in this folder share: a server with options, clients, raw bytes, expectations.

Callers: the test files. Each test is a function that takes a `Place` and starts what it needs.
"""

import contextlib
import fnmatch
import re
import socket
import time

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from servers import Server


class Unexpected(AssertionError):
    """The server did not do what is expected of Redis."""


def expect(actual, wanted, what):
    """Compares values; the message names what was looked at."""
    if actual != wanted:
        raise Unexpected(f"{what}: {actual!r}, expected {wanted!r}")


def expect_like(actual, pattern, what):
    """Compares a text with a pattern as of a shell."""
    if not fnmatch.fnmatchcase(str(actual), pattern):
        raise Unexpected(f"{what}: {actual!r}, expected {pattern!r}")


def error_of(link, *words):
    """The text of the error that a command answers, with its code; "" if it answers no error."""
    try:
        link.execute_command(*words)
    except redis.ConnectionError as error:
        return f"closed: {error}"
    except redis.RedisError as error:
        # redis-py strips the code of some errors, and of ERR always.
        return str(error)
    return ""


def wait_for(condition, seconds=10):
    """Waits until a condition holds; whether it came to hold."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return False


def stat(link, section, name):
    """One field of INFO, as text; "" if it is not there."""
    found = re.search(rf"(?m)^{re.escape(name)}:(.*?)\r?$", raw_info(link, section))
    return found[1] if found else ""


def raw_info(link, section):
    """INFO's own text."""
    pool = link.connection_pool
    connection = pool.get_connection("INFO")
    try:
        connection.send_command("INFO", section)
        text = connection.read_response()
    finally:
        pool.release(connection)
    return text if isinstance(text, str) else text.decode()


class Place:
    """Starts servers of one flavour."""

    def __init__(self, flavour):
        self.flavour = flavour

    @contextlib.contextmanager
    def server(self, *options, mode="durable"):
        """A server with more options, and a client of it."""
        with Server(self.flavour, mode=mode, extra=options) as server:
            yield server, self.client(server)

    def client(self, server, **options):
        """A redis-py client with retries off."""
        # redis-py would introduce itself by CLIENT SETINFO, which Redis 7.0 counts as an error.
        quiet = {"lib_name": None, "lib_version": None}
        options = {"decode_responses": True, "socket_timeout": 30, **quiet, **options}
        return redis.Redis(port=server.port, retry=Retry(NoBackoff(), 0), **options)


def raw(server, data, seconds=5.0):
    """Sends bytes, and returns what comes until the server closes the connection or falls silent."""
    answer = b""
    with socket.create_connection(("127.0.0.1", server.port), timeout=seconds) as link:
        with contextlib.suppress(OSError):
            link.sendall(data)
            while part := link.recv(65536):
                answer += part
    return answer
