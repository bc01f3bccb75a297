# SPDX-License-Identifier: Apache-2.0
"""Values on their way between Python and JSON."""

from __future__ import annotations

import math
import os
from typing import Any, Dict, Iterator, Mapping

from ._errors import PBTError


class Hyperparameters(Mapping[str, Any]):
    """An interval's hyperparameters: ``h["learning_rate"]`` or ``h.learning_rate``; read only.

    As a mapping it works with ``dict(h)``, ``**h`` and ``h.items()``. A hyperparameter named like a method of
    mappings is reached by ``h["items"]`` alone. A group of the space is a dictionary: ``h["model"]["lr"]``, which
    ``h["model.lr"]`` reaches too.
    """

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, Any]) -> None:
        object.__setattr__(self, "_values", dict(values))

    def __getitem__(self, name: str) -> Any:
        if name in self._values:
            return self._values[name]
        found: Any = self._values
        rest = name
        # The names of a group may have dots themselves: the longest that is there is taken.
        while isinstance(found, Mapping):
            if rest in found:
                return found[rest]
            first = max((key for key in found if rest.startswith(f"{key}.")), key=len, default=None)
            if first is None:
                break
            found, rest = found[first], rest[len(first) + 1 :]
        raise KeyError(self._missing(name))

    def __getattr__(self, name: str) -> Any:
        # Copying and pickling ask for special names before there are any values.
        if name.startswith("_") or name not in self._values:
            raise AttributeError(self._missing(name) if name != "_values" else name)
        return self._values[name]

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError("an interval's hyperparameters cannot be set: the server decides them")

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Hyperparameters({self._values!r})"

    def __reduce__(self) -> Any:
        return (Hyperparameters, (self._values,))

    def _missing(self, name: str) -> str:
        return f"no hyperparameter {name!r}; there are: {', '.join(sorted(self._values)) or 'none'}"


def plain(value: Any, name: str) -> Any:
    """A value as JSON can say it: scalars of NumPy and PyTorch as numbers, arrays as lists, NaN and infinity as None.

    Raises:
        PBTError: with code ``badValue``, for what is none of these; it names the metric.
    """
    if value is None or isinstance(value, (bool, str)):
        return str(value) if isinstance(value, str) else value
    if isinstance(value, int):
        # Beyond 64 bits no reader keeps all digits.
        return int(value) if -(2**63) <= value < 2**63 else plain(_as_float(value), name)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): plain(inner, f"{name}.{key}") for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner, f"{name}[{place}]") for place, inner in enumerate(value)]
    for convert in ("item", "tolist"):  # .item() is for arrays of one number only
        method = getattr(value, convert, None)
        if callable(method):
            try:
                converted = method()
            except (ValueError, TypeError, RuntimeError):
                continue
            if type(converted) is not type(value):
                return plain(converted, name)
    if hasattr(value, "__float__"):  # a long double, a Decimal, a Fraction
        return plain(_as_float(value), name)
    raise PBTError(
        "badValue",
        f"the metric {name} is a {type(value).__name__}: give numbers, strings, lists or dictionaries of them",
    )


def definition(value: Any, place: str = "") -> Any:
    """A definition, or a part of one, as JSON can say it: scalars and arrays of NumPy and PyTorch as numbers and
    lists, paths as strings.

    Raises:
        PBTError: with code ``badValue``, for NaN, infinity, and what JSON cannot say; it names the place.
    """
    where = place or "the definition"
    if isinstance(value, float) and not math.isfinite(value):
        raise PBTError("badValue", f"{where} is {float(value)!r}: give a finite number")
    if isinstance(value, Mapping):
        return {str(key): definition(inner, f"{place}.{key}" if place else str(key)) for key, inner in value.items()}
    if isinstance(value, (list, tuple, range)):
        return [definition(inner, f"{place}[{number}]") for number, inner in enumerate(value)]
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return definition(_as_float(value), place)  # no reader keeps all digits
    if value is None or isinstance(value, (bool, str, int, float)):
        return plain(value, place)
    if isinstance(value, os.PathLike):
        return str(os.fspath(value))
    for convert in ("tolist", "item"):  # .item() would make a number of a list with one element
        method = getattr(value, convert, None)
        if callable(method):
            try:
                converted = method()
            except (ValueError, TypeError, RuntimeError):
                continue
            if type(converted) is not type(value):
                return definition(converted, place)
    if hasattr(value, "__float__"):  # a long double, a Decimal, a Fraction
        return definition(_as_float(value), place)
    kind = type(value).__name__
    raise PBTError("badValue", f"{where} is a {kind}: give numbers, strings, booleans, None, lists, or dictionaries")


def _as_float(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf
    except (TypeError, ValueError):  # an array with several elements
        return math.nan


def metrics(positional: Any, named: Mapping[str, Any]) -> Dict[str, Any]:
    """The metrics of ``report(mapping, name=value)``, not yet converted."""
    if positional is None:
        return dict(named)
    if not isinstance(positional, Mapping):
        raise PBTError("badValue", f"metrics have names: write report(accuracy={positional!r})")
    return {**{str(key): value for key, value in positional.items()}, **named}


def score(values: Mapping[str, Any], metric: str) -> float:
    """The objective's metric as a number; NaN and infinity stay what they are.

    Raises:
        PBTError: with code ``badValue``, when it is missing or no number.
    """
    if metric not in values:
        given = ", ".join(sorted(values)) or "nothing"
        raise PBTError("badValue", f"the objective's metric {metric!r} was not reported, only {given}")
    value = values[metric]
    item = getattr(value, "item", None)
    if callable(item):
        try:
            value = item()
        except (ValueError, TypeError, RuntimeError):
            pass
    if isinstance(value, (bool, str)) or not isinstance(value, (int, float)):
        raise PBTError("badValue", f"the objective's metric {metric!r} is {value!r}, which is no number")
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def score_json(value: float) -> Any:
    """A score as the API writes it."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return value
