# SPDX-License-Identifier: Apache-2.0
"""A client that creates, reads and controls experiments."""

from __future__ import annotations

import base64
import functools
import json
import os
import shlex
import time
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, Optional, Union

from . import _records, _transfer, _values
from ._errors import PBTError
from ._http import Server, segment
from ._records import Event, Experiment, IntervalRecord, LineageStep, ScheduleStep
from ._settings import Settings

#: Seconds that a request for events waits at the server (long polling).
WAIT = 30.0


class Client:
    """A client of a server, to create, read and control experiments.

    All methods raise a :class:`PBTError`: the error of the server, or ``unreachable`` when it has been unavailable for
    ``patience`` seconds. All requests are idempotent, and are retried while the server is unavailable.
    """

    def __init__(
        self, server: Optional[str] = None, token: Optional[str] = None, *, patience: Optional[float] = 30.0
    ) -> None:
        """
        Args:
            server: The URL of the server; by default ``PBT_SERVER``, or that of ``~/.config/pbt/client.json``.
            token: A token of scope ``read`` to read, of scope ``admin`` to change; by default ``PBT_TOKEN``, or that of
                the file.
            patience: Seconds to retry for while the server is unavailable; None: no limit.
        """
        self._server = Server(Settings.find(server, token))
        self._patience = patience

    def __repr__(self) -> str:
        return f"<client of {self._server.url}>"

    def close(self) -> None:
        """Closes this thread's connection; the next request opens another."""
        self._server.close()

    def create(self, definition: Union[Mapping[str, Any], str, Path]) -> Experiment:
        """Creates an experiment.

        Args:
            definition: The experiment file as a mapping, or the path of one in JSON. NumPy numbers are accepted.

        Raises:
            PBTError: ``alreadyExists``, ``badExperiment`` with all problems, or ``badValue`` with the path of a value
                that JSON cannot represent, such as infinity.
        """
        if not isinstance(definition, Mapping):
            definition = _read(Path(definition), self._server.url)
        key = base64.urlsafe_b64encode(os.urandom(24)).decode()
        body = {"definition": _values.definition(definition)}
        return _records.experiment(self._call("POST", "/experiments", body, headers={"Idempotency-Key": key}))

    def experiments(self) -> List[Experiment]:
        """Returns all experiments, without their definitions."""
        return [_records.experiment(item) for item in self._pages("/experiments")]

    def experiment(self, name: str) -> Experiment:
        """Returns one experiment."""
        return _records.experiment(self._call("GET", self._path(name)))

    def members(self, name: str) -> List[IntervalRecord]:
        """Returns the newest interval of every member."""
        return [self._interval(name, item) for item in self._pages(f"{self._path(name)}/members")]

    def intervals(
        self, name: str, *, member: Optional[int] = None, state: Optional[str] = None
    ) -> Iterator[IntervalRecord]:
        """Yields the intervals by member and index, fetched page by page.

        Args:
            name: The experiment.
            member: Only the intervals of this member.
            state: Only the intervals in this state.
        """
        query = {key: value for key, value in (("member", member), ("state", state)) if value is not None}
        return (self._interval(name, item) for item in self._pages(f"{self._path(name)}/intervals", query))

    def interval(self, name: str, member: int, index: int) -> IntervalRecord:
        """Returns one interval."""
        return self._interval(name, self._call("GET", f"{self._path(name)}/intervals/{member}/{index}"))

    def best(self, name: str) -> Optional[IntervalRecord]:
        """Returns the interval with the best score; None when none is done."""
        best = self.experiment(name).best
        return None if best is None else self.interval(name, *best)

    def download_checkpoint(
        self,
        name: str,
        directory: Union[str, Path],
        *,
        member: Optional[int] = None,
        index: Optional[int] = None,
    ) -> Path:
        """Downloads a checkpoint, by default that of the best interval, and verifies the SHA-256 of each file.

        Args:
            name: The experiment.
            directory: The target; it must not exist yet, and appears when the checkpoint is complete.
            member: The member whose interval ``index`` is downloaded instead of the best.
            index: The interval of ``member``.

        Returns:
            The directory.

        Raises:
            PBTError: ``alreadyExists``, ``noSuchCheckpoint``, or an error of the server.
        """
        _tip(member, index)
        interval = self.best(name) if member is None or index is None else self.interval(name, member, index)
        if interval is None:
            raise PBTError("noSuchCheckpoint", f"no interval of {name} is done: there is no checkpoint to download")
        return interval.download(directory)

    def _interval(self, name: str, raw: Dict[str, Any]) -> IntervalRecord:
        return _records.interval(raw, functools.partial(self._download, name))

    def _download(self, name: str, interval: IntervalRecord, directory: Path) -> Path:
        if interval.checkpoint is None or interval.checkpoint_state != "kept":
            raise PBTError(
                "noSuchCheckpoint",
                f"interval {interval.member}@{interval.index} of {name} has no checkpoint, or no longer has one",
            )
        target = directory.absolute()
        if os.path.lexists(target):
            raise PBTError("alreadyExists", f"{target} already exists; name a directory that does not")
        os.makedirs(target.parent, exist_ok=True)
        partial = target.parent / f".{target.name}.{os.urandom(8).hex()}"
        _transfer.download(self._server, interval.checkpoint, name, target, partial)
        return target

    def revise(self, name: str, definition: Union[Mapping[str, Any], str, Path]) -> Experiment:
        """Edits an experiment's definition, effective from the next decision on; it may be running or finished.

        Args:
            name: The experiment.
            definition: The whole new definition as a mapping, or the path of one in JSON.

        Raises:
            PBTError: ``wrongState`` for what cannot change, ``badExperiment`` with all problems.
        """
        if not isinstance(definition, Mapping):
            definition = _read(Path(definition), self._server.url)
        self._call("POST", f"{self._path(name)}/revisions", {"definition": _values.definition(definition)})
        return self.experiment(name)

    def lineage(self, name: str, member: Optional[int] = None, index: Optional[int] = None) -> List[LineageStep]:
        """Returns the lineage from a founder to an interval, by default to the best."""
        answer = self._call("GET", f"{self._path(name)}/lineage", query=_tip(member, index))
        return [_records.lineage_step(item) for item in answer["items"]]

    def schedule(self, name: str, member: Optional[int] = None, index: Optional[int] = None) -> List[ScheduleStep]:
        """Returns the hyperparameter schedule along a lineage, by default that of the best."""
        answer = self._call("GET", f"{self._path(name)}/schedule", query=_tip(member, index))
        return [ScheduleStep(item["interval"], item["hyperparameters"]) for item in answer["items"]]

    def events(self, name: Optional[str] = None, *, after: int = 0, follow: bool = False) -> Iterator[Event]:
        """Yields events, oldest first.

        Args:
            name: The experiment; None: all of them.
            after: The number of the last known event.
            follow: Also yield new events as they happen. The iterator then does not end by itself.
        """
        path = "/events" if name is None else f"{self._path(name)}/events"
        while True:
            began = time.monotonic()
            query = {"after": after, "limit": 1000, "wait": WAIT if follow else 0}
            items = self._call("GET", path, query=query, timeout=WAIT + 30)["items"]
            for item in items:
                after = max(after, item["id"])
                yield _records.event(item)
            if not items and not follow:
                return
            if not items and time.monotonic() - began < 1:
                time.sleep(1)  # a server without long polling must not be polled without a pause

    def wait(self, name: str) -> Experiment:
        """Waits until the experiment has ended."""
        # The last event before the read, so that none is missed in between.
        path = f"{self._path(name)}/events"
        last = self._call("GET", path, query={"limit": 0})["last"]
        while True:
            experiment = self.experiment(name)
            if experiment.is_over:
                return experiment
            began = time.monotonic()
            answer = self._call("GET", path, query={"after": last, "wait": WAIT}, timeout=WAIT + 30)
            last = max([last, *(item["id"] for item in answer["items"])])
            if not answer["items"] and time.monotonic() - began < 1:
                time.sleep(1)

    def push(self, name: str, hyperparameters: Mapping[str, Any]) -> IntervalRecord:
        """Queues an interval with given hyperparameters; those of a group are nested, or named with dots."""
        key = base64.urlsafe_b64encode(os.urandom(24)).decode()
        body = {"hyperparameters": _values.definition(hyperparameters)}
        answer = self._call("POST", f"{self._path(name)}/push", body, headers={"Idempotency-Key": key})
        return self._interval(name, answer)

    def pause(self, name: str) -> Experiment:
        """Pauses the experiment: running intervals finish, no new ones start."""
        return _records.experiment(self._call("POST", f"{self._path(name)}/pause", {}))

    def resume(self, name: str) -> Experiment:
        """Resumes after :meth:`pause`, or after too many consecutive failures."""
        return _records.experiment(self._call("POST", f"{self._path(name)}/resume", {}))

    def stop(self, name: str, reason: str = "stopped by hand") -> Experiment:
        """Ends the experiment permanently; running intervals are discarded."""
        return _records.experiment(self._call("POST", f"{self._path(name)}/stop", {"reason": reason}))

    def delete(self, name: str) -> None:
        """Deletes the experiment with all its files."""
        self._call("DELETE", self._path(name))

    def _call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Optional[Mapping[str, Any]] = None,
        headers: Optional[Mapping[str, str]] = None,
        timeout: float = 30.0,
    ) -> Any:
        return self._server.call(
            method, path, body, query=query, headers=headers, timeout=timeout, patience=self._patience
        )

    def _pages(self, path: str, query: Optional[Mapping[str, Any]] = None) -> Iterator[Dict[str, Any]]:
        asked: Dict[str, Any] = {**(query or {}), "limit": 1000}
        while True:
            page = self._call("GET", path, query=asked)
            yield from page["items"]
            if page.get("next") is None:
                return
            asked["after"] = page["next"]

    @staticmethod
    def _path(name: str) -> str:
        return f"/experiments/{segment(name)}"


def _tip(member: Optional[int], index: Optional[int]) -> Dict[str, int]:
    if (member is None) != (index is None):
        raise PBTError("badValue", "give both member and index, or neither for the best")
    return {} if member is None or index is None else {"member": member, "interval": index}


def _read(path: Path, server: str) -> Mapping[str, Any]:
    if path.suffix in (".yaml", ".yml"):
        file = f"./{path}" if str(path).startswith("-") else str(path)
        command = f"pbt create {shlex.quote(file)} --store {shlex.quote(server)}"
        raise PBTError(
            "badExperiment", f"{path} is YAML, which Python cannot read by itself; pass JSON, or use: {command}"
        )
    try:
        definition = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise PBTError("badExperiment", f"cannot read {path}: {error}") from None
    if not isinstance(definition, dict):
        raise PBTError("badExperiment", f"{path} does not contain a JSON object")
    return definition
