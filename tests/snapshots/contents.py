"""Data of every type: random changes to it, and all of it as clients see it. Caller: `checks.py`."""

_DATABASES = (0, 3)


def change(link, dice, count):
    """Sends `count` random writes to a few hundred keys of two databases."""
    pipe = link.pipeline(transaction=False)
    for _ in range(count):
        if dice.random() < 0.02:
            pipe.execute_command("SELECT", dice.choice(_DATABASES))
        one(pipe, dice)
    pipe.execute_command("SELECT", 0)
    pipe.execute(raise_on_error=False)


def one(pipe, dice):
    """One random write."""
    number = dice.randrange(300)
    text = f"value-{dice.randrange(10**6)}" * dice.choice((1, 1, 1, 30))
    kind = dice.randrange(18)
    if kind < 4:
        pipe.set(f"text:{number}", dice.choice((text, dice.randrange(10**9))))
    elif kind == 4:
        pipe.append(f"text:{number}", text)
    elif kind == 5:
        pipe.delete(f"{dice.choice(('text', 'hash', 'set', 'zset', 'list'))}:{number}")
    elif kind < 8:
        pipe.hset(f"hash:{number % 40}", f"field-{dice.randrange(400)}", text)
    elif kind < 10:
        pipe.sadd(f"set:{number % 40}", dice.choice((text, dice.randrange(1000))))
    elif kind < 12:
        pipe.zadd(f"zset:{number % 40}", {text[:40]: dice.choice((dice.randrange(100), dice.random() * 1e6))})
    elif kind < 14:
        pipe.rpush(f"list:{number % 40}", text)
    elif kind == 14:
        pipe.lpop(f"list:{number % 40}")
    elif kind == 15:
        pipe.pexpireat(f"text:{number}", 4_000_000_000_000 + number)
    elif kind == 16:
        pipe.xadd(f"stream:{number % 20}", {"field": text, "number": number}, maxlen=200)
    else:
        pipe.xgroup_create(f"stream:{number % 20}", "group", 0)
        pipe.xreadgroup("group", f"consumer:{number % 3}", {f"stream:{number % 20}": ">"}, count=3)


def large(link, count):
    """Collections with more than a few parts."""
    pipe = link.pipeline(transaction=False)
    for start in range(0, count, 500):
        numbers = range(start, start + 500)
        pipe.hset("large:hash", mapping={f"field-{n}": n for n in numbers})
        pipe.sadd("large:set", *(f"member-{n}" for n in numbers))
        pipe.zadd("large:zset", {f"member-{n}": n % 77 for n in numbers})
        pipe.rpush("large:list", *(f"element-{n}" for n in numbers))
    pipe.execute()


def read(link):
    """Everything, by database and key: type, value, deadline."""
    found = {}
    for database in _DATABASES:
        link.execute_command("SELECT", database)
        for key in link.scan_iter(count=1000):
            kind = link.type(key)
            value = {
                b"string": lambda key: link.get(key),
                b"hash": lambda key: link.hgetall(key),
                b"set": lambda key: link.smembers(key),
                b"zset": lambda key: link.zrange(key, 0, -1, withscores=True),
                b"list": lambda key: link.lrange(key, 0, -1),
                b"stream": lambda key: (link.xrange(key), link.xinfo_groups(key), pending(link, key)),
            }[kind](key)
            found[database, key] = (kind, value, link.execute_command("PEXPIRETIME", key))
    link.execute_command("SELECT", 0)
    return found


def pending(link, key):
    """What the group of a stream has not acknowledged, but for how long it has been so."""
    if not link.xinfo_groups(key):
        return []
    entries = link.xpending_range(key, "group", "-", "+", 10_000)
    return [(entry["message_id"], entry["consumer"], entry["times_delivered"]) for entry in entries]


def compare(found, wanted):
    """Raises at the first difference."""
    if found.keys() != wanted.keys():
        raise AssertionError(f"keys differ: {sorted(found.keys() ^ wanted.keys())[:5]}")
    for place, value in wanted.items():
        if found[place] != value:
            raise AssertionError(f"{place}: {str(found[place])[:200]} instead of {str(value)[:200]}")
