# SPDX-License-Identifier: Apache-2.0
"""Reports one interval while the next one begins."""

from __future__ import annotations

import queue
import threading
from typing import Callable, Optional

from . import _signals


class Reporter:
    """One thread of a worker that publishes and reports, one interval at a time.

    To write a checkpoint to the disk and to hear from the server takes longer than all else between two intervals.
    Meanwhile the process may train on: there is at most one interval that is being reported.
    """

    def __init__(self) -> None:
        self._inbox: "queue.SimpleQueue[Optional[Callable[[], None]]]" = queue.SimpleQueue()
        self._idle = threading.Event()
        self._idle.set()
        self._thread: Optional[threading.Thread] = None
        self._error: Optional[BaseException] = None

    def submit(self, job: Callable[[], None]) -> None:
        """Does something in the thread, as soon as what it did before is over.

        Raises:
            BaseException: what the job before raised.
        """
        self.wait()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="pbt-reporter", daemon=True)
            with _signals.kept_away():
                self._thread.start()
        self._idle.clear()
        self._inbox.put(job)

    def wait(self) -> None:
        """Waits until nothing is being done.

        Raises:
            BaseException: what the last job raised, once.
        """
        self._idle.wait()
        self.check()

    def check(self) -> None:
        """Raises what the last job raised, once, if it is over."""
        if self._idle.is_set():
            error, self._error = self._error, None
            if error is not None:
                raise error

    def close(self) -> None:
        """Ends the thread, after what it does."""
        try:
            self.wait()
        finally:
            if self._thread is not None:
                self._inbox.put(None)
                self._thread.join()
                self._thread = None

    def _run(self) -> None:
        while True:
            job = self._inbox.get()
            if job is None:
                return
            try:
                job()
            except BaseException as error:  # it is the worker's thread that hears of it
                self._error = error
            self._idle.set()
