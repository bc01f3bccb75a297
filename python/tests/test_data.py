# SPDX-License-Identifier: Apache-2.0
"""Files of checkpoints in a data directory that others share."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any, Callable, List, Tuple, Union

import pytest

import pbt
from pbt import _data, _seal
from pbt._data import Attempt, DataDirectory
from pbt._files import SharedFiles


def publish(data: DataDirectory, member: int = 0) -> Path:
    attempt = Attempt("toy", member, 0, 1)
    (data.begin(attempt) / "weights").write_text("1")
    return data.checkpoint(data.publish(attempt), "toy")


@pytest.fixture
def data(tmp_path: Path) -> DataDirectory:
    return DataDirectory(tmp_path / "data")


BAD = ["", "/", ".", "..", "../../victim", "\0", "m0000-i0000-a01", "m000-i0000-a1", "m0000-i0000-a1\n", "a" * 5000]
BAD += ["m0000-i0001-a0"]


def test_only_an_attempts_name_deletes_a_checkpoint(data: DataDirectory) -> None:
    kept, dropped = publish(data), publish(data, 1)
    victim = data.root / "victim"
    victim.mkdir()
    data.delete([*BAD, dropped.name], "toy")
    assert os.listdir(kept.parent) == [kept.name] and victim.is_dir()


@pytest.mark.parametrize("name", BAD)
def test_any_other_name_is_refused(name: str) -> None:
    with pytest.raises(pbt.PBTError, match="which is not a valid name"):
        _data.check_name(name)


@pytest.mark.parametrize("name", ["m0000-i0000-a1", "m12345-i0012-a10"])
def test_the_name_of_an_attempt_is_taken(name: str) -> None:
    assert _data.check_name(name) == name


def test_a_checkpoint_is_not_reached_through_a_link(data: DataDirectory) -> None:
    path = publish(data)
    elsewhere = data.root / "elsewhere"
    path.parent.rename(elsewhere)
    path.parent.symlink_to(elsewhere)
    with pytest.raises(pbt.PBTError, match="is a symbolic link"):
        data.published(path.name, "toy")
    data.delete([path.name], "toy")
    assert os.listdir(elsewhere) == [path.name]


def test_logs_are_made_where_an_older_server_made_attempts_alone(data: DataDirectory) -> None:
    (data.directory("toy") / "attempts").mkdir(parents=True)
    (data.directory("toy") / "checkpoints").mkdir()
    attempt = Attempt("toy", 0, 0, 1)
    data.begin(attempt)
    data.log(attempt).write_text("a line")


def test_links_inside_become_relative(data: DataDirectory) -> None:
    attempt = Attempt("toy", 0, 0, 1)
    root = data.begin(attempt)
    (root / "a").mkdir()
    (root / "epoch=1.ckpt").write_text("1")
    (root / "a/last.ckpt").symlink_to(root / "epoch=1.ckpt")
    path = data.checkpoint(data.publish(attempt), "toy")
    assert os.readlink(path / "a/last.ckpt") == "../epoch=1.ckpt"
    assert (path / "a/last.ckpt").read_text() == "1"


@pytest.mark.parametrize(
    ("target", "where"),
    [
        ("/etc/passwd", "outside the checkpoint"),
        ("nothing", "which does not exist"),
        ("link", "which does not exist"),
        (".", "which contains the link itself"),
    ],
)
def test_other_links_are_refused(data: DataDirectory, target: str, where: str) -> None:
    attempt = Attempt("toy", 0, 0, 1)
    (data.begin(attempt) / "link").symlink_to(target)
    with pytest.raises(pbt.PBTError, match=f"link is a link to {target}, {where}.*copy the file"):
        data.publish(attempt)


def test_names_that_are_equal_after_normalization_are_refused(data: DataDirectory) -> None:
    attempt = Attempt("toy", 0, 0, 1)
    root = data.begin(attempt)
    (root / "e\u0301").write_text("1")
    (root / "\u00e9").write_text("2")
    if len(os.listdir(root)) == 1:
        pytest.skip("this file system holds them for one")
    with pytest.raises(pbt.PBTError, match=r"normalization: .*(e\\u0301.*\\xe9|\\xe9.*e\\u0301)"):
        data.publish(attempt)


def test_a_checkpoint_whose_name_cannot_be_flushed_is_not_published(
    data: DataDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempt = Attempt("toy", 0, 0, 1)
    data.begin(attempt)
    flush = _data._synchronize_directory

    def fail(path: Union[str, Path]) -> None:
        if Path(path).name == "checkpoints":
            raise OSError(errno.EIO, "broken")
        flush(path)

    monkeypatch.setattr(_data, "_synchronize_directory", fail)
    with pytest.raises(OSError, match="broken"):
        data.publish(attempt)
    assert os.listdir(data.directory("toy") / "checkpoints") == []


def test_directories_are_flushed_before_others_rely_on_them(
    data: DataDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed: List[str] = []
    monkeypatch.setattr(_data, "_synchronize_directory", lambda path: flushed.append(os.fspath(path)))
    data.begin(Attempt("toy", 0, 0, 1))
    assert flushed == [os.fspath(data.directory("toy")), os.fspath(data.root)]


def test_published_files_are_read_only_and_directories_are_not(data: DataDirectory) -> None:
    path = publish(data)
    assert (path / "weights").stat().st_mode & 0o222 == 0
    assert path.stat().st_mode & 0o200 and (data.root / "toy").is_dir()


def test_a_file_with_another_name_elsewhere_stays_as_it_is(data: DataDirectory, tmp_path: Path) -> None:
    shared = tmp_path / "vocabulary"
    shared.write_text("words")
    attempt = Attempt("toy", 0, 0, 1)
    os.link(shared, data.begin(attempt) / "vocabulary")
    data.publish(attempt)
    assert shared.stat().st_mode & 0o200


def change_bytes(path: Path) -> None:
    times = path.stat()
    path.chmod(0o644)
    path.write_text("2")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def grow(path: Path) -> None:
    path.chmod(0o644)
    path.write_text("12")


CHANGES: List[Tuple[Callable[[Path], Any], str]] = [
    (change_bytes, '"weights" has other bytes'),
    (grow, '"weights" has 2 bytes, not 1'),
    (lambda path: path.unlink(), '"weights" is gone'),
    (lambda path: (path.parent / "new").write_text("x"), '"new" is new'),
    (lambda path: (path.parent / "folder").mkdir(), '"folder" is new'),
    (lambda path: (path.parent / "link").symlink_to("weights"), '"link" is new'),
]


@pytest.mark.parametrize(("change", "what"), CHANGES)
def test_a_checkpoint_that_changed_is_found_and_said_how(
    data: DataDirectory, change: Callable[[Path], Any], what: str
) -> None:
    path = publish(data)
    data.check_unchanged(path.name, "toy")
    change(path / "weights")
    assert data.changes(path.name, "toy") == [what]
    with pytest.raises(pbt.PBTError, match="was changed after it was published") as caught:
        SharedFiles(data).fetch(path.name, "toy")
    assert caught.value.code == "changedCheckpoint" and what in str(caught.value)


def test_a_copy_with_the_same_bytes_is_the_same(data: DataDirectory) -> None:
    path = publish(data)
    copy = path.with_name("copy")
    shutil.copytree(path, copy)
    shutil.rmtree(path)
    copy.rename(path)
    assert data.changes(path.name, "toy") == []


def test_large_files_are_sampled_and_their_time_counts(data: DataDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_seal, "WHOLE", 10)
    monkeypatch.setattr(_seal, "SAMPLE", 4)
    attempt = Attempt("toy", 0, 0, 1)
    (data.begin(attempt) / "big").write_bytes(b"0123456789abcdefghij")
    path = data.checkpoint(data.publish(attempt), "toy") / "big"
    file = json.loads(data.manifest(attempt.name, "toy").read_text())["files"][0]
    assert file["sampled_sha256"] == hashlib.sha256(b"0123" + b"89ab" + b"ghij").hexdigest() and "sha256" not in file
    path.chmod(0o644)
    path.write_bytes(b"0123456X89abcdefghij")  # between the samples
    assert data.changes(attempt.name, "toy") == ['"big" was modified later']


def test_a_checkpoint_of_an_earlier_version_is_taken_as_it_is(data: DataDirectory) -> None:
    path = publish(data)
    data.manifest(path.name, "toy").unlink()
    grow(path / "weights")
    assert SharedFiles(data).fetch(path.name, "toy") == path


def test_a_deleted_checkpoint_leaves_no_seal(data: DataDirectory) -> None:
    path = publish(data)
    data.delete([path.name], "toy")
    assert os.listdir(data.directory("toy") / "manifests") == []
