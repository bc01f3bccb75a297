"""One interval of the toy problem: four steps of gradient ascent on a surrogate of q.

The score q = 1.2 - (t0^2 + t1^2) is only read. The gradient is that of the surrogate
1.2 - (h0 t0^2 + h1 t1^2), whose weights h0 and h1 are the hyperparameters.
"""

import json
import os

STEPS = 4
LEARNING_RATE = 0.01


def main() -> None:
    with open(os.environ["PBT_HYPERPARAMETERS"]) as file:
        h = json.load(file)
    theta = {"t0": 0.9, "t1": 0.9}
    if "PBT_CHECKPOINT_IN" in os.environ:
        with open(os.path.join(os.environ["PBT_CHECKPOINT_IN"], "theta.json")) as file:
            theta = json.load(file)

    for _ in range(STEPS):
        theta["t0"] -= LEARNING_RATE * 2 * h["h0"] * theta["t0"]
        theta["t1"] -= LEARNING_RATE * 2 * h["h1"] * theta["t1"]

    with open(os.path.join(os.environ["PBT_CHECKPOINT_OUT"], "theta.json"), "w") as file:
        json.dump(theta, file)
    with open(os.environ["PBT_RESULTS"], "w") as file:
        json.dump({"q": 1.2 - (theta["t0"] ** 2 + theta["t1"] ** 2), **theta}, file)


if __name__ == "__main__":
    main()
