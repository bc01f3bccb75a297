"""An experiment with some trouble in it that stops in its middle, so that it can be exported twice."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any

from support.waiting import wait_for

# The fourth generation waits at a FIFO until it is opened for writing. What a test adds stands before the last line.
TRAINER = r"""
import json, os
p = json.load(open(os.environ["PBT_HYPERPARAMETERS"]))
member, interval = int(os.environ["PBT_MEMBER"]), int(os.environ["PBT_INTERVAL"])
depth = 0
if "PBT_CHECKPOINT_IN" in os.environ:
    depth = int(open(os.environ["PBT_CHECKPOINT_IN"] + "/depth").read())
if interval == 3:
    open("gate").close()
if (member, interval) == (2, 4):
    raise SystemExit("crashed on purpose")
open(os.environ["PBT_CHECKPOINT_OUT"] + "/depth", "w").write(str(depth + 1))
score = 0.1 * (depth + 1) + p["rate"] ** 0.5 / 7
metrics = {"accuracy": score, "flag": depth % 2 == 0, "note": "text %d" % depth}
if (member, interval) == (3, 2):
    metrics["accuracy"] = float("nan")
MORE
json.dump(metrics, open(os.environ["PBT_RESULTS"], "w"))
"""

EXPERIMENT = """
name: NAME
objective: {metric: accuracy, goal: maximize}
population: POPULATION
intervals: 6
seed: 3
synchronous: true
retries: 0
exploit: {truncation: 0.34}
command: [python3, trainer.py]
workers: 2
space:
  rate: {log_uniform: [1.0e-4, 1.0]}
  activation: {choice: [relu, tanh, "<i>"]}
"""


class Training:
    """A `pbt run` in a directory of its own: as a context, it runs until it is let through, or the context ends."""

    def __init__(
        self, pbt: str, place: Path, name: str, population: int, space: str = "", metrics: str = "",
        environment: dict[str, str] | None = None,
    ) -> None:  # fmt: skip
        self.pbt, self.place, self.name, self.population = pbt, place, name, population
        self.environment = {**os.environ, **(environment or {})}
        (place / "trainer.py").write_text(TRAINER.replace("MORE", metrics))
        text = EXPERIMENT.lstrip().replace("NAME", json.dumps(name)).replace("POPULATION", str(population))
        (place / "digits.yaml").write_text(text + space)
        os.mkfifo(place / "gate")
        self.gate: int | None = None

    def __enter__(self) -> Training:
        self.process = subprocess.Popen(
            [self.pbt, "run", "digits.yaml"], cwd=self.place, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.gate is not None:
            os.close(self.gate)
        self.process.kill()
        self.process.wait()

    def run(self, *arguments: str, status: int = 0) -> str:
        """Runs a pbt command in its directory, and returns the output."""
        result = subprocess.run(
            [self.pbt, *arguments], cwd=self.place, capture_output=True, text=True, env=self.environment
        )
        assert result.returncode == status, (arguments, result.returncode, result.stderr)
        return result.stdout + result.stderr

    def done(self) -> int:
        if not (self.place / "pbt.sqlite").exists():
            return 0
        listed = json.loads(self.run("list", "--json"))
        return sum(int(row["intervals"]["done"]) for row in listed)

    def reach_middle(self) -> None:
        """Waits until three generations are done, one interval of which diverged."""
        wanted = 3 * self.population - 1
        wait_for(f"{wanted} intervals that are done", lambda: self.done() >= wanted, 120, self.process)

    def finish(self) -> None:
        """Lets it through, and waits for its end."""
        # For both, or this would wait for a trainer that waits.
        self.gate = os.open(self.place / "gate", os.O_RDWR)
        status = self.process.wait(300)
        assert status == 0, f"pbt run ended with {status}"

    def rows(self) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        """Every interval, and which is the best."""
        answer = json.loads(self.run("export", self.name, "-o", "json"))
        return answer["intervals"], answer["record"]["best"]
