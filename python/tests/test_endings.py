# SPDX-License-Identifier: Apache-2.0
"""How an interval ends when nobody reports it."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from typing import Any, Callable, List

import pytest

import pbt
from pbt import _interval, _lease_renewer

from .conftest import Program, Start
from .fake import Fault

Run = Callable[[str], Program]


def save(interval: pbt.Interval) -> None:
    (interval.checkpoint_out / "model").write_text("weights")


def test_a_body_without_report_is_a_failure_that_says_so(start: Start) -> None:
    server = start(intervals=1)
    for place, interval in enumerate(pbt.worker()):
        if place == 1:
            save(interval)
            interval.report(score=1)
    assert [body.get("failed") for body in server.of("finish")] == [_interval.NO_REPORT, None]


def test_leaving_the_loop_without_report_is_a_failure_that_says_so(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_lease_renewer, "GRACE", 0.0)
    server = start(intervals=1)
    for _ in pbt.worker():
        break
    (body,) = server.wait_for("finish")
    assert body["failed"].startswith("the loop was left without report()")


def test_an_exception_that_ends_the_program_is_the_failure_of_its_interval(
    start: Start, program: Run, tmp_path: Path
) -> None:
    server = start()
    code, _, errors = program(
        "import pbt\n"
        "def train(interval):\n"
        "    raise ValueError('no such\\nlayer')\n"
        "for interval in pbt.worker():\n"
        "    train(interval)\n"
    ).end()
    assert code == 1 and "Traceback" in errors and "secret" not in errors
    (body,) = server.of("finish")
    log = tmp_path / "data/test/logs/m0000-i0000-a1.log"
    assert body["failed"] == (
        f"ValueError: no such layer (program.py, line 3, in train); traceback in {log}"
    )
    assert log.read_text().startswith("Traceback") and log.read_text().endswith("ValueError: no such\nlayer\n")


@pytest.mark.parametrize("loop", ["worker = pbt.worker()\nfor interval in worker:", "for interval in pbt.worker():"])
def test_so_it_is_inside_a_function_and_with_the_worker_in_a_variable(start: Start, program: Run, loop: str) -> None:
    server = start()
    lines = "".join(f"    {line}\n" for line in loop.split("\n"))
    code, _, _ = program(f"import pbt\ndef main():\n{lines}        1 / 0\nmain()\n").end()
    assert code == 1
    assert server.of("finish")[0]["failed"].startswith("ZeroDivisionError: division by zero (program.py, line ")


def test_an_exception_that_ends_a_thread_is_the_failure_of_that_threads_interval_alone(
    start: Start, program: Run
) -> None:
    server = start(members=2, intervals=1)
    code, _, _ = program(
        "import pbt, threading\n"
        "(other,) = pbt.worker().claim()\n"
        "def train():\n"
        "    for interval in pbt.worker():\n"
        "        raise MemoryError('out of memory on device')\n"
        "thread = threading.Thread(target=train)\n"
        "thread.start(); thread.join()\n"
        "(other.checkpoint_out / 'model').touch()\n"
        "other.report(score=1)\n"
    ).end()
    assert code == 0
    failed, done = server.of("finish")
    assert (failed["lease"]["member"], done["lease"]["member"]) == (1, 0)
    assert failed["failed"].startswith("MemoryError: out of memory on device (program.py, line 5, in train)")


def test_an_exception_caught_outside_the_loop_is_a_failure_at_the_end(start: Start, program: Run) -> None:
    server = start()
    program("import pbt\ntry:\n    for interval in pbt.worker(): 1 / 0\nexcept Exception: pass\n").end()
    assert server.of("finish")[0]["failed"] == "the program ended without report()"


def test_a_program_that_simply_ends_failed_without_report(start: Start, program: Run) -> None:
    server = start()
    program("import pbt\ninterval, = pbt.worker().claim()\n").end()
    assert server.of("finish")[0]["failed"] == "the program ended without report()"


TRAINS_FOR_EVER = (
    "import pbt, time\n"
    "for interval in pbt.worker():\n"
    "    interval.log(step=1)\n"
    "    try:\n"
    "        while True: time.sleep(0.02)\n"
    "    finally: print('cleaned up', flush=True)\n"
)


@pytest.mark.parametrize(
    "number, code, reason",
    [
        (signal.SIGTERM, 143, "the worker was told to stop (SIGTERM)"),
        (signal.SIGINT, -signal.SIGINT, "the worker was interrupted"),
    ],
)
@pytest.mark.parametrize("form", ["plain", "with", "run"])
def test_a_signal_gives_the_interval_back(
    start: Start, program: Run, tmp_path: Path, number: signal.Signals, code: int, reason: str, form: str
) -> None:
    server = start()
    text = TRAINS_FOR_EVER
    if form == "with":
        text = text.replace("    interval.log", "  with interval:\n    interval.log")
    elif form == "run":
        text = text.replace("for interval in pbt.worker():", "def train(interval):") + "pbt.run(train)\n"
    running = program(text)
    server.wait_for("report")
    running.signal(number)
    ended, out, _ = running.end()
    assert (ended, out) == (code, "cleaned up\n")
    assert [body["reason"] for body in server.of("release")] == [reason]
    assert server.of("finish") == []
    assert list((tmp_path / "data/test/attempts").iterdir()) == []


def test_a_signal_while_waiting_gives_back_what_the_answer_would_have_brought(start: Start, program: Run) -> None:
    server = start()
    gate = threading.Event()
    claim = server.claim

    def slow(body: Any) -> Any:
        answer = claim(body)
        if body["wait"] > 0:
            server.lock.notify_all()
            server.lock.release()
            try:
                gate.wait(60)
            finally:
                server.lock.acquire()
        return answer

    server.claim = slow  # type: ignore[method-assign]
    running = program("import pbt\nfor interval in pbt.worker(): pass\n")
    server.wait_for("claims")
    running.signal(signal.SIGTERM)
    code, _, _ = running.end()
    gate.set()
    assert code == 143
    first, second = server.of("claims")
    assert first["key"] == second["key"] and second["wait"] == 0
    assert [body["reason"] for body in server.of("release")] == ["the worker was told to stop"]


def test_a_signal_during_a_report_waits_until_it_is_reported(start: Start, program: Run) -> None:
    server = start()
    gate = threading.Event()
    take = server.take

    def slow(call: str, body: Any, at: Any) -> Any:
        if call == "finish":
            server.calls.append(("began", body))
            server.lock.notify_all()
            server.lock.release()
            try:
                gate.wait(60)
            finally:
                server.lock.acquire()
        return take(call, body, at)

    server.take = slow  # type: ignore[method-assign]
    running = program(
        "import pbt\n"
        "for interval in pbt.worker():\n"
        "    (interval.checkpoint_out / 'model').touch()\n"
        "    interval.report(score=1)\n"
    )
    server.wait_for("began")
    running.signal(signal.SIGTERM)
    gate.set()
    code, _, _ = running.end()
    assert code == 143
    assert len(server.finished) == 1 and server.of("release") == []


def test_a_child_made_by_fork_ends_without_touching_its_parents_interval(start: Start, program: Run) -> None:
    server = start(intervals=1)
    code, out, _ = program(
        "import os, pbt, signal\n"
        "for interval in pbt.worker():\n"
        "    for end in ('exit', 'raise', 'kill'):\n"
        "        ours, children = os.pipe()\n"
        "        child = os.fork()\n"
        "        if child == 0:\n"
        "            if end == 'exit': raise SystemExit(0)\n"
        "            if end == 'raise': raise ValueError\n"
        "            os.write(children, b'x')\n"
        "            while True: signal.pause()\n"
        "        if end == 'kill':\n"
        "            os.read(ours, 1)\n"
        "            os.kill(child, signal.SIGTERM)\n"
        "        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)\n"
        "    (interval.checkpoint_out / 'model').touch()\n"
        "    interval.report(score=1)\n"
    ).end()
    assert (code, out) == (0, "0\n1\n-15\n")
    assert len(server.finished) == 1
    assert server.of("release") == [] and len(server.of("finish")) == 1


def test_a_block_records_its_exception_and_lets_it_go_on(start: Start, tmp_path: Path) -> None:
    server = start()
    (interval,) = pbt.worker().claim()
    with pytest.raises(KeyError), interval:
        raise KeyError("weights")
    assert server.of("finish")[0]["failed"].startswith("KeyError: 'weights' (test_endings.py, line ")
    assert (tmp_path / "data/test/logs/m0000-i0000-a1.log").exists()


@pytest.mark.parametrize("code, gives_back", [(75, True), (143, True), (0, False), (3, False)])
def test_an_exit_in_a_block_gives_back_or_fails_by_its_code(start: Start, code: int, gives_back: bool) -> None:
    server = start()
    (interval,) = pbt.worker().claim()
    with pytest.raises(SystemExit), interval:
        raise SystemExit(code)
    if gives_back:
        assert server.of("release")[0]["reason"] == f"exit {code}"
    else:
        assert server.of("finish")[0]["failed"] == f"the program ended with exit({code}) and without report()"


def test_a_block_without_report_is_a_failure_that_says_so(start: Start) -> None:
    server = start()
    (interval,) = pbt.worker().claim()
    with interval:
        pass
    assert server.of("finish")[0]["failed"] == _interval.NO_REPORT


def eager(worker: pbt.Worker) -> pbt.Worker:
    worker._renewer._term = 0.03
    return worker


def wait_until_lost(interval: pbt.Interval) -> None:
    ready = threading.Event()
    while not interval.lost:
        ready.wait(0.01)


def test_a_plain_loop_goes_on_after_a_lost_lease(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    server = start(intervals=2)
    seen: List[int] = []
    for interval in eager(pbt.worker()):
        seen.append(interval.attempt)
        if len(seen) == 1:
            server.lose(0)
            wait_until_lost(interval)
            interval.log(loss=1)  # raises nothing where nothing could catch it
        save(interval)
        interval.report(score=1)
    assert seen == [1, 2, 1]
    assert len(server.of("finish")) == 2
    assert "<interval 0@0 of test, attempt 1> is lost: it is someone else's now" in caplog.text


def test_a_block_ends_with_a_lost_lease_and_the_loop_goes_on(start: Start) -> None:
    server = start(intervals=1)
    reached: List[int] = []
    for interval in eager(pbt.worker()):
        with interval:
            if interval.attempt == 1:
                server.lose(0)
                wait_until_lost(interval)
                interval.log(loss=1)
            reached.append(interval.attempt)
            save(interval)
            interval.report(score=1)
    assert reached == [2]


def test_a_lease_lost_at_the_report_leaves_no_checkpoint(start: Start, tmp_path: Path) -> None:
    server = start(intervals=1)
    for interval in pbt.worker():
        if interval.attempt == 1:
            server.lose(0)
        save(interval)
        interval.report(score=1)
        assert interval.lost == (interval.attempt == 1)
    assert [path.name for path in (tmp_path / "data/test/checkpoints").iterdir()] == ["m0000-i0000-a2"]


def test_an_error_that_comes_of_a_lost_lease_does_not_end_a_block(start: Start) -> None:
    server = start(intervals=1)
    for interval in pbt.worker():
        with interval:
            if interval.attempt == 1:
                server.lose(0)
                raise FileNotFoundError("somebody deleted it")
            save(interval)
            interval.report(score=1)
    assert len(server.finished) == 1


def test_run_goes_on_after_failures_until_there_are_too_many_in_a_row(start: Start) -> None:
    server = start(members=1, intervals=3)
    attempts: List[int] = []

    def train(interval: pbt.Interval) -> "dict[str, float]":
        attempts.append(interval.index)
        if len(attempts) in (1, 3, 4):
            raise RuntimeError("CUDA error")
        save(interval)
        return {"score": 1.0}

    assert pbt.run(train, failures=3) == 3
    assert attempts == [0, 0, 1, 1, 1, 2]

    again = pbt.worker().claim()
    assert again == []
    server.state, server.intervals = "running", 4

    def fail(interval: pbt.Interval) -> None:
        raise RuntimeError("CUDA error")

    with pytest.raises(RuntimeError, match="CUDA error"):
        pbt.run(fail, failures=2)
    assert len([body for body in server.of("finish") if "failed" in body]) == 5


def test_a_failure_that_cannot_be_told_is_left_to_the_lease(
    start: Start, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(_interval, "PATIENCE", 0.05)
    server = start(intervals=1)
    (interval,) = pbt.worker().claim()
    server.faults.append(Fault("/finish", status=503, times=10**6))
    with pytest.raises(ValueError), interval:
        raise ValueError
    assert "could not report its end" in caplog.text
    assert os.path.isdir(interval._worker._files.data.root)  # type: ignore[attr-defined]


@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGUSR2])
def test_an_announced_end_finishes_the_interval_and_claims_no_other(
    start: Start, program: Run, tmp_path: Path, number: signal.Signals
) -> None:
    server = start(members=1, intervals=5)
    running = program(
        "import pbt, time, os\n"
        "for interval in pbt.worker():\n"
        "    interval.log(step=1)\n"
        f"    while not os.path.exists({str(tmp_path / 'go')!r}): time.sleep(0.02)\n"
        "    (interval.checkpoint_out / 'model').touch()\n"
        "    interval.report(score=1)\n"
        "print('the loop ended', flush=True)\n"
    )
    server.wait_for("report")
    running.signal(number)
    (tmp_path / "go").touch()
    code, out, errors = running.end()
    assert (code, out) == (0, "the loop ended\n"), errors
    assert len(server.of("finish")) == 1 and server.of("release") == []
    assert len(server.of("claims")) == 1


def test_an_announced_end_while_waiting_gives_back_what_the_answer_would_have_brought(
    start: Start, program: Run
) -> None:
    server = start()
    gate = threading.Event()
    claim = server.claim

    def slow(body: Any) -> Any:
        answer = claim(body)
        if body["wait"] > 0:
            server.lock.notify_all()
            server.lock.release()
            try:
                gate.wait(60)
            finally:
                server.lock.acquire()
        return answer

    server.claim = slow  # type: ignore[method-assign]
    running = program("import pbt\nfor interval in pbt.worker(): pass\nprint('the loop ended', flush=True)\n")
    server.wait_for("claims")
    running.signal(signal.SIGUSR1)
    code, out, errors = running.end()
    gate.set()
    assert (code, out) == (0, "the loop ended\n"), errors
    assert [body["reason"] for body in server.of("release")] == ["the worker was told to stop"]


def test_a_program_that_handles_the_announcement_itself_keeps_its_handler(start: Start, program: Run) -> None:
    start(intervals=1)
    code, out, errors = program(
        "import pbt, signal\n"
        "signal.signal(signal.SIGUSR1, lambda *_: print('mine', flush=True))\n"
        "for interval in pbt.worker():\n"
        "    signal.raise_signal(signal.SIGUSR1)\n"
        "    (interval.checkpoint_out / 'model').touch()\n"
        "    interval.report(score=1)\n"
    ).end()
    assert (code, out) == (0, "mine\n"), errors
