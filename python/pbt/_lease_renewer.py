# SPDX-License-Identifier: Apache-2.0
"""Background work of a worker: renews leases, reports progress, deletes garbage."""

from __future__ import annotations

import logging
import queue
import threading
import time
from typing import Any, Callable, Dict, List, Mapping, Optional, Protocol, Tuple

from . import _signals
from ._errors import PBTError, Temporary
from ._files import Files
from ._http import Server, segment
from ._identity import parent_is_gone

log = logging.getLogger("pbt")

#: Seconds between two reports of one interval's progress.
PROGRESS = 1.0
#: Seconds for which an interval whose loop was left stays open: long enough for an exception to reach the exit hooks.
GRACE = 2.0
#: Number of deleted checkpoints that are reported to the server in one request.
BATCH = 16


class LeasedInterval(Protocol):
    """An interval whose lease is renewed."""

    _lease: Mapping[str, Any]
    _path: str

    def _renewed(self, lease: Mapping[str, Any]) -> None:
        """Takes over the renewed lease."""

    def _lose(self, error: PBTError) -> None:
        """Marks the interval as lost to another worker."""

    def _progress(self) -> Dict[str, Any]:
        """Returns the metrics so far."""

    def _fail_left(self) -> None:
        """Fails the interval because its loop was left without a report."""


class LeaseRenewer:
    """A thread of a worker; a daemon, so it never keeps a process alive.

    Its state belongs to the thread alone: other threads put messages into its queue, which is safe at any time, even in
    a finalizer.
    """

    def __init__(self, server: Server, files: Files, term: float) -> None:
        self._server = server
        self._files = files
        self._term = term
        self._inbox: "queue.SimpleQueue[Tuple[str, Any]]" = queue.SimpleQueue()
        self._thread: Optional[threading.Thread] = None
        self._due: Dict[LeasedInterval, float] = {}
        self._progress: Dict[LeasedInterval, float] = {}
        self._reported: Dict[LeasedInterval, float] = {}
        self._left: Dict[LeasedInterval, float] = {}
        self._deleted: Dict[str, List[str]] = {}
        self._is_unavailable = False

    def add(self, interval: LeasedInterval) -> None:
        """Renews an interval's lease from now on."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="pbt-lease-renewer", daemon=True)
            with _signals.blocked():
                self._thread.start()
        self._inbox.put(("add", interval))

    def remove(self, interval: LeasedInterval) -> None:
        """Stops renewing the lease of an interval, which is finished or given back."""
        self._inbox.put(("remove", interval))

    def progressed(self, interval: LeasedInterval) -> None:
        """Reports the interval's metrics soon."""
        self._inbox.put(("progress", interval))

    def left(self, interval: LeasedInterval) -> None:
        """Fails an interval whose loop was left, unless it ends within the grace period. Safe in a finalizer."""
        self._inbox.put(("left", interval))

    def call(self, action: Callable[[], None]) -> None:
        """Calls a function in the thread. Safe in a finalizer."""
        self._inbox.put(("call", action))

    def collect(self, names: List[str], experiment: str) -> None:
        """Deletes garbage checkpoints."""
        if names:
            self._inbox.put(("garbage", (experiment, names)))

    def close(self, timeout: float = 10.0) -> None:
        """Ends the thread, after the messages that it has received so far."""
        if self._thread is not None and self._thread.is_alive():
            self._inbox.put(("close", None))
            self._thread.join(timeout)
        self._thread = None

    def _run(self) -> None:
        while True:
            next_time = min(
                [*self._due.values(), *self._progress.values(), *self._left.values()], default=float("inf")
            )
            try:
                wait = next_time - time.monotonic()
                message = self._inbox.get(timeout=None if wait == float("inf") else max(wait, 0.0))
            except queue.Empty:
                message = None
            try:
                if message is not None and not self._take(*message):
                    return
                self._work()
            except Exception:  # a bug of ours must not end the renewals
                log.exception("internal error in the thread that renews leases; it continues")

    def _take(self, kind: str, content: Any) -> bool:
        """Handles a message; returns False when it was the last."""
        now = time.monotonic()
        if kind == "add":
            self._due[content] = now + self._term / 3
        elif kind == "remove":
            for table in (self._due, self._progress, self._reported, self._left):
                table.pop(content, None)
        elif kind == "progress" and content in self._due:
            self._progress.setdefault(content, max(now, self._reported.get(content, 0.0) + PROGRESS))
        elif kind == "left" and content in self._due:
            self._left[content] = now + GRACE
        elif kind == "call":
            content()
        elif kind == "garbage":
            experiment, names = content
            self._delete(experiment, names)
        elif kind == "close":
            for experiment in list(self._deleted):
                self._report_deleted(experiment)
            return False
        return True

    def _work(self) -> None:
        """Does everything that is due."""
        now = time.monotonic()
        for interval, due in list(self._due.items()):
            if due <= now:
                self._renew(interval)
        for interval, due in list(self._progress.items()):
            if due <= now:
                self._report(interval)
        for interval, due in list(self._left.items()):
            if due <= now:
                del self._left[interval]
                interval._fail_left()

    def _renew(self, interval: LeasedInterval) -> None:
        body = {"lease": interval._lease, "term": self._term}
        try:
            answer, _ = self._server.once("POST", f"{interval._path}/renew", body)
            interval._renewed(answer["lease"])
        except Temporary as error:
            # The lease may still be ours when the server is back; all we can do is retry.
            self._unavailable(error)
            if error.code == "unreachable" and parent_is_gone():
                self._due.pop(interval, None)
                interval._lose(error)
                return
            self._due[interval] = time.monotonic() + max(min(self._term / 12, 5.0), error.retry_after)
            return
        except PBTError as error:
            self._due.pop(interval, None)
            interval._lose(error)
            return
        self._available()
        self._due[interval] = time.monotonic() + self._term / 3

    def _report(self, interval: LeasedInterval) -> None:
        del self._progress[interval]
        self._reported[interval] = time.monotonic()
        body = {"lease": interval._lease, "metrics": interval._progress()}
        try:
            self._server.once("POST", f"{interval._path}/report", body)
        except Temporary as error:
            self._unavailable(error)
            self._progress[interval] = time.monotonic() + max(5.0, error.retry_after)
        except PBTError as error:
            if error.status in (404, 409):
                interval._lose(error)
            else:
                log.warning("%r: could not report its progress: %s", interval, error)
        else:
            self._available()

    def _delete(self, experiment: str, names: List[str]) -> None:
        try:
            gone = self._files.collect(names, experiment)
        except (OSError, PBTError) as error:
            # They stay garbage for the server, and the next sweep tries again.
            log.warning("could not delete checkpoints of %s: %s", experiment, error)
            return
        if gone:
            waiting = self._deleted.setdefault(experiment, [])
            waiting.extend(name for name in gone if name not in waiting)
            if len(waiting) >= BATCH:
                self._report_deleted(experiment)

    def _report_deleted(self, experiment: str) -> None:
        """Tells the server which checkpoints are deleted; while it is unavailable, the next call does."""
        body = {"checkpoints": self._deleted[experiment]}
        try:
            self._server.once("POST", f"/experiments/{segment(experiment)}/collected", body)
        except Temporary as error:
            self._unavailable(error)
            return
        except PBTError as error:
            log.warning("could not report which checkpoints of %s are deleted: %s", experiment, error)
        del self._deleted[experiment]

    def _unavailable(self, error: PBTError) -> None:
        if not self._is_unavailable:
            log.warning("%s; training continues", error)
        self._is_unavailable = True

    def _available(self) -> None:
        if self._is_unavailable:
            log.warning("the server is available again")
        self._is_unavailable = False
