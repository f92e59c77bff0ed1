"""Models and families, bound to data or not, compare by value and can be put into sets."""

import importlib
import pkgutil
from dataclasses import replace

import numpy as np
import pytest

import unseen
from unseen import FactorAnalysis, Gaussian, Mixture
from unseen.testing.setting import set_up

NAMES = [
    f"unseen.{room}.{m.name}"
    for room in ("families", "models")
    for m in pkgutil.iter_modules(importlib.import_module(f"unseen.{room}").__path__)
]


@pytest.mark.parametrize("name", NAMES)
def test_bound_models_compare_by_value(name):
    one, other = (set_up(importlib.import_module(name).example()).model for _ in range(2))
    assert one is not other and one == other and hash(one) == hash(other) and len({one, other}) == 1
    unbound = importlib.import_module(name).example().model
    assert one != unbound and unbound == importlib.import_module(name).example().model
    assert one != "a model" and hash(unbound) == hash(importlib.import_module(name).example().model)


def test_what_differs_in_an_array_differs():
    x = np.random.default_rng(0).normal(size=(50, 3))
    one = unseen.fit(Mixture(Gaussian("full"), 1), x).model
    moved = unseen.fit(Mixture(Gaussian("full"), 1), x + 1e-9).model
    assert one != moved and len({one, moved}) == 2
    assert replace(one, components=2) != one
    assert FactorAnalysis(1) != Mixture(Gaussian(), 1)


def test_a_run_read_back_is_the_model_that_was_saved(tmp_path):
    fit = unseen.fit(Mixture(Gaussian("full"), 2), np.random.default_rng(0).normal(size=(50, 2)), restarts=1)
    assert unseen.load(fit.save(tmp_path / "run")).model == fit.model
