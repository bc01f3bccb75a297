"""The tasks of the suite for tools in Python: SearchBench trains, so every tool trains the same task."""

from __future__ import annotations

import json
import random
import subprocess
from typing import Any

WORST = 1e12


class Trainer:
    """A process that trains intervals."""

    def __init__(self, job: dict[str, Any]) -> None:
        self.task: str = job["task"]
        self.sign = 1 if job["description"]["objective"]["goal"] == "minimize" else -1
        self.process = subprocess.Popen(
            [job["binary"], "train"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def train(
        self, hyperparameters: dict[str, Any], seed: int, load: str | None, save: str
    ) -> tuple[float, float | None]:
        """Trains one interval; returns the loss, which is the negative score of a task to maximize, and the regret."""
        request = {
            "task": self.task, "hyperparameters": hyperparameters, "seed": seed, "load": load, "save": save,
        }  # fmt: skip
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        if "error" in answer:
            raise RuntimeError(answer["error"])
        score = answer["score"]
        return WORST if score is None else max(min(self.sign * score, WORST), -WORST), answer["regret"]

    def close(self) -> None:
        """Ends the process."""
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait()


def within(description: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
    """Clips values to the space's bounds: in favor of tools that let them leave it."""
    result = {}
    for name, dimension in description["space"].items():
        value = values[name]
        if "bounds" in dimension:
            low, high = dimension["bounds"]
            value = min(max(value, low), high)
            value = int(round(value)) if "integer" in dimension else float(value)
        result[name] = value.item() if hasattr(value, "item") else value
    return result


def new_seed() -> int:
    """Returns a trainer's seed that no run repeats: a tool's noise is its own."""
    return random.SystemRandom().getrandbits(31)
