# SPDX-License-Identifier: Apache-2.0
"""The options that :func:`pbt.worker`, :func:`pbt.run` and :class:`pbt.Worker` have in common."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Literal, Optional, TypedDict, Union

#: A data directory; False to transfer checkpoints over HTTP in any case; None to find out.
Data = Union[str, Path, Literal[False], None]

DEFAULT_TERM = 60.0


class WorkerOptions(TypedDict, total=False):
    """The keyword arguments of a worker; :func:`pbt.worker` describes them."""

    server: Optional[str]
    token: Optional[str]
    data: Data
    term: float
    pipelining: bool
    #: The old name of ``pipelining``, accepted for one release.
    overlap: Optional[bool]


def pipelining(pipelining: bool, overlap: Optional[bool]) -> bool:
    """Returns whether intervals are pipelined, and warns the caller of this package who uses the old name."""
    if overlap is None:
        return pipelining
    depth, frame = 1, sys._getframe(0)
    package = str(Path(__file__).parent)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(package):
        depth, frame = depth + 1, frame.f_back
    warnings.warn(
        "overlap is renamed to pipelining; the next release will not accept the old name",
        DeprecationWarning,
        stacklevel=depth,
    )
    return overlap
