# SPDX-License-Identifier: Apache-2.0
"""What becomes of open intervals when the program ends.

An exception in the body of a ``for`` loop is invisible to the iterator. If it ends the thread or the program, Python
shows it to ``sys.excepthook`` or ``threading.excepthook``: there it becomes the failure of the intervals that the
thread was training. What is still open at the very end failed without a reason, or is given back if a signal ended
the program.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
from types import TracebackType
from typing import TYPE_CHECKING, Any, Dict, Optional, Type

from . import _signals

if TYPE_CHECKING:
    from ._interval import Interval
    from ._worker import Worker

_open: Dict[int, "Interval"] = {}
_workers: Dict[int, "Worker"] = {}
_is_installed = False


def remember(interval: "Interval") -> None:
    """Looks after an interval until :func:`forget`."""
    _open[id(interval)] = interval


def forget(interval: "Interval") -> None:
    """The interval is over."""
    _open.pop(id(interval), None)


def hire(worker: "Worker") -> None:
    """Closes a worker when the program ends, after its intervals."""
    _install()
    _workers[id(worker)] = worker


def dismiss(worker: "Worker") -> None:
    """The worker is closed."""
    _workers.pop(id(worker), None)


def _install() -> None:
    global _is_installed
    if _is_installed:
        return
    _is_installed = True
    previous, previous_of_threads = sys.excepthook, threading.excepthook

    def hook(kind: Type[BaseException], error: BaseException, trace: Optional[TracebackType]) -> None:
        previous(kind, error, trace)
        _end_all(error.with_traceback(trace), threading.get_ident())

    def thread_hook(arguments: Any) -> None:
        previous_of_threads(arguments)
        if arguments.exc_value is not None and arguments.thread is not None:
            _end_all(arguments.exc_value, arguments.thread.ident)

    sys.excepthook, threading.excepthook = hook, thread_hook
    atexit.register(_at_exit)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_after_fork)


def _end_all(error: BaseException, thread: Optional[int]) -> None:
    for interval in list(_open.values()):
        if interval._thread == thread and not interval._is_ahead:
            interval._end_by(error)


def _at_exit() -> None:
    told = _signals.received()
    for interval in list(_open.values()):
        if interval._is_ahead:
            continue  # its worker gives it back
        if told is not None:
            interval._quietly(interval.give_back, f"the worker was told to stop ({told})")
        else:
            interval._quietly(interval.fail, "the program ended without report()")
    for worker in list(_workers.values()):
        worker.close()


def _after_fork() -> None:
    """In a child: the intervals are its parent's."""
    _open.clear()
    _workers.clear()
    _signals.forget()
