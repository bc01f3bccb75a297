"""Tests of the dashboard: jobs of a client as rows, and what is deleted."""

from __future__ import annotations

import json
import urllib.request
from typing import Any
from urllib.parse import quote

from place import Place, test
from states import Experiment, Server
from visits import refusals

#: An id that a client may choose.
HOSTILE_ID = "<script>alert(1)</script> \u05d0"


def put(server: Server, path: str, body: Any) -> None:
    """Writes as Schedy's client does."""
    request = urllib.request.Request(
        f"{server.url}/schedy/experiments/{path}", json.dumps(body).encode(),
        {"Content-Type": "application/json"}, method="PUT",
    )  # fmt: skip
    urllib.request.urlopen(request, timeout=60).read()


def listed(server: Server) -> list[str]:
    with urllib.request.urlopen(f"{server.url}/schedy/experiments/sweep/jobs", timeout=60) as answer:
        return [job["id"] for job in json.load(answer)["items"]]


def fill(server: Server) -> None:
    """A manual experiment with a job in every state."""
    put(server, "sweep", {"scheduler": {"Manual": None}})
    jobs = [
        ("good", "DONE", {"accuracy": 0.9, "model_path": "/models/a/very/long/path/of/the/best/model.pt"}),
        ("482910", "DONE", {"accuracy": 0.5}), ("crash", "CRASHED", {}), ("run", "RUNNING", {}),
        (HOSTILE_ID, "QUEUED", {}),
    ]  # fmt: skip
    for place, (name, status, results) in enumerate(jobs):
        body = {"status": status, "results": results, "hyperparameters": {"lr": 0.01 * (1 + place)}}
        put(server, f"sweep/jobs/{quote(name, safe='')}", body)


IDS = "return [...document.querySelectorAll('#live-members tbody th a')].map(a => a.textContent)"


@test
def jobs_are_rows_with_their_ids_and_are_found_by_them(place: Place) -> None:
    browser = place.browser
    with place.serving("--schedy") as (server, _):
        fill(server)
        for path in ("", "/members", "/members?rows=members", "/events?only=all", "/m/0", "/m/4"):
            browser.go(f"{server.url}/e/sweep{path}")
            place.arrive("/e/sweep.*")
            place.looks_well(f"jobs {path}")
            if place.pictures:
                for dark in (False, True):
                    for width in (390, 1400):
                        browser.size(width)
                        browser.media(dark=dark)
                        name = f"jobs{path.replace('/', '-').replace('?', '-')}-{width}{'-dark' if dark else ''}.png"
                        browser.picture(str(place.pictures / name), whole=True)
        browser.size(1400)
        browser.media()
        browser.go(f"{server.url}/e/sweep/members")
        place.arrive("/e/sweep/members")
        assert len(browser.js(IDS)) == 5, browser.js(IDS)
        browser.press("/")
        browser.press(*"482", "Enter")
        browser.until("return location.search.includes('filter=482')")
        place.arrive("/e/sweep/members")
        assert browser.js(IDS) == ["482910"], browser.js(IDS)
        browser.go(f"{server.url}/e/sweep/members?filter=accuracyx%3E1")
        place.expect("document.querySelector('[role=alert]').textContent.includes('did you mean \"accuracy\"')", True)


def deletion(place: Place) -> None:
    """Ticks and deletes two jobs, then the experiment, with keys alone; both are asked for first."""
    browser = place.browser
    with place.serving("--allow-control", "--schedy") as (server, _):
        fill(server)
        browser.size(1400)
        browser.media()
        browser.go(f"{server.url}/e/sweep/members")
        place.arrive("/e/sweep/members")
        for name in ("crash", HOSTILE_ID):
            place.reach(f"input[name=job][value={json.dumps(name, ensure_ascii=False)}]")
            browser.press(" ")
        place.reach("button.danger")
        browser.press("Enter")
        place.arrive("/e/sweep/control/delete-jobs")
        assert len(listed(server)) == 5, "deleted before it was confirmed"
        place.expect("[...document.querySelectorAll('.jobs li')].length", 2)
        if place.has_scripts:
            place.looks_well("delete jobs")
            browser.size(1400)
        place.reach("main form button")
        browser.press("Enter")
        place.arrive("/e/sweep/members")
        assert listed(server) == ["good", "482910", "run"], listed(server)

        browser.go(f"{server.url}/e/sweep")
        place.arrive("/e/sweep")
        for verb, wanted in (("delete", 409), ("stop", 0), ("delete", 0)):
            browser.go(f"{server.url}/e/sweep")
            place.arrive("/e/sweep")
            place.reach(f'[href$="/control/{verb}"]')
            browser.press("Enter")
            place.arrive(f"/e/sweep/control/{verb}")
            place.reach("main form button")
            browser.press("Enter")
            if wanted:
                browser.until("return document.querySelector('main [role=alert]')?.textContent.includes('stop the')")
                refusals(place, wanted)
            else:
                place.arrive("/e/sweep" if verb == "stop" else "/")
        assert server.ask("GET", "/experiments")["items"] == [], "it is deleted"


@test
def jobs_and_experiments_are_deleted_by_keyboard_and_confirmed(place: Place) -> None:
    deletion(place)


@test
def deleting_needs_no_script(place: Place) -> None:
    with place.scripts(on=False):
        deletion(place)


@test
def ticked_rows_stay_ticked_while_the_page_follows(place: Place) -> None:
    browser = place.browser
    with place.serving("--allow-control", "--schedy") as (server, _):
        fill(server)
        browser.size(1400)
        browser.go(f"{server.url}/e/sweep/members?ticked=1")
        browser.until("return document.querySelector('#link').textContent === '● live'")
        place.expect("document.querySelectorAll('[name=job]:checked').length", 5)
        browser.js("document.querySelector('[name=job][value=good]').click()")
        put(server, "sweep/jobs/late", {"status": "QUEUED", "hyperparameters": {"lr": 1}})
        browser.until("return document.querySelectorAll('[name=job]').length === 6")
        place.expect("document.querySelectorAll('[name=job]:checked').length", 4)


@test
def rows_sizes_and_stars_are_switched(place: Place) -> None:
    browser = place.open("/e/running/members")
    place.arrive("/e/running/members")
    rows = "return document.querySelectorAll('#live-members tbody tr').length"
    assert browser.js(rows) == 20
    for words, count in (("intervals", 100), ("25", 25)):
        browser.js(
            "[...document.querySelectorAll('.options a')].find(a => a.textContent === arguments[0]).click()", words
        )
        browser.until(f"return document.querySelectorAll('#live-members tbody tr').length === {count}")
        place.arrive("/e/running/members")
        place.looks_well(f"rows {words}")
    browser.size(1400)
    browser.go(f"{place.server.url}/e/running")
    place.arrive("/e/running")
    before = browser.js("return document.querySelectorAll('#live-scatter svg path').length")
    browser.js("[...document.querySelectorAll('#live-scatter a')].find(a => a.textContent === '★ on').click()")
    browser.until("return location.search.includes('stars=1')")
    place.arrive("/e/running")
    after = browser.js("return document.querySelectorAll('#live-scatter svg path').length")
    assert after > before, f"{before} paths, then {after}"


@test
def ten_thousand_members_stay_quick(place: Place) -> None:
    browser = place.browser
    with place.serving() as (server, _):
        Experiment(server, "big", population=10_000, intervals=1)
        for path in ("/members", "/members?rows=intervals&sort=-h.lr&size=250&page=30", "/members?filter=lr%3C0.001"):
            browser.go(f"{server.url}/e/big{path}")
            place.arrive("/e/big/members")
            took = browser.js(
                "const n = performance.getEntriesByType('navigation')[0]; return n.responseEnd - n.requestStart"
            )
            nodes = browser.js("return document.querySelectorAll('*').length")
            print(f"      10,000 members, {path}: {took:.0f} ms, {nodes} nodes")
            assert nodes < 6000, f"{nodes} nodes"
            assert took < 5000, f"{took} ms"
