"""What must hold of a search, whatever happens to its processes, its disk, or its power."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
# States as the store has them.
DONE = 2
KEPT = 1

TRAINER = """\
# Trains for a moment. Each checkpoint has a second file that ends in a line "end": half a checkpoint would show.
set -eu
depth=0
if [ -n "${PBT_CHECKPOINT_IN:-}" ]; then
    if [ "$(tail -n 1 "$PBT_CHECKPOINT_IN/second")" != end ]; then
        echo "half: $PBT_CHECKPOINT_IN" >>violations
        exit 9
    fi
    depth=$(cat "$PBT_CHECKPOINT_IN/first")
fi
depth=$((depth + 1))
echo "$depth" >"$PBT_CHECKPOINT_OUT/first"
sleep 0.02
{ seq 1 2000; sleep 0.02; echo end; } >"$PBT_CHECKPOINT_OUT/second"
printf '{"score": %s, "depth": %s}' "$(($(printf '%.0f' "${PBT_PARAM_X}") + depth))" "$depth" >"$PBT_RESULTS"
"""

EXPERIMENT = """\
name: {name}
objective: {{metric: score, goal: maximize}}
population: {population}
intervals: {intervals}
seed: {seed}
space:
  x: {{uniform: [0, 1000]}}
exploit: {{truncation: 0.25}}
workers: 2
retries: {retries}
"""


# The scores of these trainers, in one process that is not killed.
REFERENCE = """\
import pbt

if __name__ == "__main__":
    for interval in pbt.worker():
        depth = 1
        if interval.checkpoint_in is not None:
            depth += int((interval.checkpoint_in / "first").read_text())
        (interval.checkpoint_out / "first").write_text(str(depth))
        x = interval.hyperparameters["x"]
        interval.report(score=(int(f"{x:.0f}") if ROUNDED else x) + depth, depth=depth)
"""


class Failure(Exception):
    """Something that must always hold does not."""


class Search:
    """One experiment in one SQLite store, read without the program that is tested.

    Args:
        pbt: The program.
        directory: The directory of `pbt.sqlite` and `pbt.data`.
        name: The experiment's name.
        population: Number of members.
        intervals: Intervals for each member.
        violations: A file that trainers write to when they were given half a checkpoint.
    """

    def __init__(
        self, pbt: str, directory: Path, name: str, population: int, intervals: int, violations: Path | None = None
    ) -> None:
        self.pbt, self.directory, self.name = pbt, directory, name
        self.population, self.total = population, population * intervals
        self.store = directory / "pbt.sqlite"
        self.data = directory / "pbt.data" / name
        self.violations = violations or directory / "violations"
        self.done: dict[tuple[int, int], tuple[float, int]] = {}

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        with contextlib.closing(sqlite3.connect(f"file:{self.store}?mode=ro", uri=True, timeout=30)) as db:
            return db.execute(query, values).fetchall()

    def is_finished(self) -> bool:
        return self.store.exists() and self.rows("SELECT state FROM experiment WHERE name = ?", self.name) == [
            ("finished",)
        ]

    def counts(self) -> dict[int, int]:
        """Number of intervals by state."""
        return dict(self.rows("SELECT state, count(*) FROM interval GROUP BY state"))

    def check(self) -> None:
        """No finished interval is gone or changed, no needed checkpoint is missing, no half one was handed out."""
        now = {
            (member, index): (score, sequence)
            for member, index, score, sequence in self.rows(
                "SELECT member, idx, score, sequence FROM interval WHERE state = ?", DONE
            )
        }
        for interval, was in self.done.items():
            if now.get(interval) != was:
                raise Failure(f"interval {interval} was done with {was}, and now is {now.get(interval)}")
        self.done = now
        if self.violations.exists():
            raise Failure(f"a trainer was given half a checkpoint: {self.violations.read_text()}")
        for name in self.needed():
            # Between the two reads the interval may have finished and the checkpoint been deleted rightly.
            if not (self.data / "checkpoints" / name).is_dir() and name in self.needed():
                raise Failure(f"checkpoint {name} is needed, and not there")

    def needed(self) -> set[str]:
        """Checkpoints that an open interval continues."""
        return {
            name
            for (name,) in self.rows(
                "SELECT p.checkpoint FROM interval AS i "
                "JOIN interval AS p ON p.experiment = i.experiment "
                "AND p.member = i.parent_member AND p.idx = i.parent_idx WHERE i.state < ?",
                DONE,
            )
        }

    def check_end(self) -> None:
        """Every interval is done once, decisions follow from the rows, files are exactly those that rows name."""
        self.check()
        if self.counts() != {DONE: self.total}:
            raise Failure(f"{self.total} intervals should be done; there are {self.counts()}")
        if sorted(sequence for _, sequence in self.done.values()) != list(range(self.total)):
            raise Failure("the intervals are not numbered from 0 without a gap")
        shown = json.loads(self.run("show", self.name, "--json"))
        if shown["intervals"].get("done") != self.total or not Path(shown["best"]["checkpoint"]).is_dir():
            raise Failure(f"pbt show says {shown['intervals']}, best {shown['best']}")
        self.run("explain", self.name, "--all")
        self.run("gc")
        kept = self.kept()
        there = {entry.name for entry in (self.data / "checkpoints").iterdir()}
        if kept != there:
            raise Failure(f"checkpoints kept but missing: {kept - there}; left behind: {there - kept}")
        for name in kept:
            if not (self.data / "checkpoints" / name / "second").read_text().endswith("end\n"):
                raise Failure(f"checkpoint {name} is not whole")
        if len(kept) > self.population + 1:
            raise Failure(f"{len(kept)} checkpoints are kept for a population of {self.population}")
        attempts = self.data / "attempts"
        if attempts.exists() and any(attempts.iterdir()):
            raise Failure(f"attempts left behind: {[entry.name for entry in attempts.iterdir()]}")

    def tree(self) -> list[tuple[Any, ...]]:
        """What was trained from what, with which hyperparameters and score: all but the times, places and attempts."""
        return self.rows(
            "SELECT member, idx, state, parent_member, parent_idx, depth, score, hyperparameters, changes "
            "FROM interval ORDER BY member, idx"
        )

    def check_tree(self, definition: str, rounded: bool) -> None:
        """The tree of intervals is that of one worker that nothing happened to.

        Args:
            definition: The experiment file, without a trainer.
            rounded: True if the trainer rounds the hyperparameter.
        """
        with tempfile.TemporaryDirectory(prefix="pbt-reference-") as name:
            directory = Path(name)
            (directory / "trainer.py").write_text(f"ROUNDED = {rounded}\n{REFERENCE}")
            (directory / "reference.yaml").write_text(
                f"{definition}\npersistent: true\ncommand: [{sys.executable}, trainer.py]\n".replace(
                    "workers: 2", "workers: 1"
                )
            )
            reference = Search(self.pbt, directory, self.name, 1, 1)
            reference.run("run", "reference.yaml")
            mine, expected = self.tree(), reference.tree()
            if len(mine) != len(expected):
                raise Failure(f"one worker alone has {len(expected)} intervals; here there are {len(mine)}")
            for own, other in zip(mine, expected):
                if own != other:
                    raise Failure(f"one worker alone has {other}; here it is {own}")

    def kept(self) -> set[str]:
        """Names of the checkpoints that the store keeps."""
        return {
            name
            for (name,) in self.rows(
                "SELECT i.checkpoint FROM interval AS i JOIN experiment AS e ON e.id = i.experiment "
                "WHERE i.checkpoint_state = ? AND e.name = ?",
                KEPT,
                self.name,
            )
        }

    def run(self, *arguments: str) -> bytes:
        """Runs a command on the store; its standard output."""
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "python")}
        result = subprocess.run([self.pbt, *arguments], cwd=self.directory, env=environment, capture_output=True)
        if result.returncode != 0:
            raise Failure(f"pbt {' '.join(arguments)} ended with {result.returncode}: {result.stderr.decode()[-2000:]}")
        return result.stdout


def children(pid: int) -> list[int]:
    """The processes that a process has started and that live."""
    try:
        threads = os.listdir(f"/proc/{pid}/task")
        return [
            int(child)
            for thread in threads
            for child in Path(f"/proc/{pid}/task/{thread}/children").read_text().split()
        ]
    except OSError:
        return []  # It has ended in the meantime.


def kill(pid: int) -> None:
    """Kills a process, which may have ended in the meantime."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def kill_tree(pid: int) -> None:
    """Kills a process and all that it started, the children first known."""
    below = children(pid)
    kill(pid)
    for child in below:
        kill_tree(child)
