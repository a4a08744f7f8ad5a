"""redis-py's lock and register_script, with the server killed now and then."""

import threading
import time

import redis
from redis.exceptions import LockError
from servers import Server

SECONDS = 4
THREADS = 4


class Counter:
    """A counter that is read and written in two steps, which only a lock keeps right."""

    def __init__(self, port):
        self.client = redis.Redis(port=port, retry_on_error=[redis.ConnectionError], socket_timeout=5)
        self.inside, self.overlaps, self.rounds = 0, 0, 0

    def work(self, until):
        """Takes the lock, looks whether it is alone, and lets it go, until the time is over."""
        while time.monotonic() < until:
            lock = self.client.lock("lock", timeout=10, sleep=0.002)
            try:
                with lock:
                    self.inside += 1
                    self.overlaps += self.inside != 1
                    time.sleep(0.0005)
                    self.rounds += 1
                    self.inside -= 1
            except (LockError, redis.RedisError):
                self.inside = max(0, self.inside - 1)


def users(flavour):
    """Locks without kills must never overlap; a registered script survives a server that forgot it."""
    with Server(flavour, extra=("--save", "")) as server:
        counter = Counter(server.port)
        until = time.monotonic() + SECONDS
        threads = [threading.Thread(target=counter.work, args=(until,)) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if counter.overlaps or counter.rounds < 50:
            raise AssertionError(f"{counter.overlaps} overlaps in {counter.rounds} rounds of a lock")
        lock = counter.client.lock("own", timeout=5)
        lock.acquire()
        lock.extend(5)
        lock.reacquire()
        lock.release()
        script = counter.client.register_script("return {KEYS[1], ARGV[1], redis.call('incr', KEYS[1])}")
        for expected in range(1, 4):
            if script(keys=["n"], args=["a"]) != [b"n", b"a", expected]:
                raise AssertionError("a registered script answered something else")
            server.kill()
            server.start()
        print(f"      {counter.rounds} rounds of a lock, none overlapped")
