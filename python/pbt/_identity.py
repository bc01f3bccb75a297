# SPDX-License-Identifier: Apache-2.0
"""The name under which a process claims intervals.

``MACHINE/PROCESS/START/RANDOM`` identifies one process uniquely, in the format of the workers of ``pbt``: a process on
the same machine can tell that a worker is dead, and requeues its intervals without waiting until the leases expire.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Optional


def worker_name() -> str:
    """Returns a unique name for a worker in this process."""
    start, suffix = start_time(os.getpid()) or 0, int.from_bytes(os.urandom(4), "big")
    return f"{machine()}/{os.getpid()}/{base36(start)}/{base36(suffix)}"


def machine() -> str:
    """Returns the host name, the boot, and on Linux the PID namespace, joined by dots."""
    host = socket.gethostname() or "localhost"
    parts = ["".join("-" if letter == "/" or letter.isspace() else letter for letter in host)]
    boot = _text("/proc/sys/kernel/random/boot_id")
    if boot is not None:
        parts.append(boot.rstrip("\n")[:8])
    try:
        parts.append("".join(letter for letter in os.readlink("/proc/self/ns/pid") if letter in "0123456789"))
    except OSError:
        pass
    return ".".join(parts)


def parent_is_gone() -> bool:
    """Returns whether the ``pbt run`` that started this program has ended; ``PBT_PARENT`` is NUMBER/START."""
    number, _, start = os.environ.get("PBT_PARENT", "").partition("/")
    if not number.isdecimal() or not start:
        return False
    now = start_time(int(number))
    if now is None:
        # It has ended only if processes can be inspected at all.
        return start_time(os.getpid()) is not None
    return base36(now) != start


def start_time(process: int) -> Optional[int]:
    """Returns the start of a process in the system's unit; None when it has ended, or cannot be inspected."""
    line = _text(f"/proc/{process}/stat")
    if line is None:
        return None
    # After the name in parentheses, which may hold anything: the start is field 22.
    fields = line[line.rindex(")") + 1 :].split()
    return None if fields[0] in "ZX" else int(fields[19])


def base36(number: int) -> str:
    """Returns a number in digits and lowercase letters."""
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + digits
    return digits or "0"


def _text(path: str) -> Optional[str]:
    try:
        return Path(path).read_text(errors="replace")
    except OSError:
        return None
