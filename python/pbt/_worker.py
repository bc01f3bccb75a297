# SPDX-License-Identifier: Apache-2.0
"""A persistent worker: a process that trains one interval after another."""

from __future__ import annotations

import base64
import logging
import os
import threading
import time
from types import TracebackType
from typing import Any, Callable, Generic, Iterator, List, Mapping, Optional, Type, TypeVar

from . import _exit_hooks, _files, _guard, _options, _signals
from ._errors import PBTError, Temporary
from ._http import Server, jittered, segment
from ._identity import worker_name
from ._interval import NO_REPORT, Interval
from ._lease_renewer import LeaseRenewer
from ._options import DEFAULT_TERM, Data
from ._prefetch import LONG, Prefetch
from ._reporter import Reporter
from ._settings import Settings

log = logging.getLogger("pbt")

#: Seconds that one claim waits at the server for an interval (long polling).
WAIT = 30.0
#: Consecutive claims whose intervals were all given back: from this many on, the next claim backs off.
BACKOFF_AFTER = 3
#: The same, after which the worker stops.
GIVE_BACK_LIMIT = 10
#: Seconds of the first backoff and of the longest.
FIRST_BACKOFF = 1.0
LONGEST_BACKOFF = 60.0

Item = TypeVar("Item")


class Worker:
    """Claims intervals of one experiment. Iterating yields them one by one, until the experiment has ended.

    ::

        for interval in pbt.worker("mnist"):
            ...
            interval.report(accuracy=0.97)

    An interval that the loop's body leaves without ``report()`` has failed. Ctrl-C and SIGTERM give it back. A worker
    belongs to one thread of one process: create one in each thread, and none before a fork whose child is to train.

    Attributes:
        experiment: The experiment's name.
        name: The name that it claims under, which is unique.
    """

    def __init__(
        self,
        experiment: Optional[str] = None,
        *,
        server: Optional[str] = None,
        token: Optional[str] = None,
        data: Data = None,
        term: float = DEFAULT_TERM,
        pipelining: bool = False,
        overlap: Optional[bool] = None,
    ) -> None:
        """See :func:`pbt.worker`."""
        name = experiment or os.environ.get("PBT_EXPERIMENT")
        if not name:
            raise PBTError("badConfiguration", "no experiment: pass its name to pbt.worker(), or set PBT_EXPERIMENT")
        if not 1 <= term <= 86400:
            raise PBTError("badValue", f"term={term} must be 1 to 86400 seconds")
        _guard.check()
        _check_rank()
        self.experiment = name
        self.name = worker_name()
        self._term = term
        self._server = Server(Settings.find(server, token))
        info = self._server.call("GET", "", doing=f"connecting to {self._server.url}")
        if not isinstance(info, dict) or info.get("name") != "pbt":
            raise PBTError("badAnswer", f"{self._server.url} is not a pbt server")
        self._files = _files.find(self._server, info.get("data") or {}, data)
        self._renewer = LeaseRenewer(self._server, self._files, term)
        self._reporter = Reporter()
        self._is_pipelined = _options.pipelining(pipelining, overlap)
        self._prefetch: Prefetch[Interval] = Prefetch()
        self._prefetches = False
        # The idempotency key of a claim whose response was lost: the server repeats the response when it is sent again.
        self._unanswered_key: Optional[str] = None
        self._reported = 0
        # Consecutive claims that were given back, none finished in between, and the reason of the last one.
        self._setbacks = 0
        self._given_back: Optional[str] = None
        self._path = f"/experiments/{segment(name)}"
        # The intervals that were handed out last, whose models are in memory.
        self._latest: List[Interval] = []
        self._process = os.getpid()
        self._is_open = True
        _signals.install()
        _exit_hooks.add_worker(self)

    def __repr__(self) -> str:
        return f"<worker of {self.experiment} at {self._server.url}>"

    def __iter__(self) -> Iterator[Interval]:
        return _Loop(self, 1, lambda intervals: intervals[0])

    def batches(self, count: int) -> Iterator[List[Interval]]:
        """Yields lists of up to ``count`` intervals, to train several members together.

        Every interval is reported separately. Those not reported when the next batch is requested have failed.
        """
        if not 1 <= count <= 1000:
            raise PBTError("badValue", f"a batch has 1 to 1000 intervals, not {count}")
        return _Loop(self, count, lambda intervals: intervals)

    def claim(self, count: int = 1) -> List[Interval]:
        """Waits for up to ``count`` intervals and claims them; returns an empty list when the experiment has ended.

        Retries indefinitely while the server is unavailable. Intervals claimed before are not affected.

        Also returns an empty list when SIGUSR1 or SIGUSR2 announced the end of the process, as clusters do.

        Raises:
            PBTError: an error of the server, such as ``noSuchExperiment`` or ``unauthorized``; with code ``givenBack``
                when the program gave back the intervals of ten consecutive claims. From the third on, the next claim
                backs off exponentially, with jitter: 1 s, 2 s, … 60 s.
        """
        if not self._is_open:
            raise PBTError("wrongState", f"{self!r} is closed")
        if self._process != os.getpid():
            raise PBTError(
                "wrongState", f"{self!r} belongs to the process that created it: create another one in this process"
            )
        self._reporter.check()
        _signals.reset()
        if _signals.is_ending():
            self._reporter.wait()
            return []
        try:
            self._back_off()
        except _signals.EndAnnounced:
            self._reporter.wait()
            return []
        self._prefetches = self._is_pipelined and count == 1
        with _signals.shield():
            interval = self._prefetch.take()
            if interval is not None:
                if not interval.lost:
                    return self._hand_out(interval)
                interval._check_lost()
        try:
            return self._claim(count)
        finally:
            self._prefetch.claimed()

    def _back_off(self) -> None:
        """Backs off if the intervals of the last claims were given back; raises at the limit."""
        reason, self._given_back = self._given_back, None
        if reason is None:
            return
        self._setbacks += 1
        if self._setbacks >= GIVE_BACK_LIMIT:
            count, self._setbacks = self._setbacks, 0
            self._give_back_prefetched("the worker gives every interval back")
            raise PBTError(
                "givenBack",
                f"{self!r} gave its intervals back {count} times in a row and finished none (last reason: {reason}); "
                "find out why it cannot train, then restart it",
            )
        if self._setbacks < BACKOFF_AFTER:
            return
        pause = min(FIRST_BACKOFF * 2 ** (self._setbacks - BACKOFF_AFTER), LONGEST_BACKOFF)
        log.warning(
            "%r gave its intervals back %d times in a row (last reason: %s); no retry is counted; next claim in %.0f s",
            self,
            self._setbacks,
            reason,
            pause,
        )
        with _signals.waiting():
            time.sleep(jittered(pause, 0.75))

    def _claim(self, count: int) -> List[Interval]:
        body = {"worker": self.name, "term": self._term, "count": count, "definition": False}
        pause = 0.5
        while True:
            key, self._unanswered_key = self._unanswered_key or _key(), None
            began = time.monotonic()
            try:
                with _signals.waiting():
                    answer = self._server.call(
                        "POST",
                        f"{self._path}/claims",
                        {**body, "key": key, "wait": WAIT},
                        timeout=WAIT + 30,
                        doing=f"claiming an interval of {self.experiment}",
                    )
            except _signals.EndAnnounced:
                self._give_back_unanswered({**body, "key": key, "wait": 0})
                self._reporter.wait()
                return []
            except (KeyboardInterrupt, SystemExit):
                self._give_back_unanswered({**body, "key": key, "wait": 0})
                raise
            if answer["assignments"]:
                with _signals.shield():
                    return self._begin(answer["assignments"])
            if answer["state"] not in ("running", "paused"):
                self._reporter.wait()
                self._log_end(answer)
                return []
            # A server without long polling must not be polled without a pause.
            if time.monotonic() - began < pause:
                time.sleep(pause)
                pause = min(pause * 2, 5.0)

    def _claim_next(self) -> Optional[Interval]:
        """Claims the next interval while one is trained; returns None when none is available immediately."""
        key = _key()
        body = {"worker": self.name, "term": self._term, "count": 1, "definition": False, "key": key, "wait": 0}
        try:
            answer, _ = self._server.once("POST", f"{self._path}/claims", body, timeout=5)
        except Temporary:
            self._unanswered_key = key
            return None
        except PBTError:
            return None  # claim() gets the same error, and raises it in the training thread
        for assignment in answer["assignments"]:
            try:
                interval = self._make(assignment, continues=False)
            except OSError as error:
                log.warning("could not prefetch an interval: %s", error)
                return None
            interval._is_prefetched = True
            self._keep(interval)
            return interval
        return None

    def _hand_out(self, interval: Interval) -> List[Interval]:
        """Hands the prefetched interval to the training thread."""
        interval._is_prefetched = False
        interval._thread = threading.get_ident()
        interval._began = time.monotonic()
        self._latest = [interval]
        return [interval]

    def _report_in_background(self, interval: Interval, report: Callable[[], None]) -> None:
        """Reports an interval while the next one is trained, and prefetches the one after that if they are short."""
        is_short = time.monotonic() - interval._began < LONG

        def job() -> None:
            report()
            if is_short and self._prefetches:
                self._prefetch.fill(self._claim_next)

        self._reporter.submit(job)

    def _give_back_prefetched(self, reason: str) -> None:
        interval = self._prefetch.drop()
        if interval is not None:
            interval._quietly(interval.give_back, reason)

    def close(self) -> None:
        """Ends the worker's threads and deletes its temporary files. Open intervals are not affected."""
        if not self._is_open:
            return
        self._is_open = False
        _exit_hooks.remove_worker(self)
        try:
            self._reporter.close()
        except (PBTError, OSError) as error:
            log.error("the last interval could not be reported: %s", error)
        self._give_back_prefetched("the worker ended")
        self._renewer.close()
        self._files.close()
        self._server.close()
        _signals.uninstall()

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.close()

    def _begin(self, assignments: List[Mapping[str, Any]]) -> List[Interval]:
        latest, self._latest = {(one.member, one.index): one for one in self._latest}, []
        intervals = self._latest
        for assignment in assignments:
            parent = assignment["interval"].get("parent")
            trained = None if parent is None else latest.get((parent["member"], parent["interval"]))
            if trained is not None and trained._state == "ending":
                # The server knows how it ended, since it assigned its successor; the response is on its way.
                self._reporter.wait()
            continues = trained is not None and trained._is_done
            interval = self._make(assignment, continues)
            self._keep(interval)
            intervals.append(interval)
        return intervals

    def _make(self, assignment: Mapping[str, Any], continues: bool) -> Interval:
        try:
            return Interval(self, assignment, continues)
        except OSError as error:
            # Not the fault of the interval: a full disk, for example.
            self._release(assignment["lease"], f"{self.name} cannot create its files: {error}")
            raise
        finally:
            self._renewer.collect(assignment.get("garbage") or [], self.experiment)

    def _keep(self, interval: Interval) -> None:
        _exit_hooks.add_interval(interval)
        self._renewer.add(interval)

    def _finished(self, interval: Interval, answer: Mapping[str, Any]) -> None:
        """Takes note that an interval was reported, and of the server's response."""
        interval._is_done = answer["interval"].get("state") == "done"
        self._reported += 1
        self._setbacks, self._given_back = 0, None
        self._renewer.collect(answer.get("garbage") or [], self.experiment)

    def _give_back_unanswered(self, body: Mapping[str, Any]) -> None:
        """Gives back the intervals of a claim whose response was lost because the process was told to stop."""
        try:
            answer, _ = self._server.once("POST", f"{self._path}/claims", body, timeout=_signals.PATIENCE)
            for assignment in answer["assignments"]:
                self._release(assignment["lease"], "the worker was told to stop")
        except PBTError as error:
            log.warning("could not find out whether there are intervals to give back: %s", error)

    def _release(self, lease: Mapping[str, Any], reason: str) -> None:
        path = f"{self._path}/intervals/{lease['member']}/{lease['interval']}/release"
        try:
            self._server.once("POST", path, {"lease": lease, "reason": reason}, timeout=5)
        except PBTError as error:
            log.warning("could not give an interval back: %s", error)

    def _log_end(self, answer: Mapping[str, Any]) -> None:
        reason = (answer.get("experiment") or {}).get("reason")
        level = logging.WARNING if answer["state"] == "failed" else logging.INFO
        log.log(level, "experiment %s is %s%s", self.experiment, answer["state"], f": {reason}" if reason else "")


class _Loop(Generic[Item]):
    """One ``for`` loop over a worker. Only the loop refers to it, so it is deallocated when the loop ends."""

    def __init__(self, worker: Worker, count: int, item: Callable[[List[Interval]], Item]) -> None:
        self._worker = worker
        self._count = count
        self._item = item
        self._current: List[Interval] = []

    def __iter__(self) -> Iterator[Item]:
        return self

    def __next__(self) -> Item:
        current, self._current = self._current, []
        for interval in current:
            if interval._state == "open" and not interval.lost:
                interval._quietly(interval.fail, NO_REPORT)
            interval._check_lost()
        self._current = self._worker.claim(self._count)
        if not self._current:
            self._worker.close()
            raise StopIteration
        return self._item(self._current)

    def __del__(self) -> None:
        # A finalizer cannot tell break from an exception. An exception that ends the program reaches the exit hooks
        # within the grace period; else the interval has failed.
        for interval in self._current:
            if interval._state == "open":
                self._worker._renewer.left(interval)
        worker = self._worker
        worker._renewer.call(lambda: worker._give_back_prefetched("the worker's loop was left"))


def _key() -> str:
    return base64.urlsafe_b64encode(os.urandom(24)).decode()


def _check_rank() -> None:
    rank, size = os.environ.get("RANK", "0"), os.environ.get("WORLD_SIZE", "1")
    if rank.isdecimal() and size.isdecimal() and int(rank) > 0 and int(size) > 1:
        raise PBTError(
            "badConfiguration",
            f"this is rank {rank} of {size}: only rank 0 claims intervals, and shares them with the others "
            "(see Documentation/python.md); unset RANK if the processes train independently",
        )
