"""From ``unseen.yaml`` and the environment to settings."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from unseen.errors import ConfigError
from unseen.ops.config.document import Keys, read
from unseen.ops.config.environment import overlay
from unseen.ops.config.keys import general, takes_names
from unseen.ops.config.messages import joined, problems
from unseen.ops.config.settings import Settings

MOST_BYTES = 10_000_000


def load(path: str | Path = "unseen.yaml", env: Mapping[str, str] | None = None) -> Settings:
    """Read and check a file; environment variables such as ``UNSEEN__FIT__RESTARTS=3`` go over it.

    Parameters
    ----------
    path : the file; relative paths in it start from its folder
    env : the environment, by default that of the process

    Raises
    ------
    ConfigError
        The file is not there, not YAML, says a key twice, or has unknown keys or values that cannot stand there. The
        message names line and key, or the variable, and the nearest known key; it never repeats a value.
    """
    file = Path(path)
    return parsed(_text(file), file, os.environ if env is None else env)


def parsed(text: str, file: Path, env: Mapping[str, str]) -> Settings:
    """The settings of a text that is, or is going to be, in a file."""
    document = read(text, str(file), _may_name)
    data, variables, wrong = overlay(document.data, env)
    try:
        settings = settled({} if data is None else data, file.absolute().parent)
    except ValidationError as error:
        found = problems(error.errors(include_url=False), document, variables)
        raise joined(str(file), [*found, *wrong]) from None
    if wrong:
        raise joined(str(file), wrong)
    return settings


def settled(data: Any, folder: Path) -> Settings:
    """Plain values as settings, with the folder that relative paths start from."""
    settings = Settings.model_validate(data, context={"folder": folder})
    settings._folder = folder
    return settings


def _text(file: Path) -> str:
    try:
        if file.stat().st_size > MOST_BYTES:
            raise ConfigError(f"{file} is no file of settings: it has more than {MOST_BYTES // 1_000_000} MB")
        return file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ConfigError(f"there is no {file}: `unseen init` writes one, or name yours with --config") from None
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {os.strerror(error.errno or 5)}") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file} is not UTF-8 text (byte {error.start + 1}): save it as UTF-8") from None


def _may_name(keys: Keys) -> bool:
    """Only keys whose place is one for keys: where a list belongs, what stands there may be data."""
    around = general(keys[:-1])
    return len(around) == len(keys) - 1 and takes_names(around)
