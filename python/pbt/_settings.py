# SPDX-License-Identifier: Apache-2.0
"""The address and token of the server: from arguments, the environment, or a file, in this order."""

from __future__ import annotations

import json
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Optional, Tuple

from ._errors import PBTError

DEFAULT_SERVER = "http://127.0.0.1:7070"


@dataclass(frozen=True)
class Settings:
    """The address of the server, and a token, which no representation contains."""

    server: str
    token: Optional[str] = field(repr=False)

    @classmethod
    def find(cls, server: Optional[str] = None, token: Optional[str] = None) -> Settings:
        """Returns the effective settings.

        ``server`` and ``token``, or ``PBT_SERVER`` and ``PBT_TOKEN``, or the file that ``PBT_CONFIG`` names, by default
        ``~/.config/pbt/client.json``. A token of the file is used for the file's server alone.

        Raises:
            PBTError: with code ``badConfiguration``, when one of them cannot be used.
        """
        server = server or os.environ.get("PBT_SERVER") or None
        token = token or os.environ.get("PBT_TOKEN") or None
        if server is None or token is None:
            file_server, file_token = _read_file()
            if server is None or server.rstrip("/") == (file_server or "").rstrip("/"):
                server = server or file_server
                token = token or file_token
        if token is not None:
            token = token.strip()
            if not token.isascii() or not token.isprintable() or " " in token:
                raise PBTError(
                    "badConfiguration",
                    "the token contains invalid characters: use exactly the output of `pbt token create`",
                )
        return cls(server or DEFAULT_SERVER, token)


def _config_path() -> Tuple[Path, bool]:
    """Returns the path of the file, and whether PBT_CONFIG names it."""
    named = os.environ.get("PBT_CONFIG")
    if named:
        return Path(named), True
    home = os.environ.get("XDG_CONFIG_HOME")
    return (Path(home) if home else Path.home() / ".config") / "pbt" / "client.json", False


def _read_file() -> Tuple[Optional[str], Optional[str]]:
    path, is_named = _config_path()
    try:
        with path.open(encoding="utf-8") as file:
            mode = os.fstat(file.fileno()).st_mode
            content: Any = json.load(file)
    except FileNotFoundError:
        if is_named:
            raise PBTError("badConfiguration", f"PBT_CONFIG names {path}, which does not exist") from None
        return None, None
    except (OSError, ValueError) as error:
        raise PBTError("badConfiguration", f"cannot read {path}: {error}") from None
    known = {"server", "token"}
    if (
        not isinstance(content, dict)
        or not set(content) <= known
        or not all(isinstance(value, str) for value in content.values())
    ):
        raise PBTError("badConfiguration", f'{path} must be {{"server": "https://…", "token": "…"}}')
    if os.name == "posix" and "token" in content and stat.S_IMODE(mode) & 0o077:
        raise PBTError("badConfiguration", f"others can read the token in {path}: chmod 600 {path}")
    return content.get("server"), content.get("token")
