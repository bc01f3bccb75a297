# SPDX-License-Identifier: Apache-2.0
"""Where the server and the token come from, and which files are used."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Optional

import pytest

import pbt
from pbt import _data, _identity
from pbt._files import RemoteFiles, SharedFiles
from pbt._settings import Settings

from .conftest import Start


def write(path: Path, content: Any, mode: int = 0o600) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    path.chmod(mode)


def test_arguments_come_before_the_environment_and_that_before_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert Settings.find() == Settings("http://127.0.0.1:7070", None)
    write(tmp_path / "config/pbt/client.json", {"server": "https://file", "token": "of-file"})
    assert Settings.find() == Settings("https://file", "of-file")
    monkeypatch.setenv("PBT_TOKEN", "of-environment")
    assert Settings.find() == Settings("https://file", "of-environment")
    monkeypatch.setenv("PBT_SERVER", "https://environment")
    assert Settings.find() == Settings("https://environment", "of-environment")
    assert Settings.find("https://argument", "of-argument") == Settings("https://argument", "of-argument")
    assert "of-argument" not in repr(Settings.find("https://argument", "of-argument"))


def test_a_token_of_the_file_is_for_the_files_server_alone(tmp_path: Path) -> None:
    write(tmp_path / "config/pbt/client.json", {"server": "https://file/", "token": "of-file"})
    assert Settings.find("https://file").token == "of-file"
    assert Settings.find("https://elsewhere").token is None


@pytest.mark.parametrize(
    "content, mode, message",
    [
        ({"token": "x"}, 0o644, "others can read the token in .*: chmod 600 "),
        ({"tokn": "x"}, 0o600, 'must be {"server": "https://…", "token": "…"}'),
        ({"server": 1}, 0o600, "must be "),
        ("{", 0o600, "cannot read "),
    ],
)
def test_a_file_that_cannot_be_used_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: Any, mode: int, message: str
) -> None:
    write(tmp_path / "client.json", content, mode)
    monkeypatch.setenv("PBT_CONFIG", str(tmp_path / "client.json"))
    with pytest.raises(pbt.PBTError, match=message) as caught:
        Settings.find()
    assert caught.value.code == "badConfiguration"


def test_a_file_that_is_named_must_be_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PBT_CONFIG", str(tmp_path / "none.json"))
    with pytest.raises(pbt.PBTError, match="PBT_CONFIG names .*none.json, which does not exist"):
        Settings.find()


@pytest.mark.parametrize("token", ["two words", "line\nbreak", "ümlaut"])
def test_a_token_that_is_none_is_not_repeated_in_the_error(token: str) -> None:
    with pytest.raises(pbt.PBTError, match="use exactly the output of `pbt token create`") as caught:
        Settings.find(token=token)
    assert token not in str(caught.value)


def test_an_experiment_must_be_named(monkeypatch: pytest.MonkeyPatch, start: Start) -> None:
    start()
    monkeypatch.delenv("PBT_EXPERIMENT")
    with pytest.raises(pbt.PBTError, match="no experiment"):
        pbt.worker()


def test_only_rank_0_asks_for_intervals(monkeypatch: pytest.MonkeyPatch, start: Start) -> None:
    start()
    monkeypatch.setenv("WORLD_SIZE", "4")
    monkeypatch.setenv("RANK", "2")
    with pytest.raises(pbt.PBTError, match="this is rank 2 of 4: only rank 0 claims"):
        pbt.worker()
    monkeypatch.setenv("RANK", "0")
    pbt.worker().close()


@pytest.mark.parametrize(
    "mark, argument, kind",
    [
        ("the-id", None, SharedFiles),
        ("another", None, RemoteFiles),
        (None, None, RemoteFiles),
        ("the-id", False, RemoteFiles),
    ],
)
def test_a_data_directory_is_shared_only_when_it_is_the_servers(
    start: Start, tmp_path: Path, mark: Optional[str], argument: Any, kind: type
) -> None:
    start()
    path = tmp_path / "data/.pbt-data"
    path.unlink()
    if mark is not None:
        path.write_text(mark)
    worker = pbt.worker(data=argument)
    assert type(worker._files) is kind
    worker.close()


def test_a_data_directory_that_is_named_must_be_the_servers(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start()
    os.rename(tmp_path / "data", tmp_path / "mounted")
    monkeypatch.setenv("PBT_DATA", str(tmp_path / "mounted"))
    worker = pbt.worker()
    assert isinstance(worker._files, SharedFiles) and worker._files.data.root == tmp_path / "mounted"
    worker.close()
    with pytest.raises(pbt.PBTError, match="is not the data directory of http://127.0.0.1"):
        pbt.worker(data=tmp_path)
    with pytest.raises(pbt.PBTError, match="is not a directory"):
        pbt.worker(data=tmp_path / "nowhere")


@pytest.mark.parametrize(
    "name, expected",
    [
        ("mnist-2.0_x", "mnist-2.0_x"),
        (".hidden", "%2Ehidden"),
        ("a/b ü", "a%2Fb%20%C3%BC"),
        ("x" * 200, "x" * 200),
        ("x" * 201, "x" * 180 + "~" + format(_data._fnv1a(b"x" * 201), "x")),
    ],
)
def test_directories_are_named_as_the_workers_of_pbt_name_them(name: str, expected: str) -> None:
    assert _data.directory_name(name) == expected


@pytest.mark.parametrize(
    "content, expected",
    [(b"", 0xCBF29CE484222325), (b"a", 0xAF63DC4C8601EC8C), (b"foobar", 0x85944171F73967E8)],
)
def test_the_hash_of_long_names_is_fnv_1a(content: bytes, expected: int) -> None:
    assert _data._fnv1a(content) == expected


def test_attempts_are_named_as_the_workers_of_pbt_name_them() -> None:
    assert _data.attempt_name(3, 12, 1) == "m0003-i0012-a1"
    assert _data.attempt_name(12345, 0, 10) == "m12345-i0000-a10"


def test_a_worker_names_its_process_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    machine, process, start, _ = _identity.worker_name().split("/")
    assert machine == _identity.machine() and int(process) == os.getpid()
    assert int(start, 36) == (_identity.start_time(os.getpid()) or 0)
    assert _identity.worker_name() != _identity.worker_name()
    assert _identity.base36(0) == "0" and int(_identity.base36(123456789), 36) == 123456789


def test_a_program_knows_whether_the_run_that_started_it_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not _identity.parent_is_gone()
    started = _identity.start_time(os.getpid())
    if started is None:
        pytest.skip("processes cannot be looked at here")
    monkeypatch.setenv("PBT_PARENT", f"{os.getpid()}/{_identity.base36(started)}")
    assert not _identity.parent_is_gone()
    monkeypatch.setenv("PBT_PARENT", f"{os.getpid()}/{_identity.base36(started + 1)}")
    assert _identity.parent_is_gone()


def test_a_program_without_server_and_parent_ends(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    server = start()
    worker = pbt.worker()
    worker._server.close()
    server.shutdown()
    server.server_close()
    monkeypatch.setattr("pbt._http.parent_is_gone", lambda: True)
    with pytest.raises(pbt.PBTError, match="and the pbt run that started this program has ended"):
        worker.claim()
