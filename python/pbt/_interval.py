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
from typing import TYPE_CHECKING, Any, Dict, Mapping, Optional, Tuple, Type

from . import _ending, _guard, _seal, _signals, _values
from ._data import Attempt
from ._errors import LeaseLost, PBTError
from ._http import segment
from ._values import Hyperparameters

if TYPE_CHECKING:
    from ._worker import Worker

log = logging.getLogger("pbt")

#: Seconds for which a failure is told again and again; then the lease runs out by itself, which is as good.
PATIENCE = 20.0
#: Codes of exit and of ``SystemExit`` that give an interval back: try again later, interrupted, terminated.
GIVE_BACK_CODES = (75, 130, 143)
LEFT = (
    "the loop was left without report(): after break, return, or an exception that was caught outside of it; "
    "use `with interval:` to have the exception recorded"
)
NO_REPORT = "the interval's code ended without report(): report the metrics once the checkpoint is saved"


class Interval:
    """One stretch of training of one member: restore, set hyperparameters, train, save, :meth:`report`.

    Made by :func:`pbt.worker`. Its lease is renewed by a thread until it is reported, failed or given back.

    Attributes:
        experiment: The experiment's name.
        member: Which member of the population, from 0.
        index: Which of the member's intervals, from 0.
        depth: How many intervals of training the checkpoint will hold after this one, those of its ancestors included;
            from 1. The number to set a total by, such as ``max_epochs``: not ``index + 1``, since a member that takes
            over another one's checkpoint takes over its training too.
        attempt: Which try at this interval, from 1.
        seed: A number below 2**31 to seed random generators with, the same for every attempt.
        hyperparameters: What to train with; a mapping whose values are attributes too, and groups dictionaries.
        parent: Which interval this one continues, as (member, index); None for a founder's first.
        continues: Whether the last interval that this worker trained, and reported with success, is the parent, so
            that a model still in memory is exactly the one to continue, and restoring may be skipped. In a batch:
            whether the parent was in the batch before. The hyperparameters may differ all the same: set them always.
        objective_metric: The metric that :meth:`report` must give.
        lost: Whether the interval is someone else's by now: there is no use in training on.
    """

    def __init__(self, worker: "Worker", assignment: Mapping[str, Any], continues: bool) -> None:
        record = assignment["interval"]
        self.experiment = worker.experiment
        self.member = int(record["member"])
        self.index = int(record["interval"])
        self.depth = int(record.get("depth") or self.index + 1)
        self.attempt = int(assignment["lease"]["attempt"])
        self.seed = int(assignment["seed"])
        # A server says those of a space with groups nested; the record's are always flat.
        self.hyperparameters = Hyperparameters(assignment.get("hyperparameters") or record["hyperparameters"])
        parent = record.get("parent")
        self.parent: Optional[Tuple[int, int]] = None
        if parent is not None:
            self.parent = (int(parent["member"]), int(parent["interval"]))
        self.continues = continues
        self.objective_metric = str(assignment["objective"]["metric"])
        self.lost = False
        self._worker = worker
        self._thread: int = threading.get_ident()
        self._began = time.monotonic()
        # Taken ahead: nobody trains it yet.
        self._is_ahead: bool = False
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
        # open → ending → over; back to open when ending did not work out.
        self._state = "open"
        self._state_lock = threading.Lock()
        self._checkpoint_out = worker._files.begin(self._files_attempt)

    def __repr__(self) -> str:
        return f"<interval {self.member}@{self.index} of {self.experiment}, attempt {self.attempt}>"

    @property
    def checkpoint_in(self) -> Optional[Path]:
        """The directory to restore from; None when there is nothing to restore. Do not change what is in it.

        Without a shared data directory the first use fetches it from the server, so do not ask when ``continues``.

        Raises:
            PBTError: when it cannot be had.
        """
        if self._checkpoint_in is None and self._parent_checkpoint is not None:
            self._checkpoint_in = self._worker._files.fetch(self._parent_checkpoint, self.experiment)
        return self._checkpoint_in

    @property
    def checkpoint_out(self) -> Path:
        """An empty directory to save into. :meth:`report` makes it the checkpoint."""
        # Whoever has the interval after a lost lease deletes it; saving then is of no use, but no error.
        self._checkpoint_out.mkdir(parents=True, exist_ok=True)
        return self._checkpoint_out

    def log(self, metrics: Optional[Mapping[str, Any]] = None, /, **more: Any) -> None:
        """Shows metrics so far, until the interval is reported. Costs nothing: sent by a thread, at most once a second.

        Raises:
            LeaseLost: inside ``with interval:`` or :func:`pbt.run`, when the interval is someone else's by now.
        """
        values = {name: _values.plain(value, name) for name, value in _values.metrics(metrics, more).items()}
        with self._metrics_lock:
            self._metrics.update(values)
        self._check_lost()
        if not self.lost and self._state == "open":
            self._worker._keeper.progressed(self)

    def report(self, metrics: Optional[Mapping[str, Any]] = None, /, **more: Any) -> None:
        """Ends the interval: publishes what was saved in ``checkpoint_out``, and reports metrics with the objective's.

        Returns when the server has it on its disk; it is tried without end while the server is away. With
        ``pbt.worker(overlap=True)`` it returns at once, and that is done beside the next interval: it is over before
        the next ``report()``, and all is when the loop ends. Do not touch ``checkpoint_out`` afterwards.
        A score that is NaN or infinite means that the member diverged: it is replaced, and nothing is published.

        Args:
            metrics: Metrics whose names are no Python names.
            more: Metrics by name: numbers, also of NumPy and PyTorch, strings, lists and dictionaries.

        Raises:
            PBTError: with code ``badValue`` for metrics that cannot be reported, ``wrongState`` when the interval is
                over, ``changedCheckpoint`` when the program wrote into ``checkpoint_in``, or what the server refuses.
            LeaseLost: inside ``with interval:`` or :func:`pbt.run`, when the interval is someone else's by now.
            OSError: when the checkpoint cannot be written to the disk; with ``overlap`` by the next
                ``report()``, or the loop.
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
        if self._worker._waits:
            self._report(score, values)
            if self.lost:
                self._check_lost()
            return
        try:
            with _signals.shield():
                self._worker._report_beside(self, lambda: self._report(score, values))
        except BaseException:
            self._state = "open"
            raise

    def _check_parent(self) -> None:
        """Fails the interval if the checkpoint that it restored was changed meanwhile."""
        if self._checkpoint_in is None or self._parent_checkpoint is None:
            return
        changes = self._worker._files.changes(self._parent_checkpoint, self.experiment)
        if not changes:
            return
        problem = (
            f"the checkpoint {self._parent_checkpoint} that it continues was changed while it was trained: "
            f"{_seal.text(changes)}; the program must only read checkpoint_in, and save into checkpoint_out"
        )
        self._quietly(self.fail, problem)
        raise PBTError("changedCheckpoint", problem)

    def _report(self, score: float, values: Mapping[str, Any]) -> None:
        """Publishes and reports."""
        is_over = False
        try:
            with _signals.shield():
                try:
                    self._finish(score, values)
                    is_over = self._is_reported = True
                except PBTError as error:
                    if not _is_lost(error):
                        raise
                    is_over = True
                    self._set_lost(error)
                    self._unpublish()
        finally:
            if is_over:
                self._end()
            else:
                self._state = "open"
                if not self._worker._waits:
                    # Its own part of the program is over: nobody else can end it.
                    self._quietly(self.fail, "it could not be reported: see the worker's output")

    def fail(self, reason: str) -> None:
        """Ends the attempt as failed. The server has the interval tried again, while there are retries.

        Raises:
            PBTError: with code ``wrongState`` when the interval is over.
        """
        self._begin_ending("failed")
        self._tell("finish", {"failed": reason})

    def give_back(self, reason: str = "the worker gave it back") -> None:
        """Gives the interval back untrained; no retry is counted.

        A worker that gives every interval back waits longer and longer between claims, and stops: see
        :meth:`Worker.claim`.

        Raises:
            PBTError: with code ``wrongState`` when the interval is over.
        """
        self._begin_ending("given back")
        if not self._is_ahead:
            self._worker._given_back = reason
        self._tell("release", {"reason": reason})

    def __enter__(self) -> Interval:
        self._is_scoped = True
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> bool:
        """Ends the interval if the block did not: an exception is its failure, or gives it back when it means to stop.

        Exceptions go on, but for :class:`LeaseLost`, and those that come of it.
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
                log.warning("%r was lost meanwhile, so this does not matter: %r", self, error)
            return True
        return False

    # What the rest of the package uses.

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
        """An exception as one line, its traceback in the attempt's log."""
        text = " ".join("".join(traceback.format_exception_only(type(error), error)).split())
        text = text if len(text) <= 300 else text[:299] + "…"
        frames = traceback.extract_tb(error.__traceback__)
        # The innermost line that is the user's, not this package's.
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

    def _fail_left(self) -> None:
        """The loop was left without report."""
        if self._state == "open":
            self._quietly(self.fail, LEFT)

    def _quietly(self, end: Any, reason: str) -> None:
        """Ends the interval; that it could not be told is only logged, since the lease runs out by itself."""
        try:
            end(reason)
        except PBTError as error:
            if error.code != "wrongState":
                log.warning("%r: could not say that it ended (%s): %s", self, reason, error)

    def _progress(self) -> Dict[str, Any]:
        with self._metrics_lock:
            return dict(self._metrics)

    def _renewed(self, lease: Mapping[str, Any]) -> None:
        self._lease = {**self._lease, **lease}

    def _lose(self, error: PBTError) -> None:
        """Someone else has it. An interval that is being ended just now finds out by itself."""
        if self._state == "open":
            self._set_lost(error)

    def _finish(self, score: float, values: Mapping[str, Any]) -> None:
        body: Dict[str, Any] = {"lease": self._lease, "score": _values.score_json(score), "metrics": values}
        if math.isfinite(score):
            if self._published is None:
                if not any(self._checkpoint_out.iterdir()):
                    log.warning("%r: checkpoint_out is empty: whoever continues it has nothing to restore", self)
                self._published = self._worker._files.publish(self._files_attempt, self._lease)
            body["checkpoint"] = self._published
        answer = self._worker._server.call("POST", f"{self._path}/finish", body, doing=f"reporting {self!r}")
        self._worker._finished(self, answer)

    def _tell(self, call: str, body: Dict[str, Any]) -> None:
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
                raise PBTError("wrongState", f"{self!r} cannot be {how}: it is over already")
            self._state = "ending"

    def _end(self) -> None:
        self._state = "over"
        _ending.forget(self)
        self._worker._keeper.drop(self)
        if self._published is not None:
            return  # that left nothing
        try:
            self._worker._files.discard(self._files_attempt)
        except OSError as error:
            log.warning("could not delete the files of %r: %s", self, error)

    def _set_lost(self, error: PBTError) -> None:
        if not self.lost:
            log.warning("%r is lost: %s", self, error)
        self.lost = True

    def _check_lost(self) -> None:
        """Ends an interval that is lost; raises where that is caught."""
        if not self.lost:
            return
        if self._state == "open":
            self._end()
        if self._is_scoped:
            raise LeaseLost("leaseLost", f"{self!r} is someone else's by now, or its experiment is over", status=409)

    def _unpublish(self) -> None:
        """Deletes a checkpoint that was published, unless the interval names it."""
        if self._published is None:
            return
        try:
            record = self._worker._server.call("GET", self._path, patience=PATIENCE, doing=f"looking at {self!r}")
            if record.get("checkpoint") == self._published:
                return
        except PBTError as error:
            if error.code not in ("noSuchExperiment", "noSuchInterval"):
                log.warning("could not see whether %s is needed: %s", self._published, error)
                return
        try:
            self._worker._files.unpublish(self._published, self.experiment)
        except OSError as error:
            log.warning("could not delete %s, which nothing names: %s", self._published, error)


def _is_lost(error: PBTError) -> bool:
    return isinstance(error, LeaseLost) or error.code in ("noSuchExperiment", "noSuchInterval")
