"""Compares what frameworks do with an exported schedule with the rows of the experiment, step by step.

Run by Scripts/test-schedules, which installs the frameworks: test_schedules.py PBT FRAMEWORK=PYTHON...
"""

from __future__ import annotations

import json
import math
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, Callable, List

import numpy as np

NAME = "na\"ïve '''☃\u202e\"\"\" \\"

EXPERIMENT = f"""
name: {json.dumps(NAME)}
objective: {{metric: "lo\\nss\\"\\"\\"", goal: minimize}}
population: 5
intervals: 10
seed: 11
exploit: {{truncation: 0.4}}
explore: {{perturb: [0.5, 1.6], keep_categories: 0.5}}
command: [python3, trainer.py]
workers: 2
space:
  lr: {{log_uniform: [1.0e-4, 1.0]}}
  momentum: {{reverse_log_uniform: [0.5, 0.999]}}
  weight_decay: {{log_uniform: [1.0e-5, 0.1]}}
  dropout: {{uniform: [0, 0.5]}}
  grid: {{uniform: [0, 1], quantum: 0.1}}
  layers: {{integer: [1, 20]}}
  evil: {{choice: ["a\\"", "\\n#", "\\"\\"\\""]}}
  flag: {{boolean: true}}
  fixed: {{constant: {{any: [json, null, 1.5]}}}}
"""

TRAINER = """
import json, os
p = json.load(open(os.environ["PBT_HYPERPARAMETERS"]))
depth = int(open(os.environ["PBT_CHECKPOINT_IN"] + "/depth").read()) if "PBT_CHECKPOINT_IN" in os.environ else 0
open(os.environ["PBT_CHECKPOINT_OUT"] + "/depth", "w").write(str(depth + 1))
# Best if the learning rate falls; the other hyperparameters follow by chance.
json.dump({METRIC: 1 / (depth + 1) + abs(p["lr"] - 10 ** (-0.3 * depth))}, open(os.environ["PBT_RESULTS"], "w"))
""".replace("METRIC", repr('lo\nss"""'))

Transform = Callable[[Any], Any]


def same(number: Any) -> Any:
    return number


#: Scales: to the place on the scale, and back.
SCALES: dict[str, tuple[Transform, Transform]] = {
    "lr": (np.log, np.exp),
    "weight_decay": (np.log, np.exp),
    "momentum": (lambda x: -np.log1p(-x), lambda x: -np.expm1(-x)),
    "dropout": (same, same),
    "grid": (same, same),
}

BOUNDS = {"lr": (1e-4, 1), "momentum": (0.5, 0.999), "weight_decay": (1e-5, 0.1), "dropout": (0, 0.5), "grid": (0, 1)}


@dataclass
class Variant:
    """A way to export the schedule."""

    options: List[str]
    steps: int
    scale: Fraction = Fraction(1)
    knots: int = 0
    monotone: bool = False
    path: str = ""
    values: dict[str, list[Any]] = field(default_factory=dict)

    def compute(self, rows: list[dict[str, Any]], points: dict[str, list[tuple[int, Any]]]) -> None:
        """Computes the values at every step, and a few steps later, from the rows."""
        length = len(rows)
        total = math.floor(length * self.steps * self.scale + Fraction(1, 2))
        at = [min((2 * step + 1) * length // (2 * total), length - 1) for step in range(total + 3)]
        for name in rows[0]:
            series = [row[name] for row in rows]
            if self.knots and name in BOUNDS and name != "grid" and len(set(series)) > 1:
                places = [step for step, _ in points[name]]
                assert len(places) <= self.knots and places[0] == 0 and places[-1] == total, (name, places)
                knots = self.fit(name, series, [round(place * length / total) for place in places])
                there, back = SCALES[name]
                steps = np.clip(np.arange(total + 3), 0, total)
                self.values[name] = list(map(float, back(np.interp(steps, places, there(np.array(knots))))))
            else:
                if self.monotone and name in BOUNDS:
                    series = self.isotonic(name, series)
                self.values[name] = [series[place] for place in at]

    def fit(self, name: str, series: list[float], places: list[int]) -> list[float]:
        """Returns the values at knots by solving for the hat functions, within the bounds."""
        there, back = SCALES[name]
        centers = np.arange(len(series)) + 0.5
        hats = np.stack([np.interp(centers, places, row) for row in np.eye(len(places))], axis=1)
        solution = np.linalg.lstsq(hats, there(np.array(series)), rcond=None)[0]
        return [float(value) for value in np.clip(back(solution), *BOUNDS[name])]

    def isotonic(self, name: str, series: list[float]) -> list[float]:
        """Returns the better of the monotone fits, by the minimax formula."""
        there, back = SCALES[name]
        values = there(np.array(series))
        count = len(values)

        def rising(y: Any) -> Any:
            return np.array([
                max(min(y[j : k + 1].mean() for k in range(i, count)) for j in range(i + 1)) for i in range(count)
            ])

        fits = [rising(values), -rising(-values)]
        best = min(fits, key=lambda fit: float(((fit - values) ** 2).sum()))
        numbers = [float(number) for number in back(best)]
        return [round(number, 1) for number in numbers] if name == "grid" else numbers


def close(a: Any, b: Any, tolerance: float) -> bool:
    if isinstance(a, float) or isinstance(b, float):
        return bool(abs(a - b) <= tolerance * max(abs(a), abs(b)))
    return type(a) is type(b) and bool(a == b)


def compare(what: str, found: list[Any], wanted: list[Any], tolerance: float) -> int:
    assert len(found) == len(wanted), f"{what}: {len(found)} values, not {len(wanted)}"
    for step, (a, b) in enumerate(zip(found, wanted)):
        assert close(a, b, tolerance), f"{what} at step {step}: {a!r}, not {b!r}"
    return len(found)


def check(framework: str, variant: Variant, result: dict[str, dict[str, list[Any]]]) -> int:
    wanted, values, applied = variant.values, result["values"], result["applied"]
    steps = len(wanted["lr"])
    assert set(values) == set(wanted), set(values) ^ set(wanted)
    count = 0
    for name in wanted:
        # The columns of an integer that is constant are integers; the numbers of a grid have no rounding errors.
        count += compare(f"{framework} {variant.options} value {name!r}", values[name], wanted[name], 1e-9)
    # JAX and Keras compute with 32 bits.
    tolerance = 1e-9 if framework in ("pytorch", "transformers") else 1e-5
    derived = {
        "second lr": ([3 * rate for rate in wanted["lr"]], tolerance),
        "second weight_decay": ([0.0] * steps, 0),
        "beta1": (wanted["momentum"], tolerance),
        "update": (wanted["lr"], tolerance),
        "sum": ([sum(wanted["lr"])], 1e-4),
        # The trainer logs the rate that is set for the next step.
        "logged": (wanted["lr"][1:], 1e-6),
        "epochs": (wanted["lr"], 1e-6),
    }
    for name, found in applied.items():
        expected, accuracy = derived.get(name, (wanted.get(name, []), tolerance))
        if name in ("sum", "epochs"):
            expected = expected[: len(found)]
        elif framework == "transformers" or name == "beta1":
            expected = expected[: steps - 3]
        count += compare(f"{framework} {variant.options} {name}", found, expected, accuracy)
    return count


def points_of(path: Path) -> dict[str, list[tuple[int, Any]]]:
    """Reads the data of a module without its framework."""
    text = path.read_text()
    found: dict[str, Any] = {}
    match = re.search(r"^POINTS: [^\n]* = (\{\n.*?\n\})$", text, re.S | re.M)
    assert match, text
    exec(f"points = {match[1]}", found)
    points: dict[str, list[tuple[int, Any]]] = found["points"]
    return points


def main() -> None:
    pbt = sys.argv[1]
    frameworks = [argument.split("=", 1) for argument in sys.argv[2:]]
    runner = Path(__file__).parent / "support/frameworks.py"
    variants = [
        Variant([], 4),
        Variant(["--scale", "2.5"], 3, Fraction(5, 2)),
        Variant(["--intervals", "7"], 2, Fraction(7, 10)),
        Variant(["--smooth", "auto"], 6, knots=6),
        Variant(["--smooth", "3", "--scale", "4"], 5, Fraction(4), knots=3),
        Variant(["--monotone", "auto"], 5, monotone=True),
    ]
    with tempfile.TemporaryDirectory() as place:
        os.chdir(place)

        def run(*arguments: str) -> str:
            result = subprocess.run([pbt, *arguments], capture_output=True, text=True)
            assert result.returncode == 0, (arguments, result.stdout, result.stderr)
            return result.stdout

        Path("experiment.yaml").write_text(EXPERIMENT)
        Path("trainer.py").write_text(TRAINER)
        run("run", "experiment.yaml", "--progress", "none")
        rows = [row["hyperparameters"] for row in json.loads(run("schedule", NAME, "--json"))]
        assert len(rows) == 10 and len({row["lr"] for row in rows}) > 3, rows
        for framework, python in frameworks:
            for place_of, variant in enumerate(variants):
                variant.path = f"{framework}{place_of}.py"
                run("schedule", NAME, "--format", framework, "--steps-per-interval", str(variant.steps),
                    *variant.options, "-o", variant.path)  # fmt: skip
                if not variant.values:
                    variant.compute(rows, points_of(Path(variant.path)))
            paths = [variant.path for variant in variants]
            environment = {**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "TQDM_DISABLE": "1"}
            done = subprocess.run(
                [python, str(runner), framework, *paths], capture_output=True, text=True, env=environment)
            assert done.returncode == 0, f"{framework}: {done.stderr}"
            results = json.loads(done.stdout.strip().splitlines()[-1])
            count = sum(check(framework, variant, result) for variant, result in zip(variants, results))
            print(f"{framework}: {len(paths)} schedules, {count} values, all as in the rows")
        tools = Path(sys.executable).parent
        files = sorted(str(path) for path in Path().glob("*[0-9].py"))
        for command in (
            ["ruff", "check", "--isolated", "--select", "E,W,F,I,B,UP", "--ignore", "E501",
             "--target-version", "py39", *files],
            ["ruff", "format", "--isolated", "--check", *files],
            *(["mypy", "--strict", "--ignore-missing-imports", "--allow-subclassing-any", "--allow-untyped-decorators",
               "--python-executable", sys.executable, file] for file in files if file.endswith("0.py")),
        ):  # fmt: skip
            done = subprocess.run([str(tools / command[0]), *command[1:]], capture_output=True, text=True)
            assert done.returncode == 0, (command, done.stdout, done.stderr)
        print(f"ruff and mypy: nothing found in {len(files)} files")
        print("test-schedules: nothing found")


if __name__ == "__main__":
    main()
