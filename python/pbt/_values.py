# SPDX-License-Identifier: Apache-2.0
"""Conversion of values between Python and JSON."""

from __future__ import annotations

import math
import os
from typing import Any, Dict, Iterator, Mapping

from ._errors import PBTError


class Hyperparameters(Mapping[str, Any]):
    """An interval's hyperparameters: ``h["learning_rate"]`` or ``h.learning_rate``; read-only.

    As a mapping it works with ``dict(h)``, ``**h`` and ``h.items()``. A hyperparameter with the name of a
    mapping's method is only available as ``h["items"]``. A group of the space is a dictionary: ``h["model"]["lr"]``,
    or ``h["model.lr"]`` for short.
    """

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, Any]) -> None:
        object.__setattr__(self, "_values", dict(values))

    def __getitem__(self, name: str) -> Any:
        if name in self._values:
            return self._values[name]
        found: Any = self._values
        rest = name
        # The names of a group may contain dots themselves: the longest match is taken.
        while isinstance(found, Mapping):
            if rest in found:
                return found[rest]
            first = max((key for key in found if rest.startswith(f"{key}.")), key=len, default=None)
            if first is None:
                break
            found, rest = found[first], rest[len(first) + 1 :]
        raise KeyError(self._missing(name))

    def __getattr__(self, name: str) -> Any:
        # Copying and pickling look up special names before there are any values.
        if name.startswith("_") or name not in self._values:
            raise AttributeError(self._missing(name) if name != "_values" else name)
        return self._values[name]

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError("an interval's hyperparameters are read-only: the server chooses them")

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
    """Converts a value for JSON: NumPy and PyTorch scalars to numbers, arrays to lists, NaN and infinity to None.

    Raises:
        PBTError: with code ``badValue``, which names the metric, for all other types, and for an integer beyond 64 bits
            that would be rounded.
    """
    if value is None or isinstance(value, (bool, str)):
        return str(value) if isinstance(value, str) else value
    if isinstance(value, int):
        return int(value) if -(2**63) <= value < 2**63 else _exact(value, f"the metric {name}")
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
        f"the metric {name} is a {type(value).__name__}; use numbers, strings, lists or dictionaries",
    )


def definition(value: Any, place: str = "") -> Any:
    """Converts a definition, or a part of one, for JSON: NumPy and PyTorch scalars and arrays to numbers and lists,
    paths to strings.

    Raises:
        PBTError: with code ``badValue``, which names the path of the value, for NaN, infinity, and types that JSON does
            not have.
    """
    where = place or "the definition"
    if isinstance(value, float) and not math.isfinite(value):
        raise PBTError("badValue", f"{where} is {float(value)!r}; use a finite number")
    if isinstance(value, Mapping):
        return {str(key): definition(inner, f"{place}.{key}" if place else str(key)) for key, inner in value.items()}
    if isinstance(value, (list, tuple, range)):
        return [definition(inner, f"{place}[{number}]") for number, inner in enumerate(value)]
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return _exact(value, where)
    if value is None or isinstance(value, (bool, str, int, float)):
        return plain(value, place)
    if isinstance(value, os.PathLike):
        return str(os.fspath(value))
    for convert in ("tolist", "item"):  # .item() would turn a list with one element into a number
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
    raise PBTError("badValue", f"{where} is a {kind}; use numbers, strings, booleans, None, lists, or dictionaries")


def _exact(value: int, where: str) -> float:
    """Converts an integer beyond 64 bits to the float that equals it.

    Raises:
        PBTError: with code ``badValue`` if it would be rounded.
    """
    number = _as_float(value)
    if not math.isfinite(number) or int(number) != value or abs(value) >= 2**127:
        raise PBTError(
            "badValue", f"{where} is an integer beyond 64 bits, which would be rounded; use a string, or float(...)"
        )
    return number


def _as_float(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf
    except (TypeError, ValueError):  # an array with several elements
        return math.nan


def metrics(positional: Any, named: Mapping[str, Any]) -> Dict[str, Any]:
    """Merges the metrics of ``report(mapping, name=value)``, not yet converted."""
    if positional is None:
        return dict(named)
    if not isinstance(positional, Mapping):
        raise PBTError("badValue", f"metrics need names: write report(accuracy={positional!r})")
    return {**{str(key): value for key, value in positional.items()}, **named}


def score(values: Mapping[str, Any], metric: str) -> float:
    """Returns the objective's metric as a number; NaN and infinity are kept. NaN without an objective.

    Raises:
        PBTError: with code ``badValue``, when it is missing or not a number.
    """
    if not metric:
        return math.nan
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
        raise PBTError("badValue", f"the objective's metric {metric!r} is {value!r}, which is not a number")
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def score_json(value: float) -> Any:
    """Converts a score for the API."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return value
