#!/usr/bin/env python3
"""Train a small language model of characters for one interval, as `pbt` asks for it. Needs only NumPy.

The text is the language reference that comes with Python (`pydoc_data`, about 460 kB). The model sees eight characters
and predicts the next one: an embedding, one hidden layer with dropout, a softmax. The score is the bits per character
on validation text; the test text is for `train.py --test CHECKPOINT_DIR` alone: no search ever sees it.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import signal
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: os._exit(75))  # told to stop: give the interval back
for library in ("OMP", "OPENBLAS", "MKL"):  # read when NumPy is imported
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")

import numpy as np  # noqa: E402

CONTEXT, WIDTH, HIDDEN = 8, 12, 96
BATCH = 32
Weights = list[Any]


class Text:
    """The text as numbers, and the places whose character is predicted: 90 % to train on, 5 % each for both scores."""

    def __init__(self) -> None:
        from pydoc_data.topics import topics

        raw = np.frombuffer("\n".join(topics[name] for name in sorted(topics)).encode(), np.uint8)
        alphabet, self.symbols = np.unique(raw, return_inverse=True)
        self.alphabet = len(alphabet)
        first, second = len(raw) * 90 // 100, len(raw) * 95 // 100
        self.training = (CONTEXT, first)
        chosen = np.random.default_rng(1)
        self.validation = chosen.integers(first + CONTEXT, second, 4000)
        self.test = chosen.integers(second + CONTEXT, len(raw), 4000)


def initial(text: Text, random: np.random.Generator) -> Weights:
    def normal(rows: int, columns: int, deviation: float) -> Any:
        return (random.standard_normal((rows, columns)) * deviation).astype(np.float32)

    inputs = CONTEXT * WIDTH
    return [
        normal(text.alphabet, WIDTH, 0.5),
        normal(inputs, HIDDEN, math.sqrt(2 / inputs)), np.zeros(HIDDEN, np.float32),
        normal(HIDDEN, text.alphabet, math.sqrt(1 / HIDDEN)), np.zeros(text.alphabet, np.float32),
    ]  # fmt: skip


def forward(weights: Weights, text: Text, places: Any, mask: Any = None) -> tuple[Any, Any, Any, Any]:
    """Return the inputs' symbols, their embeddings, the hidden layer, and the probabilities of the next character."""
    embedding, into, bias, out, bias_out = weights
    symbols = text.symbols[places[:, None] - np.arange(CONTEXT, 0, -1)]
    inputs = embedding[symbols].reshape(len(places), -1)
    hidden = np.maximum(inputs @ into + bias, 0)
    if mask is not None:
        hidden = hidden * mask
    scores = hidden @ out + bias_out
    scores = np.exp(scores - scores.max(1, keepdims=True))
    return symbols, inputs, hidden, scores / scores.sum(1, keepdims=True)


def gradients(weights: Weights, text: Text, places: Any, mask: Any) -> Weights:
    symbols, inputs, hidden, error = forward(weights, text, places, mask)
    error[np.arange(len(places)), text.symbols[places]] -= 1
    error /= len(places)
    hidden_error = (error @ weights[3].T) * (hidden > 0) * mask
    input_error = (hidden_error @ weights[1].T).reshape(-1, WIDTH)
    rows = np.zeros((symbols.size, text.alphabet), np.float32)
    rows[np.arange(symbols.size), symbols.reshape(-1)] = 1
    return [
        rows.T @ input_error, inputs.T @ hidden_error, hidden_error.sum(0), hidden.T @ error, error.sum(0),
    ]  # fmt: skip


def bits(weights: Weights, text: Text, places: Any) -> float:
    with np.errstate(all="ignore"):
        probability = forward(weights, text, places)[3][np.arange(len(places)), text.symbols[places]]
        return float(-np.log2(np.maximum(probability, 1e-30)).mean())


def train(
    weights: Weights, velocity: Weights, text: Text, values: dict[str, float], random: np.random.Generator, steps: int
) -> None:
    """Train in place."""
    keep = 1 - values["dropout"]
    rate, momentum = np.float32(values["learning_rate"]), np.float32(values["momentum"])
    with np.errstate(all="ignore"):  # a diverged model reports a score that is not a number
        for _ in range(steps):
            places = random.integers(*text.training, BATCH)
            mask = ((random.random((BATCH, HIDDEN)) < keep) / keep).astype(np.float32)
            for weight, speed, gradient in zip(weights, velocity, gradients(weights, text, places, mask)):
                speed *= momentum
                speed += gradient
                weight -= rate * speed


def load(folder: Path) -> tuple[Weights, Weights]:
    with np.load(folder / "model.npz") as arrays:
        return [arrays[f"w{i}"] for i in range(5)], [arrays[f"v{i}"] for i in range(5)]


def run_interval(steps: int) -> None:
    text = Text()
    random = np.random.default_rng(int(os.environ["PBT_SEED"]))
    if "PBT_CHECKPOINT_IN" in os.environ:
        weights, velocity = load(Path(os.environ["PBT_CHECKPOINT_IN"]))
    else:
        weights = initial(text, random)
        velocity = [np.zeros_like(weight) for weight in weights]
    values = json.loads(Path(os.environ["PBT_HYPERPARAMETERS"]).read_text())
    train(weights, velocity, text, values, random, steps)
    arrays = {f"w{i}": weight for i, weight in enumerate(weights)}
    arrays.update({f"v{i}": speed for i, speed in enumerate(velocity)})
    np.savez(Path(os.environ["PBT_CHECKPOINT_OUT"], "model.npz"), **arrays)
    Path(os.environ["PBT_RESULTS"]).write_text(json.dumps({"bits": bits(weights, text, text.validation)}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=250, help="steps of 32 characters in an interval")
    parser.add_argument("--test", type=Path, metavar="CHECKPOINT_DIR", help="print the bits on test text")
    args = parser.parse_args()
    if args.test:
        text = Text()
        print(json.dumps({"test_bits": bits(load(args.test)[0], text, text.test)}))
    else:
        run_interval(args.steps)


if __name__ == "__main__":
    main()
