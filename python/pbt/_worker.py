# SPDX-License-Identifier: Apache-2.0
"""A worker: a process that trains one interval after another and stays alive in between."""

from __future__ import annotations

import base64
import logging
import os
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import (
    Any,
    Callable,
    Generic,
    Iterator,
    List,
    Literal,
    Mapping,
    Optional,
    Type,
    TypeVar,
    Union,
)

from . import _ending, _files, _guard, _signals
from ._ahead import LONG, Ahead
from ._errors import PBTError, Temporary
from ._http import Server, jittered, segment
from ._identity import worker_name
from ._interval import NO_REPORT, Interval
from ._keeper import Keeper
from ._reporter import Reporter
from ._settings import Settings

log = logging.getLogger("pbt")

#: Seconds that one claim waits at the server for something to do.
WAIT = 30.0
DEFAULT_TERM = 60.0
#: Claims in a row whose intervals were all given back: after this many the next one waits, longer each time.
BACKOFF_AFTER = 3
#: The same, after which the worker stops.
GIVE_BACK_LIMIT = 10
#: Seconds of the first wait and of the longest.
FIRST_BACKOFF = 1.0
LONGEST_BACKOFF = 60.0

Data = Union[str, Path, Literal[False], None]
Item = TypeVar("Item")


class Worker:
    """Claims intervals of one experiment. Iterating yields them one by one, until the experiment is over.

    ::

        for interval in pbt.worker("mnist"):
            ...
            interval.report(accuracy=0.97)

    An interval that the loop's body leaves without ``report()`` has failed. Ctrl-C and SIGTERM give it back. A worker
    belongs to one thread and to one process: make another one in each thread, and none before a fork whose child is
    to train.

    Attributes:
        experiment: The experiment's name.
        name: Under which name it claims; unlike any other.
    """

    def __init__(
        self,
        experiment: Optional[str] = None,
        *,
        server: Optional[str] = None,
        token: Optional[str] = None,
        data: Data = None,
        term: float = DEFAULT_TERM,
        overlap: bool = False,
    ) -> None:
        """See :func:`pbt.worker`."""
        name = experiment or os.environ.get("PBT_EXPERIMENT")
        if not name:
            raise PBTError("badConfiguration", "which experiment? Give its name to pbt.worker(), or in PBT_EXPERIMENT")
        if not 1 <= term <= 86400:
            raise PBTError("badValue", f"term={term} must be 1 to 86400 seconds")
        _guard.check()
        _check_rank()
        self.experiment = name
        self.name = worker_name()
        self._term = term
        self._server = Server(Settings.find(server, token))
        told = self._server.call("GET", "", doing=f"greeting {self._server.url}")
        if not isinstance(told, dict) or told.get("name") != "pbt":
            raise PBTError("badAnswer", f"{self._server.url} is no pbt server")
        self._files = _files.find(self._server, told.get("data") or {}, data)
        self._keeper = Keeper(self._server, self._files, term)
        self._reporter = Reporter()
        self._waits = not overlap
        self._ahead = Ahead()
        self._takes_ahead = False
        # The key of a claim whose answer was not heard: to ask again with it brings what that answer brought.
        self._unheard: Optional[str] = None
        self._reported = 0
        # Claims in a row of which intervals were given back and none finished, and why the last one was given back.
        self._setbacks = 0
        self._given_back: Optional[str] = None
        self._path = f"/experiments/{segment(name)}"
        # The intervals that were handed out last: whose models are in memory.
        self._latest: List[Interval] = []
        self._process = os.getpid()
        self._is_open = True
        _signals.install()
        _ending.hire(self)

    def __repr__(self) -> str:
        return f"<worker of {self.experiment} at {self._server.url}>"

    def __iter__(self) -> Iterator[Interval]:
        return _Loop(self, 1, lambda intervals: intervals[0])

    def batches(self, count: int) -> Iterator[List[Interval]]:
        """Yields lists of up to ``count`` intervals, for those who train several members at once.

        Every interval is reported for itself. Those not reported when the next batch is asked for have failed.
        """
        if not 1 <= count <= 1000:
            raise PBTError("badValue", f"a batch has 1 to 1000 intervals, not {count}")
        return _Loop(self, count, lambda intervals: intervals)

    def claim(self, count: int = 1) -> List[Interval]:
        """Waits for up to ``count`` intervals and takes them; none when the experiment is over.

        While the server is away it is asked again without end. Intervals taken before are not touched.

        Returns none also when the end of the process was announced by SIGUSR1 or SIGUSR2, as clusters do it.

        Raises:
            PBTError: what the server answers, such as ``noSuchExperiment`` or ``unauthorized``; with code ``givenBack``
                when the program gave back what ten claims in a row brought. From the third in a row on, the next claim
                waits first: 1 s, 2 s, … 60 s.
        """
        if not self._is_open:
            raise PBTError("wrongState", f"{self!r} is closed")
        if self._process != os.getpid():
            raise PBTError(
                "wrongState", f"{self!r} belongs to the process that made it: make another one in this process"
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
        self._takes_ahead = not self._waits and count == 1
        with _signals.shield():
            interval = self._ahead.take()
            if interval is not None:
                if not interval.lost:
                    return self._hand_out(interval)
                interval._check_lost()
        try:
            return self._claim(count)
        finally:
            self._ahead.asked()

    def _back_off(self) -> None:
        """Waits if what the last claims brought was given back; raises when that was once too often."""
        reason, self._given_back = self._given_back, None
        if reason is None:
            return
        self._setbacks += 1
        if self._setbacks >= GIVE_BACK_LIMIT:
            count, self._setbacks = self._setbacks, 0
            self._give_back_ahead("the worker gives every interval back")
            raise PBTError(
                "givenBack",
                f"{self!r} gave its intervals back {count} times in a row and finished none (the last: {reason}); "
                "see why it cannot train, then start it again",
            )
        if self._setbacks < BACKOFF_AFTER:
            return
        pause = min(FIRST_BACKOFF * 2 ** (self._setbacks - BACKOFF_AFTER), LONGEST_BACKOFF)
        log.warning(
            "%r gave its intervals back %d times in a row (the last: %s); no retry is counted; next claim in %.0f s",
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
            key, self._unheard = self._unheard or _key(), None
            began = time.monotonic()
            try:
                with _signals.waiting():
                    answer = self._server.call(
                        "POST",
                        f"{self._path}/claims",
                        {**body, "key": key, "wait": WAIT},
                        timeout=WAIT + 30,
                        doing=f"asking for an interval of {self.experiment}",
                    )
            except _signals.EndAnnounced:
                self._give_back_unseen({**body, "key": key, "wait": 0})
                self._reporter.wait()
                return []
            except (KeyboardInterrupt, SystemExit):
                self._give_back_unseen({**body, "key": key, "wait": 0})
                raise
            if answer["assignments"]:
                with _signals.shield():
                    return self._begin(answer["assignments"])
            if answer["state"] not in ("running", "paused"):
                self._reporter.wait()
                self._is_over(answer)
                return []
            # A server that does not wait must not be asked without a pause.
            if time.monotonic() - began < pause:
                time.sleep(pause)
                pause = min(pause * 2, 5.0)

    def _claim_ahead(self) -> Optional[Interval]:
        """Takes the next interval while one is trained; none when there is none to be had at once."""
        key = _key()
        body = {"worker": self.name, "term": self._term, "count": 1, "definition": False, "key": key, "wait": 0}
        try:
            answer, _ = self._server.once("POST", f"{self._path}/claims", body, timeout=5)
        except Temporary:
            self._unheard = key
            return None
        except PBTError:
            return None  # claim() meets it too, and raises it where it is heard
        for assignment in answer["assignments"]:
            try:
                interval = self._make(assignment, continues=False)
            except OSError as error:
                log.warning("could not take an interval ahead: %s", error)
                return None
            interval._is_ahead = True
            self._keep(interval)
            return interval
        return None

    def _hand_out(self, interval: Interval) -> List[Interval]:
        """Gives the training thread what was taken ahead."""
        interval._is_ahead = False
        interval._thread = threading.get_ident()
        interval._began = time.monotonic()
        self._latest = [interval]
        return [interval]

    def _report_beside(self, interval: Interval, report: Callable[[], None]) -> None:
        """Reports an interval while the next one is trained, and takes the one after that if they are short."""
        is_short = time.monotonic() - interval._began < LONG

        def job() -> None:
            report()
            if is_short and self._takes_ahead:
                self._ahead.look(self._claim_ahead)

        self._reporter.submit(job)

    def _give_back_ahead(self, reason: str) -> None:
        interval = self._ahead.drop()
        if interval is not None:
            interval._quietly(interval.give_back, reason)

    def close(self) -> None:
        """Ends the worker's thread and deletes its temporary files. Intervals that are open stay as they are."""
        if not self._is_open:
            return
        self._is_open = False
        _ending.dismiss(self)
        try:
            self._reporter.close()
        except (PBTError, OSError) as error:
            log.error("the last interval could not be reported: %s", error)
        self._give_back_ahead("the worker ended")
        self._keeper.close()
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
                # The server knows already how it ended, as it hands out what follows; the answer is on its way.
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
            # No fault of the interval's, such as a full disk.
            self._release(assignment["lease"], f"{self.name} cannot make its files: {error}")
            raise
        finally:
            self._keeper.collect(assignment.get("garbage") or [], self.experiment)

    def _keep(self, interval: Interval) -> None:
        _ending.remember(interval)
        self._keeper.hold(interval)

    def _finished(self, interval: Interval, answer: Mapping[str, Any]) -> None:
        """An interval was reported."""
        interval._is_done = answer["interval"].get("state") == "done"
        self._reported += 1
        self._setbacks, self._given_back = 0, None
        self._keeper.collect(answer.get("garbage") or [], self.experiment)

    def _give_back_unseen(self, body: Mapping[str, Any]) -> None:
        """The process is told to stop while it waits for an answer: what that answer may have brought is given back."""
        try:
            answer, _ = self._server.once("POST", f"{self._path}/claims", body, timeout=_signals.PATIENCE)
            for assignment in answer["assignments"]:
                self._release(assignment["lease"], "the worker was told to stop")
        except PBTError as error:
            log.warning("could not see whether there is something to give back: %s", error)

    def _release(self, lease: Mapping[str, Any], reason: str) -> None:
        path = f"{self._path}/intervals/{lease['member']}/{lease['interval']}/release"
        try:
            self._server.once("POST", path, {"lease": lease, "reason": reason}, timeout=5)
        except PBTError as error:
            log.warning("could not give an interval back: %s", error)

    def _is_over(self, answer: Mapping[str, Any]) -> None:
        reason = (answer.get("experiment") or {}).get("reason")
        say = log.warning if answer["state"] == "failed" else log.info
        say("experiment %s is %s%s", self.experiment, answer["state"], f": {reason}" if reason else "")


class _Loop(Generic[Item]):
    """One ``for`` loop over a worker. Only the loop refers to it, so its end is the loop's end, however that came."""

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
        # Whether by break or by an exception is not to be seen from here. If it is an exception that ends the program,
        # that comes to light at once; else the interval has failed.
        for interval in self._current:
            if interval._state == "open":
                self._worker._keeper.left(interval)
        self._worker._keeper.spare(self._worker)


def _key() -> str:
    return base64.urlsafe_b64encode(os.urandom(24)).decode()


def _check_rank() -> None:
    rank, size = os.environ.get("RANK", "0"), os.environ.get("WORLD_SIZE", "1")
    if rank.isdecimal() and size.isdecimal() and int(rank) > 0 and int(size) > 1:
        raise PBTError(
            "badConfiguration",
            f"this is rank {rank} of {size}: only rank 0 asks for intervals, and shares them with the others "
            "(see Documentation/python.md); unset RANK if the processes train apart from each other",
        )
