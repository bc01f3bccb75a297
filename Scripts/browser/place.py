"""What the tests of the dashboard share."""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Callable, Iterator

from states import HOSTILE, Server
from support.waiting import wait_for
from webdriver import Browser

TESTS: list[Callable[["Place"], None]] = []


def test(run: Callable[["Place"], None]) -> Callable[["Place"], None]:
    TESTS.append(run)
    return run


# A page that is live says so once its script has run.
SETTLED = (
    "return document.readyState === 'complete' && (!document.querySelector('main[data-live]')"
    " || document.querySelector('#link')?.textContent !== '')"
)


class Place:
    """A browser, a server with an experiment in every state, and how to have others."""

    def __init__(
        self, browser: Browser, server: Server, paths: dict[str, str], axe: str, pictures: Path | None
    ) -> None:
        self.browser, self.server, self.paths, self.axe, self.pictures = browser, server, paths, axe, pictures
        # The requests that a page may make, and the secrets that no URL may contain.
        self.urls = [server.url]
        self.secrets: list[str] = []
        self.has_scripts = True

    def open(self, path: str, width: int = 1400, dark: bool = False) -> Browser:
        self.browser.size(width)
        self.browser.media(dark=dark)
        self.browser.go(self.server.url + path)
        return self.browser

    def pages(self) -> dict[str, str]:
        """Every page, and the overview in every state."""
        running = self.paths["running"]
        pages = {f"state {name}": path for name, path in self.paths.items()}
        chosen = "members?columns=state,score,m.loss"
        for page in ("members", chosen, "m/3", "lineage", "events", "workers", "charts/curves"):
            pages[page] = f"{running}/{page}"
        pages["hostile member"] = f"{self.paths[HOSTILE]}/m/0"
        pages["runs"] = "/"
        pages["compare"] = "/compare?runs=running,finished"
        pages["no such experiment"] = "/e/nothing"
        return pages

    @contextlib.contextmanager
    def serving(self, *options: str, scopes: tuple[str, ...] = ()) -> Iterator[tuple[Server, dict[str, str]]]:
        """Another server on an empty store, with a token for each scope; the first is the one that `ask` shows."""
        with tempfile.TemporaryDirectory() as directory:
            tokens = {scope: self.token(Path(directory), scope) for scope in scopes}
            server = Server(self.server.pbt, Path(directory), *options)
            server.token = tokens[scopes[0]] if scopes else None
            self.urls.append(server.url)
            try:
                yield server, tokens
            finally:
                server.stop()

    def token(self, directory: Path, scope: str) -> str:
        created = subprocess.run(
            [self.server.pbt, "token", "create", scope, "--scope", scope, "--store", str(directory / "store.sqlite")],
            check=True, capture_output=True, text=True,
        )  # fmt: skip
        self.secrets.append(created.stdout.strip())
        return self.secrets[-1]

    def fits(self, name: str, width: int, label: float = 9.5) -> None:
        """Nothing of the page that is open is wider than the window, and no label lower than so many pixels."""
        wide, inner = self.browser.js("return [document.documentElement.scrollWidth, innerWidth]")
        assert wide <= inner, f"{name} at {width}: {wide} wide"
        size = self.browser.js(
            "return Math.min(99, ...[...document.querySelectorAll('svg text')]"
            ".map(e => e.getBoundingClientRect().height))"
        )
        assert size >= label, f"{name} at {width}: a label is {size} px high"

    def is_accessible(self, name: str) -> None:
        """axe finds nothing on the page that is open."""
        # Not through the page: its policy lets no other script in.
        self.browser.cdp("Runtime.evaluate", expression=self.axe)
        found = self.browser.js_async(
            "const done = arguments[0]; axe.run(document, {resultTypes: ['violations']}).then("
            "r => done(r.violations.map(v => [v.id, v.nodes.length, v.nodes[0].html.slice(0, 200)])))"
        )
        assert not found, f"{name}: {found}"

    def looks_well(self, name: str) -> None:
        """Both, of the page that is open, at every width, light and dark."""
        for dark in (False, True):
            self.browser.media(dark=dark)
            for width in (390, 768, 1400):
                self.browser.size(width)
                self.fits(name, width)
            self.is_accessible(f"{name}{' dark' if dark else ''}")
        self.browser.media()

    def expect(self, script: str, wanted: Any) -> None:
        found = self.browser.js(f"return {script}")
        assert found == wanted, f"{script} is {found!r}, not {wanted!r}"

    def arrive(self, path: str) -> None:
        """Waits until the page of a path (a regular expression, to its end) is there."""
        self.browser.until("return new RegExp(`^${arguments[0]}$`).test(location.pathname)", path)
        self.browser.until(SETTLED if self.has_scripts else "return document.readyState === 'complete'")

    def reach(self, selector: str) -> None:
        """Goes there by Tab, as someone without a mouse does."""
        self.browser.js("document.activeElement.blur()")

        def is_there() -> bool:
            self.browser.press("Tab")
            return bool(self.browser.js("return document.activeElement.matches(arguments[0])", selector))

        wait_for(f"{selector} in the order of Tab", is_there, 20)

    @contextlib.contextmanager
    def scripts(self, on: bool) -> Iterator[None]:
        """With or without the pages' script; the driver's own run all the same."""
        self.browser.cdp("Emulation.setScriptExecutionDisabled", value=not on)
        self.has_scripts = on
        try:
            yield
        finally:
            self.has_scripts = True
            self.browser.cdp("Emulation.setScriptExecutionDisabled", value=False)
