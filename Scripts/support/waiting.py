"""Waiting for conditions that other processes bring about."""

from __future__ import annotations

import subprocess
import time
from typing import Any, Callable, TypeVar

T = TypeVar("T")


def wait_for(
    what: str, condition: Callable[[], T], seconds: float = 60, process: subprocess.Popen[Any] | None = None
) -> T:
    """Polls a condition until it is true, and returns its value.

    What there is no event for is asked for again and again: a page in a browser, a file, another server. An
    Raises `AssertionError` with the condition on a timeout, or when a process that it depends on has ended.
    """
    end = time.monotonic() + seconds
    while True:
        # Checked before the condition: a process that ends may have brought it about.
        has_ended = process is not None and process.poll() is not None
        if found := condition():
            return found
        if has_ended and process is not None:
            raise AssertionError(f"waiting for {what}: the process ended with {process.returncode}")
        if time.monotonic() > end:
            raise AssertionError(f"waiting for {what}: not within {seconds:g} s")
        time.sleep(0.02)
