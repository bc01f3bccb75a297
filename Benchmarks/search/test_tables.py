"""Tests of the tables' statistics: python3 -m pytest Benchmarks/search."""

from __future__ import annotations

import math
from typing import Any

from tables import Normalization, Results, complete, ranked, winners


def row(contender: str, seed: int, regret: float | None, task: str = "t", population: int = 8) -> dict[str, Any]:
    return {"contender": contender, "task": task, "population": population, "seed": seed, "regret": regret}


def test_equal_values_share_their_mean_rank() -> None:
    assert ranked([0.3, 0.1, 0.1, 0.2]) == [4, 1.5, 1.5, 3]


def test_a_run_without_a_result_ranks_last() -> None:
    results = Results([row("a", 1, None), row("b", 1, 7)], ["a", "b"], ["t"])
    assert results.ranks() == {("t", 8): [[2, 1]]}


def test_only_seeds_that_all_contenders_ran_are_compared() -> None:
    rows = [row("a", 1, 1), row("a", 2, 1), row("b", 2, 3)]
    assert [list(seeds) for seeds in Results(rows, ["a", "b"], ["t"]).cells.values()] == [
        [{"a": rows[1], "b": rows[2]}]
    ]


def test_every_task_counts_alike_whatever_its_populations() -> None:
    rows = []
    for population in (8, 16, 24):  # a wins all of one task, b all of the other
        rows += [row("a", 1, 1, "x", population), row("b", 1, 2, "x", population)]
    rows += [row("a", 1, 2, "y"), row("b", 1, 1, "y")]
    assert [center for center, _, _ in Results(rows, ["a", "b"], ["x", "y"]).mean_ranks()] == [1.5, 1.5]


def test_the_interval_covers_the_mean_and_shrinks_to_it_without_spread() -> None:
    same = [row(name, seed, regret) for seed in range(9) for name, regret in (("a", 1), ("b", 2))]
    assert all(math.isclose(value, 1) for value in Results(same, ["a", "b"], ["t"]).mean_ranks()[0])
    mixed = [row(name, seed, (seed + (name == "a")) % 2) for seed in range(10) for name in ("a", "b")]
    center, low, high = Results(mixed, ["a", "b"], ["t"]).mean_ranks()[0]
    assert low < center < high
    # The mean of 10 ranks of 1 or 2 has a standard error of 0.16.
    assert math.isclose(high - low, 4 * 0.16, rel_tol=0.3)


def test_wins_count_equal_results_half() -> None:
    rows = [row("a", 1, 1), row("b", 1, 2), row("a", 2, 3), row("b", 2, 3), row("a", 3, 3), row("b", 3, 3)]
    assert Results(rows, ["a", "b"], ["t"]).wins("a", "b") == (2, 3)


def test_a_contender_that_lacks_a_task_is_not_ranked() -> None:
    rows = [row("a", 1, 1, "x"), row("a", 1, 1, "y"), row("b", 1, 1, "x")]
    assert complete(rows, ["a", "b"]) == ["a"]


def test_regret_is_a_multiple_of_random_search_above_the_floor() -> None:
    suite = {"tasks": {"t": {}, "u": {"optimum": None}}}
    rows = [row("random search", 1, 4), row("a", 1, 1)]
    rows += [row("random search", 1, 4, "u"), row("a", 1, 1, "u"), row("b", 1, 2, "u")]
    normalized = Normalization(rows, suite)
    assert normalized.values(rows, ("t", 8), "a") == [0.25]
    assert normalized.values(rows, ("u", 8), "b") == [1 / 3]


def test_the_gain_of_evaluations_is_that_in_the_same_seeds() -> None:
    suite = {"contenders": {"a": {}, "a, evaluate 5 × 3": {"only": ["cartpole"]}}}
    rows = [
        {**row(name, seed, regret, "cartpole"), "score": 490.0}
        for name, by_seed in (("a", [100, 20]), ("a, evaluate 5 × 3", [40, 20]))
        for seed, regret in enumerate(by_seed)
    ]
    lines = winners(suite, rows).splitlines()
    assert lines[2].startswith("| a | 2 | 440.00 (")
    assert lines[3].startswith("| a, evaluate 5 × 3 | 2 | 470.00 (")
    assert "| 490.0 | 30.00 (0.00 to 60.00) |" in lines[3]
