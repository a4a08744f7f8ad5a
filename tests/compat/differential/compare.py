"""Whether two replies to the same command are the same to a client. Caller: `__main__.py`."""

# Their order is nobody's promise.
_UNORDERED = {"smembers", "sinter", "sunion", "sdiff", "keys", "hkeys", "hvals", "srandmember", "spop"}
_UNORDERED_PAIRS = {"hgetall", "hrandfield", "zrandmember", "config"}
_CLOCK = {"ttl", "pttl", "expiretime", "pexpiretime"}
_CLOCK_MS = 3000
# Their replies hold times among other things, and how many nodes a radix tree has.
_WITH_CLOCK = {"xinfo", "xpending"}
_CLOCK_FACTS = {"idle", "seen-time", "radix-tree-nodes"}


def same(words, one, two):
    """Compares; `one` and `two` are replies as `Link` reads them."""
    if one == two:
        return True
    name = words[0].lower() if words else ""
    if one[0] != two[0]:
        return False
    if len(words) == 2 and words[1].upper() == "HELP" and one[0] == "*":
        # Help is for people, and stands in everybody's own words.
        return True
    if name in _CLOCK and one[0] == ":":
        slack = _CLOCK_MS if name.startswith("p") else _CLOCK_MS // 1000
        return (int(one[1]) < 0) == (int(two[1]) < 0) and abs(int(one[1]) - int(two[1])) <= slack
    if name in _WITH_CLOCK and one[0] in "*%":
        return _without_clock(one) == _without_clock(two)
    if name in _UNORDERED and one[1] is not None and two[1] is not None and one[0] in "*~":
        return sorted(map(repr, one[1])) == sorted(map(repr, two[1]))
    if name in _UNORDERED_PAIRS and isinstance(one[1], list) and isinstance(two[1], list):
        return _pairs(one, words) == _pairs(two, words)
    return False


def same_exec(words, one, two, queued):
    """Compares EXEC's replies by the commands that were queued."""
    if words[0].upper() != "EXEC" or not isinstance(one[1], list) or not isinstance(two[1], list):
        return False
    if not len(one[1]) == len(two[1]) == len(queued):
        return False
    return all(same(command, a, b) for command, a, b in zip(queued, one[1], two[1]))


def _pairs(reply, words):
    kind, items = reply
    flat = kind == "*" and items and items[0][0] not in "*" and (len(words) == 2 or words[0].lower() == "config" or words[-1].upper().startswith("WITH"))
    if flat:
        items = list(zip(items[::2], items[1::2]))
    return sorted(map(repr, items))


def _without_clock(reply):
    """The reply with each time as a mark: a large number, one below some seconds, or one that is named."""
    kind, value = reply
    if kind == ":" and (abs(int(value)) > 1_000_000_000_000 or 100 <= int(value) <= _CLOCK_MS):
        return kind, "time"
    if kind == "%":
        return kind, [(name, "time" if name[1] in _CLOCK_FACTS else _without_clock(fact)) for name, fact in value]
    if kind == "*" and value:
        pending = len(value) == 4 and [item[0] for item in value] == ["$", "$", ":", ":"]
        items = [_without_clock(item) for item in value]
        for place, name in enumerate(value[:-1]):
            if isinstance(name[1], str) and name[1] in _CLOCK_FACTS and value[place + 1][0] == ":":
                items[place + 1] = "time"
        if pending:
            items[2] = "time"
        return kind, items
    return reply


def show(reply, letters_max=160):
    """A short form for the report."""
    text = repr(reply)
    return text if len(text) <= letters_max else text[:letters_max] + "…"
