"""A connection that reads any RESP2 or RESP3 reply as plain Python values. Caller: `__main__.py`.

Types are kept apart, so that a map is not taken for an array nor an error for a string.
"""

import socket


class Link:
    """One connection to one server."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb")

    def ask(self, words):
        """Sends one command and returns its reply."""
        parts = [b"*%d\r\n" % len(words)]
        for word in words:
            word = word.encode("latin-1")
            parts.append(b"$%d\r\n%s\r\n" % (len(word), word))
        self.socket.sendall(b"".join(parts))
        return self.reply()

    def reply(self):
        """The next reply: (type letter, value)."""
        line = self.file.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("the server closed the connection")
        kind, rest = chr(line[0]), line[1:-2].decode("latin-1")
        if kind in "+-:,(#_":
            return kind, rest
        if kind in "$=!":
            if rest == "-1":
                return "$", None
            body = self.file.read(int(rest) + 2)[:-2]
            return kind, body.decode("latin-1")
        if kind in "*~>":
            return kind, None if rest == "-1" else [self.reply() for _ in range(int(rest))]
        if kind in "%|":
            value = [(self.reply(), self.reply()) for _ in range(int(rest))]
            return (kind, value) if kind == "%" else self.reply()
        raise ConnectionError(f"not RESP: {line[:60]!r}")
