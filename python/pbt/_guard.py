# SPDX-License-Identifier: Apache-2.0
"""Processes of ``multiprocessing`` that import the main program must not claim its intervals.

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
    """Refuses a process in which ``multiprocessing`` imports the main program just now.

    A child that is past that, such as the target of a ``Process``, may claim intervals of its own.

    Raises:
        PBTError: with code ``badConfiguration``.
    """
    frame: Optional[FrameType] = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_name == "<module>" and frame.f_globals.get("__name__") == "__mp_main__":
            raise PBTError(
                "badConfiguration",
                f"{Path(frame.f_code.co_filename).name} is imported by a process that multiprocessing started, as a "
                f"data loader does, and claims nothing there: put what it does at its top level under `{GUARD}`",
            )
        frame = frame.f_back


def hint() -> str:
    """Why an interval may have failed: a clause for its reason; empty when the guard is there or is not needed."""
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
