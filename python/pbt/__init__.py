# SPDX-License-Identifier: Apache-2.0
"""Population Based Training from Python.

::

    import pbt

    if __name__ == "__main__":
        for interval in pbt.worker("mnist"):
            if not interval.continues:
                model = load(interval.checkpoint_in) if interval.checkpoint_in else new_model()
            model.train(**interval.hyperparameters)
            model.save(interval.checkpoint_out)
            interval.report(accuracy=model.accuracy())

:func:`worker` and :func:`run` train; :class:`Client` creates, reads and controls experiments. This package logs to the
logger ``pbt``.
"""

from ._client import Client
from ._entry import run, worker
from ._errors import LeaseLost, PBTError
from ._interval import Interval
from ._records import Event, Experiment, IntervalRecord, LineageStep, ScheduleStep
from ._values import Hyperparameters
from ._worker import Worker

__version__ = "0.2.0"

__all__ = [
    "Client",
    "Event",
    "Experiment",
    "Hyperparameters",
    "Interval",
    "IntervalRecord",
    "LeaseLost",
    "LineageStep",
    "PBTError",
    "ScheduleStep",
    "Worker",
    "run",
    "worker",
]
