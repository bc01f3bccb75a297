# SPDX-License-Identifier: Apache-2.0
"""What goes on beside training: leases are renewed, progress is reported, garbage is deleted."""

from __future__ import annotations

import logging
import queue
import threading
import time
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Tuple

from . import _signals
from ._errors import PBTError, Temporary
from ._files import Files
from ._http import Server, segment
from ._identity import parent_is_gone

if TYPE_CHECKING:
    from ._interval import Interval
    from ._worker import Worker

log = logging.getLogger("pbt")

#: Seconds between two reports of one interval's progress.
PROGRESS = 1.0
#: Seconds for which an interval whose loop was left stays open: long enough for an exception to show itself.
GRACE = 2.0
#: How many deleted checkpoints are told to the server at once.
ENOUGH = 16


class Keeper:
    """One thread of a worker; a daemon, so it never keeps a process alive.

    It alone knows what it keeps: everybody else puts messages into its queue, which may be done at any time, even
    from a finalizer.
    """

    def __init__(self, server: Server, files: Files, term: float) -> None:
        self._server = server
        self._files = files
        self._term = term
        self._inbox: "queue.SimpleQueue[Tuple[str, Any]]" = queue.SimpleQueue()
        self._thread: Optional[threading.Thread] = None
        self._due: Dict["Interval", float] = {}
        self._progress: Dict["Interval", float] = {}
        self._reported: Dict["Interval", float] = {}
        self._left: Dict["Interval", float] = {}
        self._deleted: Dict[str, List[str]] = {}
        self._is_away = False

    def hold(self, interval: "Interval") -> None:
        """Keeps an interval's lease from now on."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="pbt-keeper", daemon=True)
            with _signals.kept_away():
                self._thread.start()
        self._inbox.put(("hold", interval))

    def drop(self, interval: "Interval") -> None:
        """Forgets an interval: it is finished, or given back."""
        self._inbox.put(("drop", interval))

    def progressed(self, interval: "Interval") -> None:
        """Reports the interval's metrics soon."""
        self._inbox.put(("progress", interval))

    def left(self, interval: "Interval") -> None:
        """The loop over the interval was left; unless the reason shows up soon, it failed. May be called anywhere."""
        self._inbox.put(("left", interval))

    def spare(self, worker: "Worker") -> None:
        """Gives back what a worker took ahead: its loop is over. May be called anywhere."""
        self._inbox.put(("spare", worker))

    def collect(self, names: List[str], experiment: str) -> None:
        """Deletes garbage."""
        if names:
            self._inbox.put(("garbage", (experiment, names)))

    def close(self, timeout: float = 10.0) -> None:
        """Ends the thread, after what it was told so far."""
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
            except Exception:  # a fault of ours must not end the renewals
                log.exception("the thread that renews leases met an error of its own")

    def _take(self, kind: str, content: Any) -> bool:
        """Takes a message; False when it was the last."""
        now = time.monotonic()
        if kind == "hold":
            self._due[content] = now + self._term / 3
        elif kind == "drop":
            for table in (self._due, self._progress, self._reported, self._left):
                table.pop(content, None)
        elif kind == "progress" and content in self._due:
            self._progress.setdefault(content, max(now, self._reported.get(content, 0.0) + PROGRESS))
        elif kind == "left" and content in self._due:
            self._left[content] = now + GRACE
        elif kind == "spare":
            content._give_back_ahead("the worker's loop was left")
        elif kind == "garbage":
            experiment, names = content
            self._delete(experiment, names)
        elif kind == "close":
            for experiment in list(self._deleted):
                self._tell(experiment)
            return False
        return True

    def _work(self) -> None:
        """Does what is due."""
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

    def _renew(self, interval: "Interval") -> None:
        body = {"lease": interval._lease, "term": self._term}
        try:
            answer, _ = self._server.once("POST", f"{interval._path}/renew", body)
            interval._renewed(answer["lease"])
        except Temporary as error:
            # The lease may still be ours when the server is back; asking again is all we can do.
            self._away(error)
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
        self._back()
        self._due[interval] = time.monotonic() + self._term / 3

    def _report(self, interval: "Interval") -> None:
        del self._progress[interval]
        self._reported[interval] = time.monotonic()
        body = {"lease": interval._lease, "metrics": interval._progress()}
        try:
            self._server.once("POST", f"{interval._path}/report", body)
        except Temporary as error:
            self._away(error)
            self._progress[interval] = time.monotonic() + max(5.0, error.retry_after)
        except PBTError as error:
            if error.status in (404, 409):
                interval._lose(error)
            else:
                log.warning("%r: could not report its progress: %s", interval, error)
        else:
            self._back()

    def _delete(self, experiment: str, names: List[str]) -> None:
        try:
            gone = self._files.collect(names, experiment)
        except (OSError, PBTError) as error:
            # They stay garbage for the server, and whoever sweeps next tries again.
            log.warning("could not delete checkpoints of %s: %s", experiment, error)
            return
        if gone:
            waiting = self._deleted.setdefault(experiment, [])
            waiting.extend(name for name in gone if name not in waiting)
            if len(waiting) >= ENOUGH:
                self._tell(experiment)

    def _tell(self, experiment: str) -> None:
        """Tells the server which checkpoints are deleted; if it is away, the next time."""
        body = {"checkpoints": self._deleted[experiment]}
        try:
            self._server.once("POST", f"/experiments/{segment(experiment)}/collected", body)
        except Temporary as error:
            self._away(error)
            return
        except PBTError as error:
            log.warning("could not say which checkpoints of %s are deleted: %s", experiment, error)
        del self._deleted[experiment]

    def _away(self, error: PBTError) -> None:
        if not self._is_away:
            log.warning("%s; training goes on", error)
        self._is_away = True

    def _back(self) -> None:
        if self._is_away:
            log.warning("the server is back")
        self._is_away = False
