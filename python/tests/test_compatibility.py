# SPDX-License-Identifier: Apache-2.0
"""The client of the version before, against the present server."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import pbt

from .test_real import BINARY, DEFINITION, Served, check, make_token

pytestmark = pytest.mark.skipif(not BINARY, reason="PBT_BINARY does not name a pbt")

OLD_CLIENT = Path(__file__).parent / "fixtures" / "pbt-client-0.1.0.zip"

#: A training program as it was written for that version, and the calls of a script that looks at the result.
PROGRAM = """
import sys, pbt

assert pbt.__file__.startswith(sys.argv[1]), pbt.__file__
data = {"shared": None, "remote": False}[sys.argv[2]]
client = pbt.Client()
created = client.create(DEFINITION)
for interval in pbt.worker(data=data, overlap=True):
    total = 0.0
    if interval.checkpoint_in is not None:
        total = float((interval.checkpoint_in / "total").read_text())
    total += interval.hyperparameters.x
    (interval.checkpoint_out / "total").write_text(str(total))
    interval.log(q=total)
    interval.report({"q": total})
name = DEFINITION["name"]
assert client.wait(name).is_over
best = client.best(name)
assert best.score == client.experiment(name).best_score
assert len(list(client.intervals(name))) == 20 and len(client.members(name)) == 4
assert client.lineage(name) and client.schedule(name)
assert {event.kind for event in client.events(name)} >= {"created", "started", "done", "ended"}
print("done")
"""


@pytest.mark.parametrize("files", ["shared", "remote"])
def test_a_client_of_the_version_before_trains_a_population(
    tmp_path: Path, files: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = make_token(tmp_path / "pbt.sqlite")
    server = Served(tmp_path / "pbt.sqlite")
    try:
        environment = {
            **os.environ, "PYTHONPATH": str(OLD_CLIENT), "PBT_SERVER": server.url, "PBT_TOKEN": token,
            "PBT_EXPERIMENT": DEFINITION["name"],
        }  # fmt: skip
        program = f"DEFINITION = {DEFINITION!r}\n{PROGRAM}"
        done = subprocess.run(
            [sys.executable, "-c", program, str(OLD_CLIENT), files],
            env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=300,
        )  # fmt: skip
        assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr
        # The present client reads what the old one has trained.
        monkeypatch.setenv("PBT_SERVER", server.url)
        monkeypatch.setenv("PBT_TOKEN", token)
        check(DEFINITION["name"])
        assert pbt.Client().experiment(DEFINITION["name"]).state == "finished"
    finally:
        server.stop()
