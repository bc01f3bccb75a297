# SPDX-License-Identifier: Apache-2.0
"""What the tests share."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List

import pytest

from pbt import _http

from .fake import TOKEN, FakeServer

Start = Callable[..., FakeServer]


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of whoever runs the tests, and pauses that take no time."""
    for name in list(os.environ):
        if name.startswith("PBT_") and name != "PBT_BINARY":
            monkeypatch.delenv(name)
    for name in ("RANK", "WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setattr(_http, "FIRST_PAUSE", 0.001)
    monkeypatch.setattr(_http, "LONGEST_PAUSE", 0.01)


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Start]:
    """Starts a server whose data directory is shared, and which the environment names."""
    started: List[FakeServer] = []

    def start(members: int = 1, intervals: int = 2, *, is_shared: bool = True) -> FakeServer:
        data = tmp_path / "data"
        if is_shared:
            data.mkdir()
            (data / ".pbt-data").write_text("the-id\n")
        server = FakeServer(members, intervals, data if is_shared else None)
        started.append(server)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        monkeypatch.setenv("PBT_SERVER", server.url)
        monkeypatch.setenv("PBT_TOKEN", TOKEN)
        monkeypatch.setenv("PBT_EXPERIMENT", "test")
        return server

    yield start
    for server in started:
        server.shutdown()
        server.server_close()


class Program:
    """A program that is run with the server's address in its environment."""

    def __init__(self, path: Path) -> None:
        environment: Dict[str, Any] = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}
        # A shell ignores Ctrl-C in what it starts in the background, and so would the program.
        self.process = subprocess.Popen(
            [sys.executable, str(path)],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def end(self) -> "tuple[int, str, str]":
        """Waits for its end: code, output, errors."""
        out, errors = self.process.communicate(timeout=60)
        return self.process.returncode, out, errors


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Callable[[str], Program]]:
    """Starts Python programs."""
    programs: List[Program] = []

    def start(text: str) -> Program:
        path = tmp_path / "program.py"
        path.write_text(text)
        programs.append(Program(path))
        return programs[-1]

    yield start
    for one in programs:
        if one.process.poll() is None:
            one.process.kill()
            one.process.communicate()
