# SPDX-License-Identifier: Apache-2.0
"""A data directory, with the layout and durability of the workers of ``pbt`` (Sources/PBTCheckpoints).

::

    ROOT/EXPERIMENT/checkpoints/m0003-i0012-a1/    a published checkpoint: complete, immutable
    ROOT/EXPERIMENT/attempts/m0003-i0012-a1/       a running attempt: checkpoint/
    ROOT/EXPERIMENT/logs/m0003-i0012-a1.log        the log of the attempt
"""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Iterable, List, Union

from . import _seal
from ._errors import PBTError

_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.")


def directory_name(experiment: str) -> str:
    """Returns the name of an experiment's directory: percent-encoded except letters, digits, ``.``, ``_`` and ``-``.

    A leading dot is encoded too. A name longer than 200 characters is cut, and a hash of the whole is appended.
    """
    content = experiment.encode()
    name = "".join(
        chr(byte) if byte in _PLAIN and not (place == 0 and byte == 0x2E) else f"%{byte:02X}"
        for place, byte in enumerate(content)
    )
    return name if len(name) <= 200 else f"{name[:180]}~{_fnv1a(content):x}"


def attempt_name(member: int, interval: int, attempt: int) -> str:
    """Returns the name of an attempt, and of the checkpoint that it publishes: ``m0003-i0012-a1``."""
    return f"m{member:04d}-i{interval:04d}-a{attempt}"


@dataclass(frozen=True)
class Attempt:
    """One attempt at an interval."""

    experiment: str
    member: int
    interval: int
    number: int

    @property
    def name(self) -> str:
        """``m0003-i0012-a1``."""
        return attempt_name(self.member, self.interval, self.number)


@dataclass(frozen=True)
class DataDirectory:
    """The files of one store."""

    root: Path

    def directory(self, experiment: str) -> Path:
        """Returns the directory of an experiment."""
        return self.root / directory_name(experiment)

    def checkpoint(self, name: str, experiment: str) -> Path:
        """Returns the path of a published checkpoint."""
        return self.directory(experiment) / "checkpoints" / name

    def scratch(self, attempt: Attempt) -> Path:
        """Returns the path of an attempt's files while it runs."""
        return self.directory(attempt.experiment) / "attempts" / attempt.name

    def log(self, attempt: Attempt) -> Path:
        """Returns the path of an attempt's log."""
        return self.directory(attempt.experiment) / "logs" / f"{attempt.name}.log"

    def begin(self, attempt: Attempt) -> Path:
        """Creates an empty directory for the attempt's checkpoint; deletes the files of earlier attempts."""
        for earlier in range(1, attempt.number):
            former = Attempt(attempt.experiment, attempt.member, attempt.interval, earlier)
            remove(self.scratch(former))
            # It was published, but its attempt never finished: nothing refers to it.
            self.delete([former.name], attempt.experiment)
        scratch = self.scratch(attempt)
        try:
            os.mkdir(scratch)
        except (FileExistsError, FileNotFoundError):
            self.prepare(attempt.experiment)
            remove(scratch)
            os.mkdir(scratch)
        # Earlier versions may have created ``attempts`` alone.
        os.makedirs(self.directory(attempt.experiment) / "logs", exist_ok=True)
        checkpoint = scratch / "checkpoint"
        os.mkdir(checkpoint)
        return checkpoint

    def prepare(self, experiment: str) -> None:
        """Creates the directories of an experiment.

        ``attempts`` comes last, when its parents and siblings would survive a power cut: its existence implies theirs.
        """
        directory = self.directory(experiment)
        for needed in ("checkpoints", "manifests", "logs"):
            os.makedirs(directory / needed, exist_ok=True)
        _synchronize_directory(directory)
        _synchronize_directory(self.root)
        os.makedirs(directory / "attempts", exist_ok=True)

    def published(self, name: str, experiment: str) -> Path:
        """Returns the directory of a published checkpoint; it exists and is not reached through a symbolic link.

        Raises:
            PBTError: with code ``badAnswer`` for a string that is not a checkpoint's name, ``inputOutput`` when the
                directory does not exist.
        """
        path = self.checkpoint(check_name(name), experiment)
        for directory in (path.parent, path):
            if directory.is_symlink():
                problem = f"{directory} is a symbolic link; pbt does not follow links to checkpoints"
                raise PBTError("inputOutput", problem)
        if not path.is_dir():
            raise PBTError("inputOutput", f"the checkpoint {path} does not exist: was it deleted by hand?")
        return path

    def publish(self, attempt: Attempt, *, is_durable: bool = True) -> str:
        """Publishes the checkpoint of an attempt atomically, and deletes its other files.

        Every file and directory is on the disk before the rename that makes the checkpoint visible, and the rename
        before this returns.

        Returns:
            The checkpoint's name.
        """
        scratch, target = self.scratch(attempt), self.checkpoint(attempt.name, attempt.experiment)
        settle_links(scratch / "checkpoint")
        check_spellings(scratch / "checkpoint")
        _seal.make_read_only(scratch / "checkpoint")
        sealed = _seal.seal(scratch / "checkpoint")
        if is_durable:
            synchronize(scratch / "checkpoint")
        # A rename would replace an empty directory; a published checkpoint is never replaced.
        if os.path.lexists(target):
            raise PBTError(
                "inputOutput",
                f"cannot publish the checkpoint {target}: an unreferenced one already exists; "
                "delete it with: pbt gc",
            )
        self.write_seal(sealed, attempt.name, attempt.experiment, is_durable=is_durable)
        os.rename(scratch / "checkpoint", target)
        if is_durable:
            try:
                _synchronize_directory(target.parent)
            except OSError:
                # A checkpoint that may not survive a power cut is not published.
                self.delete([attempt.name], attempt.experiment)
                raise
        remove(scratch)
        return attempt.name

    def manifest(self, name: str, experiment: str) -> Path:
        """Returns the path of a checkpoint's seal."""
        return self.directory(experiment) / "manifests" / f"{name}.json"

    def write_seal(self, sealed: Dict[str, Any], name: str, experiment: str, *, is_durable: bool) -> None:
        """Writes the seal of a checkpoint that is about to be published."""
        path = self.manifest(name, experiment)
        if not path.parent.is_dir():
            os.makedirs(path.parent, exist_ok=True)
            if is_durable:
                _synchronize_directory(path.parent.parent)
        with path.open("w", encoding="utf-8") as file:
            json.dump(sealed, file)
            file.write("\n")
            if is_durable:
                file.flush()
                os.fsync(file.fileno())
        if is_durable:
            _synchronize_directory(path.parent)

    def changes(self, name: str, experiment: str) -> List[str]:
        """Returns the changes to a checkpoint since it was published; empty when there are none, or no seal exists."""
        sealed = _seal.load(self.manifest(name, experiment))
        return [] if sealed is None else _seal.changes(sealed, self.checkpoint(name, experiment))

    def check_unchanged(self, name: str, experiment: str) -> None:
        """Checks that a published checkpoint has not changed.

        Raises:
            PBTError: with code ``changedCheckpoint``, when it is not.
        """
        changes = self.changes(name, experiment)
        if changes:
            raise PBTError(
                "changedCheckpoint",
                f"the checkpoint {name} of {experiment!r} was changed after it was published: {_seal.text(changes)} in "
                f"{self.checkpoint(name, experiment)}; its score is no longer valid, so nothing is trained from it. "
                "Find out what writes there; a program must only read from checkpoint_in",
            )

    def discard(self, attempt: Attempt) -> None:
        """Deletes the files of an attempt, except its log."""
        remove(self.scratch(attempt))

    def delete(self, names: Iterable[str], experiment: str) -> None:
        """Deletes checkpoints; those that no longer exist are skipped.

        Each is renamed first, so that a directory with a checkpoint's name is complete at any time. Only directories
        whose name is that of an attempt are deleted.
        """
        for name in names:
            path = self.checkpoint(name, experiment)
            if NAME.fullmatch(name) is None or path.parent.is_symlink():
                continue
            if not os.path.lexists(path):
                self._drop_seal(name, experiment)
                continue
            try:
                if not stat.S_ISDIR(os.lstat(path).st_mode):
                    continue
            except (FileNotFoundError, NotADirectoryError):
                continue
            trash = self.directory(experiment) / "attempts" / f".deleted-{name}"
            if not trash.parent.is_dir():
                self.prepare(experiment)
            remove(trash)
            try:
                os.rename(path, trash)
            except FileNotFoundError:
                continue  # another process was faster
            remove(trash)
            # Last: a checkpoint without a seal would look like one of an earlier version.
            self._drop_seal(name, experiment)

    def _drop_seal(self, name: str, experiment: str) -> None:
        try:
            os.unlink(self.manifest(name, experiment))
        except (FileNotFoundError, NotADirectoryError):
            pass


#: The name of an attempt and of its checkpoint, or of a copy that founders continue (attempt 0); each number has one
#: spelling only.
NAME = re.compile(
    r"m(?:\d{4}|[1-9]\d{4,18})-(?:i(?:\d{4}|[1-9]\d{4,18})-a[1-9]\d{0,18}|i0000-a0)",
    re.ASCII,
)


def check_name(name: str) -> str:
    """Returns a checkpoint's name if an attempt can have published it; raises otherwise."""
    if NAME.fullmatch(name) is None:
        raise PBTError("badAnswer", f"the server named a checkpoint {name!r}, which is not a valid name")
    return name


def check_spellings(root: Path) -> None:
    """Rejects two names in one directory that are equal after Unicode normalization: many file systems conflate them.

    Raises:
        PBTError: with code ``badValue``, naming both.
    """
    for directory, inner, names in os.walk(root):
        known: Dict[str, str] = {}
        for name in inner + names:
            other = known.setdefault(unicodedata.normalize("NFC", name), name)
            if other != name:
                raise PBTError(
                    "badValue",
                    f"the checkpoint contains two names that are equal after Unicode normalization: {ascii(other)} and "
                    f"{ascii(name)} in {directory}; many file systems conflate them: rename one of them",
                )


def settle_links(root: Path) -> None:
    """Makes symbolic links to targets inside the checkpoint relative, and rejects all others.

    Raises:
        PBTError: with code ``badValue``, which names the link, its target and a remedy.
    """
    base = os.path.realpath(root)
    for directory, inner, names in os.walk(base):
        for name in inner + names:
            path = os.path.join(directory, name)
            if not os.path.islink(path):
                continue
            target, end = os.readlink(path), os.path.realpath(path)
            where = (
                "which does not exist"
                if not os.path.exists(path)
                else "outside the checkpoint"
                if not end.startswith(base + os.sep) and end != base
                else "which contains the link itself"
                if (directory + os.sep).startswith(end + os.sep)
                else None
            )
            if where is not None:
                raise PBTError(
                    "badValue",
                    f"the checkpoint cannot be published: {os.path.relpath(path, base)} is a link to {target}, "
                    f"{where}. The target of a link may change or be deleted independently of the checkpoint: copy the "
                    "file (shutil.copyfile), or save its path instead of the link",
                )
            if not _stays_inside(target, os.path.relpath(path, base)):
                draft = os.path.join(directory, f".pbt-link.{os.getpid()}")
                os.symlink(os.path.relpath(end, directory), draft)
                os.replace(draft, path)


def _stays_inside(target: str, place: str) -> bool:
    """Returns whether a link's target resolves without leaving the checkpoint on the way."""
    if os.path.isabs(target):
        return False
    depth = place.count(os.sep)
    for part in target.split("/"):
        depth += -1 if part == ".." else 0 if part in ("", ".") else 1
        if depth < 0:
            return False
    return True


def remove(path: Union[str, Path]) -> None:
    """Deletes a tree; parts that no longer exist are skipped."""
    try:
        os.rmdir(path)  # most are empty
        return
    except FileNotFoundError:
        return
    except OSError:
        pass
    for _ in range(3):
        try:
            shutil.rmtree(path)
            return
        except FileNotFoundError:
            if not os.path.lexists(path):  # else an entry was deleted while it was being listed
                return
    shutil.rmtree(path)


def synchronize(root: Path) -> None:
    """Flushes every file and directory of a tree to disk; symbolic links are not followed."""
    directories: List[str] = [os.fspath(root)]
    while directories:
        directory = directories.pop()
        with os.scandir(directory) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    directories.append(entry.path)
                elif entry.is_file(follow_symlinks=False):
                    _synchronize_file(entry.path)
        _synchronize_directory(directory)


def _synchronize_file(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    try:
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _synchronize_directory(path: Union[str, Path]) -> None:
    if os.name != "posix":
        return  # directories cannot be flushed there
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _fnv1a(content: bytes) -> int:
    """FNV-1a in 64 bits (Fowler, Noll, Vo)."""
    value = 0xCBF29CE484222325
    for byte in content:
        value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return value
