# SPDX-License-Identifier: Apache-2.0
"""The errors of this package."""

from __future__ import annotations

from typing import Optional


class PBTError(Exception):
    """An error of the server or of this client.

    Attributes:
        code: The code to match on: one of the HTTP API (``noSuchExperiment``, ``leaseLost``, …) or of this client:
            ``unreachable``, ``badAnswer``, ``badConfiguration``, ``badValue``, ``wrongState``, ``inputOutput``,
            ``changedCheckpoint``, ``givenBack``.
        status: The HTTP status; None when no server was involved, or there was no response.
    """

    def __init__(self, code: str, message: str, *, status: Optional[int] = None) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


class LeaseLost(PBTError):
    """The interval is leased to another worker, or its experiment has ended: its training is discarded.

    Raised by :meth:`Interval.log` and :meth:`Interval.report`, and only inside ``with interval:`` or :func:`pbt.run`,
    which catch it and continue with the next interval.
    """


class Temporary(PBTError):
    """An error that a retry may fix: there was no response, or one that says so."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        status: Optional[int] = None,
        retry_after: float = 0.0,
        is_unavailable: bool = True,
    ) -> None:
        super().__init__(code, message, status=status)
        self.retry_after = retry_after
        """Seconds to wait before a retry, as the server demands."""
        self.is_unavailable = is_unavailable
        """False for an internal error of the server, which may be permanent: it is retried a few times only."""
