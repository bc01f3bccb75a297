"""The loaders of the published files, with small files of the same format. Run with a Python that has PyTorch."""

from __future__ import annotations

import gzip
import io
import json
import os
import pickle
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any, Dict, Optional

import numpy as np
import pytest

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import formats  # noqa: E402


def idx(array: Any) -> bytes:
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return bytes([0, 0, 8, array.ndim]) + sizes + bytes(array.astype(np.uint8).tobytes())


def write_mnist(folder: Path, train: int = 60, test: int = 20, gz: bool = True) -> Dict[str, Any]:
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.RandomState(3)
    rows = {}
    for part, name, count in [("train", "train", train), ("test", "t10k", test)]:
        labels = np.arange(count) % 10
        images = random.randint(0, 100, (count, 28, 28)) + 15 * labels[:, None, None]
        rows[part] = np.column_stack([images.reshape(count, 784), labels]).astype(np.uint8)
        for kind, array in [("images-idx3-ubyte", images), ("labels-idx1-ubyte", labels)]:
            content = idx(array)
            file = folder / f"{name}-{kind}{'.gz' if gz else ''}"
            file.write_bytes(gzip.compress(content) if gz else content)
    return rows


def cifar_batches(each: int = 12) -> "tuple[Dict[str, bytes], Dict[str, bytes], Dict[str, Any]]":
    """Return the binary batches, the Python batches, and the rows."""
    random = np.random.RandomState(5)
    binary, pickled, rows = {}, {}, []
    for name in [f"data_batch_{number}" for number in range(1, 6)] + ["test_batch"]:
        labels = np.arange(each) % 10
        pixels = (random.randint(0, 100, (each, 3072)) + 15 * labels[:, None]).astype(np.uint8)
        rows.append(np.column_stack([pixels, labels]).astype(np.uint8))
        binary[f"{name}.bin"] = np.column_stack([labels, pixels]).astype(np.uint8).tobytes()
        pickled[name] = pickle.dumps({b"data": pixels, b"labels": labels.tolist(), b"batch_label": b"x"}, protocol=2)
    return binary, pickled, {"train": np.concatenate(rows[:5]), "test": rows[5]}


def write_archive(file: Path, folder: str, batches: Dict[str, bytes]) -> None:
    with tarfile.open(file, "w:gz") as archive:
        for name, content in {**batches, "readme.html": b"<html>"}.items():
            member = tarfile.TarInfo(f"{folder}/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))


@pytest.mark.parametrize("gz", [True, False])
def test_mnist_is_read_from_its_four_files(tmp_path: Path, gz: bool) -> None:
    expected = write_mnist(tmp_path, gz=gz)
    parts = formats.mnist(tmp_path)
    assert parts["train"].shape == (60, 785) and parts["train"].dtype == np.uint8
    for part in ("train", "test"):
        assert np.array_equal(parts[part], expected[part])


def test_what_is_wrong_with_the_files_of_mnist_is_said(tmp_path: Path) -> None:
    def complaint() -> str:
        with pytest.raises(formats.DataError) as caught:
            formats.mnist(tmp_path)
        return str(caught.value)

    assert "no file train-images-idx3-ubyte.gz in" in complaint() and "--source FOLDER" in complaint()
    write_mnist(tmp_path)
    images = tmp_path / "train-images-idx3-ubyte.gz"
    whole = images.read_bytes()
    images.write_bytes(whole[: len(whole) // 2])  # an interrupted download
    assert str(images) in complaint() and "download it again" in complaint()
    images.write_bytes(gzip.compress(gzip.decompress(whole)[:-1]))
    assert "is damaged: it has 47055 bytes instead of 47056" in complaint()
    images.write_bytes(gzip.compress(b"<html>not found</html>"))
    assert "is not an idx file of bytes with 3 dimensions" in complaint()
    images.write_bytes(gzip.compress(idx(np.zeros((60, 32, 32)))))
    assert "has images of (32, 32) pixels, not (28, 28)" in complaint()
    images.write_bytes(gzip.compress(idx(np.zeros((59, 28, 28)))))
    assert "has 59 images" in complaint() and "60 labels" in complaint()
    images.write_bytes(whole)
    (tmp_path / "train-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(np.full(60, 10))))
    assert "it has the label 10, and there are 0 to 9" in complaint()


@pytest.mark.parametrize("form", ["bin folder", "bin here", "bin archive", "py folder", "py here", "py archive"])
def test_cifar_10_is_read_from_both_versions(tmp_path: Path, form: str) -> None:
    binary, pickled, expected = cifar_batches()
    version, where = form.split()
    batches, folder = (binary, "cifar-10-batches-bin") if version == "bin" else (pickled, "cifar-10-batches-py")
    if where == "archive":
        archive = "cifar-10-binary.tar.gz" if version == "bin" else "cifar-10-python.tar.gz"
        write_archive(tmp_path / archive, folder, batches)
    else:
        place = tmp_path / folder if where == "folder" else tmp_path
        place.mkdir(exist_ok=True)
        for name, content in batches.items():
            (place / name).write_bytes(content)
    parts = formats.cifar10(tmp_path)
    assert parts["train"].shape == (60, 3073) and parts["train"].dtype == np.uint8
    for part in ("train", "test"):
        assert np.array_equal(parts[part], expected[part])


def test_what_is_wrong_with_the_files_of_cifar_10_is_said(tmp_path: Path) -> None:
    def complaint() -> str:
        with pytest.raises(formats.DataError) as caught:
            formats.cifar10(tmp_path)
        return str(caught.value)

    assert "put cifar-10-binary.tar.gz or cifar-10-python.tar.gz there" in complaint()
    binary, pickled, _ = cifar_batches()
    archive = tmp_path / "cifar-10-python.tar.gz"
    write_archive(archive, "cifar-10-batches-py", {name: pickled[name] for name in list(pickled)[:-1]})
    assert f"{archive} has no test_batch" in complaint()
    write_archive(archive, "cifar-10-batches-py", pickled)
    archive.write_bytes(archive.read_bytes()[:5000])
    assert f"{archive} is damaged" in complaint()
    for name, content in binary.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "data_batch_3.bin").write_bytes(binary["data_batch_3.bin"][:-1])
    assert "data_batch_3.bin is damaged: 36875 bytes" in complaint()
    (tmp_path / "data_batch_3.bin").write_bytes(b"\x0a" + binary["data_batch_3.bin"][1:])
    assert "data_batch_3.bin is damaged: it has the label 10" in complaint()
    (tmp_path / "data_batch_3.bin").unlink()
    assert "no file data_batch_3.bin in" in complaint()


class Attack:
    def __reduce__(self) -> Any:
        return (os.system, ("touch attacked",))


def test_a_pickle_that_would_run_code_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    _, pickled, _ = cifar_batches()
    for name, content in pickled.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "data_batch_1").write_bytes(pickle.dumps({b"data": Attack(), b"labels": []}))
    with pytest.raises(formats.DataError, match="which no batch of CIFAR-10 needs"):
        formats.cifar10(tmp_path)
    assert not (tmp_path / "attacked").exists()


def run_interval(
    data: str, folder: Path, place: Path, seed: int, interval_seed: int, parent: Optional[Path] = None
) -> Dict[str, Any]:
    """Run train.py as pbt does, and return what it reports."""
    (place / "out").mkdir(parents=True)
    (place / "hyperparameters.json").write_text(json.dumps({"learning_rate": 0.05, "momentum": 0.9}))
    environment = {
        "PATH": os.environ["PATH"],
        "PBT_HYPERPARAMETERS": str(place / "hyperparameters.json"),
        "PBT_CHECKPOINT_OUT": str(place / "out"),
        "PBT_RESULTS": str(place / "results.json"),
        "PBT_SEED": str(seed),
        "PBT_INTERVAL_SEED": str(interval_seed),
    }
    if parent is not None:
        environment["PBT_CHECKPOINT_IN"] = str(parent / "out")
    command = [sys.executable, str(HERE / "train.py"), f"--data={data}", "--train=40", "--validation=20"]
    command += ["--images-per-interval=20", "--order=shared", f"--data-dir={folder}"]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    return dict(json.loads((place / "results.json").read_text()))


@pytest.mark.parametrize("data", ["mnist", "cifar10"])
def test_the_example_trains_half_an_epoch_in_the_order_that_members_share(data: str, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    folder = tmp_path / "data"
    if data == "mnist":
        write_mnist(folder / data)
    else:
        write_archive_of(folder / data)
    members = [tmp_path / "0", tmp_path / "1"]
    for seed, place in enumerate(members):
        metrics = run_interval(data, folder, place, seed=seed, interval_seed=99)
        assert 0 <= metrics["accuracy"] <= 1 and metrics["loss"] > 0
    assert (folder / f"{data}-train.npy").is_file() and (folder / f"{data}-test.npy").is_file()
    states = [torch.load(place / "out" / "model.pt") for place in members]
    assert [state["shuffle"] for state in states] == [99, 99]
    assert [state["position"] for state in states] == [20, 20]
    weights = [state["model"]["0.weight"] for state in states]
    assert not torch.equal(weights[0], weights[1])  # dropout and the first weights are a member's own
    metrics = run_interval(data, folder, tmp_path / "next", seed=7, interval_seed=100, parent=members[0])
    following = torch.load(tmp_path / "next" / "out" / "model.pt")
    assert (following["shuffle"], following["position"]) == (100, 20)
    command = [sys.executable, str(HERE / "train.py"), "--test", str(tmp_path / "next/out"), f"--data-dir={folder}"]
    tested = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert 0 <= tested["test_accuracy"] <= 1


def write_archive_of(folder: Path) -> None:
    folder.mkdir(parents=True)
    write_archive(folder / "cifar-10-binary.tar.gz", "cifar-10-batches-bin", cifar_batches()[0])


@pytest.mark.parametrize("data", ["mnist", "cifar10"])
def test_an_interval_without_the_files_says_where_to_get_them(data: str, tmp_path: Path) -> None:
    command = [sys.executable, str(HERE / "prepare.py"), data, "--data-dir", str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True)
    assert ended.returncode == 1
    assert "https://" in ended.stderr and str(tmp_path / data) in ended.stderr
    assert "Traceback" not in ended.stderr
    assert list(tmp_path.iterdir()) == []
