"""Ports, waiting for replicas, and orderly ends. Caller: `__main__.py`."""

import os
import signal
import time

import redis

from place import error_of, expect, expect_like, wait_for
from servers import free_port


def wait_alone(place):
    """WAIT on a node without replicas: nobody else ever has the write, and its timeout is kept."""
    with place.server() as (_, link):
        link.set("a", "b")
        expect(link.wait(0, 1000), 0, "WAIT for nobody")
        began = time.monotonic()
        expect(link.wait(1, 200), 0, "WAIT for one")
        expect(0.15 < time.monotonic() - began < 5, True, "how long it waits")
        expect_like(error_of(link, "WAIT", "-1", "0"), "*", "WAIT for less than nobody")
        expect_like(error_of(link, "WAIT", "1", "-1"), "*timeout is negative*", "WAIT for less than no time")


def another_port(place):
    """CONFIG SET port moves the server; a port that is taken leaves it where it is."""
    with place.server() as (server, link):
        port = free_port(server.port + 1)
        if error_of(link, "CONFIG", "SET", "port", str(port)):
            raise AssertionError("CONFIG SET port is refused")
        moved = redis.Redis(port=port, socket_timeout=5)
        expect(moved.ping(), True, "PING on the new port")
        moved.config_set("port", server.port)
        expect(place.client(server).ping(), True, "PING on the old port again")


def shutdown_command(place):
    """SHUTDOWN ends the process in order; what was written is there afterwards."""
    for words in (("SHUTDOWN",), ("SHUTDOWN", "NOSAVE"), ("SHUTDOWN", "SAVE", "NOW", "FORCE")):
        with place.server() as (server, link):
            link.set("a", "b")
            expect_like(error_of(link, "SHUTDOWN", "NOSUCH"), "*syntax error*", "SHUTDOWN with a word too many")
            expect_like(error_of(link, "SHUTDOWN", "ABORT"), "*No shutdown in progress*", "SHUTDOWN ABORT")
            error_of(link, *words)
            expect(wait_for(lambda: not server.alive(), 20), True, f"whether {words} ends the process")
            expect(server.process.returncode, 0, f"the exit status after {words}")
            server.start()
            expect(place.client(server).get("a"), "b", f"the value after {words}")


def signals(place):
    """SIGTERM and SIGINT end the process in order."""
    for number in (signal.SIGTERM, signal.SIGINT):
        with place.server() as (server, link):
            link.set("a", "b")
            os.kill(server.pid, number)
            expect(wait_for(lambda: not server.alive(), 20), True, f"whether signal {number} ends the process")
            expect(server.process.returncode, 0, f"the exit status after signal {number}")
            server.start()
            expect(place.client(server).get("a"), "b", f"the value after signal {number}")


def a_unix_socket(place):
    """`unixsocket` serves beside the port."""
    with place.server() as (server, _):
        pass
    path = f"/tmp/holdfast-proof-{os.getpid()}.sock"
    with place.server("--unixsocket", path) as (server, link):
        local = redis.Redis(unix_socket_path=path, decode_responses=True)
        local.set("a", "b")
        expect(link.get("a"), "b", "what was written through the socket")
        local.close()
    if os.path.exists(path):
        os.unlink(path)


TESTS = [wait_alone, another_port, shutdown_command, signals, a_unix_socket]
