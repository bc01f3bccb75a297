# SPDX-License-Identifier: Apache-2.0
"""Seals of published checkpoints, in the format of the workers of ``pbt`` (Sources/PBTCheckpoints).

A seal is the file ``ROOT/EXPERIMENT/manifests/NAME.json``. It records the state of a checkpoint, to detect changes.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import time
from pathlib import Path
from typing import Any, Dict, List, Optional, Set, Tuple

from ._errors import PBTError

#: Bytes up to which a whole file is hashed; of a larger one three samples, unless PBT_CHECKPOINT_HASH is ``full``.
WHOLE = 64 << 20
SAMPLE = 1 << 20
#: Nanoseconds of the resolution of file times: a second change within it does not change the time.
STEP = 50_000_000


def seal(root: Path) -> Dict[str, Any]:
    """Reads a checkpoint, and returns its seal.

    Raises:
        PBTError: with code ``badValue``, when a file changes while it is read.
    """
    files, directories, links = _tree(root)
    is_full = os.environ.get("PBT_CHECKPOINT_HASH") == "full"
    items: List[Dict[str, Any]] = []
    for path in sorted(files):
        with open(root / path, "rb") as file:
            before = os.fstat(file.fileno())
            is_sampled = not is_full and before.st_size > WHOLE
            digest = _digest(file, before.st_size, is_sampled)
            if _times(os.fstat(file.fileno())) != _times(before):
                raise PBTError(
                    "badValue",
                    f"{path} in {root} changed while it was published: something still writes to it; finish saving "
                    "before report(), and end all processes that write",
                )
        mtime, ctime, inode = _times(before)
        items.append(
            {
                "path": path,
                "size": before.st_size,
                "sampled_sha256" if is_sampled else "sha256": digest,
                "mtime": mtime,
                "ctime": ctime,
                "inode": inode,
            }
        )
    return {
        "format": 1,
        "recorded": time.time_ns(),
        "files": items,
        "directories": sorted(directories),
        "links": links,
    }


def load(path: Path) -> Optional[Dict[str, Any]]:
    """Returns the seal in a file; None for a checkpoint of an earlier version, and for an invalid file."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return value if isinstance(value, dict) and value.get("format") == 1 else None


def changes(sealed: Dict[str, Any], root: Path) -> List[str]:
    """Returns the changes to a checkpoint since it was published, in words; empty when there are none."""
    files, directories, links = _tree(root)
    found: List[Tuple[str, str]] = []
    for file in sealed["files"]:
        path = file["path"]
        if path not in files:
            found.append((path, "is gone"))
            continue
        files.discard(path)
        change = _change(file, root / path, int(sealed["recorded"]))
        if change is not None:
            found.append((path, change))
    found += [(path, "is new") for path in files]
    before = set(sealed["directories"])
    found += [(path, "is gone" if path in before else "is new") for path in before ^ directories]
    old = sealed["links"]
    for path in {*old, *links}:
        if old.get(path) != links.get(path):
            how = "is new" if path not in old else "is gone" if path not in links else "leads elsewhere"
            found.append((path, how))
    return [f'"{path}" {how}' for path, how in sorted(found)]


def text(found: List[str]) -> str:
    """Returns the first few changes on one line."""
    return ", ".join(found[:3]) + (f" and {len(found) - 3} more" if len(found) > 3 else "")


def make_read_only(root: Path) -> None:
    """Makes all files read-only, so that the checkpoint is not changed by mistake.

    Directories stay writable, as do files with several hard links, which may not belong to the checkpoint alone.
    """
    for path in _tree(root)[0]:
        descriptor = os.open(root / path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
        try:
            status = os.fstat(descriptor)
            if status.st_nlink == 1 and status.st_mode & 0o222 and hasattr(os, "fchmod"):
                os.fchmod(descriptor, stat.S_IMODE(status.st_mode) & 0o555)
        except PermissionError:
            pass  # owned by another user
        finally:
            os.close(descriptor)


def _change(file: Dict[str, Any], path: Path, recorded: int) -> Optional[str]:
    with path.open("rb") as opened:
        now = os.fstat(opened.fileno())
        if now.st_size != file["size"]:
            return f"has {now.st_size} bytes, not {file['size']}"
        is_same = _times(now) == (file["mtime"], file["ctime"], file["inode"])
        if is_same and recorded - file["ctime"] > STEP:
            return None
        is_sampled = "sha256" not in file
        if is_sampled and now.st_mtime_ns != file["mtime"]:
            return "was modified later"
        digest = _digest(opened, now.st_size, is_sampled)
        return None if digest == file.get("sha256", file.get("sampled_sha256")) else "has other bytes"


def _times(status: os.stat_result) -> Tuple[int, int, int]:
    # As signed 64-bit integers.
    return status.st_mtime_ns, status.st_ctime_ns, (status.st_ino + (1 << 63)) % (1 << 64) - (1 << 63)


def _digest(file: Any, size: int, is_sampled: bool) -> str:
    digest = hashlib.sha256()
    starts = (0, size // 2 - SAMPLE // 2, size - SAMPLE) if is_sampled else (0,)
    for start in starts:
        file.seek(max(0, start))
        left = SAMPLE if is_sampled else size
        while left > 0:
            chunk = file.read(min(left, 1 << 20))
            if not chunk:
                break
            digest.update(chunk)
            left -= len(chunk)
    return digest.hexdigest()


def _tree(root: Path) -> Tuple[Set[str], Set[str], Dict[str, str]]:
    """Returns the files, directories and links of a tree, by their relative paths."""
    files: Set[str] = set()
    directories: Set[str] = set()
    links: Dict[str, str] = {}
    left = [""]
    while left:
        prefix = left.pop()
        with os.scandir(root / prefix) as entries:
            for entry in entries:
                path = prefix + entry.name
                try:
                    path.encode()
                except UnicodeEncodeError:
                    raise PBTError("badValue", f"the name {ascii(path)} in {root} is not UTF-8; rename it") from None
                if entry.is_symlink():
                    links[path] = os.readlink(entry.path)
                elif entry.is_dir(follow_symlinks=False):
                    directories.add(path)
                    left.append(path + "/")
                else:
                    files.add(path)
    return files, directories, links
