# SPDX-License-Identifier: Apache-2.0
"""Checkpoints carried over HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Dict

import pytest

import pbt
from pbt import _data, _transfer
from pbt._files import RemoteFiles

from .conftest import Start
from .fake import Fault

FILES = {"model.pt": bytes(range(256)) * 40, "empty": b"", "optim/a b.bin": b"x" * 3000}


def save(interval: pbt.Interval) -> None:
    for name, content in FILES.items():
        path = interval.checkpoint_out / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)


def contents(root: Path) -> Dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def cache(worker: pbt.Worker) -> Path:
    assert isinstance(worker._files, RemoteFiles)
    return worker._files._cache.root


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_transfer, "PIECE", 4096)
    monkeypatch.setattr(_transfer, "CHUNK", 1000)


def test_checkpoints_go_to_the_server_and_come_from_there(start: Start) -> None:
    server = start(members=2, intervals=2, is_shared=False)
    server.donors[1, 1] = (0, 1)
    for interval in pbt.worker():
        save(interval)
        if interval.index == 1:
            assert interval.checkpoint_in is not None
            assert contents(interval.checkpoint_in) == FILES
        interval.report(score=1)
    assert server.published["m0001-i0001-a1"] == FILES
    (publish, *_) = server.of("publish")
    assert publish["directories"] == ["optim"] and publish["lease"]["token"] == "lease-0-0-1"


def test_what_this_process_saved_need_not_be_fetched_and_other_things_are_fetched_once(start: Start) -> None:
    server = start(members=1, intervals=2, is_shared=False)
    worker = pbt.worker()
    (first,) = worker.claim()
    save(first)
    first.report(score=1)
    (second,) = worker.claim()
    assert second.checkpoint_in is not None and contents(second.checkpoint_in) == FILES
    assert server.of("file") == []

    other = pbt.worker()
    server.lose(0)
    (again,) = other.claim()
    assert again.checkpoint_in == again.checkpoint_in and again.checkpoint_in is not None
    assert contents(again.checkpoint_in) == FILES and (again.checkpoint_in / "empty").exists()
    assert sorted(path for path, _ in server.of("file")) == sorted(FILES)
    again.give_back()
    roots = [cache(worker), cache(other)]
    worker.close()
    other.close()
    assert not any(root.exists() for root in roots)


def test_an_upload_that_breaks_off_goes_on_where_it_did(start: Start) -> None:
    server = start(intervals=1, is_shared=False)
    server.faults += [
        Fault("PUT", is_handled=True),  # arrived, but the answer got lost
        Fault("PUT", status=503),
        Fault("/publish", is_handled=True, times=2),
    ]
    for interval in pbt.worker():
        save(interval)
        interval.report(score=1)
    assert server.published["m0000-i0000-a1"] == FILES
    model = [(offset, size) for path, offset, size in server.of("put") if path == "model.pt"]
    assert model == [(0, 4096), (4096, 4096), (8192, 2048)]


def test_a_download_that_breaks_off_goes_on_where_it_did(start: Start) -> None:
    server = start(intervals=2, is_shared=False)
    first = pbt.worker()
    (interval,) = first.claim()
    save(interval)
    interval.report(score=1)

    (interval,) = pbt.worker().claim()
    size = len(FILES["model.pt"])
    headers = {"Content-Length": str(size), "Connection": "close"}
    server.faults.append(Fault("files/model.pt", status=200, headers=headers, body=FILES["model.pt"][:5000]))
    assert interval.checkpoint_in is not None and contents(interval.checkpoint_in) == FILES
    assert ("model.pt", "bytes=5000-") in server.of("file")
    interval.give_back()


def test_a_file_with_a_wrong_hash_is_fetched_again_and_then_refused(start: Start) -> None:
    server = start(intervals=2, is_shared=False)
    (interval,) = pbt.worker().claim()
    save(interval)
    interval.report(score=1)
    worker = pbt.worker()
    (interval,) = worker.claim()
    server.faults.append(Fault("files/model.pt", status=200, body=b"y" * len(FILES["model.pt"])))
    assert interval.checkpoint_in is not None and contents(interval.checkpoint_in) == FILES

    server.lose(0)
    worker = pbt.worker()
    (interval,) = worker.claim()
    server.faults.append(Fault("files/model.pt", status=200, body=b"y" * len(FILES["model.pt"]), times=2))
    with pytest.raises(pbt.PBTError, match="model.pt of checkpoint m0000-i0000-a1 has the wrong SHA-256"):
        interval.checkpoint_in
    assert list(cache(worker).rglob(".download*")) == []
    interval.give_back()


def test_the_cache_keeps_few_checkpoints(start: Start) -> None:
    start(members=1, intervals=8, is_shared=False)
    worker = pbt.worker()
    for interval in worker:
        save(interval)
        assert len(list((cache(worker) / "test/checkpoints").iterdir())) <= RemoteFiles.UNUSED
        interval.report(score=1)


@pytest.mark.parametrize("path", ["../evil", "/etc/passwd", "a/../../b", ""])
def test_a_path_that_leads_elsewhere_is_refused(path: str) -> None:
    with pytest.raises(pbt.PBTError, match="which is not a path inside a checkpoint"):
        _transfer._relative(path)


@pytest.mark.parametrize("name", ["../x", "", ".", "a/b"])
def test_a_name_that_leads_elsewhere_is_refused(name: str) -> None:
    with pytest.raises(pbt.PBTError, match="which is not a valid name"):
        _data.check_name(name)


def test_a_failed_interval_leaves_nothing(start: Start) -> None:
    start(intervals=1, is_shared=False)
    worker = pbt.worker()
    (interval,) = worker.claim()
    save(interval)
    interval.fail("no luck")
    assert list((cache(worker) / "test/attempts").iterdir()) == []
    worker.close()


def test_a_link_inside_is_carried_as_a_copy(start: Start) -> None:
    server = start(intervals=1, is_shared=False)
    for interval in pbt.worker():
        (interval.checkpoint_out / "a").mkdir()
        (interval.checkpoint_out / "a/epoch=1.ckpt").write_bytes(b"1")
        (interval.checkpoint_out / "last.ckpt").symlink_to(interval.checkpoint_out / "a/epoch=1.ckpt")
        (interval.checkpoint_out / "b").symlink_to("a")
        interval.report(score=1)
    assert server.published["m0000-i0000-a1"] == {
        name: b"1" for name in ("a/epoch=1.ckpt", "b/epoch=1.ckpt", "last.ckpt")
    }


def test_a_copy_in_the_cache_that_changed_is_fetched_again(start: Start) -> None:
    start(members=1, intervals=2, is_shared=False)
    worker = pbt.worker()
    (first,) = worker.claim()
    save(first)
    first.report(score=1)
    path = cache(worker) / "test/checkpoints/m0000-i0000-a1/model.pt"
    path.chmod(0o644)
    path.write_bytes(b"other")
    (second,) = worker.claim()
    assert second.checkpoint_in is not None and contents(second.checkpoint_in) == FILES
