# SPDX-License-Identifier: Apache-2.0
"""HTTP client for one server: persistent connections, errors as exceptions, and retries."""

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
#: Bytes up to which a body is sent in one packet with the head.
SMALL = 1 << 16
#: Number of tries of a request that is answered with an internal error of the server.
INTERNAL_ERRORS = 5


def jittered(pause: float, least: float) -> float:
    """Returns a pause with jitter, between a share of it and all of it, so that clients do not retry in step.

    Uses the random numbers of the operating system, so the generators of the training program are not affected.
    """
    return random.SystemRandom().uniform(least * pause, pause)


class Server:
    """A client of one server. Every thread has a connection of its own, which is kept open between requests."""

    def __init__(self, settings: Settings) -> None:
        parts = urlsplit(settings.server)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            shown = settings.server if "@" not in settings.server else "the given server"
            raise PBTError(
                "badConfiguration", f"{shown} is not the URL of a server: write http://HOST:PORT or https://HOST"
            )
        if parts.username or parts.password:
            problem = "the URL of a server must not contain a user or password: give the token in PBT_TOKEN"
            raise PBTError("badConfiguration", problem)
        try:
            port = parts.port
        except ValueError:
            raise PBTError("badConfiguration", f"{settings.server} has an invalid port") from None
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
        """Makes a request with JSON in both directions, and retries it while the server is unavailable.

        Exponential backoff from 1 s to 30 s, with a jitter of up to a half, and no shorter than ``Retry-After``.

        Args:
            method: The HTTP method.
            path: The path after ``/api/v1``, with percent-encoded names.
            body: A value for JSON, or bytes; None for no body.
            query: Parameters of the URL.
            headers: Additional headers.
            timeout: Seconds to wait for the response to one try.
            patience: Seconds after which to give up; None: never, except for internal errors of the server.
            doing: The purpose of the request, for messages.

        Returns:
            The response; None when it has no body.

        Raises:
            PBTError: the error of the server, or one with code ``unreachable`` when ``patience`` has elapsed.
        """
        return self.retrying(
            lambda: self.once(method, path, body, query=query, headers=headers, timeout=timeout)[0],
            patience=patience,
            doing=doing or f"{method} {path}",
        )

    def retrying(self, attempt: Any, *, patience: Optional[float], doing: str) -> Any:
        """Repeats an attempt until it raises no :class:`Temporary`, as :meth:`call` describes."""
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
                is_too_late = patience is not None and time.monotonic() + wait - began > patience
                if error.code == "unreachable" and parent_is_gone():
                    raise PBTError(
                        "unreachable", f"{error}, and the pbt run that started this program has ended"
                    ) from None
                if is_too_late or _signals.out_of_patience() or (not error.is_unavailable and tries >= INTERNAL_ERRORS):
                    raise
                log.warning("%s: %s; retrying in %.0f s", doing, error, max(wait, 1))
                _sleep(wait)
                pause = min(pause * 2, LONGEST_PAUSE)
            else:
                if tries > 1:
                    log.warning("%s: succeeded, the server is available again", doing)
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
        """Makes a request once.

        Returns:
            The response and its headers.

        Raises:
            PBTError: the error of the server; :class:`Temporary` when a retry may help.
        """
        with self.open(method, path, body, query=query, headers=headers, timeout=timeout) as response:
            content = response.read()
            if not content:
                return None, response.headers
            try:
                return json.loads(content), response.headers
            except ValueError:
                # A proxy may respond like this while the server is unavailable.
                raise Temporary(
                    "badAnswer",
                    f"{self.url} answered with something other than JSON: is it a pbt server?",
                    status=response.status,
                    is_unavailable=False,
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
        """Makes a request once, and passes its response to a block that reads the body.

        Errors of the transport while the block reads are raised as :class:`Temporary`.
        """
        target = f"{self._prefix}/api/v1{path}" + (f"?{urlencode(query)}" if query else "")
        sent = {**self._headers, **(headers or {})}
        if isinstance(body, (bytes, bytearray, memoryview)):
            content: Any = body
        elif body is not None:
            try:
                content = json.dumps(body, allow_nan=False, separators=(",", ":")).encode()
            except (TypeError, ValueError) as error:
                raise PBTError("badValue", f"{method} {path}: cannot be represented in JSON: {error}") from None
            sent["Content-Type"] = "application/json"
        else:
            content = b"" if method in ("POST", "PUT") else None
        is_whole = False
        try:
            response = self._exchange(method, target, content, sent, timeout)
            if response.status >= 300 and response.status != 304:
                raise self._error(response)
            yield response
            is_whole = response.isclosed() and not response.will_close
        except PBTError:
            raise
        except ssl.SSLCertVerificationError as error:
            raise PBTError(
                "unreachable",
                f"the certificate of {self.url} is not trusted ({error.verify_message}): "
                "set PBT_CA_FILE to the certificate of its authority",
            ) from None
        except (OSError, http.client.HTTPException) as error:
            reason = (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
            raise Temporary("unreachable", f"cannot reach {self.url} ({reason})") from None
        finally:
            # The rest of a response that was not read to its end would be taken for the next response.
            if not is_whole:
                self.close()

    def close(self) -> None:
        """Closes this thread's connection; the next request opens another."""
        connection: Optional[socket.socket] = getattr(self._local, "connection", None)
        self._local.connection = None
        # A child made by fork must not use its parent's connection, not even to close it.
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
            return self._send(connection, method, head, content)
        except (ConnectionError, http.client.BadStatusLine):
            # The server may have closed an idle connection. All requests are idempotent, so retry on a new one.
            self.close()
            if not is_used:
                raise
        return self._send(self._connection(timeout)[0], method, head, content)

    @staticmethod
    def _send(connection: socket.socket, method: str, head: bytes, content: Any) -> http.client.HTTPResponse:
        # In one packet if it is small; http.client always sends two.
        if content is None or len(content) <= SMALL:
            connection.sendall(head + bytes(content or b""))
        else:
            connection.sendall(head)
            connection.sendall(content)
        response = http.client.HTTPResponse(connection, method=method)
        response.begin()
        return response

    def _connection(self, timeout: float) -> Tuple[socket.socket, bool]:
        """Returns this thread's connection, and whether it was used before."""
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

    def _error(self, response: http.client.HTTPResponse) -> PBTError:
        status = response.status
        retry_after = _seconds(response.headers.get("Retry-After"))
        try:
            problem = json.loads(response.read())
            code, detail = str(problem["code"]), str(problem.get("detail") or problem.get("title") or problem["code"])
        except (ValueError, KeyError, TypeError):
            code, detail = "badAnswer", f"{self.url} answered {status} {response.reason}"
            if status < 400:
                target = response.headers.get("Location", "another URL")
                return PBTError(code, f"{detail}: it redirects to {target}; use that as the server", status=status)
            if status not in (408, 425, 429) and status < 500:
                detail += ", unlike a pbt server: check the URL"
        if code == "leaseLost":
            return LeaseLost(code, detail, status=status)
        if status in (408, 425, 429, 502, 503, 504, 507) or code == "inProgress":
            return Temporary(code, detail, status=status, retry_after=retry_after)
        if status >= 500:
            return Temporary(code, detail, status=status, retry_after=retry_after, is_unavailable=False)
        if status == 401:
            detail += "; pass the token as an argument, in PBT_TOKEN, or in ~/.config/pbt/client.json"
        return PBTError(code, detail, status=status)


def segment(name: str) -> str:
    """Returns a name as one segment of a path."""
    return quote(name, safe="")


def _seconds(text: Optional[str]) -> float:
    """Returns the seconds of a ``Retry-After``; 0 for a date."""
    try:
        return max(0.0, float(text or 0))
    except ValueError:
        return 0.0


def _sleep(seconds: float) -> None:
    """Sleeps, but not past the deadline of a process that was told to stop."""
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
