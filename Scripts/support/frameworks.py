"""Trains with an exported schedule in its framework, and prints the values that the optimizer used at each step.

    frameworks.py pytorch|optax|keras|transformers FILE...

Run by Scripts/test_schedules.py with the Python that has the framework. The result is a JSON list with an object for
each file: `values` has every hyperparameter by step as the module's value() gives it, `applied` what the optimizer had.
"""

from __future__ import annotations

import importlib.util
import json
import sys
import tempfile
from types import ModuleType
from typing import Any, Callable

#: name -> the values at each step, a few steps beyond the end included
Table = dict[str, list[Any]]

BEYOND = 3


def load(path: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location("schedule", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["schedule"] = module
    spec.loader.exec_module(module)
    return module


def pytorch(module: ModuleType) -> Table:
    import torch

    weight, bias = torch.nn.Parameter(torch.zeros(1)), torch.nn.Parameter(torch.zeros(1))

    def create() -> tuple[Any, Any]:
        groups = [{"params": [weight]}, {"params": [bias], "lr": 3 * module.base(), "weight_decay": 0.0}]
        optimizer = torch.optim.SGD(groups, lr=module.base(), momentum=0.1, weight_decay=0.1)
        return optimizer, module.lr_scheduler(optimizer)

    optimizer, scheduler = create()
    names = ("lr", "momentum", "weight_decay")
    applied: Table = {name: [] for name in (*names, "second lr", "second weight_decay")}
    for step in range(module.STEPS + BEYOND):
        if step == module.STEPS // 2:
            # Resumed from a checkpoint.
            states = optimizer.state_dict(), scheduler.state_dict()
            optimizer, scheduler = create()
            optimizer.load_state_dict(states[0])
            scheduler.load_state_dict(states[1])
        module.set_hyperparameters(optimizer, step)
        for name in names:
            applied[name].append(optimizer.param_groups[0][name])
        for name in ("lr", "weight_decay"):
            applied[f"second {name}"].append(optimizer.param_groups[1][name])
        weight.grad, bias.grad = torch.ones(1), torch.ones(1)
        optimizer.step()
        scheduler.step()
    adam = torch.optim.AdamW([weight], lr=module.base(), betas=(0.5, 0.999))
    applied["beta1"] = []
    setattr(module, "SETTINGS", {"momentum": ("betas", 0)})
    for step in range(module.STEPS):
        module.set_hyperparameters(adam, step)
        assert adam.param_groups[0]["betas"][1] == 0.999
        applied["beta1"].append(adam.param_groups[0]["betas"][0])
    return applied


def optax(module: ModuleType) -> Table:
    import jax
    import jax.numpy as jnp
    import optax

    optimizer = optax.inject_hyperparams(optax.sgd)(
        learning_rate=module.schedule(), momentum=module.schedule("momentum")
    )
    plain = optax.sgd(module.schedule())
    weight = jnp.zeros(1)
    state, plain_state = optimizer.init(weight), plain.init(weight)
    update, plain_update = jax.jit(optimizer.update), jax.jit(plain.update)
    applied: Table = {"lr": [], "momentum": [], "update": []}
    for _ in range(module.STEPS + BEYOND):
        _, state = update(jnp.ones(1), state, weight)
        applied["lr"].append(float(state.hyperparams["learning_rate"]))
        applied["momentum"].append(float(state.hyperparams["momentum"]))
        change, plain_state = plain_update(jnp.ones(1), plain_state, weight)
        applied["update"].append(-float(change[0]))
    return applied


def keras(module: ModuleType) -> Table:
    import keras
    import numpy

    schedules = keras.optimizers.schedules
    schedule = schedules.deserialize(schedules.serialize(module.Schedule()))
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")])
    # The gradient of the only weight is 1.
    model.compile(keras.optimizers.SGD(schedule), loss=lambda truth, output: keras.ops.mean(output))
    batch = numpy.ones((1, 1), "float32")
    applied: Table = {"lr": [], "sum": []}
    for _ in range(module.STEPS + BEYOND):
        applied["lr"].append(float(model.optimizer.learning_rate))
        model.train_on_batch(batch, batch)
    applied["sum"].append(-float(model.get_weights()[0][0, 0]))
    momentum = module.Schedule("momentum")
    applied["momentum"] = [float(momentum(step)) for step in range(module.STEPS + BEYOND)]

    class Recorder(keras.callbacks.Callback):  # type: ignore[misc]
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            epochs.append(float(self.model.optimizer.learning_rate))

    # A step is an epoch.
    epochs: list[float] = []
    model.compile(keras.optimizers.SGD(0.5), loss="mse")
    by_epoch = keras.callbacks.LearningRateScheduler(lambda epoch: module.value(module.LEARNING_RATE, epoch))
    model.fit(batch, batch, epochs=5, verbose=0, callbacks=[by_epoch, Recorder()])
    applied["epochs"] = epochs
    return applied


def transformers(module: ModuleType) -> Table:
    import torch
    from transformers import Trainer, TrainerCallback, TrainingArguments

    class Model(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(1, 1)

        def forward(self, x: Any, labels: Any = None) -> dict[str, Any]:
            output = self.layer(x)
            return {"loss": (output - labels).square().mean(), "logits": output}

    class Recorder(TrainerCallback):  # type: ignore[misc]
        def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            for name, values in applied.items():
                if name in kwargs["optimizer"].param_groups[0]:
                    values.append(kwargs["optimizer"].param_groups[0][name])

        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
            if "learning_rate" in logs:
                applied["logged"].append(logs["learning_rate"])

    applied: Table = {"lr": [], "momentum": [], "weight_decay": [], "logged": []}
    model = Model()
    optimizer = torch.optim.SGD(model.parameters(), lr=module.base(), momentum=0.1, weight_decay=0.1)
    data = [{"x": torch.ones(1), "labels": torch.ones(1)}] * 8
    with tempfile.TemporaryDirectory() as place:
        arguments = TrainingArguments(
            output_dir=place, max_steps=module.STEPS, per_device_train_batch_size=2, report_to=[], logging_steps=1,
            save_strategy="no", use_cpu=True, disable_tqdm=True)  # fmt: skip
        Trainer(
            model, arguments, train_dataset=data, optimizers=(optimizer, module.lr_scheduler(optimizer)),
            callbacks=[module.ScheduleCallback(), Recorder()]).train()  # fmt: skip
    return applied


FRAMEWORKS: dict[str, Callable[[ModuleType], Table]] = {
    "pytorch": pytorch, "optax": optax, "keras": keras, "transformers": transformers}  # fmt: skip


def main() -> None:
    results = []
    for path in sys.argv[2:]:
        module = load(path)
        steps = range(module.STEPS + BEYOND)
        values = {name: [module.value(name, step) for step in steps] for name in module.POINTS}
        results.append({"values": values, "applied": FRAMEWORKS[sys.argv[1]](module)})
    # Frameworks print lines of their own.
    print("\n" + json.dumps(results))


if __name__ == "__main__":
    main()
