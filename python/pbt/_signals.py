# SPDX-License-Identifier: Apache-2.0
"""Signal handling. Ctrl-C and SIGTERM give back the interval that is being trained, after pending reports.

SIGUSR1 and SIGUSR2, with which clusters announce the end of a job, let the interval finish and prevent another claim.

A signal is handled only where the program has no handler of its own: SIGTERM, SIGUSR1 and SIGUSR2 where they would kill
the process, SIGINT where it would raise ``KeyboardInterrupt``. SIGTERM raises ``SystemExit(143)``, so that ``finally``
blocks run.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import contextmanager
from types import FrameType
from typing import Any, Dict, Iterator, List, NoReturn, Optional, Tuple

#: Seconds for which requests are retried after the process was told to stop.
PATIENCE = 10.0

_previous: Dict[int, Any] = {}
_owner = 0
_users = 0
_shields = 0
_deferred: Optional[int] = None
_received_at: Optional[float] = None
_received: Optional[int] = None
_is_waiting = False
_is_ending = False


class EndAnnounced(BaseException):
    """The end of the process was announced while it waited for an interval."""


def install() -> None:
    """Handles the signals until :func:`uninstall` is called as often; does nothing outside the main thread."""
    global _owner, _users, _received, _received_at
    if threading.current_thread() is not threading.main_thread():
        return
    _users += 1
    if _users > 1:
        return
    _owner = os.getpid()
    _received = _received_at = None
    handled: List[Tuple[int, Any, Any]] = [
        (signal.SIGINT, signal.default_int_handler, _handle),
        (signal.SIGTERM, signal.SIG_DFL, _handle),
    ]
    for name in ("SIGUSR1", "SIGUSR2"):  # not on Windows
        if hasattr(signal, name):
            handled.append((getattr(signal, name), signal.SIG_DFL, _announce))
    for number, default, handler in handled:
        if signal.getsignal(number) is default:
            _previous[number] = default
            signal.signal(number, handler)


def uninstall() -> None:
    """Restores the handlers from before :func:`install`."""
    global _users
    if threading.current_thread() is not threading.main_thread() or _users == 0:
        return
    _users -= 1
    if _users == 0:
        _restore()


def forget() -> None:
    """Restores the handlers in a child made by fork."""
    global _users, _shields, _deferred, _received, _received_at, _is_waiting, _is_ending
    _restore()
    _is_waiting = _is_ending = False
    _users = _shields = 0
    _deferred = _received = _received_at = None


def received() -> Optional[str]:
    """Returns the name of the signal that told this process to stop, if any."""
    return None if _received is None else signal.Signals(_received).name


def out_of_patience() -> bool:
    """Returns whether the process was told to stop so long ago that requests are no longer retried."""
    return _received_at is not None and time.monotonic() - _received_at > PATIENCE


def reset() -> None:
    """Clears the signal of a process that continues."""
    global _received, _received_at
    if _received is not None and _deferred is None:
        _received = _received_at = None


def is_ending() -> bool:
    """Returns whether the end of this process was announced: it finishes its intervals and claims no more."""
    return _is_ending


@contextmanager
def waiting() -> Iterator[None]:
    """Lets announcements of the end interrupt the block, which waits for an interval.

    Raises:
        EndAnnounced: when one arrives, or has arrived.
    """
    global _is_waiting
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _is_waiting = True
    try:
        if _is_ending:
            raise EndAnnounced
        yield
    finally:
        _is_waiting = False


@contextmanager
def shield() -> Iterator[None]:
    """Defers the first signal until the block has ended; a second one interrupts it."""
    global _shields, _deferred
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _shields += 1
    try:
        yield
    finally:
        _shields -= 1
        if _shields == 0 and _deferred is not None:
            number, _deferred = _deferred, None
            _interrupt(number)


@contextmanager
def blocked() -> Iterator[None]:
    """Blocks signals for threads started in the block, so that signals reach, and wake, the main thread."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    faults = {signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGABRT}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals() - faults)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _handle(number: int, frame: Optional[FrameType]) -> None:
    global _received, _received_at, _deferred
    if os.getpid() != _owner:  # a child forked without Python's knowledge
        _restore()
        os.kill(os.getpid(), number)
        return
    is_first = _received is None
    _received = number
    if is_first:
        _received_at = time.monotonic()
    if _shields and is_first:
        _deferred = number
        return
    _deferred = None
    _interrupt(number)


def _announce(number: int, frame: Optional[FrameType]) -> None:
    global _is_ending
    if os.getpid() != _owner:  # a child forked without Python's knowledge
        _restore()
        os.kill(os.getpid(), number)
        return
    _is_ending = True
    if _is_waiting:
        raise EndAnnounced


def _interrupt(number: int) -> NoReturn:
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    raise SystemExit(128 + number)


def _restore() -> None:
    for number, handler in _previous.items():
        if signal.getsignal(number) in (_handle, _announce):
            signal.signal(number, handler)
    _previous.clear()
