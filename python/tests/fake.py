# SPDX-License-Identifier: Apache-2.0
"""A server for tests: enough of the API for workers, and failures on demand."""

from __future__ import annotations

import hashlib
import json
import threading
from collections import Counter
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Tuple
from urllib.parse import parse_qs, unquote, urlsplit

TOKEN = "secret-token"


@dataclass
class Fault:
    """What goes wrong with the next request whose method and path hold a text."""

    where: str
    status: int = 0
    headers: Dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    is_handled: bool = False
    """Whether the request takes effect and only its answer is lost."""
    times: int = 1


class FakeServer(ThreadingHTTPServer):
    """One experiment, ``test``: members that train one interval after another, each continuing its own last one."""

    daemon_threads = True

    def __init__(self, members: int = 1, intervals: int = 2, data: Optional[Path] = None) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.lock = threading.Condition()
        self.members, self.intervals = members, intervals
        self.data = {"path": str(data), "id": "the-id"} if data else None
        self.state = "running"
        self.done: List[int] = [0] * members
        self.checkpoints: Dict[Tuple[int, int], Optional[str]] = {}
        self.leases: Dict[str, Dict[str, Any]] = {}
        self.by_key: Dict[str, List[Dict[str, Any]]] = {}
        self.attempts: Counter[Tuple[int, int]] = Counter()
        self.calls: List[Tuple[str, Any]] = []
        self.finished: Dict[str, Any] = {}
        self.faults: List[Fault] = []
        self.garbage: List[str] = []
        self.uploads: Dict[str, Dict[str, bytes]] = {}
        self.published: Dict[str, Dict[str, bytes]] = {}
        self.connections = 0
        self.donors: Dict[Tuple[int, int], Tuple[int, int]] = {}
        self.routes: Dict[str, Callable[[Any], Any]] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def of(self, kind: str) -> List[Any]:
        """The bodies of the calls of one kind."""
        with self.lock:
            return [body for name, body in self.calls if name == kind]

    def wait_for(self, kind: str, count: int = 1) -> List[Any]:
        """Waits until as many calls of a kind have come."""
        with self.lock:
            assert self.lock.wait_for(lambda: sum(name == kind for name, _ in self.calls) >= count, 60), self.calls
        return self.of(kind)

    def process_request(self, request: Any, client_address: Any) -> None:
        self.connections += 1
        super().process_request(request, client_address)

    def claim(self, body: Dict[str, Any]) -> Dict[str, Any]:
        held = [lease for lease in self.by_key.get(body["key"], []) if lease["lease"]["token"] in self.leases]
        if not held and self.state == "running":
            for member in range(self.members):
                index = self.done[member]
                running = any(lease["member"] == member for lease in self.leases.values())
                if index >= self.intervals or running or len(held) >= body["count"]:
                    continue
                self.attempts[member, index] += 1
                token = f"lease-{member}-{index}-{self.attempts[member, index]}"
                lease = {"experiment": "test", "member": member, "interval": index, "token": token}
                lease = {**lease, "attempt": self.attempts[member, index], "worker": body["worker"], "expires": 0}
                self.leases[token] = lease
                record: Dict[str, Any] = {"member": member, "interval": index, "hyperparameters": {"lr": 0.1, "n": 3}}
                assignment = {"lease": lease, "interval": record, "seed": 7, "interval_seed": 11}
                parent = self.donors.get((member, index), (member, index - 1) if index else None)
                if parent is not None:
                    record["parent"] = {"member": parent[0], "interval": parent[1]}
                    assignment["parent_checkpoint"] = self.checkpoints[parent]
                held.append({**assignment, "objective": {"metric": "score", "goal": "maximize"}, "garbage": []})
            self.by_key[body["key"]] = held
        if all(done >= self.intervals for done in self.done):
            self.state = "finished"
        return {"assignments": held, "state": self.state, "experiment": {"name": "test", "state": self.state}}

    def take(self, call: str, body: Dict[str, Any], at: Tuple[int, int]) -> Tuple[int, Any]:
        token = body["lease"]["token"]
        if call == "finish" and token in self.finished:
            return 200, self.finished[token]
        if token not in self.leases:
            return 409, {"code": "leaseLost", "detail": "it is someone else's now"}
        if call == "renew":
            return 200, {"lease": {**self.leases[token], "expires": 1}}
        if call == "report":
            return 204, None
        del self.leases[token]
        if call == "release":
            return 204, None
        if "failed" in body:
            return 200, {"interval": {"state": "waiting"}, "decisions": [], "garbage": []}
        self.done[at[0]] += 1
        self.checkpoints[at] = body.get("checkpoint")
        state = "done" if "checkpoint" in body else "diverged"
        answer = {"interval": {"state": state}, "decisions": [], "garbage": self.garbage}
        self.garbage = []
        self.finished[token] = answer
        return 200, answer

    def lose(self, member: int) -> None:
        """Takes back the lease of a member."""
        with self.lock:
            self.leases = {token: lease for token, lease in self.leases.items() if lease["member"] != member}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: FakeServer

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        server = self.server
        with server.lock:
            fault = next((one for one in server.faults if one.where in f"{self.command} {self.path}"), None)
            if fault is not None:
                fault.times -= 1
                if fault.times == 0:
                    server.faults.remove(fault)
            answer: Tuple[int, Any, Dict[str, str]] = (0, None, {})
            if fault is None or fault.is_handled:
                answer = self._answer(body)
            server.lock.notify_all()
        if fault is not None:
            if fault.status == 0:  # hang up
                self.close_connection = True
                return
            answer = (fault.status, fault.body, fault.headers)
        self._send(*answer)

    do_GET = do_POST = do_PUT = do_DELETE = _handle

    def _answer(self, body: bytes) -> Tuple[int, Any, Dict[str, str]]:
        server = self.server
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return 401, {"code": "unauthorized", "detail": "no such token"}, {}
        parts = urlsplit(self.path)
        path = [unquote(part) for part in parts.path.split("/")[3:]]
        is_json = self.headers.get("Content-Type") == "application/json"
        value: Any = json.loads(body) if is_json else body
        route = server.routes.get(f"{self.command} /{'/'.join(path)}")
        if route is not None:
            server.calls.append((f"{self.command} /{'/'.join(path)}", (value, dict(self.headers))))
            return 200, route({name: values[0] for name, values in parse_qs(parts.query).items()}), {}
        if not path:
            return 200, {"name": "pbt", "version": "0", "api": 1, **({"data": server.data} if server.data else {})}, {}
        if path[:2] != ["experiments", "test"]:
            return 404, {"code": "noSuchExperiment", "detail": f"there is no experiment {path[1]}"}, {}
        if path[2:] == ["claims"]:
            server.calls.append(("claims", value))
            return 200, server.claim(value), {}
        if path[2:] == ["collected"]:
            server.calls.append(("collected", value))
            return 204, None, {}
        if path[2] == "intervals":
            at = (int(path[3]), int(path[4]))
            if self.command == "GET":
                return 200, {"member": at[0], "interval": at[1], "checkpoint": server.checkpoints.get(at)}, {}
            server.calls.append((path[5], value))
            return (*server.take(path[5], value, at), {})
        if path[2] == "uploads":
            return self._upload(path[3], "/".join(path[4:]), value)
        return self._checkpoint(path[3], "/".join(path[5:]))

    def _upload(self, attempt: str, path: str, value: Any) -> Tuple[int, Any, Dict[str, str]]:
        server = self.server
        files = server.uploads.setdefault(attempt, {})
        if self.command == "GET":
            return 200, {"files": [{"path": name, "size": len(content)} for name, content in files.items()]}, {}
        if self.command == "POST":
            for file in value["files"]:
                content = files[file["path"]]
                assert (len(content), hashlib.sha256(content).hexdigest()) == (file["size"], file["sha256"])
            server.calls.append(("publish", value))
            server.published[attempt] = dict(files)
            return 200, {"checkpoint": attempt}, {}
        offset = int(self.headers["Upload-Offset"])
        assert offset == len(files.get(path, b"")), (offset, path)
        files[path] = files.get(path, b"") + value
        server.calls.append(("put", (path, offset, len(value))))
        return 204, None, {"Upload-Offset": str(len(files[path]))}

    def _checkpoint(self, name: str, path: str) -> Tuple[int, Any, Dict[str, str]]:
        server = self.server
        if name not in server.published:
            return 404, {"code": "noSuchCheckpoint", "detail": f"there is no checkpoint {name}"}, {}
        files = server.published[name]
        if not path:
            listed = [
                {"path": name, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
                for name, content in files.items()
            ]
            return 200, {"files": listed, "directories": ["hollow"], "bytes": 0}, {}
        wanted = self.headers.get("Range")
        server.calls.append(("file", (path, wanted)))
        if wanted is not None:
            return 206, files[path][int(wanted[len("bytes=") : -1]) :], {}
        return 200, files[path], {}

    def _send(self, status: int, value: Any, headers: Dict[str, str]) -> None:
        content = value if isinstance(value, bytes) else b"" if value is None else json.dumps(value).encode()
        self.send_response(status)
        for name, text in headers.items():
            self.send_header(name, text)
        if "Content-Length" not in headers and status != 204:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if status != 204:
            self.wfile.write(content)
