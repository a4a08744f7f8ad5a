"""One server process in its own data directory. Callers: every proof that needs a running server."""

import atexit
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

_running = set()


class ServerDied(RuntimeError):
    """The server process ended although nobody ended it; the message carries the end of its log."""


def repository_root():
    """The root of this checkout."""
    return pathlib.Path(__file__).resolve().parents[2]


def target_directory():
    """Where build products and caches go: cargo's target directory."""
    return pathlib.Path(os.environ.get("CARGO_TARGET_DIR", repository_root() / "target"))


def temporary_directory(prefix):
    """A fresh directory on the file system of the target directory, so that fsync meets a real disk."""
    base = target_directory() / "proof"
    base.mkdir(parents=True, exist_ok=True)
    return pathlib.Path(tempfile.mkdtemp(prefix=f"{prefix}-", dir=base))


def free_port(start=7821, count=29):
    """The first port of a small range on which nothing listens on 127.0.0.1.

    The range moves with HOLDFAST_PROOF_PORT, so that two runs on one machine do not meet.
    """
    start += int(os.environ.get("HOLDFAST_PROOF_PORT", 7821)) - 7821
    for port in range(start, start + count):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError(f"no free port between {start} and {start + count - 1}")


class Server:
    """A server that can be started again on the same data directory after it was killed."""

    def __init__(self, flavour, mode="durable", extra=(), directory=None, port=None, environment=None, owned=None):
        self.flavour = flavour
        self.mode = mode
        self.extra = tuple(extra)
        self.port = port or free_port()
        self.owned = directory is None if owned is None else owned
        self.directory = pathlib.Path(directory) if directory else temporary_directory(flavour.name)
        self.environment = {**os.environ, **flavour.environment, **(environment or {})}
        self.process = None
        self.log_path = self.directory.with_name(self.directory.name + ".log")

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.kill()
        self.remove()

    @property
    def pid(self):
        """The process id of the running server."""
        return self.process.pid

    def start(self, wait_seconds=60.0):
        """Starts the process and returns once it serves; see `seconds_to_serve`."""
        command = self.flavour.command(self.port, self.directory, self.mode, self.extra)
        began = time.monotonic()
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env=self.environment
            )
        _running.add(self)
        self._wait_until_serving(began + wait_seconds)
        self.seconds_to_serve = time.monotonic() - began
        return self

    def _wait_until_serving(self, deadline):
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise ServerDied(f"{self.flavour.name} ended with {self.process.returncode}:\n{self.log_tail()}")
            if self.serves():
                return
            time.sleep(0.002)
        raise ServerDied(f"{self.flavour.name} does not serve:\n{self.log_tail()}")

    def serves(self):
        """Whether this very process answers a question about data; LOADING is no answer.

        Two runs on one machine may race for a port: then another's server answers there.
        """
        words = b"EXISTS x\r\nINFO server\r\nQUIT\r\n"
        if "--requirepass" in self.extra:
            password = self.extra[self.extra.index("--requirepass") + 1]
            words = b"AUTH %s\r\n%s" % (password.encode(), words)
        answer = b""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=2) as link:
                link.sendall(words)
                while part := link.recv(65536):
                    answer += part
        except OSError:
            return False
        return answer.removeprefix(b"+OK\r\n").startswith(b":") and b"process_id:%d\r\n" % self.pid in answer

    def alive(self):
        """Whether the process runs."""
        return self.process is not None and self.process.poll() is None

    def kill(self):
        """Ends the process by SIGKILL, as a crash would, and reaps it."""
        if self.process is not None:
            if self.process.poll() is None:
                self.process.send_signal(signal.SIGKILL)
            self.process.wait()
        _running.discard(self)

    def stop(self, seconds=20):
        """Ends the process by SIGTERM and returns its exit status; kills it if it does not obey."""
        self.process.terminate()
        try:
            status = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            status = None
        _running.discard(self)
        return status

    def remove(self):
        """Deletes the data directory and the log if this object made them."""
        if self.owned:
            shutil.rmtree(self.directory, ignore_errors=True)
            self.log_path.unlink(missing_ok=True)

    def log_tail(self, bytes_max=3000):
        """The last part of what the server printed."""
        try:
            return self.log_path.read_bytes()[-bytes_max:].decode(errors="replace")
        except OSError:
            return ""

    def status_kib(self, name):
        """A figure in KiB from /proc/PID/status, such as VmRSS."""
        for line in pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(name + ":"):
                return int(line.split()[1])
        raise KeyError(name)


@atexit.register
def _end_all():
    for server in list(_running):
        server.kill()
