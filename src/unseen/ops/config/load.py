"""From ``unseen.yaml`` and the environment to settings: ``UNSEEN__FIT__RESTARTS=3`` sets ``fit.restarts``.

Variables are not left to pydantic-settings, which passes over unknown ones below a section, takes lists as JSON only,
and cannot tell which variable a value came from.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from unseen.errors import ConfigError
from unseen.ops.config.document import Document, Keys, read
from unseen.ops.config.messages import NO_LINE, Problem, joined, problems
from unseen.ops.config.schema import ANY, known, may_name, nearest
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
    return loaded(path, env).settings


@dataclass(frozen=True)
class Loaded:
    """Settings with where each key was said: a line of the document, or a variable."""

    settings: Settings
    document: Document
    variables: Mapping[Keys, str]

    def said_by(self, keys: Keys) -> str | int | None:
        """The variable or the line that says a key, or something inside it; nothing where its default holds."""
        for at, name in self.variables.items():
            if keys[: len(at)] == at or at[: len(keys)] == keys:
                return name
        return self.document.lines.get(keys)


def loaded(path: str | Path = "unseen.yaml", env: Mapping[str, str] | None = None) -> Loaded:
    """The same as `load`, with where each key was said."""
    return parsed(_text(Path(path)), Path(path), os.environ if env is None else env)


def parsed(text: str, file: Path, env: Mapping[str, str]) -> Loaded:
    """A text that is, or is going to be, in a file."""
    document = read(text, str(file), may_name)
    data, variables, wrong = overlay(document.data, env)
    try:
        settings = settled({} if data is None else data, file.absolute().parent)
    except ValidationError as error:
        found = problems(error.errors(include_url=False), document, variables)
        raise joined(str(file), [*found, *wrong]) from None
    if wrong:
        raise joined(str(file), wrong)
    return Loaded(settings, document, variables)


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


# ---- variables

PREFIX = "UNSEEN__"


def overlay(data: Any, env: Mapping[str, str]) -> tuple[Any, dict[Keys, str], list[Problem]]:
    """The data with the variables written over it, which variable set which key, and what is wrong with variables."""
    given = sorted(name for name in env if name.upper().startswith(PREFIX))
    if not given or not isinstance(data, dict | None):
        return data, {}, []
    data, variables, wrong = dict(data or {}), dict[Keys, str](), []
    for name in given:
        try:
            keys, value = _keys(name, data), _value(name, env[name])
        except _Wrong as error:
            wrong.append(Problem(NO_LINE, name.upper(), str(error)))
            continue
        if _put(data, keys, value):  # else the file itself is wrong there, and that is told
            variables[keys] = name.upper()
    return data, variables, wrong


class _Wrong(Exception):
    pass


def _keys(name: str, data: dict[str, Any]) -> Keys:
    """The key that a variable names; names that the user chose are those of the file, whatever their case."""
    path: tuple[str, ...] = ()
    found: tuple[str, ...] = ()
    here: Any = data
    for part in name[len(PREFIX) :].split("__"):
        if path and path[-1] != ANY and known()[path].table:
            names = [n for n in (here if isinstance(here, dict) else {}) if n.lower() == part.lower()]
            if len(names) != 1:
                what = f"{'several keys' if names else 'no key'} of that name in {'.'.join(path)}"
                raise _Wrong(f"the file has {what}; set all of it with {_variable(found)}={{name: ...}}")
            path, found = (*path, ANY), (*found, names[0])
        else:
            path, found = (*path, part.lower()), (*found, part.lower())
            if path not in known():
                meant = nearest(found)
                raise _Wrong("unknown setting" + (f"; did you mean {_variable(meant.split('.'))}?" if meant else ""))
        here = here.get(found[-1]) if isinstance(here, dict) else None
    return found


def _variable(path: Sequence[str]) -> str:
    return PREFIX + "__".join(path).upper()


def _value(name: str, text: str) -> Any:
    """Lists and tables are YAML, everything else is taken as it is; ``null`` stands for the default."""
    if not text.strip():
        raise _Wrong("is empty: unset it, or give null for the default")
    if not text.lstrip().startswith(("[", "{")):
        return None if text in ("null", "~") else text
    try:
        return read(text, name, lambda keys: False).data
    except ConfigError as error:
        raise _Wrong(str(error).partition(": ")[2]) from None


def _put(data: dict[str, Any], keys: Keys, value: Any) -> bool:
    """Write a value at a path, copying what is on the way; False where the file has no section there."""
    *around, last = map(str, keys)
    for key in around:
        inside = data.get(key)
        if not isinstance(inside, dict | None):
            return False
        data[key] = dict(inside or {})
        data = data[key]
    data[last] = value
    return True
