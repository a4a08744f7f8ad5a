"""A client that measures how long the others wait. Callers: `turns.py`.

It is a process of its own at a raised priority, so that what it measures is the server and not this
machine's scheduler; what it sees while nothing happens is printed beside.
"""

import contextlib
import multiprocessing
import os
import socket
import time

_WAIT_S = 0.0005


def _run(port, pipe):
    with contextlib.suppress(OSError):
        os.nice(-15)
    link = socket.create_connection(("127.0.0.1", port))
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    link.sendall(b"SET probe x\r\n")
    link.recv(100)
    pipe.send("ready")
    waits = []
    commands = (b"PING\r\n", b"GET probe\r\n")
    while not pipe.poll():
        for command in commands:
            began = time.perf_counter()
            link.sendall(command)
            data = link.recv(100)
            waits.append(time.perf_counter() - began)
            if not data or data.startswith(b"-"):
                raise SystemExit(f"the probe got {data!r}")
            time.sleep(_WAIT_S)
    waits.sort()
    pipe.send((len(waits), waits[int(len(waits) * 0.999)] * 1000, waits[-1] * 1000))


class Probe:
    """Measures from `with` to its end; then `p999` and `worst` are in milliseconds."""

    def __init__(self, port):
        self.port = port

    def __enter__(self):
        self.pipe, theirs = multiprocessing.Pipe()
        self.process = multiprocessing.Process(target=_run, args=(self.port, theirs), daemon=True)
        self.process.start()
        self.pipe.recv()
        return self

    def __exit__(self, *_):
        self.pipe.send("end")
        self.count, self.p999, self.worst = self.pipe.recv() if self.pipe.poll(60) else (0, -1.0, -1.0)
        self.process.join(5)
