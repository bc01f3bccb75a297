# SPDX-License-Identifier: Apache-2.0
"""Transfer of checkpoints over HTTP: in pieces, resumable, verified by SHA-256."""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, Optional, Tuple
from urllib.parse import quote

from ._data import Attempt, check_spellings, remove, settle_links
from ._errors import PBTError, Temporary
from ._http import Server, segment

log = logging.getLogger("pbt")

#: Bytes of a file that one request uploads.
PIECE = 8 << 20
#: Bytes per read.
CHUNK = 1 << 20
TIMEOUT = 120.0
#: Maximum depth of nested directories; the server rejects more.
DEPTH = 32


def download(server: Server, name: str, experiment: str, target: Path, partial: Optional[Path] = None) -> None:
    """Downloads a checkpoint into a directory, which appears when it is complete.

    Args:
        server: The server.
        name: The checkpoint.
        experiment: Its experiment.
        target: The directory.
        partial: The path until it is complete; by default next to the worker's attempts.

    Raises:
        PBTError: with code ``badAnswer``, when a file has a wrong SHA-256 twice.
    """
    at = f"/experiments/{segment(experiment)}/checkpoints/{segment(name)}"
    manifest = server.call("GET", at, doing=f"reading the manifest of checkpoint {name}")
    if partial is None:
        partial = target.parent.parent / "attempts" / f".download-{name}"
    remove(partial)
    os.makedirs(partial)
    try:
        for directory in manifest.get("directories", ()):
            os.makedirs(partial / _relative(directory), exist_ok=True)
        for file in manifest["files"]:
            path = partial / _relative(file["path"])
            os.makedirs(path.parent, exist_ok=True)
            for tries in (1, 2):
                _download_file(server, f"{at}/files/{quote(file['path'])}", path, int(file["size"]), name)
                if _sha256(path) == file["sha256"]:
                    break
                path.unlink()
                if tries == 2:
                    raise PBTError(
                        "badAnswer", f"the file {file['path']} of checkpoint {name} has the wrong SHA-256"
                    )
        os.makedirs(target.parent, exist_ok=True)
        os.rename(partial, target)
    finally:
        remove(partial)


def _download_file(server: Server, url: str, path: Path, size: int, name: str) -> None:
    def attempt() -> None:
        with path.open("ab") as file:
            have = file.tell()
            if have == size and size > 0:
                return
            headers = {"Range": f"bytes={have}-"} if have else {}
            with server.open("GET", url, headers=headers, timeout=TIMEOUT) as response:
                if response.status != 206:  # the whole file
                    file.truncate(0)
                shutil.copyfileobj(response, file, CHUNK)
                file.flush()
                if os.fstat(file.fileno()).st_size < size:
                    raise Temporary("unreachable", f"the file {path.name} of checkpoint {name} is incomplete")

    server.retrying(attempt, patience=None, doing=f"downloading checkpoint {name}")


def upload(server: Server, attempt: Attempt, root: Path, lease: Mapping[str, Any]) -> str:
    """Uploads the checkpoint of an attempt to the server, which publishes it.

    Returns:
        The checkpoint's name.
    """
    settle_links(root)
    check_spellings(root)
    try:
        return _upload(server, attempt, root, lease)
    except PBTError as error:
        # The upload was corrupted; the server has deleted it.
        if error.code not in ("badValue", "wrongState"):
            raise
        log.warning("uploading %s again: %s", attempt.name, error)
        return _upload(server, attempt, root, lease)


def _upload(server: Server, attempt: Attempt, root: Path, lease: Mapping[str, Any]) -> str:
    at = f"/experiments/{segment(attempt.experiment)}/uploads/{segment(attempt.name)}"
    files: List[Dict[str, Any]] = []
    directories: List[str] = []
    for path, relative, is_directory in _walk(root):
        if is_directory:
            directories.append(relative)
            continue
        digest = _upload_file(server, at, path, relative, attempt)
        files.append({"path": relative, "size": path.stat().st_size, "sha256": digest})
    body = {"lease": lease, "files": files, "directories": directories}
    answer = server.call("POST", f"{at}/publish", body, timeout=TIMEOUT, doing=f"publishing {attempt.name}")
    return str(answer["checkpoint"])


def _upload_file(server: Server, at: str, path: Path, relative: str, attempt: Attempt) -> str:
    """Uploads one file; returns its SHA-256."""
    url = f"{at}/{quote(relative)}"
    size = path.stat().st_size
    digest = hashlib.sha256()
    with path.open("rb") as file:
        start = 0
        while True:
            piece = file.read(PIECE)
            digest.update(piece)
            _upload_piece(server, at, url, relative, start, piece, attempt)
            start += len(piece)
            if start >= size or not piece:
                return digest.hexdigest()


def _upload_piece(
    server: Server, at: str, url: str, relative: str, start: int, piece: bytes, attempt: Attempt
) -> None:
    view = memoryview(piece)
    is_first_try = True

    def send() -> None:
        nonlocal is_first_try
        have = start if is_first_try else min(max(_arrived(server, at, relative), start), start + len(piece))
        is_first_try = False
        if have == start + len(piece) and piece:
            return
        headers = {"Content-Type": "application/octet-stream", "Upload-Offset": str(have)}
        server.once("PUT", url, view[have - start :], headers=headers, timeout=TIMEOUT)

    server.retrying(send, patience=None, doing=f"uploading {relative} of {attempt.name}")


def _arrived(server: Server, at: str, relative: str) -> int:
    """Returns the number of bytes of a file that the server has."""
    answer, _ = server.once("GET", at)
    for file in answer["files"]:
        if file["path"] == relative:
            return int(file["size"])
    return 0


def _walk(root: Path) -> Iterator[Tuple[Path, str, bool]]:
    """Yields the files and directories of a tree in order; symbolic links, whose targets are inside, are followed."""
    for directory, inner, names in os.walk(root, followlinks=True):
        inner.sort()
        if len(Path(directory).relative_to(root).parts) > DEPTH:
            raise PBTError("badValue", f"{directory} is deeper than {DEPTH} directories; do its links form a cycle?")
        for name in inner:
            path = Path(directory, name)
            yield path, path.relative_to(root).as_posix(), True
        for name in sorted(names):
            path = Path(directory, name)
            if not path.is_file():
                problem = f"{path} is not a file; a checkpoint can contain only files and directories"
                raise PBTError("inputOutput", problem)
            yield path, path.relative_to(root).as_posix(), False


def _relative(path: str) -> Path:
    """Returns a path of a manifest; raises if it would leave the checkpoint."""
    relative = Path(path)
    if relative.is_absolute() or ".." in relative.parts or not relative.parts:
        raise PBTError("badAnswer", f"the server named a file {path!r}, which is not a path inside a checkpoint")
    return relative


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while True:
            chunk = file.read(CHUNK)
            if not chunk:
                return digest.hexdigest()
            digest.update(chunk)
