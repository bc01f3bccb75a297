# SPDX-License-Identifier: Apache-2.0
"""Intervals that are taken while another one is trained."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Callable, List, Tuple

import pytest

import pbt
from pbt import _prefetch

from .conftest import Program, Start
from .fake import Fault

Run = Callable[[str], Program]


def save(interval: pbt.Interval) -> None:
    (interval.checkpoint_out / "model").write_text(f"{interval.member}@{interval.index}")


def look(worker: pbt.Worker) -> None:
    """What the thread that reports does when it has reported."""
    worker._prefetch.fill(worker._claim_next)


def test_short_intervals_are_prefetched_each_trained_once_and_from_its_own_checkpoint(start: Start) -> None:
    server = start(members=3, intervals=4)
    worker = pbt.worker(pipelining=True)
    seen: List[Tuple[int, int]] = []
    for interval in worker:
        seen.append((interval.member, interval.index))
        if len(seen) == 1:
            look(worker)
        elif len(seen) < 8:
            worker._reporter.wait()
            assert worker._prefetch._item is not None, "while one is trained the next one is there"
        if interval.index:
            assert interval.checkpoint_in is not None
            assert (interval.checkpoint_in / "model").read_text() == f"{interval.member}@{interval.index - 1}"
        save(interval)
        interval.report(score=1)
    assert sorted(seen) == [(member, index) for member in range(3) for index in range(4)]
    assert [body.get("failed") for body in server.of("finish")] == [None] * 12
    assert server.of("release") == []
    assert {body["wait"] for body in server.of("claims")} == {0, 30.0}


def test_long_intervals_are_not(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pbt._worker.LONG", 0.0)
    server = start(members=3, intervals=2)
    for interval in pbt.worker(pipelining=True):
        save(interval)
        interval.report(score=1)
    assert {body["wait"] for body in server.of("claims")} == {30.0}
    assert _prefetch.LONG == 1.0


def test_whoever_leaves_the_loop_gives_back_what_was_prefetched(start: Start, tmp_path: Path) -> None:
    server = start(members=2, intervals=2)
    worker = pbt.worker(pipelining=True)
    for interval in worker:
        save(interval)
        look(worker)
        interval.report(score=1)
        break
    (body,) = server.wait_for("release")
    assert (body["lease"]["member"], body["reason"]) == (1, "the worker's loop was left")
    worker.close()
    assert [body.get("failed") for body in server.of("finish")] == [None]
    assert list((tmp_path / "data/test/attempts").iterdir()) == []


@pytest.mark.parametrize(
    "end, failed, reason",
    [
        ("raise ValueError('too bad')", "ValueError: too bad", None),
        ("os.kill(os.getpid(), signal.SIGTERM)", None, f"the worker was told to stop ({signal.SIGTERM.name})"),
    ],
)
def test_a_program_that_ends_gives_back_what_was_prefetched(
    start: Start, program: Run, end: str, failed: str, reason: str
) -> None:
    server = start(members=2, intervals=2)
    program(
        "import os, signal, pbt\n"
        "worker = pbt.worker(pipelining=True)\n"
        "for interval in worker:\n"
        "    worker._prefetch.fill(worker._claim_next)\n"
        f"    {end}\n"
    ).end()
    released = {body["lease"]["member"]: body["reason"] for body in server.of("release")}
    assert 1 in released, "nobody trained it, so it did not fail"
    assert released.get(0) == reason
    failures = [body["failed"] for body in server.of("finish")]
    assert (failures[0].startswith(failed) if failed else True) and len(failures) == (1 if failed else 0)


def test_an_answer_that_is_lost_loses_no_interval(start: Start) -> None:
    server = start(members=2, intervals=1)
    worker = pbt.worker(pipelining=True)
    seen = []
    for interval in worker:
        seen.append(interval.member)
        if len(seen) == 1:
            server.faults.append(Fault("/claims", is_handled=True, times=2))
            look(worker)
            assert worker._prefetch._item is None
        save(interval)
        interval.report(score=1)
    assert seen == [0, 1]
    keys = [body["key"] for body in server.of("claims")]
    # Asked again with the same key, it brings what the lost answer brought.
    assert len(keys) >= 4 and len(set(keys[1:4])) == 1
    assert server.of("release") == []


def test_one_that_is_lost_before_it_is_trained_is_passed_over(start: Start) -> None:
    server = start(members=2, intervals=1)
    worker = pbt.worker(pipelining=True)
    seen = []
    for interval in worker:
        seen.append((interval.member, interval.attempt))
        if len(seen) == 1:
            look(worker)
            prefetched = worker._prefetch._item
            assert prefetched is not None
            server.lose(1)
            worker._renewer._renew(prefetched)
            assert prefetched.lost
        save(interval)
        interval.report(score=1)
    assert seen == [(0, 1), (1, 2)]
