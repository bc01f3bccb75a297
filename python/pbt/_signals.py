# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C and SIGTERM: whatever is being trained is given back, and what is being reported is reported first.

SIGUSR1 and SIGUSR2, by which clusters announce the end of a job: the interval is finished, and no other is claimed.

All are handled only where the program has not chosen otherwise: SIGTERM, SIGUSR1 and SIGUSR2 where they would kill the
process, SIGINT where it would raise ``KeyboardInterrupt``. SIGTERM raises ``SystemExit(143)``, so that ``finally``
holds.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import contextmanager
from types import FrameType
from typing import Any, Dict, Iterator, List, NoReturn, Optional, Tuple

#: How long calls are repeated after the process was told to stop.
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
    """Handles the signals until as many calls of :func:`uninstall`; nothing outside the main thread."""
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
    """Puts back what was there before :func:`install`."""
    global _users
    if threading.current_thread() is not threading.main_thread() or _users == 0:
        return
    _users -= 1
    if _users == 0:
        _restore()


def forget() -> None:
    """In a child made by fork: its signals are its own."""
    global _users, _shields, _deferred, _received, _received_at, _is_waiting, _is_ending
    _restore()
    _is_waiting = _is_ending = False
    _users = _shields = 0
    _deferred = _received = _received_at = None


def received() -> Optional[str]:
    """The name of the signal that told this process to stop, if one did."""
    return None if _received is None else signal.Signals(_received).name


def out_of_patience() -> bool:
    """Whether the process was told to stop so long ago that calls are no longer repeated."""
    return _received_at is not None and time.monotonic() - _received_at > PATIENCE


def reset() -> None:
    """The process goes on, whatever signal it had."""
    global _received, _received_at
    if _received is not None and _deferred is None:
        _received = _received_at = None


def is_ending() -> bool:
    """Whether the end of this process was announced: it finishes what it has and claims no more."""
    return _is_ending


@contextmanager
def waiting() -> Iterator[None]:
    """Announcements of the end interrupt the block, which waits for something to do.

    Raises:
        EndAnnounced: when one comes, or has come.
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
    """Puts the first signal off until the block is over; a second one interrupts it."""
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
def kept_away() -> Iterator[None]:
    """Threads that are started in the block get no signals: the main thread would sleep on in whatever it waits for."""
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
    if os.getpid() != _owner:  # a child that was made behind Python's back
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
    if os.getpid() != _owner:  # a child that was made behind Python's back
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
