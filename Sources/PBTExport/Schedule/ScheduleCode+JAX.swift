// SPDX-License-Identifier: Apache-2.0

extension ScheduleCode {
    /// The module for Optax.
    var optax: String {
        """
        \(header)
        \"""Hyperparameters by step, for Optax.

            optimizer = optax.sgd(schedule())

        More than the learning rate, by name:

            optimizer = optax.inject_hyperparams(optax.sgd)(
                learning_rate=schedule(), momentum=schedule("momentum")
            )

        value(name, step) is any hyperparameter at a step, outside of jit.
        \"""

        import math
        from bisect import bisect_right
        from typing import Any

        import jax.numpy as jnp
        import optax

        \(constants)


        \(valueFunctions)


        def schedule(name: str = LEARNING_RATE) -> optax.Schedule:
            \"""Returns a numeric hyperparameter as a function of the step.\"""
            kind, points = KINDS[name], POINTS[name]
            steps = jnp.array([step for step, _ in points])
            values = jnp.array([value for _, value in points], dtype=float)

            def constant(count: Any) -> Any:
                place = jnp.searchsorted(steps, count, side="right")
                return values[jnp.maximum(place - 1, 0)]

            def between(count: Any) -> Any:
                place = jnp.searchsorted(steps, count, side="right")
                place = jnp.clip(place, 1, len(points) - 1)
                left, right = steps[place - 1], steps[place]
                part = jnp.clip((count - left) / (right - left), 0, 1)
                a, b = values[place - 1], values[place]
                if kind == "log":
                    return a * (b / a) ** part
                if kind == "reverse log":
                    return 1 - (1 - a) * ((1 - b) / (1 - a)) ** part
                return (1 - part) * a + part * b

            return constant if kind == "steps" else between

        """
    }

    /// The module for Keras 3, with any backend.
    var keras: String {
        """
        \(header)
        \"""Hyperparameters by step, for Keras.

            model.compile(keras.optimizers.SGD(Schedule()))

        If a step is an epoch:

            schedule = keras.callbacks.LearningRateScheduler(
                lambda epoch: value(LEARNING_RATE, epoch)
            )
            model.fit(..., callbacks=[schedule])

        value(name, step) is any hyperparameter at a step. Keras compiles those other than the
        learning rate into the training step, so a callback cannot change them.
        \"""

        import math
        from bisect import bisect_right
        from typing import Any

        import keras
        from keras import ops

        \(constants)


        \(valueFunctions)


        @keras.saving.register_keras_serializable(package="pbt")
        class Schedule(keras.optimizers.schedules.LearningRateSchedule):
            \"""A numeric hyperparameter as a function of the step.\"""

            def __init__(self, name: str = LEARNING_RATE) -> None:
                super().__init__()
                self.name = name

            def __call__(self, step: Any) -> Any:
                kind, points = KINDS[self.name], POINTS[self.name]
                steps = ops.array([step for step, _ in points], "int32")
                values = ops.array([value for _, value in points], "float32")
                step = ops.cast(step, "int32")
                place = ops.sum(ops.cast(steps <= step, "int32"))
                if kind == "steps":
                    return ops.take(values, ops.maximum(place - 1, 0))
                place = ops.clip(place, 1, len(points) - 1)
                left, right = ops.take(steps, place - 1), ops.take(steps, place)
                part = ops.cast(step - left, "float32") / ops.cast(right - left, "float32")
                part = ops.clip(part, 0.0, 1.0)
                a, b = ops.take(values, place - 1), ops.take(values, place)
                if kind == "log":
                    return a * (b / a) ** part
                if kind == "reverse log":
                    return 1 - (1 - a) * ((1 - b) / (1 - a)) ** part
                return (1 - part) * a + part * b

            def get_config(self) -> dict[str, Any]:
                return {"name": self.name}

        """
    }
}
