# SPDX-License-Identifier: Apache-2.0
"""Ends open intervals when the program ends.

An exception in the body of a ``for`` loop is invisible to the iterator. If it ends the thread or the program, Python
passes it to ``sys.excepthook`` or ``threading.excepthook``: there it becomes the failure of the intervals that the
thread was training. Intervals that are still open at exit have failed without a reason, or are given back if a signal
ended the program.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
from types import TracebackType
from typing import Any, Dict, Optional, Protocol, Type

from . import _signals


class OpenInterval(Protocol):
    """An interval that has not ended."""

    _thread: int
    _is_prefetched: bool

    def _end_by(self, error: BaseException) -> None:
        """Ends the interval because of an exception."""

    def _end_at_exit(self, signal: Optional[str]) -> None:
        """Ends the interval because the program ends; ``signal`` is the name of the signal that ended it."""


class OpenWorker(Protocol):
    """A worker that is not closed."""

    def close(self) -> None:
        """Closes the worker."""


_intervals: Dict[int, OpenInterval] = {}
_workers: Dict[int, OpenWorker] = {}
_is_installed = False


def add_interval(interval: OpenInterval) -> None:
    """Ends an interval when the program ends, unless :func:`remove_interval` is called before."""
    _intervals[id(interval)] = interval


def remove_interval(interval: OpenInterval) -> None:
    """Forgets an interval that has ended."""
    _intervals.pop(id(interval), None)


def add_worker(worker: OpenWorker) -> None:
    """Closes a worker when the program ends, after its intervals."""
    _install()
    _workers[id(worker)] = worker


def remove_worker(worker: OpenWorker) -> None:
    """Forgets a worker that is closed."""
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
    for interval in list(_intervals.values()):
        if interval._thread == thread and not interval._is_prefetched:
            interval._end_by(error)


def _at_exit() -> None:
    signal = _signals.received()
    for interval in list(_intervals.values()):
        if not interval._is_prefetched:  # its worker gives a prefetched one back
            interval._end_at_exit(signal)
    for worker in list(_workers.values()):
        worker.close()


def _after_fork() -> None:
    """Forgets everything in a child made by fork: the intervals are its parent's."""
    _intervals.clear()
    _workers.clear()
    _signals.forget()
