# SPDX-License-Identifier: Apache-2.0
"""One server: kept-alive connections, errors as exceptions, and calls repeated until they are answered."""

from __future__ import annotations

import http.client
import json
import logging
import os
import random
import socket
import ssl
import threading
import time
from contextlib import contextmanager
from typing import Any, Iterator, Mapping, Optional, Tuple
from urllib.parse import quote, urlencode, urlsplit

from . import _signals
from ._errors import LeaseLost, PBTError, Temporary
from ._identity import parent_is_gone
from ._settings import Settings

log = logging.getLogger("pbt")

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 30.0
LONGEST_RETRY_AFTER = 300.0
CONNECT_TIMEOUT = 10.0
ANSWER_TIMEOUT = 30.0
#: Bytes of a body that go in one piece with the head.
SMALL = 1 << 16
#: How often a call is made whose answer says that the server itself failed.
INTERNAL_ERRORS = 5


def jittered(pause: float, least: float) -> float:
    """At random between a share of a pause and all of it, so that many clients do not come back together.

    The random numbers are the operating system's: those of the training program stay as they are.
    """
    return random.SystemRandom().uniform(least * pause, pause)


class Server:
    """Speaks to one server. Every thread has a connection of its own, which is kept open between calls."""

    def __init__(self, settings: Settings) -> None:
        parts = urlsplit(settings.server)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            shown = settings.server if "@" not in settings.server else "what was given"
            raise PBTError(
                "badConfiguration", f"{shown} is no URL of a server: write http://HOST:PORT or https://HOST"
            )
        if parts.username or parts.password:
            raise PBTError(
                "badConfiguration", "a server's URL holds no user and no password: give the token in PBT_TOKEN"
            )
        try:
            port = parts.port
        except ValueError:
            raise PBTError("badConfiguration", f"{settings.server} has no usable port") from None
        self.url = settings.server.rstrip("/")
        self._host: str = parts.hostname
        self._port = port or (443 if parts.scheme == "https" else 80)
        self._host_header = parts.netloc
        self._prefix = parts.path.rstrip("/")
        self._headers = {"Accept": "application/json, application/problem+json", "User-Agent": "pbt-python"}
        if settings.token is not None:
            self._headers["Authorization"] = f"Bearer {settings.token}"
        self._tls = _tls_context() if parts.scheme == "https" else None
        self._local = threading.local()

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Optional[Mapping[str, Any]] = None,
        headers: Optional[Mapping[str, str]] = None,
        timeout: float = ANSWER_TIMEOUT,
        patience: Optional[float] = None,
        doing: str = "",
    ) -> Any:
        """Makes a call that takes and answers JSON, again and again while the server is away.

        The pauses grow from 1 s to 30 s, each shortened at random by up to a half, and are no shorter than what the
        server asks for.

        Args:
            method: The HTTP method.
            path: The path after ``/api/v1``, with percent-encoded names.
            body: A value for JSON, or bytes; None for no body.
            query: Parameters of the URL.
            headers: More headers.
            timeout: Seconds to wait for the answer of one try.
            patience: Seconds after which to give up; None: never, but for errors that the server calls its own fault.
            doing: What is being tried, for messages.

        Returns:
            The answer; None when it has no body.

        Raises:
            PBTError: what the server answered, or with code ``unreachable`` when patience is over.
        """
        return self.retrying(
            lambda: self.once(method, path, body, query=query, headers=headers, timeout=timeout)[0],
            patience=patience,
            doing=doing or f"{method} {path}",
        )

    def retrying(self, attempt: Any, *, patience: Optional[float], doing: str) -> Any:
        """Makes an attempt until it raises no :class:`Temporary`, as :meth:`call` describes."""
        began = time.monotonic()
        pause = FIRST_PAUSE
        tries = 0
        while True:
            tries += 1
            try:
                answer = attempt()
            except Temporary as error:
                wait = jittered(pause, 0.5)
                wait = max(wait, min(error.retry_after, LONGEST_RETRY_AFTER))
                is_over = patience is not None and time.monotonic() + wait - began > patience
                if error.code == "unreachable" and parent_is_gone():
                    raise PBTError(
                        "unreachable", f"{error}, and the pbt run that started this program has ended"
                    ) from None
                if is_over or _signals.out_of_patience() or (not error.is_away and tries >= INTERNAL_ERRORS):
                    raise
                log.warning("%s: %s; trying again in %.0f s", doing, error, max(wait, 1))
                _sleep(wait)
                pause = min(pause * 2, LONGEST_PAUSE)
            else:
                if tries > 1:
                    log.warning("%s: done, the server is back", doing)
                return answer

    def once(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Optional[Mapping[str, Any]] = None,
        headers: Optional[Mapping[str, str]] = None,
        timeout: float = ANSWER_TIMEOUT,
    ) -> Tuple[Any, http.client.HTTPMessage]:
        """Makes a call once.

        Returns:
            The answer and its headers.

        Raises:
            PBTError: what the server answered; :class:`Temporary` when trying again may help.
        """
        with self.open(method, path, body, query=query, headers=headers, timeout=timeout) as response:
            content = response.read()
            if not content:
                return None, response.headers
            try:
                return json.loads(content), response.headers
            except ValueError:
                # A proxy may answer so while the server is away.
                raise Temporary(
                    "badAnswer",
                    f"{self.url} answered something that is no JSON: is it a pbt server?",
                    status=response.status,
                    is_away=False,
                ) from None

    @contextmanager
    def open(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Optional[Mapping[str, Any]] = None,
        headers: Optional[Mapping[str, str]] = None,
        timeout: float = ANSWER_TIMEOUT,
    ) -> Iterator[http.client.HTTPResponse]:
        """Makes a call once, and gives its answer to a block that reads the body.

        What goes wrong while the block reads is raised as :class:`Temporary`.
        """
        target = f"{self._prefix}/api/v1{path}" + (f"?{urlencode(query)}" if query else "")
        sent = {**self._headers, **(headers or {})}
        if isinstance(body, (bytes, bytearray, memoryview)):
            content: Any = body
        elif body is not None:
            try:
                content = json.dumps(body, allow_nan=False, separators=(",", ":")).encode()
            except (TypeError, ValueError) as error:
                raise PBTError("badValue", f"{method} {path}: JSON cannot say what was given: {error}") from None
            sent["Content-Type"] = "application/json"
        else:
            content = b"" if method in ("POST", "PUT") else None
        is_whole = False
        try:
            response = self._exchange(method, target, content, sent, timeout)
            if response.status >= 300 and response.status != 304:
                raise self._refusal(response)
            yield response
            is_whole = response.isclosed() and not response.will_close
        except PBTError:
            raise
        except ssl.SSLCertVerificationError as error:
            raise PBTError(
                "unreachable",
                f"the certificate of {self.url} cannot be trusted ({error.verify_message}): "
                "name the authority's certificate in PBT_CA_FILE",
            ) from None
        except (OSError, http.client.HTTPException) as error:
            reason = (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
            raise Temporary("unreachable", f"cannot reach {self.url} ({reason})") from None
        finally:
            # An answer that was not read to its end would be taken for the next one's.
            if not is_whole:
                self.close()

    def close(self) -> None:
        """Closes this thread's connection; the next call opens another."""
        connection: Optional[socket.socket] = getattr(self._local, "connection", None)
        self._local.connection = None
        # A child made by fork must not speak on its parent's connection, not even to end it.
        if connection is not None and self._local.process == os.getpid():
            connection.close()

    def _exchange(
        self, method: str, target: str, content: Any, headers: Mapping[str, str], timeout: float
    ) -> http.client.HTTPResponse:
        lines = [f"{method} {target} HTTP/1.1", f"Host: {self._host_header}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if content is not None:
            lines.append(f"Content-Length: {len(content)}")
        head = "\r\n".join([*lines, "", ""]).encode("ascii")
        connection, is_used = self._connection(timeout)
        try:
            return self._ask(connection, method, head, content)
        except (ConnectionError, http.client.BadStatusLine):
            # The server may close a connection that was idle. All calls may be repeated, so once more on a new one.
            self.close()
            if not is_used:
                raise
        return self._ask(self._connection(timeout)[0], method, head, content)

    @staticmethod
    def _ask(connection: socket.socket, method: str, head: bytes, content: Any) -> http.client.HTTPResponse:
        # In one piece if it is small, so that it is one packet; http.client always makes two.
        if content is None or len(content) <= SMALL:
            connection.sendall(head + bytes(content or b""))
        else:
            connection.sendall(head)
            connection.sendall(content)
        response = http.client.HTTPResponse(connection, method=method)
        response.begin()
        return response

    def _connection(self, timeout: float) -> Tuple[socket.socket, bool]:
        """This thread's connection, and whether it was used before."""
        existing: Optional[socket.socket] = getattr(self._local, "connection", None)
        if existing is not None and self._local.process == os.getpid():
            existing.settimeout(timeout)
            return existing, True
        connection = socket.create_connection((self._host, self._port), CONNECT_TIMEOUT)
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_hostname=self._host)
        except BaseException:
            connection.close()
            raise
        connection.settimeout(timeout)
        self._local.connection = connection
        self._local.process = os.getpid()
        return connection, False

    def _refusal(self, response: http.client.HTTPResponse) -> PBTError:
        status = response.status
        retry_after = _seconds(response.headers.get("Retry-After"))
        try:
            problem = json.loads(response.read())
            code, detail = str(problem["code"]), str(problem.get("detail") or problem.get("title") or problem["code"])
        except (ValueError, KeyError, TypeError):
            code, detail = "badAnswer", f"{self.url} answered {status} {response.reason}"
            if status < 400:
                target = response.headers.get("Location", "another place")
                return PBTError(code, f"{detail}: it points to {target}; use that as the server", status=status)
            if status not in (408, 425, 429) and status < 500:
                detail += ", as no pbt server does: check the URL"
        if code == "leaseLost":
            return LeaseLost(code, detail, status=status)
        if status in (408, 425, 429, 502, 503, 504, 507) or code == "inProgress":
            return Temporary(code, detail, status=status, retry_after=retry_after)
        if status >= 500:
            return Temporary(code, detail, status=status, retry_after=retry_after, is_away=False)
        if status == 401:
            detail += "; the token is given as an argument, in PBT_TOKEN, or in ~/.config/pbt/client.json"
        return PBTError(code, detail, status=status)


def segment(name: str) -> str:
    """A name as one segment of a path."""
    return quote(name, safe="")


def _seconds(text: Optional[str]) -> float:
    """The seconds of a ``Retry-After``; a date counts as none."""
    try:
        return max(0.0, float(text or 0))
    except ValueError:
        return 0.0


def _sleep(seconds: float) -> None:
    """Sleeps, but not past the patience of a process that was told to stop."""
    end = time.monotonic() + seconds
    while not _signals.out_of_patience():
        rest = end - time.monotonic()
        if rest <= 0:
            return
        time.sleep(min(rest, 0.25))


def _tls_context() -> ssl.SSLContext:
    authorities = os.environ.get("PBT_CA_FILE") or None
    try:
        return ssl.create_default_context(cafile=authorities)
    except (OSError, ssl.SSLError) as error:
        raise PBTError("badConfiguration", f"cannot read PBT_CA_FILE={authorities}: {error}") from None
