# SPDX-License-Identifier: Apache-2.0
"""Prefetch: the next interval is claimed while this one is trained, so that no time is lost between two short ones."""

from __future__ import annotations

import threading
from typing import Callable, Generic, Optional, TypeVar

Item = TypeVar("Item")

#: Seconds from which on an interval is too long for a prefetch. The claim after it costs next to nothing in
#: comparison, and another worker could train what would be prefetched.
LONG = 1.0


class Prefetch(Generic[Item]):
    """At most one interval that was claimed in advance.

    Shared by two threads: the reporting thread fills it, the training thread takes from it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._item: Optional[Item] = None
        self._is_claiming = False

    def fill(self, claim: Callable[[], Optional[Item]]) -> None:
        """Claims an interval, unless there is one already or the training thread is claiming one itself."""
        with self._lock:
            if not self._is_claiming and self._item is None:
                self._item = claim()

    def take(self) -> Optional[Item]:
        """Returns the prefetched interval. If there is none, the caller claims one, then calls :meth:`claimed`."""
        with self._lock:
            item, self._item = self._item, None
            self._is_claiming = item is None
            return item

    def claimed(self) -> None:
        """Ends the claim of the training thread."""
        self._is_claiming = False

    def drop(self) -> Optional[Item]:
        """Returns the prefetched interval to a caller that will not train it."""
        with self._lock:
            item, self._item = self._item, None
            return item
