"""What scripts leave: all of a script's writes or none, and what was loaded, after kill -9."""

import threading
import time

import redis
from servers import Server

KEYS = 20
ROUNDS = 5
WRITER = "local n = redis.call('incr', 'count') for i = 1, %d do redis.call('set', 'k' .. i, n) end return n" % KEYS
LIBRARY = "#!lua name=lib\nredis.register_function('double', function(keys, args) return args[1] * 2 end)"


def write_until_killed(port, acknowledged):
    """Runs the writing script until the server is gone."""
    client = redis.Redis(port=port)
    try:
        while True:
            acknowledged.append(client.eval(WRITER, 0))
    except redis.RedisError:
        pass


def whole(client, acknowledged):
    """Raises unless the last script's writes are all there, and no acknowledged one is missing."""
    count = int(client.get("count"))
    values = {int(value) for value in client.mget([f"k{i}" for i in range(1, KEYS + 1)])}
    if values != {count}:
        raise AssertionError(f"a part of script {count} is there: {values}")
    if acknowledged and count < max(acknowledged):
        raise AssertionError(f"script {max(acknowledged)} was acknowledged, {count} is there")


def loaded(client, sha):
    """Raises unless the script and the library work."""
    if client.evalsha(sha, 0) != b"loaded" or client.execute_command("FCALL", "double", 0, 21) != 42:
        raise AssertionError("what was loaded is not what it was")


def durable(flavour):
    """Kills the server in the middle of scripts, several times; then the same through a snapshot."""
    with Server(flavour, extra=("--save", "")) as server:
        client = redis.Redis(port=server.port)
        sha = client.script_load("return 'loaded'")
        client.execute_command("FUNCTION", "LOAD", LIBRARY)
        acknowledged = []
        for _ in range(ROUNDS):
            threads = [threading.Thread(target=write_until_killed, args=(server.port, acknowledged)) for _ in range(4)]
            for thread in threads:
                thread.start()
            time.sleep(0.5)
            server.kill()
            for thread in threads:
                thread.join()
            server.start()
            client = redis.Redis(port=server.port)
            whole(client, acknowledged)
            loaded(client, sha)
        print(f"      {len(acknowledged)} scripts of {KEYS + 1} writes acknowledged, {ROUNDS} kills")
        client.save()
        server.kill()
        server.start()
        client = redis.Redis(port=server.port)
        whole(client, acknowledged)
        loaded(client, sha)
        client.execute_command("FUNCTION", "DELETE", "lib")
        client.script_flush()
        server.kill()
        server.start()
        client = redis.Redis(port=server.port)
        if client.script_exists(sha) != [False] or client.execute_command("FUNCTION", "LIST"):
            raise AssertionError("what was removed is there again")
