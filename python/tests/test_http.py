# SPDX-License-Identifier: Apache-2.0
"""A server that is away, slow, wrong, or says no."""

from __future__ import annotations

import time
from typing import Any, Dict, List

import pytest

import pbt
from pbt import _http

from .conftest import Start
from .fake import Fault


def save(interval: pbt.Interval) -> None:
    (interval.checkpoint_out / "model").write_text("weights")


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> List[float]:
    """The pauses that were made, which take no time."""
    made: List[float] = []
    monkeypatch.setattr(_http, "_sleep", made.append)
    monkeypatch.setattr(_http, "FIRST_PAUSE", 1.0)
    monkeypatch.setattr(_http, "LONGEST_PAUSE", 30.0)
    return made


@pytest.mark.parametrize("call", ["/claims", "/finish"])
@pytest.mark.parametrize("is_handled", [False, True])
def test_a_lost_answer_is_asked_for_again_and_nothing_is_done_twice(
    start: Start, pauses: List[float], call: str, is_handled: bool
) -> None:
    server = start(intervals=3)
    server.faults.append(Fault(call, is_handled=is_handled, times=3))
    trained = []
    for interval in pbt.worker():
        trained.append((interval.index, interval.attempt))
        save(interval)
        interval.report(score=1)
    assert trained == [(0, 1), (1, 1), (2, 1)]
    assert len(server.finished) == 3
    if is_handled and call == "/claims":
        keys = [body["key"] for body in server.of("claims")]
        assert keys[0] == keys[1] == keys[2] != keys[-1] and len(keys[0]) == 32


def test_pauses_grow_to_thirty_seconds_and_are_jittered(start: Start, pauses: List[float]) -> None:
    server = start(intervals=1)
    (interval,) = pbt.worker().claim()
    save(interval)
    server.faults.append(Fault("/finish", status=503, body=b'{"code": "storeBusy", "detail": "busy"}', times=9))
    interval.report(score=1)
    assert len(pauses) == 9
    for pause, longest in zip(pauses, [1, 2, 4, 8, 16, 30, 30, 30, 30]):
        assert longest / 2 <= pause <= longest
    assert len(set(pauses)) == 9


def test_a_server_says_when_to_ask_again(start: Start, pauses: List[float]) -> None:
    server = start(intervals=1)
    (interval,) = pbt.worker().claim()
    save(interval)
    body = b'{"code": "tooManyRequests", "detail": "slow down"}'
    server.faults.append(Fault("/finish", status=429, headers={"Retry-After": "17"}, body=body))
    interval.report(score=1)
    assert pauses == [17]


def test_messages_are_single_lines_that_say_what_is_tried(
    start: Start, pauses: List[float], caplog: pytest.LogCaptureFixture
) -> None:
    server = start(intervals=1)
    (interval,) = pbt.worker().claim()
    save(interval)
    server.faults.append(Fault("/finish", times=2))
    interval.report(score=1)
    first, second = [record.getMessage() for record in caplog.records if record.name == "pbt"]
    assert first.startswith(f"reporting <interval 0@0 of test, attempt 1>: cannot reach {server.url} (")
    assert first.endswith("retrying in 1 s") and "\n" not in first
    assert second == "reporting <interval 0@0 of test, attempt 1>: succeeded, the server is available again"


def test_an_error_of_the_servers_own_is_not_tried_for_ever(start: Start, pauses: List[float]) -> None:
    server = start(intervals=1)
    (interval,) = pbt.worker().claim()
    save(interval)
    server.faults.append(Fault("/finish", status=500, body=b'{"code": "internal", "detail": "oops"}', times=5))
    with pytest.raises(pbt.PBTError, match="oops") as caught:
        interval.report(score=1)
    assert (caught.value.code, caught.value.status) == ("internal", 500)
    interval.report(score=1)  # it is still open


def test_garbage_instead_of_an_answer_is_tried_again(start: Start, pauses: List[float]) -> None:
    server = start(intervals=1)
    server.faults.append(Fault("/claims", status=200, body=b"<html>Sign in to Hotel WiFi</html>", times=2))
    server.faults.append(Fault("/finish", status=502, body=b"<html>Bad Gateway</html>"))
    for interval in pbt.worker():
        save(interval)
        interval.report(score=1)
    assert len(server.finished) == 1


def test_an_answer_that_breaks_off_is_tried_again(start: Start, pauses: List[float]) -> None:
    server = start(intervals=1)
    server.faults.append(Fault("/claims", status=200, headers={"Content-Length": "1000", "Connection": "close"}))
    for interval in pbt.worker():
        save(interval)
        interval.report(score=1)
    assert len(server.finished) == 1


@pytest.mark.parametrize(
    "status, headers, body, code, message",
    [
        (401, {}, b'{"code": "unauthorized", "detail": "no token"}', "unauthorized", "no token; pass the token"),
        (403, {}, b'{"code": "forbidden", "detail": "scope read"}', "forbidden", "scope read"),
        (404, {}, b"<html>nginx</html>", "badAnswer", "answered 404 Not Found, unlike a pbt server: check the URL"),
        (301, {"Location": "https://x/"}, b"", "badAnswer", "it redirects to https://x/; use that as the server"),
        (200, {}, b'{"name": "other"}', "badAnswer", "is not a pbt server"),
    ],
)
def test_what_will_not_change_is_not_tried_again(
    start: Start, pauses: List[float], status: int, headers: Dict[str, str], body: bytes, code: str, message: str
) -> None:
    server = start()
    server.faults.append(Fault("GET /api/v1", status=status, headers=headers, body=body, times=10**6))
    with pytest.raises(pbt.PBTError, match=message) as caught:
        pbt.worker()
    assert caught.value.code == code and pauses == []
    assert caught.value.status in (status, None)


def test_an_unknown_experiment_is_an_error_of_its_own(start: Start) -> None:
    start()
    with pytest.raises(pbt.PBTError, match="there is no experiment else") as caught:
        pbt.worker("else").claim()
    assert (caught.value.code, caught.value.status) == ("noSuchExperiment", 404)


def test_one_connection_is_kept_for_all_calls_of_a_thread(start: Start) -> None:
    server = start(members=4, intervals=5)
    for interval in pbt.worker():
        save(interval)
        interval.report(score=1)
    assert len(server.finished) == 20
    assert server.connections == 1


def test_training_goes_on_while_the_server_is_away(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    server = start(intervals=1)
    worker = pbt.worker()
    worker._renewer._term = 0.03
    (interval,) = worker.claim()
    server.faults.append(Fault("/renew", status=503, times=3))
    server.wait_for("renew")
    save(interval)
    interval.report(score=1)
    worker.close()
    assert not interval.lost and len(server.finished) == 1
    assert sum("training continues" in record.getMessage() for record in caplog.records) == 1
    assert caplog.records[-1].getMessage() == "the server is available again"


def test_a_client_gives_up_after_its_patience(start: Start) -> None:
    server = start()
    server.faults.append(Fault("GET", times=10**6))
    began = time.monotonic()
    with pytest.raises(pbt.PBTError) as caught:
        pbt.Client(patience=0.05).experiments()
    assert caught.value.code == "unreachable"
    assert time.monotonic() >= began


@pytest.mark.parametrize(
    "url, message",
    [
        ("127.0.0.1:7070", "is not the URL of a server: write http://HOST:PORT"),
        ("ftp://host", "is not the URL of a server"),
        ("http://host:port", "has an invalid port"),
        ("http://user:secret@host", "give the token in PBT_TOKEN"),
        ("http://user:secret@host?x", "the given server is not the URL"),
    ],
)
def test_a_wrong_url_is_refused_without_showing_what_may_be_secret(url: str, message: str) -> None:
    with pytest.raises(pbt.PBTError, match=message) as caught:
        pbt.Client(url)
    assert caught.value.code == "badConfiguration" and "secret" not in str(caught.value)


def test_a_server_may_stand_behind_a_prefix() -> None:
    server: Any = pbt.Client("https://host/pbt/")._server
    assert (server.url, server._prefix) == ("https://host/pbt", "/pbt")
