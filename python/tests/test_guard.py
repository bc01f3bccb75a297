# SPDX-License-Identifier: Apache-2.0
"""Processes that are not the one that trains claim nothing."""

from __future__ import annotations

from typing import Callable

import pytest

from .conftest import Program, Start

Run = Callable[[str], Program]

LOADER = """
import multiprocessing, sys
import pbt

def load(number):
    return number

for interval in pbt.worker():
    child = multiprocessing.get_context("{method}").Process(target=load, args=(1,))
    child.start()
    child.join(60)
    assert child.exitcode == 0, "the loader died"
    (interval.checkpoint_out / "model").touch()
    interval.report(score=1)
"""


def indented(text: str) -> str:
    """The program with its loop under a main guard."""
    start = text.index("for interval")
    return (
        text[:start]
        + 'if __name__ == "__main__":\n'
        + text[start:].replace("for interval", "  for interval").replace("\n    ", "\n      ")
    )


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_a_child_that_imports_the_main_program_claims_nothing_and_says_how_to_write_it(
    start: Start, program: Run, method: str
) -> None:
    server = start(members=4, intervals=1)
    code, _, errors = program(LOADER.format(method=method)).end()
    assert code != 0
    message = 'put its top-level code under `if __name__ == "__main__":`'
    assert "program.py is imported by a process that multiprocessing started" in errors and message in errors
    # One claim, of the program's own.
    assert len(server.of("claims")) == 1
    (body,) = server.of("finish")
    assert 'program.py lacks `if __name__ == "__main__":`' in body["failed"]


@pytest.mark.parametrize("method", ["spawn", "forkserver", "fork"])
def test_with_the_guard_children_load_data(start: Start, program: Run, method: str) -> None:
    server = start(members=2, intervals=1)
    code, _, errors = program(indented(LOADER.format(method=method))).end()
    assert code == 0, errors
    assert [body["score"] for body in server.of("finish")] == [1, 1]


def test_a_child_that_is_past_the_import_may_train(start: Start, program: Run) -> None:
    server = start(members=2, intervals=1)
    code, _, errors = program(
        "import multiprocessing\n"
        "def train():\n"
        "    import pbt\n"
        "    for interval in pbt.worker():\n"
        "        (interval.checkpoint_out / 'model').touch()\n"
        "        interval.report(score=1)\n"
        'if __name__ == "__main__":\n'
        "    child = multiprocessing.get_context('spawn').Process(target=train)\n"
        "    child.start()\n"
        "    child.join(60)\n"
    ).end()
    assert code == 0, errors
    assert len(server.of("finish")) == 2


def test_a_child_made_by_fork_cannot_claim_with_its_parents_worker(start: Start, program: Run) -> None:
    server = start(members=2, intervals=1)
    code, out, errors = program(
        "import os, pbt\n"
        "worker = pbt.worker()\n"
        "if os.fork() == 0:\n"
        "    try: worker.claim()\n"
        "    except pbt.PBTError as error: print(error.code, error, flush=True)\n"
        "    os._exit(0)\n"
        "os.wait()\n"
    ).end()
    assert code == 0, errors
    assert out.startswith("wrongState <worker of test at ") and "create another one in this process" in out
    assert server.of("claims") == []
