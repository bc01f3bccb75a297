#!/usr/bin/env python3
# mypy: disable-error-code="no-untyped-call"
"""Train a small convolutional net for one interval, as `pbt` asks for it.

`pbt` starts this program once for each interval. It restores the checkpoint, trains on the next
images with this interval's hyperparameters, saves, and reports the accuracy on validation images.
The test images are for `train.py --test CHECKPOINT_DIR` alone: no search ever sees them.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import signal
import sys
from pathlib import Path
from typing import Any

if __name__ == "__main__":  # Examples/persistent imports the rest
    signal.signal(signal.SIGTERM, lambda *_: os._exit(75))  # told to stop: give the interval back
for library in ("OMP", "OPENBLAS", "MKL"):  # read when torch is imported
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")

import numpy as np  # noqa: E402
import torch  # noqa: E402
from torch import nn  # noqa: E402

BATCH = 64
MEAN_AND_DEVIATION = {  # of the training pixels
    "fashion": (72.94, 90.02),
    "digits": (33.32, 78.57),
    "mnist": (33.32, 78.57),
    "cifar10": (120.71, 64.15),
}


def image_shape(data: str) -> tuple[int, int, int]:
    """Return the channels, height and width of an image."""
    return (3, 32, 32) if data == "cifar10" else (1, 28, 28)


def build_model(data: str = "fashion") -> nn.Sequential:
    channels, size, _ = image_shape(data)
    size = ((size - 4) // 2 - 4) // 2  # two convolutions, each followed by pooling
    return nn.Sequential(
        nn.Conv2d(channels, 10, kernel_size=5),
        nn.MaxPool2d(2),
        nn.ReLU(),
        nn.Conv2d(10, 20, kernel_size=5),
        nn.Dropout2d(),
        nn.MaxPool2d(2),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(20 * size * size, 50),
        nn.ReLU(),
        nn.Dropout(),
        nn.Linear(50, 10),
    )


def read_rows(data: str, part: str, folder: Path) -> Any:
    """Return the rows of one part, the pixels and the label each, memory-mapped."""
    path = folder / f"{data}-{part}.npy"
    if not path.exists():
        from prepare import prepare

        prepare(data, folder)
    return np.asarray(np.load(path, mmap_mode="r"))


def tensors(rows: Any, data: str) -> tuple[torch.Tensor, torch.Tensor]:
    mean, deviation = MEAN_AND_DEVIATION[data]
    batch = torch.from_numpy(rows)
    images = (batch[:, :-1].float() - mean) / deviation
    return images.view(-1, *image_shape(data)), batch[:, -1].long()


def shuffled(count: int, seed: int) -> torch.Tensor:
    return torch.randperm(count, generator=torch.Generator().manual_seed(seed))


def train(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    state: dict[str, Any],
    rows: Any,
    images: int,
    data: str,
) -> bool:
    """Train on the next images of this lineage. Return False if the loss is not finite.

    With the shared order they are the first ones of an order that all members have at this interval.
    """
    model.train()
    order = shuffled(len(rows), state["shuffle"])
    while images > 0:
        if state["position"] >= len(rows):  # end of an epoch
            following = state["shuffle"] + 1 if state.get("is_shared") else int(torch.randint(2**31, ()))
            state["position"], state["shuffle"] = 0, following
            order = shuffled(len(rows), state["shuffle"])
        batch = order[state["position"] :][: min(BATCH, images)]
        inputs, labels = tensors(rows[batch.numpy()], data)
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(inputs), labels)
        if not math.isfinite(loss.item()):
            return False
        loss.backward()
        optimizer.step()
        state["position"] += len(batch)
        images -= len(batch)
    return True


def evaluate(model: nn.Module, rows: Any, data: str) -> dict[str, float]:
    model.eval()
    loss = correct = 0.0
    with torch.no_grad():
        for start in range(0, len(rows), 500):
            inputs, labels = tensors(rows[start : start + 500].copy(), data)
            outputs = model(inputs)
            loss += nn.functional.cross_entropy(outputs, labels, reduction="sum").item()
            correct += (outputs.argmax(1) == labels).sum().item()
    if not math.isfinite(loss):
        return {"accuracy": math.nan, "loss": math.nan}
    return {"accuracy": correct / len(rows), "loss": loss / len(rows)}


def run_interval(args: argparse.Namespace) -> None:
    hyperparameters = json.loads(Path(os.environ["PBT_HYPERPARAMETERS"]).read_text())
    torch.manual_seed(int(os.environ["PBT_SEED"]))
    rows = read_rows(args.data, "train", args.data_dir)
    if args.train + args.validation > len(rows):
        sys.exit(f"--train and --validation exceed the {len(rows)} available images")

    model = build_model(args.data)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    state = {"data": args.data, "shuffle": 0, "position": args.train}  # at the end of an epoch
    if "PBT_CHECKPOINT_IN" in os.environ:
        state = torch.load(Path(os.environ["PBT_CHECKPOINT_IN"], "model.pt"))
        model.load_state_dict(state.pop("model"))
        optimizer.load_state_dict(state.pop("optimizer"))
    if args.order == "shared":
        state.update(is_shared=True, shuffle=int(os.environ["PBT_INTERVAL_SEED"]), position=0)
    for group in optimizer.param_groups:  # after the restore, which also restored the old ones
        group["lr"] = hyperparameters["learning_rate"]
        group["momentum"] = hyperparameters["momentum"]

    metrics = {"accuracy": math.nan, "loss": math.nan}  # the metrics of a diverged member
    if train(model, optimizer, state, rows[: args.train], args.images_per_interval, args.data):
        metrics = evaluate(model, rows[len(rows) - args.validation :], args.data)

    state.update(model=model.state_dict(), optimizer=optimizer.state_dict())
    torch.save(state, Path(os.environ["PBT_CHECKPOINT_OUT"], "model.pt"))
    Path(os.environ["PBT_RESULTS"]).write_text(json.dumps(metrics))


def test(args: argparse.Namespace) -> None:
    state = torch.load(args.test / "model.pt")
    model = build_model(state["data"])
    model.load_state_dict(state["model"])
    metrics = evaluate(model, read_rows(state["data"], "test", args.data_dir), state["data"])
    print(json.dumps({f"test_{name}": value for name, value in metrics.items()}))


def main() -> None:
    parser = argparse.ArgumentParser(description="Train one interval for pbt, or test the result.")
    parser.add_argument("--data", choices=sorted(MEAN_AND_DEVIATION), default="fashion")
    parser.add_argument("--train", type=int, default=50_000, help="images to train on")
    parser.add_argument("--validation", type=int, default=10_000, help="images to score with")
    parser.add_argument("--images-per-interval", type=int, default=25_000)
    parser.add_argument(
        "--order", choices=["own", "shared"], default="own", help="of the images: a member's, or that of all members"
    )
    parser.add_argument("--data-dir", type=Path, default=Path(__file__).parent / "data")
    parser.add_argument("--test", type=Path, metavar="CHECKPOINT_DIR", help="print test accuracy")
    args = parser.parse_args()
    if args.test:
        test(args)
    elif "PBT_RESULTS" in os.environ:
        run_interval(args)
    else:
        sys.exit("train.py must be started by pbt: pbt run quickstart.yaml")


if __name__ == "__main__":
    main()
