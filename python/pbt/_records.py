# SPDX-License-Identifier: Apache-2.0
"""The server's records of experiments. Fields that a newer server adds are in ``raw``."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple, Union

#: An interval by (member, index).
IntervalID = Tuple[int, int]


@dataclass(frozen=True)
class Experiment:
    """The state of an experiment. Times are seconds since 1970 UTC."""

    name: str
    state: str
    """``running``, ``paused``, ``finished`` or ``failed``."""
    reason: Optional[str]
    """The reason why it ended, unless it ran to completion."""
    created: Optional[float]
    ended: Optional[float]
    counts: Dict[str, int]
    """The number of intervals that are ``waiting``, ``running``, ``done``, ``diverged``, ``failed``."""
    best: Optional[IntervalID]
    best_score: Optional[float]
    population: int
    intervals_planned: int
    intervals_finished: int
    definition: Optional[Dict[str, Any]]
    """The experiment file with all defaults; None where it is omitted, as in lists."""
    raw: Dict[str, Any] = field(repr=False, compare=False)

    @property
    def is_over(self) -> bool:
        """True when the experiment has ended: nothing more will be trained."""
        return self.state not in ("running", "paused")


@dataclass(frozen=True)
class IntervalRecord:
    """The state of an interval. Times are seconds since 1970 UTC."""

    member: int
    index: int
    state: str
    """``waiting``, ``running``, ``done``, ``diverged`` or ``failed``."""
    hyperparameters: Dict[str, Any]
    changes: List[Dict[str, Any]]
    """The changes by explore: ``name``, ``old``, ``operation``, ``new``; ``clipped`` (true) at a bound."""
    parent: Optional[IntervalID]
    score: Optional[float]
    metrics: Dict[str, Any]
    checkpoint: Optional[str]
    checkpoint_state: str
    """``none``, ``kept``, ``garbage`` or ``deleted``."""
    attempts: int
    failures: int
    reason: Optional[str]
    worker: Optional[str]
    created: Optional[float]
    started: Optional[float]
    finished: Optional[float]
    raw: Dict[str, Any] = field(repr=False, compare=False)
    _fetch: Callable[[IntervalRecord, Path], Path] = field(repr=False, compare=False)

    def download(self, directory: Union[str, Path]) -> Path:
        """Downloads the checkpoint, and verifies the SHA-256 of each file.

        Args:
            directory: The target; it must not exist yet, and appears when the checkpoint is complete.

        Returns:
            The directory, absolute.

        Raises:
            PBTError: ``alreadyExists``, ``noSuchCheckpoint``, or an error of the server.
        """
        return self._fetch(self, Path(directory))


@dataclass(frozen=True)
class LineageStep:
    """One interval of a lineage."""

    member: int
    index: int
    score: Optional[float]
    hyperparameters: Dict[str, Any]
    parent: Optional[IntervalID]
    exploited: bool
    """True if it continues another member's checkpoint."""


@dataclass(frozen=True)
class ScheduleStep:
    """The hyperparameters of one interval of a lineage."""

    interval: int
    hyperparameters: Dict[str, Any]


@dataclass(frozen=True)
class Event:
    """An event of an experiment. The time is in seconds since 1970 UTC."""

    id: int
    experiment: str
    time: Optional[float]
    kind: str
    """Such as ``created``, ``started``, ``done``, ``diverged``, ``failed``; new kinds may be added."""
    interval: Optional[IntervalID]
    details: Dict[str, Any]


def experiment(raw: Dict[str, Any]) -> Experiment:
    """Parses an experiment."""
    return Experiment(
        name=raw["name"],
        state=raw["state"],
        reason=raw.get("reason"),
        created=_time(raw.get("created")),
        ended=_time(raw.get("ended")),
        counts=raw.get("counts") or {},
        best=_id(raw.get("best")),
        best_score=_score(raw.get("best_score")),
        population=int(raw.get("population") or 0),
        intervals_planned=int(raw.get("intervals_planned") or 0),
        intervals_finished=int(raw.get("intervals_finished") or 0),
        definition=raw.get("definition"),
        raw=raw,
    )


def interval(raw: Dict[str, Any], fetch: Callable[[IntervalRecord, Path], Path]) -> IntervalRecord:
    """Parses an interval; ``fetch`` downloads its checkpoint into a directory."""
    return IntervalRecord(
        member=raw["member"],
        index=raw["interval"],
        state=raw["state"],
        hyperparameters=raw["hyperparameters"],
        changes=raw.get("changes") or [],
        parent=_id(raw.get("parent")),
        score=_score(raw.get("score")),
        metrics=raw.get("metrics") or {},
        checkpoint=raw.get("checkpoint"),
        checkpoint_state=raw.get("checkpoint_state") or "none",
        attempts=int(raw.get("attempts") or 0),
        failures=int(raw.get("failures") or 0),
        reason=raw.get("reason"),
        worker=raw.get("worker"),
        created=_time(raw.get("created")),
        started=_time(raw.get("started")),
        finished=_time(raw.get("finished")),
        raw=raw,
        _fetch=fetch,
    )


def lineage_step(raw: Mapping[str, Any]) -> LineageStep:
    """Parses one interval of a lineage."""
    return LineageStep(
        member=raw["member"],
        index=raw["interval"],
        score=_score(raw.get("score")),
        hyperparameters=raw["hyperparameters"],
        parent=_id(raw.get("parent")),
        exploited=bool(raw.get("exploited")),
    )


def event(raw: Mapping[str, Any]) -> Event:
    """Parses an event."""
    return Event(
        id=raw["id"],
        experiment=raw["experiment"],
        time=_time(raw.get("time")),
        kind=raw["kind"],
        interval=_id(raw.get("interval")),
        details=raw.get("details") or {},
    )


def _id(raw: Optional[Mapping[str, Any]]) -> Optional[IntervalID]:
    return None if raw is None else (raw["member"], raw["interval"])


def _time(milliseconds: Optional[float]) -> Optional[float]:
    return None if milliseconds is None else milliseconds / 1000


def _score(raw: Any) -> Optional[float]:
    """Parses a score; NaN and infinity are strings in JSON."""
    return None if raw is None else float(raw)
