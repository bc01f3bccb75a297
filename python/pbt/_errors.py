# SPDX-License-Identifier: Apache-2.0
"""What can go wrong, with the code to match on."""

from __future__ import annotations

from typing import Optional


class PBTError(Exception):
    """Something that the server refused, or that this client could not do.

    Attributes:
        code: What to match on: one of the codes of the HTTP API (``noSuchExperiment``, ``leaseLost``, …), or of this
            client: ``unreachable``, ``badAnswer``, ``badConfiguration``, ``badValue``, ``wrongState``, ``inputOutput``,
            ``changedCheckpoint``, ``givenBack``.
        status: The HTTP status; None when no server was involved, or none answered.
    """

    def __init__(self, code: str, message: str, *, status: Optional[int] = None) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


class LeaseLost(PBTError):
    """The interval is someone else's now, or its experiment is over: what was trained of it counts for nothing.

    Raised by :meth:`Interval.log` and :meth:`Interval.report`, and only inside ``with interval:`` or :func:`pbt.run`,
    which catch it and go on with the next interval.
    """


class Temporary(PBTError):
    """What may well succeed when it is tried again: no answer, or one that says so."""

    def __init__(
        self, code: str, message: str, *, status: Optional[int] = None, retry_after: float = 0.0, is_away: bool = True
    ) -> None:
        super().__init__(code, message, status=status)
        self.retry_after = retry_after
        """Seconds that the server asks to be left alone."""
        self.is_away = is_away
        """Whether trying again without end makes sense; an internal error of the server may be for good."""
