"""A WebDriver client of the standard library: as much of it as the tests of the dashboard need."""

from __future__ import annotations

import base64
import json
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from typing import Any

from support.waiting import wait_for

KEYS = {"Enter": "\ue007", "Escape": "\ue00c", "Tab": "\ue004", "Shift": "\ue008"}


class Browser:
    """A Chromium without a window, driven over its driver."""

    def __init__(self) -> None:
        self.profile = tempfile.TemporaryDirectory()
        self.driver = subprocess.Popen(
            ["chromedriver", "--port=0", "--log-level=SEVERE"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self.driver.stdout is not None
        port = None
        for line in self.driver.stdout:
            if "started successfully on port" in line:
                port = int(line.rstrip().rstrip(".").split()[-1])
                break
        if port is None:
            raise SystemExit("chromedriver did not start; install chromium-driver: Scripts/install-dependencies test")
        self.base = f"http://127.0.0.1:{port}"
        arguments = [
            "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size=1400,1000",
            f"--user-data-dir={self.profile.name}", "--disable-background-networking", "--disable-component-update",
            "--no-first-run", "--disable-features=OptimizationHints,MediaRouter",
        ]  # fmt: skip
        options = {
            "browserName": "chrome",
            "goog:chromeOptions": {"args": arguments},
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
        }
        session = self.ask("POST", "/session", {"capabilities": {"alwaysMatch": options}})["sessionId"]
        self.base += f"/session/{session}"
        # What a loaded machine takes for a large page.
        self.ask("POST", "/timeouts", {"script": 50_000})

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(
            self.base + path, data, {"Content-Type": "application/json"}, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{method} {path}: {error.read().decode()[:600]}") from None

    def go(self, url: str) -> None:
        self.ask("POST", "/url", {"url": url})

    def js(self, script: str, *arguments: Any) -> Any:
        return self.ask("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def js_async(self, script: str, *arguments: Any) -> Any:
        return self.ask("POST", "/execute/async", {"script": script, "args": list(arguments)})

    def cdp(self, command: str, **parameters: Any) -> Any:
        return self.ask("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def size(self, width: int, height: int = 900) -> None:
        """The real size of the page: a window without a frame has a least width of its own."""
        self.cdp(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )

    def dark(self, on: bool = True) -> None:
        self.media(dark=on)

    def media(self, dark: bool = False, still: bool = False, printed: bool = False) -> None:
        """Emulates media features: a dark color scheme, reduced motion, print."""
        features = [
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
            {"name": "prefers-reduced-motion", "value": "reduce" if still else "no-preference"},
        ]
        self.cdp("Emulation.setEmulatedMedia", media="print" if printed else "", features=features)

    def press(self, *keys: str) -> None:
        actions = []
        for key in keys:
            value = KEYS.get(key, key)
            actions += [{"type": "keyDown", "value": value}, {"type": "keyUp", "value": value}]
        self.ask("POST", "/actions", {"actions": [{"type": "key", "id": "keys", "actions": actions}]})

    def picture(self, path: str, whole: bool = False) -> None:
        if whole:
            box = self.js("return [innerWidth, Math.min(6000, document.documentElement.scrollHeight)]")
            self.size(box[0], box[1])
        with open(path, "wb") as file:
            file.write(base64.b64decode(self.ask("GET", "/screenshot")))

    def console(self) -> list[str]:
        """What the page complained about since it was last asked."""
        entries = self.ask("POST", "/se/log", {"type": "browser"})
        return [entry["message"] for entry in entries if entry["level"] in ("WARNING", "SEVERE")]

    def requests(self) -> list[str]:
        """The addresses that were asked for since it was last asked."""
        addresses = []
        for entry in self.ask("POST", "/se/log", {"type": "performance"}):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                addresses.append(message["params"]["request"]["url"])
        return addresses

    def until(self, script: str, *arguments: Any, seconds: float = 10) -> float:
        """Waits until a script returns something true, and says how long that took."""
        began = time.monotonic()
        what = f"{script} with {arguments}" if arguments else script
        wait_for(f"the page: {what}", lambda: self.js(script, *arguments), seconds)
        return time.monotonic() - began

    def close(self) -> None:
        try:
            self.ask("DELETE", "")
        finally:
            self.driver.terminate()
            self.driver.wait()
            self.profile.cleanup()
