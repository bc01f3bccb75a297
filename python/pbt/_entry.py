# SPDX-License-Identifier: Apache-2.0
"""What a training script calls: the intervals to train, as a loop or by a function."""

from __future__ import annotations

import logging
from typing import Any, Callable, Iterator, List, Mapping, Optional, Union, overload

from ._interval import Interval
from ._worker import DEFAULT_TERM, Data, Worker

log = logging.getLogger("pbt")


@overload
def worker(
    experiment: Optional[str] = None,
    *,
    server: Optional[str] = None,
    token: Optional[str] = None,
    data: Data = None,
    term: float = DEFAULT_TERM,
    overlap: bool = False,
    batch: None = None,
) -> Worker: ...


@overload
def worker(
    experiment: Optional[str] = None,
    *,
    server: Optional[str] = None,
    token: Optional[str] = None,
    data: Data = None,
    term: float = DEFAULT_TERM,
    overlap: bool = False,
    batch: int,
) -> Iterator[List[Interval]]: ...


def worker(
    experiment: Optional[str] = None,
    *,
    server: Optional[str] = None,
    token: Optional[str] = None,
    data: Data = None,
    term: float = DEFAULT_TERM,
    overlap: bool = False,
    batch: Optional[int] = None,
) -> Union[Worker, Iterator[List[Interval]]]:
    """The intervals to train, one by one, until the experiment is over.

    Args:
        experiment: Its name; else ``PBT_EXPERIMENT``.
        server: The server's URL; else ``PBT_SERVER``, or what ``~/.config/pbt/client.json`` says.
        token: A token of scope ``work``; else ``PBT_TOKEN``, or that of the file.
        data: The server's data directory as this machine sees it; else ``PBT_DATA``, or where the server says it is,
            when that is the same directory here. Without one, checkpoints are carried over HTTP; with False always.
        term: Seconds after which the server gives an interval to others when it does not hear of this process.
        overlap: Whether ``report()`` returns at once, and the interval is written to the disk and reported beside the
            next one. Of intervals shorter than a second the next one is also taken ahead, so that next to nothing lies
            between two of them. A process that is killed then loses two: each counts as a failed attempt.
        batch: Yield lists of up to this many intervals instead, to train several members at once.

    Raises:
        PBTError: when the server cannot be used; while it is away it is asked again without end.
    """
    made = Worker(experiment, server=server, token=token, data=data, term=term, overlap=overlap)
    return made if batch is None else made.batches(batch)


def run(
    train: Callable[[Interval], Optional[Mapping[str, Any]]],
    experiment: Optional[str] = None,
    *,
    server: Optional[str] = None,
    token: Optional[str] = None,
    data: Data = None,
    term: float = DEFAULT_TERM,
    overlap: bool = False,
    failures: int = 3,
) -> int:
    """Trains every interval by a function, until the experiment is over.

    An exception is the failure of its interval, and the next one is trained; after ``failures`` of them in a row the
    last one is raised, since the fault is then this process's rather than the interval's.

    Args:
        train: Called with each interval. It returns the metrics to report, or calls ``interval.report()`` itself.
        experiment: As for :func:`pbt.worker`, like the arguments not listed here.
        failures: How many exceptions in a row are borne, plus one; 1 raises the first.

    Returns:
        How many intervals it reported.
    """
    in_a_row = 0
    with Worker(experiment, server=server, token=token, data=data, term=term, overlap=overlap) as made:
        for interval in made:
            try:
                with interval:
                    metrics = train(interval)
                    if metrics is not None:
                        interval.report(metrics)
            except Exception:
                in_a_row += 1
                if in_a_row >= failures:
                    raise
                log.exception("%r failed; going on with the next (%d of %d in a row)", interval, in_a_row, failures)
            else:
                if not interval.lost and interval._state != "open":
                    in_a_row = 0
    return made._reported
