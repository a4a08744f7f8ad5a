"""How many clients, how much memory, how much output. Caller: `__main__.py`."""

import socket
import time

from place import error_of, expect, expect_like, raw, stat, wait_for


def too_many_clients(place):
    """The client past `maxclients` gets an error and the connection's end; a place that is freed is free."""
    with place.server("--maxclients", "10") as (server, link):
        wait_for(lambda: stat(link, "clients", "connected_clients") == "1")
        others = [socket.create_connection(("127.0.0.1", server.port), timeout=5) for _ in range(9)]
        for other in others:
            other.sendall(b"PING\r\n")
            expect(other.recv(100), b"+PONG\r\n", "one of ten")
        expect_like(raw(server, b"").decode(), "-ERR max number of clients reached*", "the eleventh")
        expect(int(stat(link, "stats", "rejected_connections")) >= 1, True, "rejected connections")
        others.pop().close()
        expect(wait_for(lambda: raw(server, b"PING\r\nQUIT\r\n").startswith(b"+PONG")), True, "a freed place")


def the_memory_limit_holds(place):
    """Under each policy memory stays at the limit; only the policy's keys go."""
    for policy in ("allkeys-random", "allkeys-lru", "allkeys-lfu", "volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl"):
        with place.server() as (_, link):
            link.config_set("maxmemory-policy", policy)
            limit = int(stat(link, "memory", "used_memory")) + 8_000_000
            link.config_set("maxmemory", limit)
            lasting = 0
            if policy.startswith("volatile"):
                for number in range(200):
                    link.set(f"lasting:{number}", "x" * 100)
                lasting = 200
            for start in range(0, 40_000, 500):
                pipe = link.pipeline(transaction=False)
                for number in range(start, start + 500):
                    pipe.set(f"key:{number}", "x" * 500, ex=10_000 + number % 100)
                pipe.execute()
            # The log's own buffers have another limit.
            used = int(stat(link, "memory", "used_memory")) - int(stat(link, "memory", "mem_not_counted_for_evict"))
            # A connection's buffers come and go beside the data.
            expect(used < limit + 400_000, True, f"{policy}: {used} bytes used of {limit}")
            expect(int(stat(link, "stats", "evicted_keys")) > 0, True, f"{policy}: whether keys were evicted")
            expect(len(link.keys("lasting:*")), lasting, f"{policy}: keys that are to last")


def nothing_left_to_evict(place):
    """noeviction, and volatile policies without volatile keys, refuse writes and allow the rest."""
    for policy in ("noeviction", "volatile-lru"):
        with place.server() as (_, link):
            link.set("old", "x")
            link.config_set("maxmemory-policy", policy)
            link.config_set("maxmemory", 1)
            expect_like(error_of(link, "SET", "new", "x"), "*command not allowed when used memory > 'maxmemory'*", policy)
            expect(link.get("old"), "x", f"{policy}: GET")
            expect(link.delete("old"), 1, f"{policy}: DEL")
            expect_like(error_of(link, "CONFIG", "SET", "maxmemory-policy", "nosuch"), "*CONFIG SET failed*", "a policy that is none")
            link.config_set("maxmemory", 0)
            expect(link.set("new", "x"), True, f"{policy}: SET without a limit")


def output_limits(place):
    """A subscriber that does not read is cut off at its hard limit."""
    with place.server() as (server, link):
        for wrong in ("wrong number", "nosuchclass 10mb 10mb 60", "normal 10mbs 10mb 60"):
            text = error_of(link, "CONFIG", "SET", "client-output-buffer-limit", wrong)
            expect_like(text, "*CONFIG SET failed*", "a limit that is none")
        link.config_set("client-output-buffer-limit", "normal 1mb 2mb 60 replica 3mb 4mb 70 pubsub 5mb 6mb 80")
        wanted = "normal 1048576 2097152 60 slave 3145728 4194304 70 pubsub 5242880 6291456 80"
        expect(link.config_get("client-output-buffer-limit"), {"client-output-buffer-limit": wanted}, "CONFIG GET")
        link.config_set("client-output-buffer-limit", "pubsub 200000 0 0")
        with socket.create_connection(("127.0.0.1", server.port), timeout=5) as deaf:
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            deaf.sendall(b"SUBSCRIBE news\r\n")
            expect(wait_for(lambda: dict(link.pubsub_numsub("news"))["news"] == 1), True, "the subscription")
            text = "x" * 50_000
            expect(wait_for(lambda: link.publish("news", text) == 0, 20), True, "whether the deaf one was cut off")


def idle_clients(place):
    """`timeout` ends idle connections, but not those of subscribers."""
    with place.server() as (server, link):
        link.config_set("timeout", 1)
        with socket.create_connection(("127.0.0.1", server.port), timeout=8) as ears:
            ears.sendall(b"SUBSCRIBE news\r\n")
            ears.recv(100)
            began = time.monotonic()
            expect(raw(server, b"PING\r\n", 8), b"+PONG\r\n", "an idle client's last words")
            expect(0.5 < time.monotonic() - began < 7, True, "when the idle client is cut off")
            expect(place.client(server).publish("news", "x"), 1, "the subscriber is still there")


def long_words(place):
    """`proto-max-bulk-len` and the limits of the protocol end only the connection that breaks them."""
    with place.server() as (server, link):
        link.config_set("proto-max-bulk-len", 2_000_000)
        expect_like(raw(server, b"*1\r\n$3000000\r\n").decode(), "-ERR Protocol error: invalid bulk length*", "a long word")
        for data, text in (
            (b"*3\r\n$3\r\nSET\r\n$1\r\nx\r\nfooz\r\n", "-ERR Protocol error: expected '$', got 'f'*"),
            (b"*3000000000\r\n", "-ERR Protocol error: invalid multibulk length*"),
            (b"*1\r\n$-10\r\n", "-ERR Protocol error: invalid bulk length*"),
            (b"x" * 70_000, "-ERR Protocol error: too big inline request*"),
            (b"SET \"a\"b c\r\n", "-ERR Protocol error: unbalanced quotes in request*"),
        ):
            expect_like(raw(server, data).decode(), text, repr(data[:30]))
        expect(link.ping(), True, "the others")


TESTS = [too_many_clients, the_memory_limit_holds, nothing_left_to_evict, output_limits, idle_clients, long_words]
