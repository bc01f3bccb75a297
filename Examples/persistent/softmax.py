#!/usr/bin/env python3
"""Softmax regression on Fashion-MNIST in plain Python, by a persistent worker.

Reading the images takes longer than training for one interval. Here they are read once, and the
weights stay in memory where the next interval continues them.
"""

from __future__ import annotations

import argparse
import gzip
import math
import random
import sys
from array import array
from pathlib import Path
from typing import Any, Dict, List, Tuple

import pbt

FASHION = Path("/usr/share/datasets/fashion-mnist")  # apt-get install dataset-fashion-mnist
SIDE, CLASSES = 28, 10
Image = List[float]


def read(folder: Path, count: int) -> List[Tuple[Image, int]]:
    """Return the first training images with labels, as means of 2 by 2 pixels and a constant."""
    if not folder.is_dir():
        sys.exit(f"no folder {folder}: install dataset-fashion-mnist, or use --source")
    with gzip.open(folder / "train-images-idx3-ubyte.gz") as file:
        pixels = file.read(16 + count * SIDE * SIDE)[16:]
    with gzip.open(folder / "train-labels-idx1-ubyte.gz") as file:
        labels = file.read(8 + count)[8:]
    rows = []
    for number in range(count):
        image = [1.0]
        for corner in range(number * SIDE * SIDE, (number + 1) * SIDE * SIDE, 2 * SIDE):
            for place in range(corner, corner + SIDE, 2):
                total = pixels[place] + pixels[place + 1] + pixels[place + SIDE] + pixels[place + SIDE + 1]
                image.append(total / (4 * 255))
        rows.append((image, labels[number]))
    return rows


class Model:
    """The weights of each class and pixel, and their velocities."""

    def __init__(self, size: int) -> None:
        self.weights = [[0.0] * size for _ in range(CLASSES)]
        self.velocity = [[0.0] * size for _ in range(CLASSES)]

    def save(self, folder: Path) -> None:
        with (folder / "model.bin").open("wb") as file:
            for row in self.weights + self.velocity:
                array("d", row).tofile(file)

    def load(self, folder: Path) -> None:
        with (folder / "model.bin").open("rb") as file:
            for row in self.weights + self.velocity:
                stored = array("d")
                stored.fromfile(file, len(row))
                row[:] = stored

    def probabilities(self, image: Image) -> List[float]:
        scores = [sum(map(float.__mul__, row, image)) for row in self.weights]
        highest = max(scores)
        powers = [math.exp(score - highest) for score in scores]
        total = sum(powers)
        return [power / total for power in powers]

    def train(self, rows: List[Tuple[Image, int]], h: Any) -> None:
        """Train with one step of stochastic gradient descent per image."""
        for image, label in rows:
            for number, probability in enumerate(self.probabilities(image)):
                step = h.learning_rate * ((number == label) - probability)
                velocity = [h.momentum * v + step * x for v, x in zip(self.velocity[number], image)]
                self.velocity[number] = velocity
                self.weights[number] = [w + v for w, v in zip(self.weights[number], velocity)]

    def evaluate(self, rows: List[Tuple[Image, int]]) -> Dict[str, float]:
        loss = correct = 0.0
        for image, label in rows:
            probabilities = self.probabilities(image)
            loss -= math.log(max(probabilities[label], 1e-300))
            correct += max(range(CLASSES), key=probabilities.__getitem__) == label
        return {"accuracy": correct / len(rows), "loss": loss / len(rows)}


def main() -> None:
    parser = argparse.ArgumentParser(description="Train for pbt, interval after interval.")
    parser.add_argument("--source", type=Path, default=FASHION, help="folder of the .gz files")
    parser.add_argument("--train", type=int, default=3000, help="images to train on")
    parser.add_argument("--validation", type=int, default=1000, help="images to score with")
    parser.add_argument("--images-per-interval", type=int, default=500)
    args = parser.parse_args()

    rows = read(args.source, args.train + args.validation)  # once, not in every interval
    model = Model(len(rows[0][0]))
    for interval in pbt.worker():
        if not interval.continues:
            model = Model(len(rows[0][0]))
            if interval.checkpoint_in is not None:
                model.load(interval.checkpoint_in)
        batch = random.Random(interval.seed).sample(rows[: args.train], args.images_per_interval)
        model.train(batch, interval.hyperparameters)
        model.save(interval.checkpoint_out)
        interval.report(model.evaluate(rows[args.train :]), skipped_restore=interval.continues)


if __name__ == "__main__":
    main()
