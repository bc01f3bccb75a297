# SPDX-License-Identifier: Apache-2.0
"""Keeps processes of ``multiprocessing`` that import the main program from claiming its intervals.

With the start methods ``spawn`` and ``forkserver`` a child imports the main program under the name ``__mp_main__``. A
loop over ``pbt.worker()`` at its top level would then train in every data loader.
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import FrameType
from typing import Optional

from ._errors import PBTError

GUARD = 'if __name__ == "__main__":'
#: Modules that are loaded only when a child was started that imports the main program.
STARTERS = ("popen_spawn_posix", "popen_spawn_win32", "popen_forkserver")


def check() -> None:
    """Rejects a process in which ``multiprocessing`` is importing the main program.

    A child past that point, such as the target of a ``Process``, may claim intervals of its own.

    Raises:
        PBTError: with code ``badConfiguration``.
    """
    frame: Optional[FrameType] = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_name == "<module>" and frame.f_globals.get("__name__") == "__mp_main__":
            raise PBTError(
                "badConfiguration",
                f"{Path(frame.f_code.co_filename).name} is imported by a process that multiprocessing started, as a "
                f"data loader does, and must not claim intervals there: put its top-level code under `{GUARD}`",
            )
        frame = frame.f_back


def hint() -> str:
    """Returns a likely cause of a failure as a clause; empty when the guard is present or not needed."""
    if not any(f"multiprocessing.{name}" in sys.modules for name in STARTERS):
        return ""
    path = getattr(sys.modules.get("__main__"), "__file__", None)
    if not isinstance(path, str):
        return ""
    try:
        text = Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    if "__main__" in text:
        return ""
    return f"; {Path(path).name} lacks `{GUARD}`, so the processes that multiprocessing starts run its loop and end"
