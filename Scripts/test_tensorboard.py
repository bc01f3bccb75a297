"""Compares the numbers that TensorBoard reads from an export with the rows of the experiment.

Run by Scripts/test-tensorboard, which installs TensorBoard.
"""

from __future__ import annotations

import json
import math
import os
import re
import struct
import subprocess
import sys
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any, Callable

from support.exported import Training
from support.waiting import wait_for

# run -> tag -> [(step, value as a 32-bit number)]
Scalars = dict[str, dict[str, list[tuple[int, float]]]]

HOSTILE = ['<script>alert(1)</script>', 'na"ïve ☃\u202e', "hyperparameters/rate", "loss/val",
           "_hparams_/experiment", "a b'c"]

METRICS = f"""
for place, name in enumerate({HOSTILE!r}):
    metrics[name] = score * 1.1 ** place - 3
if interval % 2:
    metrics["seldom"] = 1e300 if interval == 1 else 1 / 3
"""

SPACE = """
  layers: {integer: [1, 8]}
  batch: {choice: [32, 64, 128], ordered: true}
  mixed: {choice: [1, auto]}
  bias: {boolean: true}
  fixed: {constant: {any: json}}
""".lstrip("\n")


def single(value: float) -> float:
    """A number as the 32-bit one that TensorBoard keeps."""
    try:
        return float(struct.unpack("<f", struct.pack("<f", value))[0])
    except OverflowError:
        return math.copysign(math.inf, value)


def tag(metric: str) -> str:
    reserved = ("hyperparameters/", "metrics/", "pbt/", "_hparams_/")
    return f"metrics/{metric}" if metric.startswith(reserved) else metric


def number(value: Any) -> float | None:
    return float(value) if isinstance(value, (bool, int, float)) else None


def expected(rows: list[dict[str, Any]], best: dict[str, Any]) -> Scalars:
    """What each run must hold, from the rows alone."""
    by_id = {(row["member"], row["interval"]): row for row in rows}
    text = {"activation", "mixed", "fixed"}

    def ancestry(row: dict[str, Any]) -> list[dict[str, Any]]:
        path = [row]
        while path[-1]["parent"] is not None:
            path.append(by_id[(path[-1]["parent"]["member"], path[-1]["parent"]["interval"])])
        return path[::-1]

    def scalars(points: list[tuple[int, dict[str, Any]]], is_lineage: bool) -> dict[str, list[tuple[int, float]]]:
        tags: dict[str, list[tuple[int, float]]] = {}
        for step, row in points:
            if row["state"] not in ("done", "diverged", "failed"):
                continue
            values: dict[str, Any] = {tag(name): value for name, value in row["metrics"].items()}
            values["accuracy"] = {"done": row["score"], "diverged": math.nan}.get(row["state"])
            values |= {f"hyperparameters/{name}": v for name, v in row["hyperparameters"].items() if name not in text}
            if is_lineage:
                values |= {"pbt/member": row["member"], "pbt/interval": row["interval"]}
            for name, value in values.items():
                if (value := number(value)) is not None:
                    tags.setdefault(name, []).append((step, single(value)))
        return tags

    runs: Scalars = {}
    members = sorted({row["member"] for row in rows})
    for member in members:
        own = [row for row in rows if row["member"] == member]
        runs[f"members/m{member:02}"] = scalars([(row["interval"], row) for row in own], False)
        if own[-1]["state"] not in ("diverged", "failed"):
            runs[f"lineages/m{member:02}"] = scalars(list(enumerate(ancestry(own[-1]))), True)
    runs["lineages/best"] = scalars(list(enumerate(ancestry(by_id[(best["member"], best["interval"])]))), True)
    return runs


def same(a: list[tuple[int, float]], b: list[tuple[int, float]]) -> bool:
    return len(a) == len(b) and all(
        x[0] == y[0] and (x[1] == y[1] or (math.isnan(x[1]) and math.isnan(y[1]))) for x, y in zip(a, b))


def compare(found: Scalars, wanted: Scalars, reader: str) -> None:
    assert set(found) - {"."} == set(wanted), f"{reader}: runs {sorted(set(found) ^ set(wanted))}"
    count = 0
    for run, tags in wanted.items():
        assert set(found[run]) == set(tags), f"{reader}: {run}: {sorted(set(found[run]) ^ set(tags))}"
        for name, points in tags.items():
            assert same(found[run][name], points), f"{reader}: {run} {name}: {found[run][name]} not {points}"
            assert all(a[0] < b[0] for a, b in zip(points, points[1:])), f"{run} {name} goes back"
            count += len(points)
    print(f"{reader}: {len(wanted)} runs, {count} numbers, all as in the rows")


def read_by_accumulator(logs: Path) -> Scalars:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found: Scalars = {}
    for file in sorted(logs.rglob("*tfevents*")):
        accumulator = EventAccumulator(str(file.parent), size_guidance={"scalars": 0, "tensors": 0})
        accumulator.Reload()
        tags = accumulator.Tags()["scalars"]
        found[str(file.parent.relative_to(logs))] = {
            name: [(event.step, event.value) for event in accumulator.Scalars(name)] for name in tags}
        for name in tags:
            times = [event.wall_time for event in accumulator.Scalars(name)]
            assert times == sorted(times) and times[0] > 1.7e9, (file, name, times)
    tensors = EventAccumulator(str(logs / "members/m00"), size_guidance={"tensors": 0})
    tensors.Reload()
    note = [event.tensor_proto.string_val[0].decode() for event in tensors.Tensors("note")]
    assert note and all(re.fullmatch(r"text \d", text) for text in note), note
    return found


class Server:
    """A TensorBoard of our own."""

    def __init__(self, logs: Path, *options: str) -> None:
        self.process = subprocess.Popen(
            [str(Path(sys.executable).parent / "tensorboard"), "--logdir", str(logs), "--host", "127.0.0.1",
             "--port", "0", "--samples_per_plugin", "scalars=100000,text=100000", "--reload_interval", "1", *options],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert self.process.stdout
        for line in self.process.stdout:
            if match := re.search(r"http://127\.0\.0\.1:\d+", line):
                self.url = match[0]
                return
        raise AssertionError("TensorBoard ended before it said where it listens")

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(30)

    def ask(self, path: str, body: Any = None, **query: str) -> Any:
        url = f"{self.url}/data/{path}" + (f"?{urllib.parse.urlencode(query)}" if query else "")
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, data, {"Content-Type": "application/json"} if data else {})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def wait(self, what: str, is_there: Callable[[], bool]) -> None:
        wait_for(f"TensorBoard to show {what}", is_there, 120, self.process)

    def scalars(self, run: str, name: str) -> list[tuple[int, float]]:
        # A wall time, a step, and the value; non-finite values by name.
        return [(step, float(value)) for _, step, value in self.ask("plugin/scalars/scalars", run=run, tag=name)]


def check_server(logs: Path, wanted: Scalars, rows: list[dict[str, Any]], *options: str) -> None:
    server = Server(logs, *options)
    try:
        # The newest tag of the last run: then all is read.
        server.wait("all runs", lambda: {
            run: set(tags) for run, tags in server.ask("plugin/scalars/tags").items()} == {
            run: set(tags) for run, tags in wanted.items()})
        server.wait("all numbers", lambda: shows(server, wanted))
        compare({run: {name: server.scalars(run, name) for name in tags} for run, tags in wanted.items()}, wanted,
                " ".join(("server", *options)))
        check_hparams(server, rows)
    finally:
        server.close()


def shows(server: Server, wanted: Scalars) -> bool:
    """Whether a server shows these scores, and no others in these runs."""
    try:
        return all(same(server.scalars(run, "accuracy"), tags["accuracy"]) for run, tags in wanted.items() if tags)
    except urllib.error.HTTPError:
        return False


def check_hparams(server: Server, rows: list[dict[str, Any]]) -> None:
    experiment = server.ask("plugin/hparams/experiment", {"experimentName": ""})
    names = [info["name"] for info in experiment["hparamInfos"]]
    assert sorted(names) == ["activation", "batch", "bias", "fixed", "layers", "mixed", "rate"], names
    kinds = {info["name"]: info["type"].removeprefix("DATA_TYPE_") for info in experiment["hparamInfos"]}
    assert kinds == {"activation": "STRING", "batch": "FLOAT64", "bias": "BOOL", "fixed": "STRING", "layers": "FLOAT64",
                     "mixed": "STRING", "rate": "FLOAT64"}, kinds
    rate = next(info for info in experiment["hparamInfos"] if info["name"] == "rate")
    assert rate["domainInterval"] == {"minValue": 1e-4, "maxValue": 1.0}, rate
    metrics = [info["name"]["tag"] for info in experiment["metricInfos"]]
    assert metrics[0] == "accuracy" and set(metrics) == {"accuracy", "flag", "seldom", *map(tag, HOSTILE)}, metrics
    groups = server.ask("plugin/hparams/session_groups", {
        "experimentName": "", "startIndex": 0, "sliceSize": 100,
        "allowedStatuses": ["STATUS_UNKNOWN", "STATUS_SUCCESS", "STATUS_FAILURE", "STATUS_RUNNING"],
        "colParams": [{"metric": {"group": "", "tag": "accuracy"}, "order": "ORDER_DESC"}]})["sessionGroups"]
    found = {group["name"]: group for group in groups}
    for member in range(11):
        own = [row for row in rows if row["member"] == member]
        last = [row for row in own if row["state"] == "done"][-1]
        group = found.pop(f"members/m{member:02}")
        hparams = group["hparams"]
        assert hparams["rate"] == last["hyperparameters"]["rate"], (member, hparams)
        assert hparams["bias"] is last["hyperparameters"]["bias"], (member, hparams)
        assert hparams["activation"] == last["hyperparameters"]["activation"], (member, hparams)
        assert hparams["mixed"] == str(last["hyperparameters"]["mixed"]), (member, hparams)
        assert json.loads(hparams["fixed"]) == {"any": "json"}, (member, hparams)
        session = group["sessions"][0]
        assert session["status"] == ("STATUS_FAILURE" if own[-1]["state"] != "done" else "STATUS_SUCCESS"), session
        score = next(m["value"] for m in session["metricValues"] if m["name"]["tag"] == "accuracy")
        if own[-1]["state"] == "done":
            assert score == single(last["score"]), (member, score, last["score"])
    assert not found, found
    print("hparams: one experiment, 11 sessions, each with the hyperparameters of its last score")


def state_of(logs: Path) -> dict[str, tuple[bytes, int]]:
    files = [file for file in logs.rglob("*") if file.is_file()]
    return {str(file.relative_to(logs)): (file.read_bytes(), file.stat().st_mtime_ns) for file in files}


def main() -> None:
    pbt = sys.argv[1]
    with tempfile.TemporaryDirectory() as place:
        os.chdir(place)
        name = 'digits "é" <b>'
        training = Training(pbt, Path(place), name, 11, SPACE, METRICS)
        run = training.run
        logs = Path("logs/digits")
        # Half of the run, then all of it, while TensorBoard looks on.
        with training:
            training.reach_middle()
            run("export", name, "-o", f"tensorboard:{logs}")
            half = read_by_accumulator(logs)
            servers = [Server(logs), Server(logs, "--load_fast=false")]
            try:
                for server in servers:
                    server.wait("half of the run", lambda server=server: shows(server, half))  # type: ignore[misc]
                training.finish()
                run("export", name, "-o", f"tensorboard:{logs}")
                whole = read_by_accumulator(logs)
                assert sum(len(tags["accuracy"]) for tags in whole.values() if tags) > sum(
                    len(tags["accuracy"]) for tags in half.values() if tags)
                # The older reader of TensorBoard's does not follow files that take another's place.
                servers[0].wait("all of the run", lambda: shows(servers[0], whole))
                servers[1].wait("the members", lambda: shows(
                    servers[1], {name: tags for name, tags in whole.items() if name.startswith("members/")}))
                print("TensorBoard that is open follows an export that is repeated")
            finally:
                for server in servers:
                    server.close()
        rows, best = training.rows()
        assert {row["state"] for row in rows} == {"done", "diverged", "failed"}, "the run has no trouble in it"
        assert any(row["exploited"] for row in rows), "the run has no copy in it"
        assert run("export", name, "-o", f"tensorboard:{logs}") == ""
        wanted = expected(rows, best)
        compare(read_by_accumulator(logs), wanted, "event reader")
        check_server(logs, wanted, rows)
        check_server(logs, wanted, rows, "--load_fast=false")

        # Repeated: nothing changes, and files of others stay.
        before = state_of(logs)
        (logs / "members/mine.txt").write_text("mine")
        (logs / "members/m99").mkdir()
        stale = logs / "members/m99/events.out.tfevents.0000000000.1-scalars.pbt"
        stale.write_bytes(b"")
        run("export", name, "--format", "tensorboard", "-o", str(logs))
        after = state_of(logs)
        assert after.pop("members/mine.txt")[0] == b"mine"
        assert after == before and not stale.parent.exists()
        again = Path("again")
        run("export", name, "-o", f"tensorboard:{again}")
        assert {p: b for p, (b, _) in state_of(again).items()} == {p: b for p, (b, _) in before.items()}
        Path("other").mkdir()
        Path("other/file").write_text("")
        assert "contains other files" in run("export", name, "-o", "tensorboard:other", status=73)
        print("test-tensorboard: nothing found")


if __name__ == "__main__":
    main()
