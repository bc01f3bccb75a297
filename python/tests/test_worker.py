# SPDX-License-Identifier: Apache-2.0
"""The loop: what is claimed, restored, saved, reported."""

from __future__ import annotations

import json
import math
import pickle
from pathlib import Path
from typing import Any, Dict, List

import pytest

import pbt
from pbt import _lease_renewer

from .conftest import Start


def save(interval: pbt.Interval, text: str = "weights") -> None:
    (interval.checkpoint_out / "model").write_text(text)


def test_a_loop_trains_every_interval_and_ends_with_the_experiment(start: Start, tmp_path: Path) -> None:
    server = start(members=2, intervals=3)
    seen = []
    for interval in pbt.worker():
        seen.append((interval.member, interval.index))
        assert (interval.experiment, interval.attempt, interval.seed) == ("test", 1, 7)
        assert interval.interval_seed == 11
        if interval.index == 0:
            assert interval.checkpoint_in is None and interval.parent is None
        else:
            assert interval.checkpoint_in is not None
            assert (interval.checkpoint_in / "model").read_text() == f"{interval.member}@{interval.index - 1}"
        save(interval, f"{interval.member}@{interval.index}")
        interval.report(score=0.5)
    assert sorted(seen) == [(member, index) for member in range(2) for index in range(3)]
    assert [body["score"] for body in server.of("finish")] == [0.5] * 6
    assert server.of("finish")[0]["checkpoint"] == "m0000-i0000-a1"
    assert sorted(path.name for path in (tmp_path / "data/test/checkpoints").iterdir()) == [
        f"m000{member}-i000{index}-a1" for member in range(2) for index in range(3)
    ]
    assert list((tmp_path / "data/test/attempts").iterdir()) == []


def test_an_earlier_server_has_no_interval_seed(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    server = start()
    claim = server.claim

    def earlier(body: Dict[str, Any]) -> Dict[str, Any]:
        answer = claim(body)
        for assignment in answer["assignments"]:
            del assignment["interval_seed"]
        return answer

    monkeypatch.setattr(server, "claim", earlier)
    (interval,) = pbt.worker().claim()
    assert interval.seed == 7
    with pytest.raises(pbt.PBTError, match="does not send interval_seed; update pbt on the machine of the server"):
        interval.interval_seed


def test_hyperparameters_of_groups_are_nested(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    server = start()
    claim = server.claim

    def nested(body: Dict[str, Any]) -> Dict[str, Any]:
        answer = claim(body)
        for assignment in answer["assignments"]:
            assignment["interval"]["hyperparameters"] = {"gamma": 0.9, "model.lr": 0.1}
            assignment["hyperparameters"] = {"gamma": 0.9, "model": {"lr": 0.1}}
        return answer

    monkeypatch.setattr(server, "claim", nested)
    (interval,) = pbt.worker().claim()
    h = interval.hyperparameters
    assert h["model"] == {"lr": 0.1} and h["model.lr"] == 0.1 and h.gamma == 0.9
    interval.give_back()


def test_hyperparameters_are_a_mapping_with_attributes(start: Start) -> None:
    start()
    (interval,) = pbt.worker().claim()
    h = interval.hyperparameters
    assert h.lr == h["lr"] == 0.1
    assert dict(h) == {"lr": 0.1, "n": 3} == dict(**h)
    assert isinstance(h.n, int)
    assert pickle.loads(pickle.dumps(h)) == h
    with pytest.raises(AttributeError, match="no hyperparameter 'rate'; there are: lr, n"):
        h.rate
    with pytest.raises(AttributeError, match="the server chooses them"):
        h.lr = 1
    interval.give_back()


def test_a_model_in_memory_continues_only_what_it_was_reported_as(start: Start) -> None:
    server = start(members=2, intervals=3)
    server.donors[1, 1] = (0, 0)
    continued = []
    for interval in pbt.worker():
        continued.append(((interval.member, interval.index), interval.continues))
        save(interval)
        interval.report(score=1)
    # The fake hands out the first member that has something to do: 0@0, 0@1, 0@2, 1@0, 1@1, 1@2.
    assert continued == [
        ((0, 0), False),
        ((0, 1), True),
        ((0, 2), True),
        ((1, 0), False),
        ((1, 1), False),
        ((1, 2), True),
    ]


def test_after_a_failure_nothing_continues(start: Start) -> None:
    start(intervals=2)
    continued = []
    for interval in pbt.worker():
        continued.append(interval.continues)
        if len(continued) == 2:
            interval.fail("no luck")
        else:
            save(interval)
            interval.report(score=1)
    assert continued == [False, True, False]


@pytest.mark.parametrize(
    "value, sent", [(math.nan, "NaN"), (math.inf, "Infinity"), (-math.inf, "-Infinity")]
)
def test_a_score_that_is_no_number_is_sent_by_name_and_without_checkpoint(
    start: Start, value: float, sent: str, tmp_path: Path
) -> None:
    server = start(intervals=1)
    for interval in pbt.worker():
        save(interval)
        interval.report(score=value, loss=value)
    (body,) = server.of("finish")
    assert body["score"] == sent and "checkpoint" not in body and body["metrics"] == {"score": None, "loss": None}
    assert list((tmp_path / "data/test/checkpoints").iterdir()) == []


class Scalar:
    """As NumPy and PyTorch have them."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def item(self) -> Any:
        if isinstance(self.value, list):
            raise ValueError("only one element tensors can be converted to Python scalars")
        return self.value

    def tolist(self) -> Any:
        return self.value


def test_metrics_are_numbers_texts_lists_and_dictionaries(start: Start) -> None:
    server = start(intervals=1)
    for interval in pbt.worker():
        interval.log(epoch=3)
        save(interval)
        interval.report(
            {"val/loss": Scalar(0.25)}, score=Scalar(2), per_class=Scalar([1.0, math.nan]), note="x", more={"a": (1, 2)}
        )
    (body,) = server.of("finish")
    assert body["score"] == 2
    assert body["metrics"] == {
        "epoch": 3,
        "val/loss": 0.25,
        "score": 2,
        "per_class": [1.0, None],
        "note": "x",
        "more": {"a": [1, 2]},
    }


@pytest.mark.parametrize(
    "metrics, message",
    [
        ({"accuracy": 1}, "the objective's metric 'score' was not reported, only accuracy"),
        ({"score": "good"}, "the objective's metric 'score' is 'good', which is not a number"),
        ({"score": 1, "model": object()}, "the metric model is a object; use numbers"),
        (0.97, r"metrics need names: write report\(accuracy=0.97\)"),
    ],
)
def test_a_wrong_report_says_what_is_wrong_and_leaves_the_interval_open(
    start: Start, metrics: Any, message: str
) -> None:
    server = start(intervals=1)
    (interval,) = pbt.worker().claim()
    with pytest.raises(pbt.PBTError, match=message) as caught:
        interval.report(metrics)
    assert caught.value.code == "badValue"
    save(interval)
    interval.report(score=1)
    assert len(server.of("finish")) == 1
    with pytest.raises(pbt.PBTError, match="0@0 of test, attempt 1> cannot be reported: it has already ended"):
        interval.report(score=1)


def test_progress_is_sent_beside_training_the_newest_value_of_each_metric(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_lease_renewer, "PROGRESS", 0.0)
    server = start(intervals=1)
    (interval,) = pbt.worker().claim()
    interval.log(loss=2.0, epoch=1)
    server.wait_for("report")
    interval.log(loss=1.0)
    bodies = server.wait_for("report", 2)
    assert bodies[0]["metrics"] == {"loss": 2.0, "epoch": 1}
    assert bodies[-1]["metrics"] == {"loss": 1.0, "epoch": 1}
    interval.give_back()


def test_leases_are_renewed_beside_training(start: Start) -> None:
    server = start(intervals=1)
    worker = pbt.worker(term=1)
    worker._renewer._term = 0.03
    (interval,) = worker.claim()
    bodies = server.wait_for("renew", 3)
    assert bodies[0]["term"] == 0.03
    assert bodies[2]["lease"]["expires"] == 1
    save(interval)
    interval.report(score=1)


def test_a_batch_has_as_many_members_as_there_are(start: Start) -> None:
    server = start(members=3, intervals=2)
    sizes: List[int] = []
    for batch in pbt.worker(batch=2):
        sizes.append(len(batch))
        for interval in batch:
            assert interval.continues == (interval.index == 1)
            save(interval)
            interval.report(score=interval.member)
    assert sizes == [2, 2, 1, 1]
    assert len(server.finished) == 6


def test_garbage_is_deleted_and_the_server_is_told(start: Start, tmp_path: Path) -> None:
    server = start(intervals=3)
    for interval in pbt.worker():
        if interval.index == 1:
            server.garbage = ["m0000-i0000-a1"]
        save(interval)
        interval.report(score=1)
    assert server.of("collected") == [{"checkpoints": ["m0000-i0000-a1"]}]
    names = sorted(path.name for path in (tmp_path / "data/test/checkpoints").iterdir())
    assert names == ["m0000-i0001-a1", "m0000-i0002-a1"]


def test_what_an_earlier_attempt_left_is_deleted(start: Start, tmp_path: Path) -> None:
    server = start(intervals=1)
    old = tmp_path / "data/test/attempts/m0000-i0000-a1/checkpoint"
    old.mkdir(parents=True)
    (old / "half").write_text("x")
    server.attempts[0, 0] = 1
    (interval,) = pbt.worker().claim()
    assert interval.attempt == 2 and not old.parent.exists()
    interval.give_back("no time")
    assert server.of("release")[0]["reason"] == "no time"
    assert list((tmp_path / "data/test/attempts").iterdir()) == []


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> List[float]:
    """The pauses between claims, which take no time."""
    seen: List[float] = []
    monkeypatch.setattr("pbt._worker.time.sleep", seen.append)
    return seen


@pytest.mark.parametrize("pipelining", [False, True])
def test_a_program_that_gives_every_interval_back_waits_and_then_stops(
    start: Start, pauses: List[float], pipelining: bool, caplog: pytest.LogCaptureFixture
) -> None:
    server = start(members=2)
    with pytest.raises(pbt.PBTError, match="10 times in a row and finished none .last reason: no GPU.;") as caught:
        for interval in pbt.worker(pipelining=pipelining):
            interval.give_back("no GPU")
    assert caught.value.code == "givenBack"
    assert len(server.of("release")) == 10 and server.leases == {}
    assert [round(math.log2(pause / 0.875)) for pause in pauses] == [0, 1, 2, 3, 4, 5, 6]
    assert max(pauses) <= 60
    assert "3 times in a row (last reason: no GPU); no retry is counted; next claim in 1 s" in caplog.text


def test_a_batch_that_is_given_back_counts_once(start: Start, pauses: List[float]) -> None:
    server = start(members=4)
    with pytest.raises(pbt.PBTError, match="10 times in a row"):
        for batch in pbt.worker(batch=4):
            for interval in batch:
                interval.give_back("out of memory")
    assert len(server.of("release")) == 40


def test_pbt_run_stops_too_when_every_interval_is_given_back(start: Start, pauses: List[float]) -> None:
    server = start()
    with pytest.raises(pbt.PBTError, match="10 times in a row"):
        pbt.run(lambda interval: interval.give_back("no license"))
    assert len(server.of("release")) == 10


def test_one_finished_interval_starts_the_count_of_given_back_ones_again(start: Start, pauses: List[float]) -> None:
    server = start(intervals=8)
    given = 0
    for interval in pbt.worker():
        if interval.attempt < 3:
            given += 1
            interval.give_back("not yet")
        else:
            save(interval)
            interval.report(score=1)
    assert given == 16 and pauses == [] and len(server.finished) == 8


def test_nothing_published_is_ever_replaced(start: Start, tmp_path: Path) -> None:
    start(intervals=1)
    (interval,) = pbt.worker().claim()
    there = tmp_path / "data/test/checkpoints/m0000-i0000-a1"
    there.mkdir()
    save(interval)
    with pytest.raises(pbt.PBTError, match="an unreferenced one already exists; delete it with: pbt gc"):
        interval.report(score=1)
    interval.give_back()
    assert there.exists()


def test_the_token_is_shown_nowhere(start: Start, capfd: pytest.CaptureFixture[str]) -> None:
    server = start(intervals=1)
    worker = pbt.worker()
    (interval,) = worker.claim()
    texts = [repr(worker), repr(interval), repr(pbt.Client()), repr(worker._server), json.dumps(server.of("claims"))]
    assert not any("secret-token" in text for text in texts)
    assert not any("lease-0" in text for text in texts)
    interval.give_back()
    assert "secret-token" not in capfd.readouterr().err


def test_with_pipelining_an_interval_is_reported_while_the_next_is_trained(start: Start, tmp_path: Path) -> None:
    server = start(members=2, intervals=3)
    for interval in pbt.worker(pipelining=True):
        save(interval, f"{interval.member}@{interval.index}")
        interval.report(score=0.5)
    # The loop's end is the end of all reports.
    assert [body["score"] for body in server.of("finish")] == [0.5] * 6
    assert sorted(path.name for path in (tmp_path / "data/test/checkpoints").iterdir()) == [
        f"m000{member}-i000{index}-a1" for member in range(2) for index in range(3)
    ]
    assert list((tmp_path / "data/test/attempts").iterdir()) == []


def test_with_pipelining_a_lone_member_still_continues_its_model(start: Start) -> None:
    start(members=1, intervals=4)
    continued = []
    for interval in pbt.worker(pipelining=True):
        continued.append(interval.continues)
        save(interval)
        interval.report(score=1)
    assert continued == [False, True, True, True]


def test_with_pipelining_a_report_that_fails_is_raised_by_the_loop(start: Start, tmp_path: Path) -> None:
    server = start(members=1, intervals=3)

    def train() -> None:
        for interval in pbt.worker(pipelining=True):
            save(interval)
            # Something of the checkpoint's name is in the way, so it cannot be published.
            blocked = tmp_path / "data/test/checkpoints" / f"m0000-i{interval.index:04}-a{interval.attempt}"
            blocked.mkdir(parents=True, exist_ok=True)
            (blocked / "file").write_text("")
            interval.report(score=1)

    with pytest.raises((OSError, pbt.PBTError)):
        train()
    assert any("the report failed" in body.get("failed", "") for body in server.of("finish"))


def test_a_program_that_writes_into_its_parents_checkpoint_fails_and_is_named(start: Start) -> None:
    server = start(intervals=2)
    worker = pbt.worker()
    (first,) = worker.claim()
    (first.checkpoint_out / "s.json").write_text("1")
    first.report(score=1)
    (second,) = worker.claim()
    assert second.checkpoint_in is not None
    path = second.checkpoint_in / "s.json"
    path.chmod(0o644)
    path.write_text("22")
    (second.checkpoint_out / "s.json").write_text("2")
    with pytest.raises(pbt.PBTError, match="m0000-i0000-a1 that it continues was modified while it was") as caught:
        second.report(score=2)
    assert caught.value.code == "changedCheckpoint"
    assert '"s.json" has 2 bytes, not 1' in server.of("finish")[1]["failed"]


def test_an_interval_knows_its_depth_which_is_not_its_index_and_one(start: Start) -> None:
    server = start(intervals=2)
    claim = server.claim

    def deep(body: Any) -> Any:
        answer = claim(body)
        for assignment in answer["assignments"]:
            if assignment["interval"]["interval"] == 1:
                assignment["interval"]["depth"] = 7
        return answer

    server.claim = deep  # type: ignore[method-assign]
    depths = []
    for interval in pbt.worker():
        depths.append(interval.depth)
        save(interval)
        with pytest.raises(pbt.PBTError, match="the metric steps is an integer beyond 64 bits, which would be rounded"):
            interval.report(score=1, steps=2**64 - 1)
        interval.report(score=1, steps=10**20, low=-(2**63))
    # Of the first one the server says nothing, as one from before did.
    assert depths == [1, 7]
    assert server.of("finish")[0]["metrics"]["steps"] == 10**20
    assert server.of("finish")[0]["metrics"]["low"] == -(2**63)


@pytest.mark.parametrize("call", [lambda: pbt.worker(overlap=True), lambda: pbt.Worker(overlap=True)])
def test_the_old_name_of_pipelining_is_accepted_with_a_warning_at_the_callers_line(start: Start, call: Any) -> None:
    start(members=1, intervals=1)
    with pytest.warns(DeprecationWarning, match="overlap is renamed to pipelining") as warnings:
        worker = call()
    assert worker._is_pipelined
    assert warnings[0].filename == __file__
    worker.close()


def test_pbt_run_takes_the_old_name_of_pipelining_too(start: Start) -> None:
    start(members=1, intervals=1)
    with pytest.warns(DeprecationWarning, match="overlap"):
        assert pbt.run(lambda interval: {"score": 1}, overlap=True) == 1


def test_an_option_that_does_not_exist_is_an_error_of_the_caller() -> None:
    with pytest.raises(TypeError, match="serevr"):
        pbt.worker(serevr="http://127.0.0.1:1")  # type: ignore[call-overload]
