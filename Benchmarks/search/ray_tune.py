"""Ray Tune's PBT and PB2 on the tasks of the suite: reads a job a line, and prints its result.

With Ray's defaults, except for what a job's rules name, and a decision after every interval. Values are clipped to
their range, in Ray's favor: Ray lets them leave it. Founders have the hyperparameters and seeds that pbt gives them.
"""

from __future__ import annotations

import json
import logging
import os
import random
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

os.environ.update(
    RAY_USAGE_STATS_ENABLED="0", RAY_AIR_NEW_OUTPUT="0", RAY_worker_niceness="0",
    TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S="0", PYTHONPATH=str(Path(__file__).parent),
    RAY_DISABLE_DOCKER_CPU_WARNING="1", OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1",
)  # fmt: skip

import numpy as np  # noqa: E402
import ray  # noqa: E402
from ray import tune  # noqa: E402
from ray.tune.schedulers import PopulationBasedTraining  # noqa: E402
from ray.tune.schedulers.pb2 import PB2  # noqa: E402
from trainer import Trainer, new_seed, within  # noqa: E402


class Member(tune.Trainable):  # type: ignore[misc]
    """A member: an interval a step, with the weights in a file."""

    def setup(self, config: dict[str, Any]) -> None:
        self.job: dict[str, Any] = json.loads(config["job"])
        self.trainer = Trainer(self.job)
        self.folder = tempfile.mkdtemp(dir=self.job["scratch"])
        self.weights = os.path.join(self.folder, "weights")
        self.reset_config(config)

    def reset_config(self, config: dict[str, Any]) -> bool:
        self.is_founder = True
        self.founder = config["founder"]
        return True

    def step(self) -> dict[str, Any]:
        seed = self.job["description"]["founders"][self.founder][1] if self.is_founder else new_seed()
        values = within(self.job["description"], self.config)
        loss, regret = self.trainer.train(values, seed, None if self.is_founder else self.weights, self.weights)
        self.is_founder = False
        row = {"loss": loss, "regret": float("nan") if regret is None else regret}
        # Ray's own tables of results lack rows when intervals are short.
        with open(os.path.join(self.folder, "rows.jsonl"), "a") as file:
            file.write(json.dumps(row) + "\n")
        return row

    def save_checkpoint(self, directory: str) -> None:
        shutil.copyfile(self.weights, os.path.join(directory, "weights"))

    def load_checkpoint(self, directory: str) -> None:
        shutil.copyfile(os.path.join(directory, "weights"), self.weights)
        self.is_founder = False

    def cleanup(self) -> None:
        self.trainer.close()


def domain(dimension: dict[str, Any]) -> Any:
    """Returns a dimension of the space as Ray's documentation writes one."""
    if "log_uniform" in dimension:
        return tune.loguniform(*dimension["log_uniform"])
    if "uniform" in dimension:
        return tune.uniform(*dimension["uniform"])
    if "integer" in dimension:
        return tune.randint(dimension["integer"][0], dimension["integer"][1] + 1)
    return dimension["choice"] if "choice" in dimension else [False, True]


def scheduler(job: dict[str, Any]) -> Any:
    """Returns the scheduler that a job's rules name."""
    rules = dict(job["rules"])
    description = job["description"]
    kind = rules.pop("scheduler")
    if kind == "pb2":
        bounds = {name: dimension["bounds"] for name, dimension in description["space"].items()}
        return PB2(time_attr="training_iteration", perturbation_interval=1, hyperparam_bounds=bounds, **rules)
    if "perturbation_factors" in rules:
        rules["perturbation_factors"] = tuple(rules["perturbation_factors"])

    def explore(config: dict[str, Any]) -> dict[str, Any]:
        return {**config, **within(description, config)}

    return PopulationBasedTraining(
        time_attr="training_iteration", perturbation_interval=1, custom_explore_fn=explore,
        hyperparam_mutations={name: domain(d) for name, d in description["space"].items()}, **rules)


def run(job: dict[str, Any]) -> dict[str, Any]:
    """Runs one search."""
    random.seed(job["seed"])
    np.random.seed(job["seed"])
    scratch = tempfile.mkdtemp(prefix="search-bench-", dir=job["scratch"])
    job = {**job, "scratch": scratch}
    founders = job["description"]["founders"]

    def founder(name: str) -> Any:
        return tune.sample_from(lambda config: founders[config["founder"]][0][name])

    space = {name: founder(name) for name in job["description"]["space"]}
    space.update(job=json.dumps(job), founder=tune.grid_search(list(range(job["population"]))))
    results = tune.Tuner(
        tune.with_resources(Member, {"cpu": 1}), param_space=space,
        tune_config=tune.TuneConfig(scheduler=scheduler(job), metric="loss", mode="min", reuse_actors=True),
        run_config=tune.RunConfig(
            name="search", storage_path=scratch, verbose=0, stop={"training_iteration": job["intervals"]},
            checkpoint_config=tune.CheckpointConfig(checkpoint_frequency=1))).fit()  # fmt: skip
    lines = [line for file in Path(scratch).glob("*/rows.jsonl") for line in file.read_text().splitlines()]
    rows = [(row["loss"], row["regret"]) for row in map(json.loads, lines)]
    last = [(float(r.metrics["loss"]), float(r.metrics["regret"])) for r in results if r.metrics]
    log = Path(scratch) / "search/pbt_global.txt"
    exploits = len(log.read_text().splitlines()) if log.exists() else 0
    shutil.rmtree(scratch, ignore_errors=True)
    best = min(rows)
    return {
        "regret": best[1], "score": best[0], "end": min(last)[1], "intervals": len(rows), "exploits": exploits,
        "errors": results.num_errors,
    }  # fmt: skip


def main() -> None:
    logging.getLogger("ray").setLevel(logging.ERROR)
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # Ray prints to standard output
    ray.init(
        num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR,
        object_store_memory=200 << 20)  # fmt: skip
    for line in sys.stdin:
        print(json.dumps(run(json.loads(line))), file=out, flush=True)
    ray.shutdown()


if __name__ == "__main__":
    main()
