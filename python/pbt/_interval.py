# SPDX-License-Identifier: Apache-2.0
"""One stretch of training of one member."""

from __future__ import annotations

import logging
import math
import threading
import time
import traceback
from pathlib import Path
from types import TracebackType
from typing import Any, Callable, Dict, Mapping, Optional, Protocol, Tuple, Type

from . import _exit_hooks, _guard, _seal, _signals, _values
from ._data import Attempt
from ._errors import LeaseLost, PBTError
from ._files import Files
from ._http import Server, segment
from ._lease_renewer import LeaseRenewer
from ._values import Hyperparameters

log = logging.getLogger("pbt")

#: Seconds for which the report of a failure is retried; after that the lease expires, which has the same effect.
PATIENCE = 20.0
#: Exit codes, also of ``SystemExit``, that give an interval back: try again later, interrupted, terminated.
GIVE_BACK_CODES = (75, 130, 143)
LEFT = (
    "the loop was left without report(): after break, return, or an exception that was caught outside of it; "
    "use `with interval:` to have the exception recorded"
)
NO_REPORT = "the interval's code ended without report(): report the metrics once the checkpoint is saved"


class Owner(Protocol):
    """The worker of an interval, as far as the interval uses it."""

    experiment: str
    _server: Server
    _files: Files
    _renewer: LeaseRenewer
    _is_pipelined: bool
    _given_back: Optional[str]

    def _report_in_background(self, interval: Interval, report: Callable[[], None]) -> None:
        """Calls ``report`` in the reporting thread while the next interval is trained."""

    def _finished(self, interval: Interval, answer: Mapping[str, Any]) -> None:
        """Takes note that an interval was reported, and of the server's response."""


class Interval:
    """One stretch of training of one member: restore, set hyperparameters, train, save, :meth:`report`.

    Created by :func:`pbt.worker`. A thread renews its lease until it is reported, failed or given back.

    Attributes:
        experiment: The experiment's name.
        member: Which member of the population, from 0.
        index: Which of the member's intervals, from 0.
        depth: The number of training intervals that the checkpoint will hold after this one, those of its ancestors
            included; from 1. Use it to set a total such as ``max_epochs``, not ``index + 1``: a member that continues
            another one's checkpoint inherits its training too.
        attempt: The number of the attempt at this interval, from 1.
        seed: A number below 2**31 to seed random generators with, the same for every attempt.
        interval_seed: A number below 2**31 that all members share at this interval, for the order of the training data
            and whatever else must not differ between them.
        hyperparameters: The hyperparameters to train with; a mapping whose values are attributes too, and whose groups
            are dictionaries.
        parent: The interval that this one continues, as (member, index); None for a founder's first.
        continues: True if the parent is the interval that this worker trained last and reported successfully. A model
            still in memory is then exactly the one to continue, and restoring may be skipped. In a batch: true if the
            parent was in the previous batch. The hyperparameters may differ all the same: always set them.
        objective_metric: The metric that :meth:`report` requires; empty if the experiment has no objective.
        lost: True when the lease is lost and another worker may have the interval: stop training it.
    """

    def __init__(self, worker: Owner, assignment: Mapping[str, Any], continues: bool) -> None:
        record = assignment["interval"]
        self.experiment = worker.experiment
        self.member = int(record["member"])
        self.index = int(record["interval"])
        self.depth = int(record.get("depth") or self.index + 1)
        self.attempt = int(assignment["lease"]["attempt"])
        self.seed = int(assignment["seed"])
        self._interval_seed: Optional[Any] = assignment.get("interval_seed")
        # Where the space has groups, the server also sends them nested; those of the record are always flat.
        self.hyperparameters = Hyperparameters(assignment.get("hyperparameters") or record["hyperparameters"])
        parent = record.get("parent")
        self.parent: Optional[Tuple[int, int]] = None
        if parent is not None:
            self.parent = (int(parent["member"]), int(parent["interval"]))
        self.continues = continues
        self.objective_metric = str((assignment["objective"] or {}).get("metric", ""))
        self.lost = False
        self._worker = worker
        self._thread: int = threading.get_ident()
        self._began = time.monotonic()
        self._is_prefetched: bool = False
        self._lease: Mapping[str, Any] = assignment["lease"]
        self._path = f"/experiments/{segment(self.experiment)}/intervals/{self.member}/{self.index}"
        self._files_attempt = Attempt(self.experiment, self.member, self.index, self.attempt)
        self._parent_checkpoint: Optional[str] = assignment.get("parent_checkpoint")
        self._checkpoint_in: Optional[Path] = None
        self._metrics: Dict[str, Any] = {}
        self._metrics_lock = threading.Lock()
        self._is_scoped = False
        self._is_reported = False
        self._is_done = False
        self._published: Optional[str] = None
        # open → ending → ended; back to open when ending failed.
        self._state = "open"
        self._state_lock = threading.Lock()
        self._checkpoint_out = worker._files.begin(self._files_attempt)

    def __repr__(self) -> str:
        return f"<interval {self.member}@{self.index} of {self.experiment}, attempt {self.attempt}>"

    @property
    def interval_seed(self) -> int:
        """A number below 2**31 that all members share at this interval.

        Raises:
            PBTError: when the server is of an earlier version, which does not send it.
        """
        if self._interval_seed is None:
            problem = "the server does not send interval_seed; update pbt on the machine of the server"
            raise PBTError("badAnswer", problem)
        return int(self._interval_seed)

    @property
    def checkpoint_in(self) -> Optional[Path]:
        """The directory to restore from; None when there is nothing to restore. Do not change its contents.

        Without a shared data directory the first access downloads it from the server, so skip it when ``continues``.

        Raises:
            PBTError: when it is not available.
        """
        if self._checkpoint_in is None and self._parent_checkpoint is not None:
            self._checkpoint_in = self._worker._files.fetch(self._parent_checkpoint, self.experiment)
        return self._checkpoint_in

    @property
    def checkpoint_out(self) -> Path:
        """An empty directory to save into. :meth:`report` publishes it as the checkpoint."""
        # After a lost lease the next worker deletes it; saving is then useless, but must not raise.
        self._checkpoint_out.mkdir(parents=True, exist_ok=True)
        return self._checkpoint_out

    def log(self, metrics: Optional[Mapping[str, Any]] = None, /, **more: Any) -> None:
        """Shows metrics until the interval is reported. Does not block: a thread sends them, at most once a second.

        Raises:
            LeaseLost: inside ``with interval:`` or :func:`pbt.run`, when the lease is lost.
        """
        values = {name: _values.plain(value, name) for name, value in _values.metrics(metrics, more).items()}
        with self._metrics_lock:
            self._metrics.update(values)
        self._check_lost()
        if not self.lost and self._state == "open":
            self._worker._renewer.progressed(self)

    def report(self, metrics: Optional[Mapping[str, Any]] = None, /, **more: Any) -> None:
        """Ends the interval: publishes ``checkpoint_out`` as its checkpoint, and reports metrics with the objective's.

        Returns when the server has written the result to its disk; retries indefinitely while it is unavailable. With
        ``pbt.worker(pipelining=True)`` it returns immediately, and a thread does the rest while the next interval is
        trained: before the next ``report()``, and at the latest when the loop ends. Do not touch ``checkpoint_out``
        afterwards. A score that is NaN or infinite means that the member diverged: it is replaced, and nothing is
        published.

        Args:
            metrics: Metrics whose names are not Python identifiers.
            more: Metrics by name: numbers, also of NumPy and PyTorch, strings, lists and dictionaries.

        Raises:
            PBTError: with code ``badValue`` for metrics that cannot be reported, ``wrongState`` when the interval has
                ended, ``changedCheckpoint`` when the program wrote into ``checkpoint_in``, or an error of the server.
            LeaseLost: inside ``with interval:`` or :func:`pbt.run`, when the lease is lost.
            OSError: when the checkpoint cannot be written to the disk; with ``pipelining`` it is raised by the next
                ``report()`` or by the loop.
        """
        given = _values.metrics(metrics, more)
        with self._metrics_lock:
            given = {**self._metrics, **given}
        score = _values.score(given, self.objective_metric)
        values = {name: _values.plain(value, name) for name, value in given.items()}
        self._check_lost()
        if self.lost:
            return
        self._check_parent()
        self._begin_ending("reported")
        if not self._worker._is_pipelined:
            self._report(score, values)
            if self.lost:
                self._check_lost()
            return
        try:
            with _signals.shield():
                self._worker._report_in_background(self, lambda: self._report(score, values))
        except BaseException:
            self._state = "open"
            raise

    def _check_parent(self) -> None:
        """Fails the interval if the checkpoint that it restored has changed since."""
        if self._checkpoint_in is None or self._parent_checkpoint is None:
            return
        changes = self._worker._files.changes(self._parent_checkpoint, self.experiment)
        if not changes:
            return
        problem = (
            f"the checkpoint {self._parent_checkpoint} that it continues was modified while it was trained: "
            f"{_seal.text(changes)}; only read from checkpoint_in, and save to checkpoint_out"
        )
        self._quietly(self.fail, problem)
        raise PBTError("changedCheckpoint", problem)

    def _report(self, score: float, values: Mapping[str, Any]) -> None:
        """Publishes and reports."""
        has_ended = False
        try:
            with _signals.shield():
                try:
                    self._finish(score, values)
                    has_ended = self._is_reported = True
                except PBTError as error:
                    if not _is_lost(error):
                        raise
                    has_ended = True
                    self._set_lost(error)
                    self._unpublish()
        finally:
            if has_ended:
                self._end()
            else:
                self._state = "open"
                if self._worker._is_pipelined:
                    # The training thread has moved on: nothing else would end the interval.
                    self._quietly(self.fail, "the report failed; see the worker's output")

    def fail(self, reason: str) -> None:
        """Ends the attempt as failed. The server retries the interval while it has retries left.

        Raises:
            PBTError: with code ``wrongState`` when the interval has ended.
        """
        self._begin_ending("failed")
        self._send_end("finish", {"failed": reason})

    def give_back(self, reason: str = "the worker gave it back") -> None:
        """Requeues the interval for another worker; no retry is counted.

        A worker that gives every interval back waits with exponential backoff between claims, and stops in the end: see
        :meth:`Worker.claim`.

        Raises:
            PBTError: with code ``wrongState`` when the interval has ended.
        """
        self._begin_ending("given back")
        if not self._is_prefetched:
            self._worker._given_back = reason
        self._send_end("release", {"reason": reason})

    def __enter__(self) -> Interval:
        self._is_scoped = True
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> bool:
        """Ends the interval if the block did not: an exception fails it, or gives it back if it means to stop.

        Exceptions are propagated, except :class:`LeaseLost` and those that follow from it.
        """
        self._is_scoped = False
        if error is None:
            if self._state == "open" and not self.lost:
                self._quietly(self.fail, NO_REPORT)
            return False
        if self._state == "open":
            self._end_by(error)
        if self.lost and isinstance(error, Exception):
            if not isinstance(error, LeaseLost):
                log.warning("%r: ignored, since the lease was lost before: %r", self, error)
            return True
        return False

    # For the rest of the package.

    def _end_by(self, error: BaseException) -> None:
        """Ends the interval because of an exception."""
        if isinstance(error, KeyboardInterrupt):
            self._quietly(self.give_back, "the worker was interrupted")
        elif isinstance(error, SystemExit):
            if error.code in GIVE_BACK_CODES:
                told = _signals.received()
                self._quietly(self.give_back, f"the worker was told to stop ({told})" if told else f"exit {error.code}")
            else:
                self._quietly(self.fail, f"the program ended with exit({error.code!r}) and without report()")
        else:
            self._quietly(self.fail, self._describe(error))

    def _describe(self, error: BaseException) -> str:
        """Returns an exception as one line, and writes its traceback to the attempt's log."""
        text = " ".join("".join(traceback.format_exception_only(type(error), error)).split())
        text = text if len(text) <= 300 else text[:299] + "…"
        frames = traceback.extract_tb(error.__traceback__)
        # The innermost line outside of this package.
        own = str(Path(__file__).parent)
        place = next((frame for frame in reversed(frames) if not frame.filename.startswith(own)), None)
        if place is not None:
            text += f" ({Path(place.filename).name}, line {place.lineno}, in {place.name})"
        text += _guard.hint()
        try:
            where = self._worker._files.note(
                self._files_attempt, "".join(traceback.format_exception(type(error), error, error.__traceback__))
            )
        except OSError as problem:
            log.warning("could not write the log of %r: %s", self, problem)
            where = None
        return text if where is None else f"{text}; traceback in {where}"

    def _end_at_exit(self, signal: Optional[str]) -> None:
        """Ends the interval because the program ends; ``signal`` is the name of the signal that ended it."""
        if signal is not None:
            self._quietly(self.give_back, f"the worker was told to stop ({signal})")
        else:
            self._quietly(self.fail, "the program ended without report()")

    def _fail_left(self) -> None:
        """Fails the interval because its loop was left without a report."""
        if self._state == "open":
            self._quietly(self.fail, LEFT)

    def _quietly(self, end: Any, reason: str) -> None:
        """Ends the interval; an error is only logged, since the lease expires by itself."""
        try:
            end(reason)
        except PBTError as error:
            if error.code != "wrongState":
                log.warning("%r: could not report its end (%s): %s", self, reason, error)

    def _progress(self) -> Dict[str, Any]:
        with self._metrics_lock:
            return dict(self._metrics)

    def _renewed(self, lease: Mapping[str, Any]) -> None:
        self._lease = {**self._lease, **lease}

    def _lose(self, error: PBTError) -> None:
        """Marks the interval as lost. One that is just being ended finds out by itself."""
        if self._state == "open":
            self._set_lost(error)

    def _finish(self, score: float, values: Mapping[str, Any]) -> None:
        body: Dict[str, Any] = {"lease": self._lease, "score": _values.score_json(score), "metrics": values}
        if math.isfinite(score):
            if self._published is None:
                if not any(self._checkpoint_out.iterdir()):
                    log.warning("%r: checkpoint_out is empty: its descendants have nothing to restore", self)
                self._published = self._worker._files.publish(self._files_attempt, self._lease)
            body["checkpoint"] = self._published
        answer = self._worker._server.call("POST", f"{self._path}/finish", body, doing=f"reporting {self!r}")
        self._worker._finished(self, answer)

    def _send_end(self, call: str, body: Dict[str, Any]) -> None:
        """Ends the interval without a result."""
        try:
            with _signals.shield():
                try:
                    self._worker._server.call(
                        "POST",
                        f"{self._path}/{call}",
                        {"lease": self._lease, **body},
                        patience=PATIENCE,
                        doing=f"ending {self!r}",
                    )
                    if call == "finish":
                        log.warning("%r failed: %s", self, body["failed"])
                except PBTError as error:
                    if not _is_lost(error):
                        raise
                    self._set_lost(error)
                self._unpublish()
        finally:
            self._end()

    def _begin_ending(self, how: str) -> None:
        with self._state_lock:
            if self._state != "open":
                raise PBTError("wrongState", f"{self!r} cannot be {how}: it has already ended")
            self._state = "ending"

    def _end(self) -> None:
        self._state = "ended"
        _exit_hooks.remove_interval(self)
        self._worker._renewer.remove(self)
        if self._published is not None:
            return  # no files are left
        try:
            self._worker._files.discard(self._files_attempt)
        except OSError as error:
            log.warning("could not delete the files of %r: %s", self, error)

    def _set_lost(self, error: PBTError) -> None:
        if not self.lost:
            log.warning("%r is lost: %s", self, error)
        self.lost = True

    def _check_lost(self) -> None:
        """Ends an interval that is lost; raises where the exception is caught."""
        if not self.lost:
            return
        if self._state == "open":
            self._end()
        if self._is_scoped:
            problem = f"{self!r} is leased to another worker, or its experiment has ended"
            raise LeaseLost("leaseLost", problem, status=409)

    def _unpublish(self) -> None:
        """Deletes the published checkpoint, unless the interval refers to it."""
        if self._published is None:
            return
        try:
            record = self._worker._server.call("GET", self._path, patience=PATIENCE, doing=f"reading {self!r}")
            if record.get("checkpoint") == self._published:
                return
        except PBTError as error:
            if error.code not in ("noSuchExperiment", "noSuchInterval"):
                log.warning("could not find out whether %s is still needed: %s", self._published, error)
                return
        try:
            self._worker._files.unpublish(self._published, self.experiment)
        except OSError as error:
            log.warning("could not delete the unreferenced checkpoint %s: %s", self._published, error)


def _is_lost(error: PBTError) -> bool:
    return isinstance(error, LeaseLost) or error.code in ("noSuchExperiment", "noSuchInterval")
