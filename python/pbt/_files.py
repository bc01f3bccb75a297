# SPDX-License-Identifier: Apache-2.0
"""The checkpoints of intervals: in a data directory shared with the server, or local and transferred over HTTP."""

from __future__ import annotations

import logging
import os
import shutil
import threading
from pathlib import Path
from typing import Any, List, Literal, Mapping, Optional, Protocol, Union

from . import _seal
from ._data import Attempt, DataDirectory, check_name
from ._errors import PBTError
from ._http import Server

log = logging.getLogger("pbt")

#: The file in a data directory that identifies its server.
MARK = ".pbt-data"


class Files(Protocol):
    """The checkpoints of a worker's intervals."""

    def begin(self, attempt: Attempt) -> Path:
        """Creates an empty directory to save into."""

    def fetch(self, name: str, experiment: str) -> Path:
        """Returns the directory of a published checkpoint."""

    def changes(self, name: str, experiment: str) -> List[str]:
        """Returns the changes to a checkpoint since it was fetched; empty when there are none."""

    def publish(self, attempt: Attempt, lease: Mapping[str, Any]) -> str:
        """Publishes what was saved as a checkpoint, atomically; returns its name."""

    def discard(self, attempt: Attempt) -> None:
        """Deletes the files of an attempt."""

    def unpublish(self, name: str, experiment: str) -> None:
        """Deletes a checkpoint that no interval refers to."""

    def collect(self, names: List[str], experiment: str) -> List[str]:
        """Deletes garbage; returns the names to report to the server as deleted."""

    def note(self, attempt: Attempt, text: str) -> Optional[Path]:
        """Appends a text to the log of an attempt; returns the path."""

    def close(self) -> None:
        """Deletes the temporary files of this process."""


class SharedFiles:
    """The files of a data directory that is shared with the server."""

    def __init__(self, data: DataDirectory) -> None:
        self.data = data

    def begin(self, attempt: Attempt) -> Path:
        return self.data.begin(attempt)

    def fetch(self, name: str, experiment: str) -> Path:
        path = self.data.published(name, experiment)
        self.data.check_unchanged(name, experiment)
        return path

    def changes(self, name: str, experiment: str) -> List[str]:
        return self.data.changes(name, experiment)

    def publish(self, attempt: Attempt, lease: Mapping[str, Any]) -> str:
        return self.data.publish(attempt)

    def discard(self, attempt: Attempt) -> None:
        self.data.discard(attempt)

    def unpublish(self, name: str, experiment: str) -> None:
        self.data.delete([name], experiment)

    def collect(self, names: List[str], experiment: str) -> List[str]:
        self.data.delete(names, experiment)
        return names

    def note(self, attempt: Attempt, text: str) -> Optional[Path]:
        path = self.data.log(attempt)
        with path.open("a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
        return path

    def close(self) -> None:
        pass


class RemoteFiles:
    """Files in a cache of this process, downloaded from the server and uploaded to it."""

    #: Number of unused checkpoints that are kept, in case they are needed again.
    UNUSED = 2

    def __init__(self, server: Server) -> None:
        import tempfile

        self._server = server
        self._process = os.getpid()
        self._cache = DataDirectory(Path(tempfile.mkdtemp(prefix="pbt-")))
        # The contents of the cache, by (experiment, name); least recently used first.
        self._kept: List[tuple[str, str]] = []
        self._lock = threading.Lock()

    def begin(self, attempt: Attempt) -> Path:
        self._evict()
        return self._cache.begin(attempt)

    def fetch(self, name: str, experiment: str) -> Path:
        from ._transfer import download

        path = self._cache.checkpoint(check_name(name), experiment)
        with self._lock:
            if path.is_dir() and self._cache.changes(name, experiment):
                self._cache.delete([name], experiment)  # the server's is downloaded again
            if not path.is_dir():
                download(self._server, name, experiment, path)
                _seal.make_read_only(path)
                self._cache.write_seal(_seal.seal(path), name, experiment, is_durable=False)
        self._use(experiment, name)
        return path

    def changes(self, name: str, experiment: str) -> List[str]:
        return self._cache.changes(name, experiment)

    def publish(self, attempt: Attempt, lease: Mapping[str, Any]) -> str:
        from ._transfer import upload

        name = upload(self._server, attempt, self._cache.scratch(attempt) / "checkpoint", lease)
        # Kept here under the same name: a successor in this process need not download it.
        if name == attempt.name:
            self._cache.publish(attempt, is_durable=False)
            self._use(attempt.experiment, name)
        else:
            self._cache.discard(attempt)
        return name

    def discard(self, attempt: Attempt) -> None:
        self._cache.discard(attempt)

    def unpublish(self, name: str, experiment: str) -> None:
        # The server finds out by itself that no interval refers to it.
        self._cache.delete([name], experiment)

    def collect(self, names: List[str], experiment: str) -> List[str]:
        with self._lock:
            self._cache.delete(names, experiment)
        return []  # the server deletes its own

    def note(self, attempt: Attempt, text: str) -> Optional[Path]:
        return None

    def close(self) -> None:
        if os.getpid() == self._process:
            shutil.rmtree(self._cache.root, ignore_errors=True)

    def _use(self, experiment: str, name: str) -> None:
        with self._lock:
            if (experiment, name) in self._kept:
                self._kept.remove((experiment, name))
            self._kept.append((experiment, name))

    def _evict(self) -> None:
        """Deletes the least recently used; an interval that is starting has not fetched its parent's yet."""
        with self._lock:
            while len(self._kept) > self.UNUSED:
                experiment, name = self._kept.pop(0)
                self._cache.delete([name], experiment)


def find(server: Server, info: Mapping[str, Any], data: Union[str, Path, Literal[False], None]) -> Files:
    """Returns the files of a shared data directory if there is one, else files transferred over HTTP.

    Args:
        server: The server to transfer files from and to.
        info: The server's data directory as it describes it: ``path`` and ``id``, if anything.
        data: The data directory as this machine sees it; None: ``PBT_DATA``, or the path that the server names, if the
            directory there is really the server's; False: transfer over HTTP in any case.

    Raises:
        PBTError: with code ``badConfiguration``, when ``data`` is not the directory of that server.
    """
    if data is False:
        return RemoteFiles(server)
    named = data if data is not None else os.environ.get("PBT_DATA") or None
    wanted = info.get("id")
    if named is not None:
        root = Path(named).absolute()
        found = _mark(root)
        if not root.is_dir() or (wanted is not None and found != wanted):
            problem = "is not a directory" if not root.is_dir() else f"is not the data directory of {server.url}"
            raise PBTError(
                "badConfiguration",
                f"{root} {problem}: it must hold the file {MARK} with the server's id; "
                "omit data and unset PBT_DATA to transfer checkpoints over HTTP",
            )
        return SharedFiles(DataDirectory(root))
    path = info.get("path")
    if isinstance(path, str) and wanted is not None and _mark(Path(path)) == wanted and os.access(path, os.W_OK):
        return SharedFiles(DataDirectory(Path(path)))
    return RemoteFiles(server)


def _mark(root: Path) -> Optional[str]:
    try:
        return (root / MARK).read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        return None
