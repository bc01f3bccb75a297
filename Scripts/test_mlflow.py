"""Exports an experiment to an MLflow server of its own, and compares the rows with MLflow's client's view.

Run by Scripts/test-mlflow, which installs MLflow.
"""

from __future__ import annotations

import math
import socket
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from support.exported import Training
from support.waiting import wait_for

NAME = "digits 'é' <b>"

METRICS = """
metrics["na\\"ive <b>/../"] = 1 / 3
metrics["hyperparameters/rate"] = 7
for i in range(300):
    metrics["many/%03d" % i] = score * i
"""


def server(place: Path) -> tuple[subprocess.Popen[bytes], str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    process = subprocess.Popen(
        [str(Path(sys.executable).parent / "mlflow"), "server", "--host", "127.0.0.1", "--port", str(port),
         "--workers", "1", "--backend-store-uri", f"sqlite:///{place}/mlflow.db",
         "--default-artifact-root", str(place / "artifacts")],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)

    def answers() -> bool:
        try:
            urllib.request.urlopen(f"{url}/health", timeout=5).close()
            return True
        except (urllib.error.URLError, ConnectionError):
            return False

    try:
        wait_for("MLflow's server to answer", answers, 120, process)
    except AssertionError:
        process.kill()
        raise
    return process, url


class Reader:
    """What MLflow's own client finds."""

    def __init__(self, url: str) -> None:
        from mlflow.tracking import MlflowClient

        self.client = MlflowClient(url)
        self.experiment = self.client.get_experiment_by_name(NAME)

    def runs(self) -> dict[str, Any]:
        runs = self.client.search_runs([self.experiment.experiment_id], max_results=1000)
        found = {run.data.tags["pbt.run"]: run for run in runs}
        assert len(found) == len(runs), "a run is there twice"
        return found

    def history(self, run: Any, name: str) -> list[tuple[int, float, int]]:
        return sorted((m.step, m.value, m.timestamp) for m in self.client.get_metric_history(run.info.run_id, name))


def milliseconds(text: str) -> int:
    from datetime import datetime

    return round(datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1000)


def compare(reader: Reader, rows: list[dict[str, Any]], best: dict[str, Any], is_over: bool) -> int:
    runs = reader.runs()
    by_id = {(row["member"], row["interval"]): row for row in rows}
    path = [by_id[(best["member"], best["interval"])]]
    while path[-1]["parent"] is not None:
        path.append(by_id[(path[-1]["parent"]["member"], path[-1]["parent"]["interval"])])
    tracks = {"lineages/best": list(enumerate(path[::-1]))}
    for member in range(6):
        own = [row for row in rows if row["member"] == member and row["state"] in ("done", "diverged", "failed")]
        tracks[f"members/m{member:02}"] = [(row["interval"], row) for row in own]
    assert set(runs) == {"experiment", *tracks}, set(runs)
    parent = runs["experiment"]
    assert parent.info.run_name == NAME and parent.info.status == ("FINISHED" if is_over else "RUNNING")
    assert parent.data.tags["pbt.best"] == f"{best['member']}@{best['interval']}"
    assert (parent.data.params.get("population") == "6") is is_over
    so_far = [value for _, value, _ in reader.history(parent, "accuracy")]
    assert so_far == sorted(so_far) and so_far[-1] == max(row["score"] for row in rows if row["state"] == "done")
    count = 0
    for key, points in tracks.items():
        run = runs[key]
        assert run.data.tags["mlflow.parentRunId"] == parent.info.run_id, key

        def wanted(value: Any, points: Any = points) -> list[tuple[int, float, int]]:
            there = [(step, row) for step, row in points if value(row) is not None]
            return sorted((step, float(value(row)), milliseconds(row["finished"])) for step, row in there)

        scores = wanted(lambda row: {"done": row["score"], "diverged": math.nan}.get(row["state"]))
        found = reader.history(run, "accuracy")
        assert str(found) == str(scores), (key, found, scores)
        for name in ("flag", "many/007", "many/299"):
            assert reader.history(run, name) == wanted(lambda row, name=name: row["metrics"].get(name)), (key, name)
        assert reader.history(run, "hyperparameters/rate") == wanted(lambda row: row["hyperparameters"]["rate"]), key
        assert reader.history(run, "metrics/hyperparameters/rate") == wanted(
            lambda row: row["metrics"].get("hyperparameters/rate")), key
        assert sum(name.startswith("na_ive") for name in run.data.metrics) == 1, key
        if is_over:
            last = [row for _, row in points if row["state"] == "done"][-1]
            assert run.data.params["rate"] == str(last["hyperparameters"]["rate"]), (key, run.data.params)
            assert run.info.status == ("FINISHED" if points[-1][1]["state"] == "done" else "FAILED"), key
        else:
            assert run.data.params == {} and run.info.status == "RUNNING", key
        count += len(scores)
    return count


def main() -> None:
    pbt = sys.argv[1]
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        process, url = server(place)
        training = Training(pbt, place, NAME, 6, metrics=METRICS, environment={"MLFLOW_TRACKING_URI": url})
        try:
            with training:
                training.reach_middle()
                said = training.run("export", NAME, "-o", "mlflow")
                assert said.startswith(f"{url}/#/experiments/"), said
                reader = Reader(url)
                half = compare(reader, *training.rows(), False)
                before = {key: found.info.run_id for key, found in reader.runs().items()}
                training.finish()
            training.run("export", NAME, "-o", "mlflow")
            whole = compare(reader, *training.rows(), True)
            assert whole > half
            after = {key: found.info.run_id for key, found in reader.runs().items()}
            assert {k: v for k, v in before.items() if k != "lineages/best"} == {
                k: v for k, v in after.items() if k != "lineages/best"}, "a member's run was not gone on with"
            training.run("export", NAME, "-o", "mlflow")
            assert compare(reader, *training.rows(), True) == whole
            assert {key: found.info.run_id for key, found in reader.runs().items()} == after
            print(f"test-mlflow: {len(after)} runs, {whole} scores, all as in the rows; nothing found")
        finally:
            process.terminate()
            process.wait(30)


if __name__ == "__main__":
    main()
