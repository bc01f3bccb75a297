"""Syne Tune's PBT on the tasks of the suite: reads a job a line, and prints its result.

Its scheduler with its defaults and a decision after every interval, called in step by this loop: its local backend
reads reports by polling, so that decisions about short intervals come late. Founders have the hyperparameters and seeds
that pbt gives them.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import sys
import tempfile
from typing import Any

from syne_tune.backend.trial_status import Trial
from syne_tune.config_space import choice, loguniform, randint, uniform
from syne_tune.optimizer.scheduler import SchedulerDecision
from syne_tune.optimizer.schedulers.pbt import PopulationBasedTraining
from trainer import Trainer, new_seed, within


def domain(dimension: dict[str, Any]) -> Any:
    """Returns a dimension of the space as Syne Tune's documentation writes one."""
    if "log_uniform" in dimension:
        return loguniform(*dimension["log_uniform"])
    if "uniform" in dimension:
        return uniform(*dimension["uniform"])
    if "integer" in dimension:
        return randint(*dimension["integer"])
    return choice(dimension["choice"] if "choice" in dimension else [False, True])


class Run:
    """One search."""

    def __init__(self, job: dict[str, Any], folder: str) -> None:
        self.job = job
        self.folder = folder
        self.trainer = Trainer(job)
        self.trials = 0
        self.founders = job["description"]["founders"]
        space = {name: domain(d) for name, d in job["description"]["space"].items()}
        self.scheduler = PopulationBasedTraining(
            config_space=space, metric="loss", time_attr="step", max_t=10**9, do_minimize=True,
            random_seed=job["seed"], population_size=job["population"], perturbation_interval=1,
            searcher_kwargs={"points_to_evaluate": [values for values, _ in self.founders]},
            **job["rules"])  # fmt: skip

    def start(self) -> tuple[Trial, str | None]:
        """Starts the trial that the scheduler suggests; returns it and the weights that it continues."""
        suggestion = self.scheduler.suggest()
        config = within(self.job["description"], suggestion.config)
        trial = Trial(trial_id=self.trials, config=config, creation_time=None)
        self.trials += 1
        self.scheduler.on_trial_add(trial=trial)
        source = suggestion.checkpoint_trial_id
        return trial, None if source is None else self.file(source)

    def file(self, trial: int) -> str:
        return os.path.join(self.folder, str(trial))

    def run(self) -> dict[str, Any]:
        members = [self.start() for _ in range(self.job["population"])]
        rows: list[tuple[float, float]] = []
        exploits = 0
        for step in range(1, self.job["intervals"] + 1):
            for place, (trial, load) in enumerate(members):
                seed = self.founders[place][1] if step == 1 else new_seed()
                own = self.file(trial.trial_id)
                loss, regret = self.trainer.train(trial.config, seed, load, own)
                rows.append((loss, float("nan") if regret is None else regret))
                members[place] = (trial, own)
                decision = self.scheduler.on_trial_result(trial=trial, result={"loss": loss, "step": step})
                if decision == SchedulerDecision.STOP:
                    exploits += 1
                    members[place] = self.start()
                    self.scheduler.trial_state[members[place][0].trial_id].last_perturbation_time = step
        self.trainer.close()
        best, last = min(rows), min(rows[-self.job["population"] :])
        return {
            "regret": best[1], "score": best[0], "end": last[1], "intervals": len(rows), "exploits": exploits,
        }  # fmt: skip


def main() -> None:
    logging.disable(logging.WARNING)
    for line in sys.stdin:
        job = json.loads(line)
        folder = tempfile.mkdtemp(prefix="search-bench-", dir=job["scratch"])
        print(json.dumps(Run(job, folder).run()), flush=True)
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
