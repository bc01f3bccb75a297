# SPDX-License-Identifier: Apache-2.0
"""The entry points of a training script: the intervals to train, as a loop or by a function."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Callable, Iterator, List, Mapping, Optional, Union, overload

from ._interval import Interval
from ._options import WorkerOptions
from ._worker import Worker

if TYPE_CHECKING:
    from typing_extensions import Unpack

log = logging.getLogger("pbt")


@overload
def worker(
    experiment: Optional[str] = None, *, batch: None = None, **options: Unpack[WorkerOptions]
) -> Worker: ...


@overload
def worker(
    experiment: Optional[str] = None, *, batch: int, **options: Unpack[WorkerOptions]
) -> Iterator[List[Interval]]: ...


def worker(
    experiment: Optional[str] = None, *, batch: Optional[int] = None, **options: Unpack[WorkerOptions]
) -> Union[Worker, Iterator[List[Interval]]]:
    """Returns the intervals to train, one by one, until the experiment has ended.

    Args:
        experiment: The name of the experiment; by default ``PBT_EXPERIMENT``.
        batch: Yield lists of up to this many intervals instead, to train several members together.
        server: The URL of the server; by default ``PBT_SERVER``, or that of ``~/.config/pbt/client.json``.
        token: A token of scope ``work``; by default ``PBT_TOKEN``, or that of the file.
        data: The server's data directory as this machine sees it; by default ``PBT_DATA``, or the path that the server
            names, if it is the same directory here. Without one, checkpoints are transferred over HTTP; with False
            always.
        term: Seconds without a heartbeat after which the server gives an interval to another worker; 60 by default.
        pipelining: If True, ``report()`` returns immediately, and a thread writes and reports the interval while the
            next one is trained. Of intervals shorter than a second the next one is also prefetched, which leaves almost
            no time between two of them. A process that is killed then loses two intervals: each counts as a failed
            attempt. ``overlap`` is the old name.

    Raises:
        PBTError: when the server cannot be used; while it is unavailable, requests are retried indefinitely.
    """
    made = Worker(experiment, **options)
    return made if batch is None else made.batches(batch)


def run(
    train: Callable[[Interval], Optional[Mapping[str, Any]]],
    experiment: Optional[str] = None,
    *,
    failures: int = 3,
    **options: Unpack[WorkerOptions],
) -> int:
    """Trains every interval with a function, until the experiment has ended.

    An exception fails its interval, and the next one is trained; the last of ``failures`` consecutive exceptions is
    raised, since the fault is then likely this process's rather than the interval's.

    Args:
        train: Called with each interval. It returns the metrics to report, or calls ``interval.report()`` itself.
        experiment: The name of the experiment; by default ``PBT_EXPERIMENT``.
        failures: The number of consecutive exceptions at which the last one is raised; 1 raises the first.
        options: The options of :func:`pbt.worker`, except ``batch``.

    Returns:
        The number of intervals that it reported.
    """
    in_a_row = 0
    with Worker(experiment, **options) as made:
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
                log.exception("%r failed; continuing with the next (%d of %d in a row)", interval, in_a_row, failures)
            else:
                if not interval.lost and interval._state != "open":
                    in_a_row = 0
    return made._reported
