"""The power cut: a preload library that logs undos, and the code that applies them.

- `powercut.c`  loaded into the server; logs how to undo what is not synced
- `build.py`    compiles it with cc, and gives the environment that loads it
- `cut.py`      takes back what was never synced, after the server was killed
"""

from .build import Shim, ShimMissing
from .cut import KINDS, Cut, cut

__all__ = ["KINDS", "Cut", "Shim", "ShimMissing", "cut"]
