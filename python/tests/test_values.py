# SPDX-License-Identifier: Apache-2.0
"""Values on their way between Python and JSON."""

from __future__ import annotations

import copy
import pickle

import pytest

from pbt._values import Hyperparameters

NESTED = {"gamma": 0.9, "model": {"lr": 0.1, "head": {"bias": True}, "a.b": 3}, "flat.name": 1}


def test_groups_are_reached_nested_and_by_names_with_dots() -> None:
    given = Hyperparameters(NESTED)
    assert given["model"]["lr"] == given["model.lr"] == 0.1
    assert given["model.head.bias"] is True and given["model.head"] == {"bias": True}
    assert given["model.a.b"] == 3 and given["flat.name"] == 1
    assert given.model["lr"] == 0.1
    assert "model.lr" in given and "model.x" not in given and "gamma.x" not in given
    assert given.get("model.x", 7) == 7
    assert dict(given) == NESTED and list(given) == list(NESTED)
    assert pickle.loads(pickle.dumps(given)) == copy.deepcopy(given) == given


def test_a_name_that_is_not_there_is_told() -> None:
    with pytest.raises(KeyError, match="no hyperparameter 'model.x'; there are: flat.name, gamma, model"):
        Hyperparameters(NESTED)["model.x"]


def test_one_whose_condition_is_not_met_is_missing() -> None:
    given = Hyperparameters({"optimizer": "adam"})
    assert "momentum" not in given and given.get("momentum") is None and getattr(given, "momentum", 0.9) == 0.9
