"""Tables of the suite's results, in Markdown."""

from __future__ import annotations

import math
import random
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from statistics import median, quantiles
from typing import Any

Row = dict[str, Any]
Instance = tuple[str, int]  # a task and a population
BEGIN, END = "<!-- tables: Scripts/search-bench -->", "<!-- end of tables -->"
WINNER_BEGIN, WINNER_END = "<!-- winner: Scripts/search-bench -->", "<!-- end of winner -->"
RESAMPLES = 2000


def regret(row: Row) -> float:
    """Returns the regret of a run's best checkpoint; infinite if it has none."""
    value = row.get("regret")
    return math.inf if value is None or math.isnan(value) else float(value)


class Results:
    """The runs of some contenders at some instances, by seed: only seeds that all of them have."""

    def __init__(self, rows: Iterable[Row], contenders: list[str], tasks: list[str]) -> None:
        cells: dict[Instance, dict[int, dict[str, Row]]] = defaultdict(lambda: defaultdict(dict))
        for row in rows:
            if row["contender"] in contenders and row["task"] in tasks:
                cells[row["task"], row["population"]][row["seed"]][row["contender"]] = row
        self.contenders = contenders
        self.cells: dict[Instance, list[dict[str, Row]]] = {}
        for instance, seeds in cells.items():
            whole = [seeds[seed] for seed in sorted(seeds) if len(seeds[seed]) == len(contenders)]
            if whole:
                self.cells[instance] = whole

    def ranks(self) -> dict[Instance, list[list[float]]]:
        """Returns for each instance and seed the rank of each contender; equal regrets share their mean rank."""
        return {
            instance: [ranked([regret(seed[name]) for name in self.contenders]) for seed in seeds]
            for instance, seeds in self.cells.items()
        }

    def mean_ranks(self) -> list[tuple[float, float, float]]:
        """Returns each contender's mean rank, every task counted alike, with its 95 % bootstrap interval.

        The bootstrap draws seeds with replacement within each instance.
        """
        instances = list(self.cells)
        tasks = [task for task, _ in instances]
        weights = [1 / tasks.count(task) / max(len(set(tasks)), 1) for task in tasks]
        ranks = list(self.ranks().values())
        places = range(len(self.contenders))

        def means(draw: bool, source: random.Random) -> list[float]:
            totals = [0.0] * len(self.contenders)
            for seeds, weight in zip(ranks, weights):
                chosen = source.choices(seeds, k=len(seeds)) if draw else seeds
                for seed in chosen:
                    for i in places:
                        totals[i] += seed[i] * weight / len(chosen)
            return totals

        source = random.Random(1)
        center = means(False, source)
        drawn = [means(True, source) for _ in range(RESAMPLES)]
        result = []
        for i in places:
            column = sorted(resample[i] for resample in drawn)
            result.append((center[i], column[int(0.025 * RESAMPLES)], column[int(0.975 * RESAMPLES) - 1]))
        return result

    def wins(self, name: str, over: str) -> tuple[int, int]:
        """Returns how many seeds a contender has the smaller regret in, equal ones counted half, and of how many."""
        if over not in self.contenders:
            return 0, 0
        pairs = [(regret(seed[name]), regret(seed[over])) for seeds in self.cells.values() for seed in seeds]
        return round(sum(1 if a < b else 0.5 if a == b else 0 for a, b in pairs)), len(pairs)


def ranked(values: list[float]) -> list[float]:
    """Returns ranks from 1 on; equal values share their mean."""
    order = sorted(range(len(values)), key=lambda i: values[i])
    result = [0.0] * len(values)
    start = 0
    while start < len(order):
        end = start
        while end < len(order) and values[order[end]] == values[order[start]]:
            end += 1
        for i in order[start:end]:
            result[i] = (start + 1 + end) / 2
        start = end
    return result


class Normalization:
    """Regret as a multiple of random search's median, less the least regret that is known to be possible."""

    def __init__(self, rows: list[Row], suite: dict[str, Any]) -> None:
        self.floor: dict[Instance, float] = {}
        self.unit: dict[Instance, float] = {}
        baseline = defaultdict(list)
        least: dict[str, float] = {}
        for row in rows:
            least[row["task"]] = min(least.get(row["task"], math.inf), regret(row))
            if row["contender"] == "random search":
                baseline[row["task"], row["population"]].append(regret(row))
        for instance, values in baseline.items():
            isKnown = suite["tasks"][instance[0]].get("optimum", 0) is not None
            self.floor[instance] = 0 if isKnown else least[instance[0]]
            self.unit[instance] = median(values) - self.floor[instance]

    def values(self, rows: list[Row], instance: Instance, contender: str) -> list[float]:
        """Returns a contender's normalized regrets; empty if random search did not run there."""
        if instance not in self.unit:
            return []
        floor, unit = self.floor[instance], self.unit[instance]
        own = [row for row in rows if (row["task"], row["population"], row["contender"]) == (*instance, contender)]
        return [(regret(row) - floor) / unit for row in own]


def line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def table(head: list[str], rows: list[list[str]]) -> str:
    return "\n".join([line(head), "|" + " --- |" + " ---: |" * (len(head) - 1), *map(line, rows)]) + "\n"


def interval(value: tuple[float, float, float]) -> str:
    return f"{value[0]:.2f} ({value[1]:.2f} to {value[2]:.2f})"


def complete(rows: list[Row], names: Iterable[str]) -> list[str]:
    """Returns the contenders that ran on every instance that one of them ran on: only those have comparable ranks."""
    instances: dict[str, set[Instance]] = {name: set() for name in names}
    for row in rows:
        if row["contender"] in instances:
            instances[row["contender"]].add((row["task"], row["population"]))
    every = set().union(*instances.values())
    return [name for name, own in instances.items() if own == every]


def rules(suite: dict[str, Any], rows: list[Row]) -> str:
    """Returns mean ranks of this project's rules, on both halves of the tasks."""
    own = [row for row in rows if row["tool"] == "pbt"]
    names = complete(own, (name for name, about in suite["contenders"].items() if about["tool"] == "pbt"))
    halves: dict[str, list[str]] = {"choose": [], "confirm": []}
    for task, about in suite["tasks"].items():
        halves[about["half"]].append(task)
    results = {half: Results(rows, names, tasks) for half, tasks in halves.items()}
    everything = Results(rows, names, list(suite["tasks"]))
    columns = {half: dict(zip(names, result.mean_ranks())) for half, result in results.items()}
    both = dict(zip(names, everything.mean_ranks()))
    body = []
    for name in sorted(names, key=lambda name: both[name][0]):
        won, of = everything.wins(name, "random search")
        body.append([
            name, interval(columns["choose"][name]), interval(columns["confirm"][name]), interval(both[name]),
            f"{won} of {of}",
        ])  # fmt: skip
    head = ["contender", "mean rank, choosing half", "confirming half", "all tasks", "better than random search"]
    return table(head, body) + "\n" + instances(everything)


def instances(results: Results) -> str:
    cells = sorted(results.cells.items())
    return "Seeds: " + ", ".join(f"{task} × {members} members {len(seeds)}" for (task, members), seeds in cells) + ".\n"


def peers(suite: dict[str, Any], rows: list[Row], names: list[str]) -> str:
    """Returns mean ranks and costs beside other tools, on the runs that all of them have."""
    results = Results(rows, names, suite["peers"]["tasks"])
    if not results.cells:
        return "No results yet.\n"
    ranks = dict(zip(names, results.mean_ranks()))
    body = []
    for name in sorted(names, key=lambda name: ranks[name][0]):
        chosen = [seed[name] for seeds in results.cells.values() for seed in seeds]
        won, of = results.wins(name, "random search")
        cost = sum(row["cpu"] for row in chosen) / sum(row["trained"] for row in chosen)
        budgets = [row["population"] * suite["tasks"][row["task"]]["intervals"] for row in chosen]
        trained = median(row["trained"] / budget for row, budget in zip(chosen, budgets))
        body.append([name, interval(ranks[name]), f"{won} of {of}", f"{trained:.2f}", f"{1000 * cost:.2f}"])
    head = ["contender", "mean rank", "better than random search", "intervals trained / budget", "CPU per interval, ms"]
    return table(head, body) + "\n" + instances(results)


def regrets(suite: dict[str, Any], rows: list[Row], names: list[str], population: int) -> str:
    """Returns the normalized regret of contenders for each task: the median and the quartiles."""
    normalized = Normalization(rows, suite)
    body = []
    for name in names:
        cells = [name]
        for task in suite["tasks"]:
            values = normalized.values(rows, (task, population), name)
            if len(values) < 2:
                cells.append("")
                continue
            low, _, high = quantiles(values, n=4, method="inclusive")
            cells.append(f"{median(values):.2f} ({low:.2f} to {high:.2f})")
        body.append(cells)
    return table(["contender", *suite["tasks"]], body)


def grid(suite: dict[str, Any], rows: list[Row]) -> str:
    """Returns for each tool its best setting of each task, by the median regret."""
    groups = {
        # Those that run on some tasks only spend more than the others.
        "this project": [
            name for name, about in suite["contenders"].items() if about["tool"] == "pbt" and "only" not in about
        ],
        "Ray Tune": [name for name, about in suite["contenders"].items() if about["tool"] == "ray"],
        "Syne Tune": [name for name, about in suite["contenders"].items() if about["tool"] == "syne_tune"],
    }
    groups["this project"].remove("random search")
    normalized = Normalization(rows, suite)
    body = []
    for tool, names in groups.items():
        cells = [tool]
        for task in suite["peers"]["tasks"]:
            medians = []
            for name in names:
                values = normalized.values(rows, (task, suite["peers"]["populations"][0]), name)
                if len(values) > 1:
                    medians.append((median(values), name))
            cells.append("{:.2f} ({})".format(*min(medians)) if medians else "")
        body.append(cells)
    return table(["tool", *suite["peers"]["tasks"]], body)


def mean_interval(values: list[float]) -> tuple[float, float, float]:
    """Returns the mean and its 95 % bootstrap interval."""
    source = random.Random(1)
    means = sorted(sum(source.choices(values, k=len(values))) / len(values) for _ in range(RESAMPLES))
    return sum(values) / len(values), means[int(0.025 * RESAMPLES)], means[int(0.975 * RESAMPLES) - 1]


def winners(suite: dict[str, Any], rows: list[Row], task: str = "cartpole", most: float = 500) -> str:
    """Returns the true return of the winner with and without evaluations, and the difference in the same seeds."""
    named = [name for name, about in suite["contenders"].items() if task in about.get("only", [])]
    bases = list(dict.fromkeys(name.partition(", evaluate")[0] for name in named))
    chosen: dict[str, dict[int, Row]] = defaultdict(dict)
    for row in rows:
        if row["task"] == task and math.isfinite(regret(row)) and row.get("score") is not None:
            chosen[row["contender"]][row["seed"]] = row
    body = []
    for base in bases:
        for name in [base, *(name for name in named if name.partition(", evaluate")[0] == base)]:
            runs = chosen[name]
            if not runs:
                continue
            truth = {seed: most - regret(row) for seed, row in runs.items()}
            told = sum(row["score"] for row in runs.values()) / len(runs)
            pairs = [truth[seed] - (most - regret(chosen[base][seed])) for seed in truth if seed in chosen[base]]
            gain = "" if name == base or not pairs else interval(mean_interval(pairs))
            body.append([name, str(len(runs)), interval(mean_interval(list(truth.values()))), f"{told:.1f}", gain])
    return table(["contender", "seeds", "true return of the winner", "score it was chosen by", "gain"], body)


def write(page: Path, suite: dict[str, Any], rows: list[Row]) -> None:
    """Replaces the tables of the page."""
    have = {row["contender"] for row in rows}
    parts = []
    if any(row["tool"] == "pbt" for row in rows):
        parts += ["### This project's rules\n", rules(suite, rows)]
    others = [name for name, about in suite["contenders"].items() if about["tool"] != "pbt" and name in have]
    if others:
        ours = [name for name in suite["compared"] if name in have]
        tools = {about["tool"] for about in suite["contenders"].values()} - {"pbt"}
        widest = complete([row for row in rows if row["tool"] in tools], others)
        parts += ["### Next to other tools\n", peers(suite, rows, ours + widest)]
        for name in others:
            if name not in widest:
                parts += [f"### Next to {name}\n", peers(suite, rows, [*ours, name])]
        parts += ["### The best setting of each tool for each task\n", grid(suite, rows)]
    for population in suite["populations"]:
        parts += [f"### Regret with {population} members\n", regrets(suite, rows, sorted(have), population)]
    text = page.read_text()
    if WINNER_BEGIN in text and any("score" in row for row in rows):
        before, rest = text.split(WINNER_BEGIN)
        text = before + WINNER_BEGIN + "\n\n" + winners(suite, rows) + "\n" + WINNER_END + rest.split(WINNER_END)[1]
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    page.write_text(before + BEGIN + "\n\n" + "\n".join(parts) + "\n" + END + after)
