"""Working together: locks, a work queue, notifications, transfers under contention. Caller: `__main__.py`."""

import threading
import time

import redis

from world import Crowd, expect


def incr_lock(world):
    """The old lock: who counts to one has it; it ends by itself."""
    link = world.client()
    expect([link.incr("lock") == 1 for _ in range(3)], [True, False, False], "who gets the lock")
    link.pexpire("lock", 60_000)
    yield
    link = world.client()
    expect(link.incr("lock") == 1, False, "the lock is still held")
    link.pexpire("lock", 150)
    time.sleep(0.2)
    expect(link.incr("lock") == 1, True, "the lock after its end")


def set_nx_lock(world):
    """SET NX PX with a token; only the holder releases. No two threads are ever inside."""
    inside, worst = [], []

    def work(number):
        link = world.client()
        for turn in range(10):
            token = f"{number}:{turn}"
            while not link.set("lock", token, nx=True, px=20_000):
                time.sleep(0.001)
            inside.append(number)
            worst.append(len(inside))
            inside.remove(number)
            release(link, token)

    def release(link, token):
        with link.pipeline() as pipe:
            pipe.watch("lock")
            if pipe.get("lock") == token:
                pipe.multi()
                pipe.delete("lock")
                pipe.execute()

    Crowd([lambda n=n: work(n) for n in range(5)]).join()
    expect(max(worst), 1, "threads that held the lock at once")
    expect(world.client().set("lock", "mine", nx=True, px=60_000), True, "a free lock")
    yield
    link = world.client()
    expect(link.set("lock", "other", nx=True), None, "the lock is still held")
    release(link, "other")
    expect(link.get("lock"), "mine", "a stranger does not release it")
    release(link, "mine")
    expect(link.exists("lock"), 0, "the holder does")


def work_queue(world):
    """BRPOP by several workers, and BLMOVE to a list of what is under way, so that no job is lost."""
    link = world.client()
    done = []

    def worker():
        own = world.client()
        while (job := own.brpop("jobs", timeout=20)[1]) != "end":
            done.append(job)

    workers = Crowd([worker] * 4)
    for number in range(200):
        link.lpush("jobs", f"job {number}")
    link.lpush("jobs", *["end"] * 4)
    workers.join()
    expect(sorted(done), sorted(f"job {n}" for n in range(200)), "each job once")
    link.rpush("jobs", *[f"job {n}" for n in range(10)])
    for _ in range(3):
        link.blmove("jobs", "under way", 5, "LEFT", "RIGHT")
    yield
    link = world.client()
    expect(link.lrange("under way", 0, -1), ["job 0", "job 1", "job 2"], "jobs under way at the death")
    expect(link.llen("jobs"), 7, "jobs that wait")
    while link.lmove("under way", "jobs", "RIGHT", "LEFT"):
        pass
    expect(link.lrange("jobs", 0, -1), [f"job {n}" for n in range(10)], "all jobs again, in order")
    expect(link.brpop("nothing", timeout=1), None, "a wait that times out")


def notification(world):
    """PUBLISH to channels and patterns, in order; subscribers come back after a death."""

    def listen():
        ears = world.client().pubsub()
        ears.subscribe("news")
        ears.psubscribe("room:*")
        answers = [ears.get_message(timeout=5) for _ in range(2)]
        expect([answer["type"] for answer in answers], ["subscribe", "psubscribe"], "the answers to subscribing")
        return ears

    def heard(ears, count):
        messages = []
        end = time.monotonic() + 10
        while len(messages) < count and time.monotonic() < end:
            message = ears.get_message(ignore_subscribe_messages=True, timeout=1)
            if message:
                messages.append((message["channel"], message["data"]))
        return messages

    for _ in range(2):
        ears = listen()
        link = world.client()
        expect(link.publish("news", 0), 1, "receivers")
        for number in range(1, 50):
            link.publish("news", number)
        link.publish("room:7", "hello")
        expect(link.publish("elsewhere", "x"), 0, "receivers of another channel")
        wanted = [("news", str(n)) for n in range(50)] + [("room:7", "hello")]
        expect(heard(ears, 51), wanted, "the messages")
        expect(link.pubsub_numsub("news"), [("news", 1)], "subscribers")
        ears.close()
        yield


def bank_transfer(world):
    """Transfers by WATCH on four accounts from four threads, also while the server dies."""
    world.client().mset({f"account:{n}": 1000 for n in range(4)})
    stop = threading.Event()
    retries = []

    def teller(number):
        link = world.client()
        for turn in range(10_000):
            if stop.is_set() or turn == 100 and not dying.is_set():
                return
            source, target = f"account:{(number + turn) % 4}", f"account:{(number + turn + 1) % 4}"
            with link.pipeline() as pipe:
                while True:
                    try:
                        pipe.watch(source, target)
                        amount = min(10, int(pipe.get(source)))
                        pipe.multi()
                        pipe.decrby(source, amount)
                        pipe.incrby(target, amount)
                        pipe.execute()
                        break
                    except redis.WatchError:
                        retries.append(number)
                    except (redis.ConnectionError, redis.TimeoutError):
                        return

    def total():
        link = world.client()
        return sum(map(int, link.mget([f"account:{n}" for n in range(4)])))

    dying = threading.Event()
    Crowd([lambda n=n: teller(n) for n in range(4)]).join()
    expect(total(), 4000, "the sum")
    expect(bool(retries), True, "whether there was contention")
    dying.set()
    tellers = Crowd([lambda n=n: teller(n) for n in range(4)])
    time.sleep(0.2)
    yield
    stop.set()
    tellers.join()
    expect(total(), 4000, "the sum after a death amid transfers")
