"""Tests of the dashboard: who may look, and who may do."""

from __future__ import annotations

import subprocess

from place import Place, test
from states import Experiment, Server


def refusals(place: Place, status: int) -> None:
    """The browser's console lists failed responses: this one, and nothing else."""
    found = place.browser.console()
    assert found and all(f"status of {status} " in line for line in found), found


@test
def a_visitor_signs_in_with_a_token_that_stays_in_no_address_and_no_page(place: Place) -> None:
    browser = place.browser
    with place.serving("--tokens", scopes=("admin", "read")) as (server, tokens):
        Experiment(server, "toy", population=3, intervals=3).train(4)
        browser.size(1400)
        browser.media()
        browser.go(f"{server.url}/e/toy?y=log")
        place.arrive("/sign-in")
        place.looks_well("sign-in")
        place.expect("new URLSearchParams(location.search).get('next')", "/e/toy?y=log")
        place.expect("document.activeElement.id", "token")
        wrong = tokens["read"][:-4] + "AAAA"
        place.secrets.append(wrong)
        browser.press(*wrong, "Enter")
        browser.until("return document.querySelector('[role=alert]')")
        place.expect("document.querySelector('#token').value", "")
        place.expect("location.pathname + location.search", "/sign-in")
        refusals(place, 401)
        place.looks_well("sign-in refused")
        browser.js("document.querySelector('#token').focus()")
        browser.press(*tokens["read"], "Enter")
        place.arrive("/e/toy")
        place.expect("location.search", "?y=log")
        browser.until("return document.querySelector('#link').textContent === '● live'")
        # A script, also one of another's that got in, finds nothing to take away.
        place.expect("document.cookie", "")
        kept = browser.js(
            "return document.documentElement.outerHTML + JSON.stringify({...localStorage}) +"
            " JSON.stringify({...sessionStorage}) + JSON.stringify(history.state) + document.referrer + name"
        )
        assert not [secret for secret in place.secrets if secret in kept], "the page holds a token"

        place.reach("form.out button")
        browser.press("Enter")
        place.arrive("/sign-in")
        browser.js("history.back()")
        place.arrive("/sign-in")
        place.expect("document.querySelectorAll('svg').length", 0)
        browser.go(f"{server.url}/e/toy")
        place.arrive("/sign-in")


@test
def a_page_whose_token_is_revoked_asks_to_sign_in_by_itself(place: Place) -> None:
    browser = place.browser
    with place.serving("--tokens", scopes=("admin", "read")) as (server, tokens):
        toy = Experiment(server, "toy", population=3, intervals=3)
        with place.scripts(on=False):
            browser.go(f"{server.url}/sign-in?next=%2Fe%2Ftoy")
            browser.press(*tokens["read"], "Enter")
            browser.until("return location.pathname === '/e/toy'")
        browser.go(f"{server.url}/e/toy")
        browser.until("return document.querySelector('#link').textContent === '● live'")
        store = ("--store", str(server.place / "store.sqlite"))
        subprocess.run([server.pbt, "token", "revoke", "read", *store], check=True, capture_output=True)
        toy.train(1)
        place.arrive("/sign-in")
        place.expect("new URLSearchParams(location.search).get('next')", "/e/toy")
        refusals(place, 401)


@test
def without_the_flag_no_page_has_anything_that_does_something(place: Place) -> None:
    for name, path in place.pages().items():
        browser = place.open(path)
        found = browser.js(
            "return [...document.querySelectorAll('form[method=post], [href*=\"/control/\"], [action]')]"
            ".map(e => e.outerHTML.slice(0, 200))"
        )
        acts = [text for text in found if "/compare" not in text and 'class="filter' not in text]
        assert not acts, f"{name}: {acts}"
        place.expect("document.querySelector('footer').textContent.includes('read-only')", True)
    browser.console()  # One of the pages does not exist.
    for verb in ("pause", "resume", "stop", "push", "delete"):
        place.open(f"{place.paths['running']}/control/{verb}")
        place.expect("document.title", "403 · pbt")
        text = place.browser.js("return document.querySelector('main').textContent")
        command = f"pbt {'rm' if verb == 'delete' else verb} running"
        assert "serve with --allow-control" in text and command in text, text
    refusals(place, 403)


@test
def with_the_flag_a_token_that_may_look_alone_finds_nothing_to_do(place: Place) -> None:
    browser = place.browser
    with place.serving("--tokens", "--allow-control", scopes=("admin", "read", "work")) as (server, tokens):
        Experiment(server, "toy", population=3, intervals=3)
        for scope in ("read", "work", "admin"):
            browser.go(f"{server.url}/sign-in?next=%2Fe%2Ftoy")
            browser.press(*tokens[scope], "Enter")
            place.arrive("/e/toy")
            links = browser.js("return document.querySelectorAll('[href*=\"/control/\"]').length")
            assert links == (4 if scope == "admin" else 0), f"{scope}: {links} links"
            place.reach("form.out button")
            browser.press("Enter")
            place.arrive("/sign-in")


def state(server: Server) -> str:
    return str(server.ask("GET", "/experiments/toy")["state"])


def control(place: Place) -> None:
    """Pauses, resumes, pushes to and stops an experiment with keys alone; every step is asked for first."""
    browser = place.browser
    with place.serving("--allow-control") as (server, _):
        toy = Experiment(server, "toy", population=3, intervals=3)
        toy.train(2)

        def ask(verb: str) -> None:
            """Goes from the experiment's page to the one that asks."""
            before = state(server)
            place.reach(f'[href$="/control/{verb}"]')
            browser.press("Enter")
            place.arrive(f"/e/toy/control/{verb}")
            assert state(server) == before, f"{verb} was done before it was confirmed"

        def confirm() -> None:
            place.reach("main form button")
            browser.press("Enter")

        browser.size(1400)
        browser.media()
        browser.go(f"{server.url}/e/toy")
        place.arrive("/e/toy")
        ask("pause")
        place.reach('main form [href="/e/toy"]')
        browser.press("Enter")
        place.arrive("/e/toy")
        assert state(server) == "running", "it was left as it is"
        for verb, wanted in (("pause", "paused"), ("resume", "running")):
            ask(verb)
            confirm()
            place.arrive("/e/toy")
            assert state(server) == wanted, f"{verb}: {state(server)}"
            place.expect(f"document.querySelector('#live-tag').textContent.includes('{wanted}')", True)

        ask("push")
        place.reach('main input[name="h.lr"]')
        browser.press(*"7")
        browser.press("Enter")
        browser.until("return document.querySelector('main [role=alert]')?.textContent.includes('lr')")
        refusals(place, 422)
        place.reach('main input[name="h.lr"]')
        browser.press(*"0.25")
        browser.press("Enter")
        place.arrive("/e/toy")
        rows = server.ask("GET", "/experiments/toy/intervals?limit=1000")["items"]
        assert [row for row in rows if row["hyperparameters"]["lr"] == 0.25], "it is not queued"

        ask("stop")
        place.reach("#reason")
        browser.press(*"enough & <b>")
        confirm()
        place.arrive("/e/toy")
        found = server.ask("GET", "/experiments/toy")
        assert (found["state"], found["reason"]) == ("finished", "enough & <b>"), found
        place.expect("document.querySelectorAll('[href*=\"/control/\"]').length", 1)
        browser.go(f"{server.url}/e/toy/control/pause")
        place.expect("document.querySelectorAll('main form').length", 0)


@test
def control_is_by_keyboard_and_confirmed(place: Place) -> None:
    control(place)


@test
def control_needs_no_script(place: Place) -> None:
    with place.scripts(on=False):
        control(place)


@test
def an_open_page_follows_what_can_be_done(place: Place) -> None:
    browser = place.browser
    with place.serving("--allow-control") as (server, _):
        toy = Experiment(server, "toy", population=3, intervals=3)
        toy.train(2)
        for verb in ("push", "stop", "delete"):
            browser.go(f"{server.url}/e/toy/control/{verb}")
            place.looks_well(f"control {verb}")
        browser.size(1400)
        browser.go(f"{server.url}/e/toy")
        browser.until("return document.querySelector('#link').textContent === '● live'")
        for verb, next_one in (("pause", "resume"), ("resume", "pause")):
            server.ask("POST", f"{toy.path}/{verb}", {})
            browser.until(
                "return [...document.querySelectorAll('#live-control a')].map(a => a.href.split('/').pop())"
                ".includes(arguments[0])", next_one)  # fmt: skip
