"""Starting, watching and ending a Redis-protocol server process, for every outside-in proof.

Used by `tests/compat`, `tests/audit`, `tests/scenarios` and `benches`. What always holds: a server
started here listens on 127.0.0.1 only, lives in its own data directory, is ended by its process
id, and never outlives the Python process that started it.

- `process.py`  one server process: start, wait until it serves, kill, restart
- `flavour.py`  which options make Redis or Holdfast durable or volatile
- `wire.py`     a minimal pipelining client, for loads where redis-py would be the bottleneck
"""

from .flavour import Flavour, flavour_of
from .process import Server, ServerDied, free_port, repository_root, target_directory, temporary_directory

__all__ = [
    "Flavour",
    "Server",
    "ServerDied",
    "flavour_of",
    "free_port",
    "repository_root",
    "target_directory",
    "temporary_directory",
]
