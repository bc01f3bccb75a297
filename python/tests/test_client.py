# SPDX-License-Identifier: Apache-2.0
"""Creating experiments and looking at them, against a server that answers what the test says."""

from __future__ import annotations

import decimal
import json
from pathlib import Path
from typing import Any, Dict

import pytest

import pbt

from .conftest import Start
from .fake import Fault

EXPERIMENT = {
    "name": "test",
    "state": "running",
    "created": 1500,
    "counts": {"waiting": 1},
    "best": {"member": 1, "interval": 2},
    "best_score": "Infinity",
    "population": 4,
    "new_field": True,
}
RECORD = {"member": 1, "interval": 2, "state": "done", "hyperparameters": {"lr": 0.1}, "score": 0.5}


def test_an_experiment_is_created_once_however_often_it_is_asked_for(start: Start, tmp_path: Path) -> None:
    server = start()
    server.routes["POST /experiments"] = lambda query: EXPERIMENT
    server.faults.append(Fault("POST /api/v1/experiments", is_handled=True))
    definition = {"name": "test", "population": 4}
    experiment = pbt.Client().create(definition)
    assert (experiment.name, experiment.created, experiment.best, experiment.reason) == ("test", 1.5, (1, 2), None)
    assert experiment.best_score == float("inf") and not experiment.is_over and experiment.raw["new_field"]
    first, second = server.of("POST /experiments")
    assert first[0] == {"definition": definition}
    assert first[1]["Idempotency-Key"] == second[1]["Idempotency-Key"]

    path = tmp_path / "test.json"
    path.write_text(json.dumps(definition))
    pbt.Client().create(path)
    third = server.of("POST /experiments")[-1]
    assert third[0] == first[0] and third[1]["Idempotency-Key"] != first[1]["Idempotency-Key"]


@pytest.mark.parametrize(
    "name, content, message",
    [
        ("x.yaml", "name: x", r"is YAML, .*; pass JSON, or use: pbt create \S+x.yaml --store \S+$"),
        ("x.json", "{", "cannot read "),
        ("x.json", "[]", "does not contain a JSON object"),
    ],
)
def test_a_file_that_is_no_definition_is_refused(tmp_path: Path, name: str, content: str, message: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(pbt.PBTError, match=message) as caught:
        pbt.Client().create(tmp_path / name)
    assert caught.value.code == "badExperiment"


def test_lists_are_read_page_by_page(start: Start) -> None:
    server = start()

    def page(query: Dict[str, str]) -> Any:
        assert query["member"] == "1" and query["state"] == "done"
        start = int(query.get("after", 0))
        items = [{**RECORD, "interval": start + place} for place in range(2)]
        return {"items": items, **({"next": str(start + 2)} if start < 4 else {})}

    server.routes["GET /experiments/test/intervals"] = page
    records = list(pbt.Client().intervals("test", member=1, state="done"))
    assert [record.index for record in records] == [0, 1, 2, 3, 4, 5]
    assert records[0].parent is None and records[0].metrics == {} and records[0].checkpoint_state == "none"


def test_the_best_its_lineage_and_its_schedule(start: Start) -> None:
    server = start()
    server.routes["GET /experiments/test"] = lambda query: EXPERIMENT
    server.routes["GET /experiments/test/intervals/1/2"] = lambda query: RECORD
    parent = {"member": 0, "interval": 1}
    line = [{"member": 1, "interval": 2, "score": None, "hyperparameters": {}, "parent": parent, "exploited": True}]
    server.routes["GET /experiments/test/lineage"] = lambda query: {"items": line}
    server.routes["GET /experiments/test/schedule"] = lambda query: {
        "items": [{"interval": int(query.get("member", 0)), "hyperparameters": {"lr": 1}}]
    }
    client = pbt.Client()
    best = client.best("test")
    assert best is not None and (best.member, best.index, best.score) == (1, 2, 0.5)
    (step,) = client.lineage("test")
    assert step.parent == (0, 1) and step.exploited and step.score is None
    assert client.schedule("test", 3, 4) == [pbt.ScheduleStep(3, {"lr": 1})]
    with pytest.raises(pbt.PBTError, match="give both member and index"):
        client.schedule("test", 3)


def test_events_are_followed_from_the_last_one_seen(start: Start) -> None:
    server = start()

    def events(query: Dict[str, str]) -> Any:
        after = int(query["after"])
        assert query["wait"] == "30.0"
        first = {"id": after + 1, "experiment": "test", "time": 0, "kind": "done", "details": {}}
        return {"items": [first, {**first, "id": after + 2, "interval": {"member": 1, "interval": 2}}], "last": 9}

    server.routes["GET /experiments/test/events"] = events
    followed = pbt.Client().events("test", after=5, follow=True)
    seen = [next(followed) for _ in range(5)]
    assert [event.id for event in seen] == [6, 7, 8, 9, 10]
    assert (seen[0].interval, seen[1].interval) == (None, (1, 2))


def test_managing_says_what_was_asked(start: Start) -> None:
    server = start()
    for verb in ("pause", "resume", "stop"):
        server.routes[f"POST /experiments/test/{verb}"] = lambda query: EXPERIMENT
    server.routes["POST /experiments/test/push"] = lambda query: RECORD
    server.routes["DELETE /experiments/test"] = lambda query: None
    client = pbt.Client()
    client.pause("test")
    client.resume("test")
    client.stop("test", "enough")
    client.delete("test")
    assert client.push("test", {"lr": 0.1}).member == 1
    assert server.of("POST /experiments/test/stop")[0][0] == {"reason": "enough"}
    body, headers = server.of("POST /experiments/test/push")[0]
    assert body == {"hyperparameters": {"lr": 0.1}} and len(headers["Idempotency-Key"]) == 32


class Scalar:
    """As a number of NumPy: neither an ``int`` nor a ``float``."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def item(self) -> Any:
        return self.value

    def tolist(self) -> Any:
        return self.value


class Array(Scalar):
    """As an array with one element, of which ``item()`` makes a number."""

    def item(self) -> Any:
        return self.value[0]


def test_a_definition_may_hold_numbers_and_arrays_of_numpy(start: Start) -> None:
    server = start()
    server.routes["POST /experiments"] = lambda query: EXPERIMENT
    pbt.Client().create(
        {
            "name": "test",
            "population": Scalar(4),
            "space": {
                "k": {"choice": [Scalar(3), 4, Scalar(True)]},
                "w": {"choice": Array([0.5])},
                "n": {"choice": range(2)},
                "lr": {"uniform": (Scalar(0.1), decimal.Decimal("0.5"))},
            },
        }
    )
    (body, _) = server.of("POST /experiments")[0]
    assert body["definition"] == {
        "name": "test",
        "population": 4,
        "space": {
            "k": {"choice": [3, 4, True]},
            "w": {"choice": [0.5]},
            "n": {"choice": [0, 1]},
            "lr": {"uniform": [0.1, 0.5]},
        },
    }


def test_a_definition_may_hold_numpy_scalars_and_paths(start: Start) -> None:
    server = start()
    server.routes["POST /experiments"] = lambda query: EXPERIMENT
    space = {"k": {"choice": [Scalar(3), 4]}, "model": {"lr": {"uniform": (Scalar(0.5), 1)}}}
    pbt.Client().create({"name": "test", "space": space, "command": [Path("./t.sh")]})
    sent = server.of("POST /experiments")[-1][0]["definition"]
    assert sent["space"] == {"k": {"choice": [3, 4]}, "model": {"lr": {"uniform": [0.5, 1]}}}
    assert sent["command"] == ["t.sh"]


@pytest.mark.parametrize(
    "value, message",
    [
        (float("inf"), r"space\.lr\.uniform\[1\] is inf; use a finite number"),
        (Scalar(float("nan")), r"space\.lr\.uniform\[1\] is nan; use a finite number"),
        (object(), r"space\.lr\.uniform\[1\] is a object; use numbers"),
        (10**400, r"space\.lr\.uniform\[1\] is an integer beyond 64 bits, which would be rounded; use a string"),
        (2**64 - 1, r"space\.lr\.uniform\[1\] is an integer beyond 64 bits"),
        ({1, 2}, r"space\.lr\.uniform\[1\] is a set; use numbers"),
    ],
)
def test_what_json_cannot_say_is_named_with_its_place(start: Start, value: Any, message: str) -> None:
    server = start()
    with pytest.raises(pbt.PBTError, match=message) as caught:
        pbt.Client().create({"name": "test", "space": {"lr": {"uniform": [0, value]}}})
    assert caught.value.code == "badValue" and not server.of("POST /experiments")
    with pytest.raises(pbt.PBTError, match=r"lr is inf"):
        pbt.Client().push("test", {"lr": float("inf")})


def test_real_numpy_numbers_are_taken(start: Start) -> None:
    numpy = pytest.importorskip("numpy")
    server = start()
    server.routes["POST /experiments"] = lambda query: EXPERIMENT
    values = [
        numpy.int64(3),
        numpy.float32(0.5),
        numpy.bool_(True),
        numpy.arange(2),
        numpy.longdouble(2),
        numpy.array(7),
    ]
    pbt.Client().create({"name": "test", "space": {"k": {"choice": values}}})
    (body, _) = server.of("POST /experiments")[0]
    assert body["definition"]["space"]["k"]["choice"] == [3, 0.5, True, [0, 1], 2.0, 7]
