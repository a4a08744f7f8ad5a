"""Scripts that run for long: BUSY, KILL, and what SHUTDOWN NOSAVE leaves."""

import threading
import time

import redis
from servers import Server

THRESHOLD = ("--busy-reply-threshold", "50", "--save", "")
ENDLESS = "while true do end"
ENDLESS_PCALL = "while true do pcall(function() while true do redis.call('ping') end end) end"
WRITES = "redis.call('set', KEYS[1], 'half') while true do end"


def background(port, *words):
    """Sends a command from a thread; returns the thread, whose `answer` is set when it ends."""

    def run():
        try:
            thread.answer = redis.Redis(port=port).execute_command(*words)
        except redis.RedisError as error:
            thread.answer = error

    thread = threading.Thread(target=run, daemon=True)
    thread.answer = None
    thread.start()
    return thread


def wait_until_busy(client):
    """Waits until the node answers BUSY; returns what it says."""
    for _ in range(1000):
        try:
            client.ping()
        except redis.ResponseError as error:
            return str(error)
        time.sleep(0.01)
    raise AssertionError("the node never said BUSY")


def refused(call, start):
    """Raises unless the call is answered with an error that begins so."""
    try:
        answer = call()
    except redis.RedisError as error:
        if start not in str(error):
            raise AssertionError(f"{error} does not begin with {start}") from error
    else:
        raise AssertionError(f"answered {answer!r} instead of {start}")


def kills(server, client):
    """Scripts and functions that only read are killed, also from inside pcall and in a transaction."""
    client.execute_command("FUNCTION", "LOAD", f"#!lua name=l\nredis.register_function('f', function() {ENDLESS} end)")
    for words, kind, other in (
        (("EVAL", ENDLESS, 0), "SCRIPT", "FUNCTION"),
        (("EVAL", ENDLESS_PCALL, 0), "SCRIPT", "FUNCTION"),
        (("EVAL", "coroutine.wrap(function() while true do end end)()", 0), "SCRIPT", "FUNCTION"),
        (("FCALL", "f", 0), "FUNCTION", "SCRIPT"),
    ):
        thread = background(server.port, *words)
        if f"{kind} KILL" not in wait_until_busy(client):
            raise AssertionError(f"{words}: BUSY names the wrong command")
        refused(lambda name=other: client.execute_command(name, "KILL"), "BUSY")
        refused(lambda: client.set("a", 1), "BUSY")
        refused(lambda: client.shutdown(save=True), "BUSY")
        client.execute_command(kind, "KILL")
        thread.join(20)
        if "killed by user" not in str(thread.answer):
            raise AssertionError(f"{words} ended with {thread.answer!r}")
        client.set("a", 1)
    refused(lambda: client.execute_command("SCRIPT", "KILL"), "NOTBUSY")


def in_transaction(server, client):
    """A transaction goes on behind a script that was killed in the middle of it."""
    pipe = redis.Redis(port=server.port).pipeline(transaction=True)
    pipe.set("t", 1).eval(ENDLESS, 0).incr("t")
    answers = []
    thread = threading.Thread(target=lambda: answers.extend(pipe.execute(raise_on_error=False)), daemon=True)
    thread.start()
    wait_until_busy(client)
    client.execute_command("SCRIPT", "KILL")
    thread.join(20)
    if answers[0] is not True or "killed by user" not in str(answers[1]) or answers[2] != 2:
        raise AssertionError(f"the transaction answered {answers!r}")


def caller_leaves(server, client):
    """A script whose client has gone comes to its end all the same."""
    link = redis.Redis(port=server.port)
    connection = link.connection_pool.get_connection("EVAL")
    script = "for i = 1, 2e7 do end redis.call('set', 'left', 'done') return 1"
    connection.send_command("EVAL", script, 0)
    time.sleep(0.01)
    connection.disconnect()
    for _ in range(1000):
        try:
            if client.get("left") == b"done":
                return
        except redis.ResponseError:
            pass
        time.sleep(0.02)
    raise AssertionError("the script of a client that had gone did not end")


def long(flavour):
    """Runs the parts on one server, and ends it in the middle of a script."""
    with Server(flavour, extra=THRESHOLD) as server:
        client = redis.Redis(port=server.port, socket_timeout=30)
        kills(server, client)
        in_transaction(server, client)
        caller_leaves(server, client)
        client.set("before", 1)
        background(server.port, "EVAL", WRITES, 1, "half")
        wait_until_busy(client)
        refused(lambda: client.execute_command("SCRIPT", "KILL"), "UNKILLABLE")
        began = time.monotonic()
        try:
            client.shutdown(nosave=True)
        except redis.ConnectionError:
            pass
        server.process.wait(20)
        print(f"      SHUTDOWN NOSAVE took {time.monotonic() - began:.2f} s")
        server.start()
        client = redis.Redis(port=server.port)
        if client.get("before") != b"1" or client.exists("half"):
            raise AssertionError("half of a script is in the log")
