"""A minimal pipelining client: for loads where redis-py's parsing would be the bottleneck.

It counts replies without building them; errors are kept. Callers: the benchmarks and the loads of
the scenarios.
"""

import socket


def encode(*arguments):
    """One command in RESP."""
    parts = [b"*%d\r\n" % len(arguments)]
    for argument in arguments:
        if not isinstance(argument, bytes):
            argument = str(argument).encode()
        parts.append(b"$%d\r\n%s\r\n" % (len(argument), argument))
    return b"".join(parts)


class WireError(RuntimeError):
    """The server answered an error, or closed the connection.

    `answered` is how many commands of the batch had answered well before; `refused` whether an
    error reply, not the end of the connection, was the reason.
    """

    def __init__(self, text, answered=0, refused=False):
        super().__init__(text)
        self.answered = answered
        self.refused = refused


class Wire:
    """One connection. `run` sends encoded commands and waits for as many one-line or integer replies."""

    def __init__(self, port, timeout=120):
        self.link = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self.link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.rest = b""

    def close(self):
        """Closes the connection."""
        self.link.close()

    def command(self, *arguments):
        """One command and its one-line, integer or bulk reply, as bytes."""
        self.link.sendall(encode(*arguments))
        return self._reply()

    def run(self, blob, count):
        """Sends `count` commands that each answer with one line; raises on an error reply."""
        answered = 0
        try:
            self.link.sendall(blob)
            while answered < count:
                data = self.link.recv(1 << 18)
                if not data:
                    raise WireError("connection closed", answered)
                lines = (self.rest + data).split(b"\r\n")
                self.rest = lines.pop()
                for line in lines:
                    if line.startswith(b"-"):
                        raise WireError(line.decode(errors="replace"), answered, refused=True)
                    answered += 1
        except OSError as error:
            raise WireError(str(error), answered) from error

    def line(self):
        """The next line of what the server sent, whatever it is."""
        while b"\r\n" not in self.rest:
            data = self.link.recv(1 << 16)
            if not data:
                raise WireError("connection closed")
            self.rest += data
        line, self.rest = self.rest.split(b"\r\n", 1)
        return line

    def _reply(self):
        line = self.line()
        if line.startswith(b"-"):
            raise WireError(line.decode(errors="replace"))
        if line.startswith((b"$", b"=")) and line != b"$-1":
            size = int(line[1:])
            while len(self.rest) < size + 2:
                data = self.link.recv(1 << 16)
                if not data:
                    raise WireError("connection closed")
                self.rest += data
            body, self.rest = self.rest[:size], self.rest[size + 2 :]
            return body
        return line[1:]


def load(port, commands, per_batch=1000):
    """Sends an iterable of encoded one-line-reply commands by batches; returns how many."""
    wire = Wire(port)
    total, batch = 0, []
    for command in commands:
        batch.append(command)
        if len(batch) == per_batch:
            wire.run(b"".join(batch), len(batch))
            total += len(batch)
            batch.clear()
    if batch:
        wire.run(b"".join(batch), len(batch))
        total += len(batch)
    wire.close()
    return total
