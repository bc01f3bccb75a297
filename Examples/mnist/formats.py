"""Readers of the files that MNIST and CIFAR-10 are published in.

Each returns the rows of a part as `prepare.py` writes them: uint8, a row for each image: the pixels, the label. A file
that is missing or damaged is a `DataError` that names it.
"""

from __future__ import annotations

import gzip
import io
import pickle
import tarfile
import zlib
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional

import numpy as np

MNIST_SITE = "https://ossci-datasets.s3.amazonaws.com/mnist/"
CIFAR_SITE = "https://www.cs.toronto.edu/~kriz/cifar.html"
CIFAR_PIXELS = 3 * 32 * 32


class DataError(Exception):
    """A file is missing, or is not what its name says."""


def mnist(source: Path) -> Dict[str, Any]:
    """Read the four idx files of MNIST, or of a data set in the same files, with or without .gz."""
    parts = {"train": "train", "test": "t10k"}
    return {name: _idx_rows(source, part) for name, part in parts.items()}


def _idx_rows(source: Path, part: str) -> Any:
    images_file = _idx_file(source, f"{part}-images", "idx3-ubyte")
    labels_file = _idx_file(source, f"{part}-labels", "idx1-ubyte")
    images = _idx(images_file, (28, 28))
    labels = _idx(labels_file, ())
    if len(images) != len(labels):
        raise DataError(
            f"{images_file} has {len(images)} images, and {labels_file} {len(labels)} labels: "
            "they do not belong together"
        )
    _check_labels(labels, labels_file)
    return np.column_stack([images.reshape(len(images), -1), labels])


def _idx_file(source: Path, name: str, kind: str) -> Path:
    names = [f"{name}-{kind}.gz", f"{name}-{kind}", f"{name}.{kind}.gz", f"{name}.{kind}"]
    for candidate in names:
        if (source / candidate).is_file():
            return source / candidate
    raise DataError(
        f"no file {names[0]} in {source}: put the four idx files of MNIST there, as they are ({MNIST_SITE}), "
        "or name their folder with prepare.py mnist --source FOLDER"
    )


def _idx(file: Path, shape: tuple[int, ...]) -> Any:
    """Read an idx file of bytes: the magic number, the size of each dimension, the bytes."""
    content = _content(file)
    header = 4 * (2 + len(shape))
    if len(content) < header or content[:4] != bytes([0, 0, 8, 1 + len(shape)]):
        raise DataError(f"{file} is not an idx file of bytes with {1 + len(shape)} dimensions; download it again")
    sizes = tuple(int.from_bytes(content[i : i + 4], "big") for i in range(4, header, 4))
    if sizes[1:] != shape:
        raise DataError(f"{file} has images of {sizes[1:]} pixels, not {shape}")
    expected = header + int(np.prod(sizes, dtype=object))
    if len(content) != expected:
        raise DataError(f"{file} is damaged: it has {len(content)} bytes instead of {expected}; download it again")
    return np.frombuffer(content, np.uint8, offset=header).reshape(sizes)


def _content(file: Path) -> bytes:
    try:
        content = file.read_bytes()
        return gzip.decompress(content) if file.suffix == ".gz" else content
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{file} cannot be read, or is damaged: {error}; download it again") from error


def _check_labels(labels: Any, file: object) -> None:
    if len(labels) and int(np.max(labels)) > 9:
        raise DataError(f"{file} is damaged: it has the label {int(np.max(labels))}, and there are 0 to 9")


def cifar10(source: Path) -> Dict[str, Any]:
    """Read CIFAR-10: the binary or the Python version, as the archive or as the folder that it holds."""
    forms: List[tuple[str, str, str, Callable[[bytes, str], Any]]] = [
        ("cifar-10-batches-bin", "cifar-10-binary.tar.gz", ".bin", _binary_batch),
        ("cifar-10-batches-py", "cifar-10-python.tar.gz", "", _python_batch),
    ]
    for folder, archive, suffix, batch in forms:
        names = {
            "train": [f"data_batch_{number}{suffix}" for number in range(1, 6)],
            "test": [f"test_batch{suffix}"],
        }
        contents = _batches(source, folder, archive, names["train"] + names["test"])
        if contents is not None:
            return {
                part: np.concatenate([batch(contents[name], f"{source}: {name}") for name in names[part]])
                for part in names
            }
    archives = " or ".join(archive for _, archive, _, _ in forms)
    raise DataError(
        f"no CIFAR-10 in {source}: put {archives} there ({CIFAR_SITE}), or name its folder with "
        "prepare.py cifar10 --source FOLDER"
    )


def _batches(source: Path, folder: str, archive: str, names: List[str]) -> Optional[Dict[str, bytes]]:
    """Return the batches of a version of CIFAR-10; None when it is not there."""
    for place in (source / folder, source):
        if any((place / name).is_file() for name in names):
            for name in names:
                if not (place / name).is_file():
                    raise DataError(f"no file {name} in {place}: CIFAR-10 is not complete; download it again")
            return {name: _content(place / name) for name in names}
    if not (source / archive).is_file():
        return None
    contents: Dict[str, bytes] = {}
    try:
        with tarfile.open(source / archive) as packed:
            for member in packed:
                name = Path(member.name).name
                if member.isfile() and name in names:
                    file = packed.extractfile(member)
                    contents[name] = b"" if file is None else file.read()
    except (OSError, EOFError, zlib.error, tarfile.TarError) as error:
        raise DataError(f"{source / archive} is damaged: {error}; download it again") from error
    for name in names:
        if name not in contents:
            raise DataError(f"{source / archive} has no {name}: it is not complete; download it again")
    return contents


def _binary_batch(content: bytes, place: str) -> Any:
    """A batch of the binary version: for each image its label, then its pixels."""
    if not content or len(content) % (1 + CIFAR_PIXELS) != 0:
        raise DataError(
            f"{place} is damaged: {len(content)} bytes are not a number of images of {1 + CIFAR_PIXELS}; "
            "download it again"
        )
    rows = np.frombuffer(content, np.uint8).reshape(-1, 1 + CIFAR_PIXELS)
    _check_labels(rows[:, 0], place)
    return np.column_stack([rows[:, 1:], rows[:, 0]])


class _Arrays(pickle.Unpickler):
    """Reads pickled arrays and plain values; a file that asks for anything else could run code, and is refused."""

    known = {
        ("numpy.core.multiarray", "_reconstruct"),
        ("numpy._core.multiarray", "_reconstruct"),
        ("numpy", "ndarray"),
        ("numpy", "dtype"),
        ("_codecs", "encode"),
    }

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self.known:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which no batch of CIFAR-10 needs")
        return super().find_class(module, name)


def _python_batch(content: bytes, place: str) -> Any:
    """A batch of the Python version: a pickled dictionary with the pixels and the labels."""
    try:
        batch = _Arrays(io.BytesIO(content), encoding="bytes").load()
        pixels = np.asarray(batch[b"data"])
        labels = np.asarray(batch[b"labels"])
    except Exception as error:  # whatever a damaged pickle raises
        raise DataError(f"{place} is not a batch of CIFAR-10: {error!r}; download it again") from error
    if pixels.dtype != np.uint8 or pixels.shape != (len(labels), CIFAR_PIXELS) or labels.dtype.kind not in "iu":
        raise DataError(f"{place} is damaged: pixels {pixels.dtype}{pixels.shape}, labels {labels.dtype}{labels.shape}")
    if len(labels) and int(labels.min()) < 0:
        raise DataError(f"{place} is damaged: it has the label {int(labels.min())}, and there are 0 to 9")
    _check_labels(labels, place)
    return np.column_stack([pixels, labels.astype(np.uint8)])
