"""A server, and experiments in every state that its dashboard shows, created over its API."""

from __future__ import annotations

import json
import math
import signal
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any, Callable, Iterator


class Server:
    """A real `pbt serve` on a store of its own; can be killed and come back on the same port."""

    def __init__(self, pbt: str, place: Path, *options: str) -> None:
        self.pbt, self.place, self.options = pbt, place, options
        self.port = 0
        # What `ask` shows, where the server asks for one.
        self.token: str | None = None
        self.process: subprocess.Popen[str] | None = None
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            [self.pbt, "serve", "--store", str(self.place / "store.sqlite"), "--port", str(self.port), *self.options],
            stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self.process.stderr is not None
        for line in self.process.stderr:
            if line.startswith("listening on "):
                self.url = line.split()[-1]
                self.port = int(self.url.rsplit(":", 1)[1])
                return
        raise SystemExit(f"pbt serve ended with {self.process.wait()}")

    def stop(self, how: int = signal.SIGTERM) -> None:
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait()

    def bell(self, path: str) -> Iterator[str]:
        """The rings of a page's stream from now on."""
        last = self.ask("GET", "/events?limit=0")["last"]
        answer = urllib.request.urlopen(f"{self.url}{path}?rev={last}", timeout=60)
        # Its first line is there when it listens.
        answer.readline()

        def rings() -> Iterator[str]:
            with answer:
                for line in answer:
                    if line.startswith(b"event: "):
                        yield line[7:].decode().strip()

        return rings()

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        data = json.dumps(body).encode() if body is not None else None
        headers = {"Content-Type": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        request = urllib.request.Request(f"{self.url}/api/v1{path}", data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{method} {path}: {error.read().decode()[:600]}") from None
        return json.loads(text) if text else None


Score = Callable[[dict[str, Any]], Any]


def learning(interval: dict[str, Any]) -> float:
    """A score that rises with training, faster where the learning rate is near 0.03."""
    values = interval["hyperparameters"]
    rate = values.get("lr", 0.03)
    distance = math.log10(rate / 0.03) ** 2 + (values.get("momentum", 0.5) - 0.5) ** 2
    return float(1 - 0.9 / (1 + 0.35 * interval["depth"] * math.exp(-distance)))


def define(name: str, **changes: Any) -> dict[str, Any]:
    """A definition."""
    definition = {
        "name": name, "objective": {"metric": "accuracy", "goal": "maximize"}, "population": 12, "intervals": 16,
        "seed": 3, "retries": 1,
        "space": {"lr": {"log_uniform": [1e-5, 1]}, "momentum": {"uniform": [0, 0.99]}, "batch": {"constant": 64}},
        "command": ["python3", "train.py", "{args}"], "directory": "/tmp",
        "exploit": {"truncation": 0.2}, "explore": {"perturb": [0.8, 1.25]},
    }  # fmt: skip
    definition.update(changes)
    return definition


class Experiment:
    """An experiment whose intervals are finished without training."""

    def __init__(self, server: Server, name: str, **changes: Any) -> None:
        self.server, self.name = server, name
        self.path = "/experiments/" + urllib.parse.quote(name, safe="")
        server.ask("POST", "/experiments", {"definition": define(name, **changes)})

    def claim(self, worker: str = "box/7/a/1", term: float = 3600, count: int = 1) -> list[dict[str, Any]]:
        answer = self.server.ask(
            "POST", self.path + "/claims", {"worker": worker, "term": term, "count": count, "definition": False}
        )
        return list(answer["assignments"])

    def finish(self, assignment: dict[str, Any], score: Any) -> None:
        interval = assignment["interval"]
        body: dict[str, Any] = {"lease": assignment["lease"]}
        if isinstance(score, str):
            body["failed"] = score
        else:
            name = f"m{interval['member']:04}-i{interval['interval']:04}-a{assignment['lease']['attempt']}"
            body["metrics"] = {"accuracy": score, "loss": 0.5}
            if score is not None:
                empty = {"lease": assignment["lease"], "files": [], "directories": []}
                self.server.ask("POST", f"{self.path}/uploads/{name}/publish", empty)
                body |= {"score": score, "checkpoint": name}
        self.server.ask(
            "POST", f"{self.path}/intervals/{interval['member']}/{interval['interval']}/finish", body
        )

    def train(self, count: int = 1_000_000, score: Score = learning) -> None:
        for turn in range(count):
            assignments = self.claim(f"box{turn % 3}/{turn % 3 + 10}/a/w")
            if not assignments:
                return
            self.finish(assignments[0], score(assignments[0]["interval"]))


def broken(interval: dict[str, Any]) -> Any:
    return "exit 1: RuntimeError: no such file: data.npz"


def troubled(interval: dict[str, Any]) -> Any:
    """Some fail, some diverge."""
    if interval["member"] == 2 and interval["depth"] > 2:
        return "exit 1: loss is nan"
    if interval["member"] == 4 and interval["depth"] > 1:
        return None
    return learning(interval)


HOSTILE = '<script>alert("1")</script> & \u202e\u05d0\u05d1 \u4e2d\u6587 /x?y#z'


def make_all(server: Server) -> dict[str, str]:
    """Every state, and the path of its page."""
    Experiment(server, "empty")
    Experiment(server, "running", population=20, intervals=40, baseline="random_search").train(430)
    stalled = Experiment(server, "stalled")
    stalled.train(40)
    stalled.claim("box/99/a/silent", term=1)
    Experiment(server, "troubled").train(100, troubled)
    Experiment(server, "failed", population=3).train(100, broken)
    paused = Experiment(server, "paused")
    paused.train(30)
    server.ask("POST", paused.path + "/pause", {})
    finished = Experiment(server, "finished", baseline="random_search")
    Experiment(server, "finished.random_search", kind="random_search", exploit="none", explore="none").train()
    finished.train()
    Experiment(server, "one", population=1, intervals=4, space={"x": {"uniform": [0, 1]}}).train()
    Experiment(server, "words", space={"activation": {"choice": ["relu", "tanh", "gelu"]}}).train(80)
    Experiment(
        server, "least", objective={"metric": "loss", "goal": "minimize"}, space={"lr": {"log_uniform": [1e-5, 1]}}
    ).train(90, lambda interval: 1 - learning(interval))
    Experiment(server, "manual", kind="manual")
    Experiment(server, HOSTILE, population=3, intervals=3, space={"x": {"choice": ["<b>", HOSTILE]}}).train()
    Experiment(server, "huge", population=60, intervals=8).train(330)
    names = [
        "empty", "running", "stalled", "troubled", "failed", "paused", "finished", "finished.random_search", "one",
        "words", "least", "manual", HOSTILE, "huge",
    ]  # fmt: skip
    return {name: "/e/" + urllib.parse.quote(name, safe="") for name in names}
