#!/usr/bin/env python3
# mypy: disable-error-code="no-untyped-call"
"""The net of Examples/mnist by a persistent worker: PyTorch and the data are set up once."""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path
from typing import Any, Dict

import pbt

MNIST = Path(__file__).resolve().parent.parent / "mnist"
sys.path.insert(0, str(MNIST))

import torch  # noqa: E402
import train as mnist  # noqa: E402  the model and the data are those of Examples/mnist


def main() -> None:
    parser = argparse.ArgumentParser(description="Train for pbt, interval after interval.")
    parser.add_argument("--data", choices=sorted(mnist.MEAN_AND_DEVIATION), default="fashion")
    parser.add_argument("--train", type=int, default=50_000, help="images to train on")
    parser.add_argument("--validation", type=int, default=5_000, help="images to score with")
    parser.add_argument("--images-per-interval", type=int, default=6_000)
    parser.add_argument("--data-dir", type=Path, default=MNIST / "data")
    args = parser.parse_args()

    rows = mnist.read_rows(args.data, "train", args.data_dir)  # once
    if args.train + args.validation > len(rows):
        sys.exit(f"--train and --validation exceed the {len(rows)} available images")
    model, optimizer, state = fresh(args)
    for interval in pbt.worker():
        torch.manual_seed(interval.seed)
        if not interval.continues:
            model, optimizer, state = fresh(args)
            if interval.checkpoint_in is not None:
                state = torch.load(interval.checkpoint_in / "model.pt")
                model.load_state_dict(state.pop("model"))
                optimizer.load_state_dict(state.pop("optimizer"))
        for group in optimizer.param_groups:  # always, and after the restore
            group["lr"] = interval.hyperparameters.learning_rate
            group["momentum"] = interval.hyperparameters.momentum

        metrics = {"accuracy": math.nan, "loss": math.nan}  # the metrics of a diverged member
        if mnist.train(model, optimizer, state, rows[: args.train], args.images_per_interval, args.data):
            metrics = mnist.evaluate(model, rows[len(rows) - args.validation :], args.data)
        saved = {**state, "model": model.state_dict(), "optimizer": optimizer.state_dict()}
        torch.save(saved, interval.checkpoint_out / "model.pt")
        interval.report(metrics)


def fresh(args: argparse.Namespace) -> "tuple[torch.nn.Module, torch.optim.Optimizer, Dict[str, Any]]":
    """Return a new net, its optimizer, and the position in the images: at the end of an epoch."""
    model = mnist.build_model()
    state = {"data": args.data, "shuffle": 0, "position": args.train}
    return model, torch.optim.SGD(model.parameters(), lr=0.1), state


if __name__ == "__main__":
    main()
