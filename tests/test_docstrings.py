"""The examples in the docstrings of every module run and print what they show."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

SOURCES = Path(__file__).resolve().parents[1] / "src"
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def modules() -> list[str]:
    """Every module of the package by its dotted name, found by its file."""
    paths = [p.relative_to(SOURCES).with_suffix("") for p in sorted((SOURCES / "unseen").rglob("*.py"))]
    names = [".".join(p.parts).removesuffix(".__init__") for p in paths]
    return [name for name in names if not name.endswith(".__main__")]


@pytest.mark.parametrize("name", modules())
def test_examples_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    outcome = doctest.testmod(importlib.import_module(name), optionflags=FLAGS)
    assert outcome.failed == 0, f"{outcome.failed} of {outcome.attempted} examples of {name} (printed above)"
