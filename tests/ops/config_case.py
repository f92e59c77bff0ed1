"""A small file of settings, and what loading it says."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from pathlib import Path

import pytest

from unseen.errors import ConfigError
from unseen.ops.config import Settings, load

SMALL = "name: delays\ndata: {path: data/*.parquet}\n"


def settings(folder: Path, text: str = "", env: Mapping[str, str] | None = None) -> Settings:
    """The settings of a file that holds the least there can be, and this."""
    file = folder / "unseen.yaml"
    file.write_text(SMALL + textwrap.dedent(text), encoding="utf-8")
    return load(file, env or {})


def refused(folder: Path, text: str = "", env: Mapping[str, str] | None = None, whole: bool = False) -> str:
    """What is said of a file that cannot be used, without the folder; ``whole`` if nothing is to be added to it."""
    file = folder / "unseen.yaml"
    file.write_text(textwrap.dedent(text) if whole else SMALL + textwrap.dedent(text), encoding="utf-8")
    with pytest.raises(ConfigError) as error:
        load(file, env or {})
    hidden = error.value.__suppress_context__ and error.value.__cause__ is None
    assert hidden or error.value.__context__ is None, "a traceback would show the values"
    return str(error.value).replace(f"{folder}/", "")
