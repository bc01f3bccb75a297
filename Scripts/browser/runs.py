"""Tests of the dashboard of a `pbt run`, which ends with the run."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import Iterator

from place import Place, test

# An interval waits at a FIFO until a line is written to it.
TRAINER = """
import json, os
open("gate").readline()
open(os.environ["PBT_CHECKPOINT_OUT"] + "/x", "w").close()
json.dump({"accuracy": (1 + int(os.environ["PBT_INTERVAL"])) / 8}, open(os.environ["PBT_RESULTS"], "w"))
"""

EXPERIMENT = """
name: toy
objective: {metric: accuracy, goal: maximize}
population: 1
intervals: 2
seed: 1
space: {x: {uniform: [0, 1]}}
command: [python3, -S, trainer.py]
"""


class Run:
    def __init__(self, pbt: str, directory: Path) -> None:
        (directory / "trainer.py").write_text(TRAINER)
        (directory / "toy.yaml").write_text(EXPERIMENT.lstrip())
        os.mkfifo(directory / "gate")
        # For both, so that neither side waits for the other.
        self.gate = os.open(directory / "gate", os.O_RDWR)
        self.process = subprocess.Popen(
            [pbt, "run", "toy.yaml", "--dashboard=0"], cwd=directory, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self.process.stderr
        line = next((line for line in self.process.stderr if "dashboard http" in line), None)
        assert line, f"pbt run ended with {self.process.wait()}"
        self.page = line.split()[-1]

    def train(self) -> None:
        """Lets the next interval through."""
        os.write(self.gate, b"\n")

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.gate)


@contextlib.contextmanager
def running(place: Place) -> Iterator[Run]:
    with tempfile.TemporaryDirectory() as directory:
        run = Run(place.server.pbt, Path(directory))
        place.urls.append(run.page.split("/e/")[0])
        try:
            place.browser.size(1400)
            place.browser.media()
            place.browser.go(run.page)
            place.browser.until("return document.querySelector('#link').textContent === '● live'")
            place.expect("document.querySelector('#gone').checkVisibility()", False)
            yield run
        finally:
            run.close()


def is_told(place: Place, link: str) -> None:
    """The page says that the run has ended, shows no alarm, and stops polling."""
    place.browser.until("return document.querySelector('#link').textContent === arguments[0]", link)
    place.expect("document.querySelector('#gone').checkVisibility()", True)
    text = place.browser.js("return document.querySelector('#gone').textContent")
    assert "The run has ended" in text and "pbt serve --store " in text, text
    place.expect("document.documentElement.classList.contains('stale')", False)


@test
def an_open_page_shows_how_a_run_ended_and_that_its_server_is_gone(place: Place) -> None:
    with running(place) as run:
        run.train()
        place.browser.until("return document.querySelector('#live-tiles dd').textContent.includes('0.125')")
        run.train()
        is_told(place, "■ finished")
        status = run.process.wait(60)
        assert status == 0, status
        place.expect("document.querySelector('#live-tiles dd').textContent.includes('0.25')", True)
        place.expect("document.title.startsWith('■')", True)
        # Returning to the page later makes no request: the server is gone.
        place.browser.js("document.dispatchEvent(new Event('visibilitychange'))")
        place.looks_well("a run that ended")
        place.expect("document.querySelector('#link').textContent", "■ finished")


@test
def an_open_page_is_told_of_an_interrupted_run_too(place: Place) -> None:
    with running(place) as run:
        run.process.send_signal(signal.SIGINT)
        run.train()
        is_told(place, "■ run ended")
        status = run.process.wait(60)
        assert status == 130, status
        place.expect("document.querySelector('#live-tiles dd').textContent.includes('0.125')", True)


@test
def a_page_that_was_not_told_wonders_whether_the_run_has_ended(place: Place) -> None:
    with running(place) as run:
        run.process.kill()
        run.process.wait()
        place.browser.until("return document.querySelector('#link').textContent === arguments[0]",
                            "○ no answer; has the run ended?")  # fmt: skip
        place.expect("document.querySelector('#gone').checkVisibility()", False)
    place.browser.go("about:blank")
    place.browser.console()  # A browser says that a server is gone.
