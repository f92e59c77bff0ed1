"""Concrete classes of the contracts are final: a new one is made out of parts, and none inherits from another."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator

import pytest

from unseen.algorithms import algorithm
from unseen.core.engine import Engine
from unseen.core.family import Family
from unseen.core.kinds import is_own
from unseen.core.model import Model

ROOMS = ("families", "models", "algorithms", "engines", "testing", "sklearn")
#: scikit-learn's regularisation is another M-step of the same components
INHERITED = {"Gaussian": "RidgedGaussian"}


@pytest.fixture(scope="module", autouse=True)
def every_room() -> None:
    for room in ROOMS:
        path = importlib.import_module(f"unseen.{room}").__path__
        for module in pkgutil.iter_modules(path):
            importlib.import_module(f"unseen.{room}.{module.name}")


def below(cls: type) -> Iterator[type]:
    """The classes of this package that inherit from one, however far."""
    for sub in cls.__subclasses__():
        yield from below(sub)
        if is_own(sub):
            yield sub


def is_final(cls: type) -> bool:
    return "__final__" in vars(cls)


@pytest.mark.parametrize("contract", [Family, Model, Engine])
def test_concrete_classes_are_final(contract: type) -> None:
    concrete = {cls for cls in below(contract) if not inspect.isabstract(cls)}
    assert len(concrete) >= 4
    assert {cls.__name__ for cls in concrete if not is_final(cls)} <= set(INHERITED)
    for cls in concrete:
        assert all(INHERITED.get(base.__name__) == cls.__name__ for base in cls.__mro__[1:] if base in concrete)


def test_algorithms_are_final() -> None:
    files = pkgutil.iter_modules(importlib.import_module("unseen.algorithms").__path__)
    found = [type(algorithm(file.name)) for file in files]
    assert len(found) >= 4 and all(map(is_final, found))
