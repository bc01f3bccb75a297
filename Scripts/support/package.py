# SPDX-License-Identifier: Apache-2.0
"""The targets of Package.swift."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List

ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True)
class Target:
    """A target, as Package.swift declares it."""

    name: str
    #: target, executableTarget, systemLibrary or testTarget
    kind: str
    #: The folder, relative to the repository.
    path: str
    #: The comment above the declaration.
    comment: str
    #: Dependencies on targets of this package.
    targets: List[str]
    #: Dependencies on products of other packages.
    products: List[str]

    @property
    def is_test(self) -> bool:
        return self.path.startswith("Tests/")


DECLARATION = re.compile(r"((?:^ *//.*\n)*) *\.(target|executableTarget|systemLibrary|testTarget)\(", re.M)


def targets() -> Dict[str, Target]:
    """Returns the targets by name, in the order of the file."""
    text = (ROOT / "Package.swift").read_text()
    text = text[text.index("\n    targets: [") :]
    found: Dict[str, Target] = {}
    for match in DECLARATION.finditer(text):
        end, depth = match.end(), 1
        while depth:
            depth += {"(": 1, ")": -1}.get(text[end], 0)
            end += 1
        body = text[match.end() : end]
        name = re.search(r'name: "([^"]+)"', body)
        if not name:
            continue
        listed = re.search(r"dependencies: \[(.*?)\]\s*(?:,\s*\w+:|\))", body, re.S)
        products = re.findall(r'\.product\(name: "([^"]+)"', listed[1]) if listed else []
        own = re.sub(r"\.product\([^)]*\)", "", listed[1]) if listed else ""
        folder = re.search(r'path: "([^"]+)"', body)
        default = ("Tests/" if match[2] == "testTarget" else "Sources/") + name[1]
        comment = " ".join(line.strip().lstrip("/").strip() for line in match[1].splitlines())
        found[name[1]] = Target(
            name=name[1],
            kind=match[2],
            path=folder[1] if folder else default,
            comment=comment,
            targets=re.findall(r'"([^"]+)"', own),
            products=products,
        )
    return found
