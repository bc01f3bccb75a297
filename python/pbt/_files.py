# SPDX-License-Identifier: Apache-2.0
"""Where an interval's checkpoints are: in a data directory shared with the server, or here, carried over HTTP."""

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

#: The file in a data directory that says whose it is.
MARK = ".pbt-data"


class Files(Protocol):
    """The checkpoints of a worker's intervals."""

    def begin(self, attempt: Attempt) -> Path:
        """Makes an empty directory to save into."""

    def fetch(self, name: str, experiment: str) -> Path:
        """The directory of a published checkpoint."""

    def changes(self, name: str, experiment: str) -> List[str]:
        """How a checkpoint that was fetched differs from what it was then; empty when it does not."""

    def publish(self, attempt: Attempt, lease: Mapping[str, Any]) -> str:
        """Makes what was saved a checkpoint, whole or not at all; returns its name."""

    def discard(self, attempt: Attempt) -> None:
        """Deletes what an attempt left."""

    def unpublish(self, name: str, experiment: str) -> None:
        """Deletes a checkpoint that no interval names."""

    def collect(self, names: List[str], experiment: str) -> List[str]:
        """Deletes garbage; returns what the server should be told is gone."""

    def note(self, attempt: Attempt, text: str) -> Optional[Path]:
        """Keeps a text about an attempt; returns where."""

    def close(self) -> None:
        """Deletes what nobody needs after this process."""


class SharedFiles:
    """The files of a data directory that the server sees too."""

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
    """Files in a directory of this process, which come from the server and go there."""

    #: How many checkpoints that no interval is using are kept, in case they are needed again.
    SPARE = 2

    def __init__(self, server: Server) -> None:
        import tempfile

        self._server = server
        self._process = os.getpid()
        self._cache = DataDirectory(Path(tempfile.mkdtemp(prefix="pbt-")))
        # What is in the cache, by (experiment, name); the longest unused first.
        self._kept: List[tuple[str, str]] = []
        self._lock = threading.Lock()

    def begin(self, attempt: Attempt) -> Path:
        self._thin()
        return self._cache.begin(attempt)

    def fetch(self, name: str, experiment: str) -> Path:
        from ._transfer import download

        path = self._cache.checkpoint(check_name(name), experiment)
        with self._lock:
            if path.is_dir() and self._cache.changes(name, experiment):
                self._cache.delete([name], experiment)  # the server's is fetched again
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
        # Kept here under the same name: who continues it in this process need not fetch it.
        if name == attempt.name:
            self._cache.publish(attempt, is_durable=False)
            self._use(attempt.experiment, name)
        else:
            self._cache.discard(attempt)
        return name

    def discard(self, attempt: Attempt) -> None:
        self._cache.discard(attempt)

    def unpublish(self, name: str, experiment: str) -> None:
        # The server finds out by itself that no interval names it.
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

    def _thin(self) -> None:
        """Deletes the longest unused; an interval that begins has not yet asked for its parent's."""
        with self._lock:
            while len(self._kept) > self.SPARE:
                experiment, name = self._kept.pop(0)
                self._cache.delete([name], experiment)


def find(server: Server, told: Mapping[str, Any], data: Union[str, Path, Literal[False], None]) -> Files:
    """The files that fit: in a shared data directory if there is one, else carried over HTTP.

    Args:
        server: For what has to be carried.
        told: What the server said of its data directory: ``path`` and ``id``, if anything.
        data: The data directory as this machine sees it; None: ``PBT_DATA``, or where the server says it is, if the
            directory there is really the server's; False: whatever there is, do not use it.

    Raises:
        PBTError: with code ``badConfiguration``, when ``data`` is not the directory of that server.
    """
    if data is False:
        return RemoteFiles(server)
    named = data if data is not None else os.environ.get("PBT_DATA") or None
    wanted = told.get("id")
    if named is not None:
        root = Path(named).absolute()
        found = _mark(root)
        if not root.is_dir() or (wanted is not None and found != wanted):
            problem = "is no directory" if not root.is_dir() else f"is not the data directory of {server.url}"
            raise PBTError(
                "badConfiguration",
                f"{root} {problem}: it must hold the file {MARK} with the server's id; "
                "leave data and PBT_DATA out to carry checkpoints over HTTP",
            )
        return SharedFiles(DataDirectory(root))
    path = told.get("path")
    if isinstance(path, str) and wanted is not None and _mark(Path(path)) == wanted and os.access(path, os.W_OK):
        return SharedFiles(DataDirectory(Path(path)))
    return RemoteFiles(server)


def _mark(root: Path) -> Optional[str]:
    try:
        return (root / MARK).read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        return None
