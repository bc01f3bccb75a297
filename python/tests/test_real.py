# SPDX-License-Identifier: Apache-2.0
"""The same against a real server: PBT_BINARY names the program."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List

import pytest

import pbt
from pbt._files import RemoteFiles, SharedFiles

from .conftest import Program

BINARY = os.environ.get("PBT_BINARY", "")
pytestmark = pytest.mark.skipif(not BINARY, reason="PBT_BINARY does not name a pbt")

DEFINITION: Dict[str, Any] = {
    "name": "quadratic ü/1",
    "objective": {"metric": "q", "goal": "maximize"},
    "population": 4,
    "intervals": 5,
    "seed": 3,
    "space": {"x": {"uniform": [0, 1]}, "layers": {"integer": [1, 4]}},
    "exploit": {"truncation": 0.25},
    "retries": 1,
}


class Served:
    """A running ``pbt serve``."""

    def __init__(self, store: Path, port: int = 0, *more: str) -> None:
        self.store = store
        command = [BINARY, "serve", "--store", str(store), "--port", str(port), "--tokens", *more]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        assert self.process.stderr is not None
        self.lines: List[str] = []
        found = None
        while found is None:
            line = self.process.stderr.readline()
            assert line, f"pbt serve ended: {self.lines}"
            self.lines.append(line)
            found = re.search(r"listening on (https?://\S+:(\d+))", line)
        self.url: str = found[1]
        self.port: int = int(found[2])
        threading.Thread(target=self.process.stderr.read, daemon=True).start()

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        self.process.send_signal(number)
        self.process.wait(60)


def make_token(store: Path) -> str:
    command = [BINARY, "token", "create", "tests", "--scope", "admin", "--store", str(store)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    store = tmp_path / "pbt.sqlite"
    token = make_token(store)
    server = Served(store)
    monkeypatch.setenv("PBT_SERVER", server.url)
    monkeypatch.setenv("PBT_TOKEN", token)
    monkeypatch.setenv("PBT_EXPERIMENT", DEFINITION["name"])
    yield server
    server.stop()


def train(interval: pbt.Interval) -> Dict[str, float]:
    total = 0.0
    if interval.checkpoint_in is not None:
        total = float((interval.checkpoint_in / "total").read_text())
    total += interval.hyperparameters.x
    assert isinstance(interval.hyperparameters.layers, int)
    (interval.checkpoint_out / "total").write_text(str(total))
    return {"q": total}


def check(name: str) -> None:
    """Every interval is done, and the best one's score is the sum along its lineage."""
    client = pbt.Client()
    experiment = client.experiment(name)
    assert experiment.state == "finished" and experiment.counts["done"] == 20, experiment
    best = client.best(name)
    assert best is not None and best.score == experiment.best_score
    line = client.lineage(name)
    assert (line[-1].member, line[-1].index) == (best.member, best.index)
    total = 0.0
    for step in line:
        total += step.hyperparameters["x"]
        assert step.score == total
    assert [step.hyperparameters for step in line] == [step.hyperparameters for step in client.schedule(name)]
    assert len(list(client.intervals(name))) == 20 and len(client.members(name)) == 4
    kinds = {event.kind for event in client.events(name)}
    assert {"created", "started", "done", "ended"} <= kinds


@pytest.mark.parametrize("data, kind", [(None, SharedFiles), (False, RemoteFiles)])
def test_a_population_is_trained_to_its_end(served: Served, data: Any, kind: type) -> None:
    client = pbt.Client()
    created = client.create(DEFINITION)
    assert created.definition is not None and created.definition["population"] == 4
    worker = pbt.worker(data=data)
    assert type(worker._files) is kind
    for interval in worker:
        interval.log(q=0.0)
        interval.report(train(interval))
    check(DEFINITION["name"])
    assert client.wait(DEFINITION["name"]).is_over


def test_an_experiment_is_extended_and_its_best_downloaded(served: Served, tmp_path: Path) -> None:
    client = pbt.Client()
    name = DEFINITION["name"]
    client.create({**DEFINITION, "intervals": 2})
    for interval in pbt.worker():
        interval.report(train(interval))
    assert client.wait(name).state == "finished"
    extended = client.revise(name, DEFINITION)
    assert extended.state == "running" and extended.raw["revision"] == 1
    for interval in pbt.worker():
        interval.report(train(interval))
    check(name)
    best = client.best(name)
    assert best is not None
    directory = client.download_checkpoint(name, tmp_path / "new" / "best")
    assert float((directory / "total").read_text()) == best.score
    assert [path.name for path in directory.parent.iterdir()] == ["best"]
    with pytest.raises(pbt.PBTError, match="already exists"):
        client.download_checkpoint(name, directory)
    assert (best.download(tmp_path / "again") / "total").read_text() == (directory / "total").read_text()
    with pytest.raises(pbt.PBTError, match="objective.goal"):
        client.revise(name, {**DEFINITION, "objective": {"metric": "q", "goal": "minimize"}})


@pytest.mark.parametrize("data", [None, False])
def test_founders_continue_the_best_of_another_experiment(served: Served, data: Any) -> None:
    client = pbt.Client()
    client.create({**DEFINITION, "intervals": 2})
    for interval in pbt.worker(data=data):
        interval.report(train(interval))
    best = client.best(DEFINITION["name"])
    assert best is not None and best.score is not None
    client.create({**DEFINITION, "name": "heirs", "intervals": 1, "from": DEFINITION["name"]})
    for interval in pbt.worker(experiment="heirs", data=data):
        assert interval.checkpoint_in is not None
        assert float((interval.checkpoint_in / "total").read_text()) == best.score
        interval.report(train(interval))
    founders = list(client.intervals("heirs"))
    assert founders[0].hyperparameters == best.hyperparameters
    assert [founder.score for founder in founders] == [
        best.score + founder.hyperparameters["x"] for founder in founders
    ]


def test_several_members_at_once(served: Served) -> None:
    pbt.Client().create(DEFINITION)
    sizes = []
    for batch in pbt.worker(batch=4):
        sizes.append(len(batch))
        for interval in batch:
            interval.report(train(interval))
    assert sizes[0] == 4 and sum(sizes) == 20
    check(DEFINITION["name"])


def test_failures_divergence_and_giving_back(served: Served) -> None:
    client = pbt.Client()
    client.create(DEFINITION)
    worker = pbt.worker()
    (first,) = worker.claim()
    first.give_back("no time")
    assert client.interval(first.experiment, first.member, first.index).failures == 0
    (again,) = worker.claim()
    assert (again.member, again.attempt) == (first.member, 2)
    again.fail("no luck")
    record = client.interval(first.experiment, first.member, first.index)
    assert (record.state, record.failures, record.reason) == ("waiting", 1, "no luck")
    for interval in worker.claim(4):
        interval.report(q=float("nan") if interval.member == 2 else train(interval)["q"])
    record = client.interval(first.experiment, 2, 0)
    assert (record.state, record.score, record.checkpoint) == ("diverged", None, None)
    worker.close()


def test_a_stopped_experiment_takes_back_its_leases(served: Served) -> None:
    client = pbt.Client()
    client.create(DEFINITION)
    reached = []
    for interval in pbt.worker():
        with interval:
            client.stop(interval.experiment, "enough")
            reached.append(interval.member)
            interval.report(train(interval))
            raise AssertionError("its lease is lost")
        assert interval.lost
    assert len(reached) == 1


def test_a_killed_server_that_comes_back_loses_nothing(served: Served) -> None:
    pbt.Client().create(DEFINITION)
    servers = [served]
    for number, interval in enumerate(pbt.worker()):
        metrics = train(interval)
        if number % 5 == 2:
            servers[-1].stop(signal.SIGKILL)
            back = threading.Thread(target=lambda: servers.append(Served(served.store, served.port)))
            back.start()
            interval.report(metrics)
            back.join()
        else:
            interval.report(metrics)
    check(DEFINITION["name"])
    servers[-1].stop()


TRAIN = (
    "import pbt\n"
    "for interval in pbt.worker():\n"
    "    total = float((interval.checkpoint_in / 'total').read_text()) if interval.checkpoint_in else 0.0\n"
    "    total += interval.hyperparameters.x\n"
    "    (interval.checkpoint_out / 'total').write_text(str(total))\n"
    "    interval.report(q=total)\n"
)


def test_pbt_run_keeps_python_workers_alive(tmp_path: Path, program: Callable[[str], Program]) -> None:
    (tmp_path / "train.py").write_text(TRAIN + "print('pid', __import__('os').getpid())\n")
    lines = [
        "name: persistent\nobjective: {metric: q, goal: maximize}\npopulation: 4\nintervals: 5\n",
        "space: {x: {uniform: [0, 1]}}\nworkers: 2\npersistent: true\ncommand: [python3, train.py]\n",
    ]
    (tmp_path / "persistent.yaml").write_text("".join(lines))
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}
    subprocess.run(
        [BINARY, "run", str(tmp_path / "persistent.yaml"), "-q"], check=True, env=environment, timeout=300
    )
    logs = sorted((tmp_path / "pbt.data/persistent/logs").glob("worker-*.log"))
    assert [path.read_text().count("pid") for path in logs] == [1, 1]


def test_over_tls_both_clients_trust_the_authority_that_is_named_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    made = subprocess.run(["openssl", "req", "-x509", *curve, *names, *files], capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    store = tmp_path / "pbt.sqlite"
    monkeypatch.setenv("PBT_TOKEN", make_token(store))
    server = Served(store, 0, "--tls-certificate", str(certificate), "--tls-key", str(key))
    try:
        assert server.url.startswith("https://")
        monkeypatch.setenv("PBT_SERVER", server.url)
        look = [BINARY, "list", "--store", server.url]
        refused = subprocess.run(look, capture_output=True, text=True)
        assert refused.returncode == 69 and "PBT_CA_FILE" in refused.stderr
        with pytest.raises(pbt.PBTError, match="PBT_CA_FILE"):
            pbt.Client().create(DEFINITION)
        monkeypatch.setenv("PBT_CA_FILE", str(certificate))
        pbt.Client().create(DEFINITION)
        for interval in pbt.worker(DEFINITION["name"], pipelining=True):
            interval.report(train(interval))
        check(DEFINITION["name"])
        trusted = subprocess.run(look, capture_output=True, text=True)
        assert trusted.returncode == 0 and "finished" in trusted.stdout, trusted.stderr
    finally:
        server.stop()
