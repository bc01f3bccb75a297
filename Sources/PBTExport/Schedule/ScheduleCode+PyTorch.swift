// SPDX-License-Identifier: Apache-2.0

import PBT

extension ScheduleCode {
    /// The module for PyTorch.
    var pytorch: String {
        """
        \(header)
        \"""Hyperparameters by step, for PyTorch.

            optimizer = torch.optim.SGD(model.parameters(), lr=base())
            scheduler = lr_scheduler(optimizer)
            for step in range(STEPS):
                set_hyperparameters(optimizer, step)
                ...
                optimizer.step()
                scheduler.step()

        value(name, step) is any hyperparameter at a step.
        \"""

        import math
        from bisect import bisect_right
        from functools import partial
        from typing import Any, Optional

        from torch.optim import Optimizer
        from torch.optim.lr_scheduler import LambdaLR

        \(constants)

        \(settingsText)


        \(valueFunctions)


        \(Self.schedulerFunctions)

        """
    }

    /// The module for Transformers of Hugging Face: that for PyTorch, and a callback.
    var transformers: String {
        """
        \(header)
        \"""Hyperparameters by step, for the Trainer of Hugging Face Transformers.

            optimizer = torch.optim.AdamW(model.parameters(), lr=base())
            trainer = Trainer(
                model,
                TrainingArguments(max_steps=STEPS),
                optimizers=(optimizer, lr_scheduler(optimizer)),
                callbacks=[ScheduleCallback()],
            )

        value(name, step) is any hyperparameter at a step.
        \"""

        import math
        from bisect import bisect_right
        from functools import partial
        from typing import Any, Optional

        from torch.optim import Optimizer
        from torch.optim.lr_scheduler import LambdaLR
        from transformers import (
            TrainerCallback,
            TrainerControl,
            TrainerState,
            TrainingArguments,
        )

        \(constants)

        \(settingsText)


        \(valueFunctions)


        \(Self.schedulerFunctions)


        class ScheduleCallback(TrainerCallback):
            \"""Sets the optimizer's other hyperparameters before each step.\"""

            def on_step_begin(
                self,
                args: TrainingArguments,
                state: TrainerState,
                control: TrainerControl,
                **kwargs: Any,
            ) -> None:
                set_hyperparameters(kwargs["optimizer"], state.global_step)

        """
    }

    private var settingsText: String {
        let type = "SETTINGS: dict[str, tuple[str, Optional[int]]]"
        let comment = "# The optimizer's settings that are hyperparameters; betas by index."
        guard !settings.isEmpty else { return "\(comment)\n\(type) = {}" }
        let lines = settings.map { name, setting, index in
            "    \(Value.python(name)): (\"\(setting)\", \(index.map { "\($0)" } ?? "None")),\n"
        }
        return "\(comment)\n\(type) = {\n\(lines.joined())}"
    }

    private static let schedulerFunctions = """
        def base(name: str = LEARNING_RATE) -> float:
            \"""Returns the learning rate to create an optimizer with: the first above 0.\"""
            return next((float(rate) for _, rate in POINTS[name] if rate), 1.0)


        def factor(step: int, name: str = LEARNING_RATE) -> float:
            \"""Returns the learning rate at a step as a multiple of base().\"""
            return float(value(name, step)) / base(name)


        def lr_scheduler(optimizer: Optimizer, *names: str) -> LambdaLR:
            \"""Returns a scheduler, to be stepped after each step of the optimizer.

            It multiplies the learning rate of each parameter group by factor(step). Several
            names are one for each group.
            \"""
            each = names or (LEARNING_RATE,) * len(optimizer.param_groups)
            return LambdaLR(optimizer, [partial(factor, name=name) for name in each])


        def set_hyperparameters(optimizer: Optimizer, step: int) -> None:
            \"""Sets the other hyperparameters of all parameter groups for a step.

            Groups that were created without weight decay stay without it.
            \"""
            for name, (setting, index) in SETTINGS.items():
                for group in optimizer.param_groups:
                    new = value(name, step)
                    if setting == "weight_decay":
                        if not group.setdefault("initial_weight_decay", group[setting]):
                            continue
                    if index is None:
                        group[setting] = new
                    else:
                        group[setting] = tuple(
                            new if place == index else old
                            for place, old in enumerate(group[setting])
                        )
        """
}
