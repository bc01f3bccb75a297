# SPDX-License-Identifier: Apache-2.0
"""Takes the next interval while this one is trained, so that nothing lies between two short ones."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Callable, Optional

if TYPE_CHECKING:
    from ._interval import Interval

#: Seconds from which on an interval is long: the next one is then asked for when it is over. A request is nothing
#: beside it, and what is taken ahead could be trained elsewhere meanwhile.
LONG = 1.0


class Ahead:
    """At most one interval that was taken ahead.

    Two threads meet here: the one that trains takes it, the one that reports gets it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._interval: Optional["Interval"] = None
        self._is_claiming = False

    def look(self, claim: Callable[[], Optional["Interval"]]) -> None:
        """Gets one, unless there is one or the training thread asks for one itself just now."""
        with self._lock:
            if not self._is_claiming and self._interval is None:
                self._interval = claim()

    def take(self) -> Optional["Interval"]:
        """What was taken ahead. If there is nothing, the caller asks by itself, and says when by :meth:`asked`."""
        with self._lock:
            interval, self._interval = self._interval, None
            self._is_claiming = interval is None
            return interval

    def asked(self) -> None:
        """The training thread does not ask any more."""
        self._is_claiming = False

    def drop(self) -> Optional["Interval"]:
        """What was taken ahead, by who does not want it."""
        with self._lock:
            interval, self._interval = self._interval, None
            return interval
