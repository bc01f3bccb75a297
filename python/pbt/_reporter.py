# SPDX-License-Identifier: Apache-2.0
"""Pipelining: one interval is reported while the next one is trained."""

from __future__ import annotations

import queue
import threading
from typing import Callable, Optional

from . import _signals


class Reporter:
    """A thread of a worker that publishes and reports, one interval at a time.

    Flushing a checkpoint to the disk and waiting for the server dominate the time between two intervals. Meanwhile the
    process can train: at most one interval is being reported at any time.
    """

    def __init__(self) -> None:
        self._inbox: "queue.SimpleQueue[Optional[Callable[[], None]]]" = queue.SimpleQueue()
        self._idle = threading.Event()
        self._idle.set()
        self._thread: Optional[threading.Thread] = None
        self._error: Optional[BaseException] = None

    def submit(self, job: Callable[[], None]) -> None:
        """Runs a job in the thread, after the previous one.

        Raises:
            BaseException: what the previous job raised.
        """
        self.wait()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="pbt-reporter", daemon=True)
            with _signals.blocked():
                self._thread.start()
        self._idle.clear()
        self._inbox.put(job)

    def wait(self) -> None:
        """Waits until no job is running.

        Raises:
            BaseException: what the last job raised, once.
        """
        self._idle.wait()
        self.check()

    def check(self) -> None:
        """Raises what the last job raised, once, if it has ended."""
        if self._idle.is_set():
            error, self._error = self._error, None
            if error is not None:
                raise error

    def close(self) -> None:
        """Ends the thread, after its current job."""
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
            except BaseException as error:  # raised in the worker's thread
                self._error = error
            self._idle.set()
