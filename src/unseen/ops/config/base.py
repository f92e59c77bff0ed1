"""What all sections of ``unseen.yaml`` share: how values are read, the kinds of values, and secrets by reference."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, model_validator
from pydantic_core import PydanticCustomError

from unseen.errors import ConfigError


class Section(BaseModel):
    """A part of the file: unknown keys are refused, an empty value means the default, values are fixed once read.

    What stands below a key is its description.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True)

    @model_validator(mode="before")
    @classmethod
    def _empty_is_default(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        known = {field.alias or name for name, field in cls.model_fields.items()}
        return {key: value for key, value in data.items() if value is not None or key not in known}

    def clashes(self) -> Iterator[tuple[str, str]]:
        """Values that cannot go together: the key to tell it at (dotted, inside the section), and in which words."""
        yield from ()

    @model_validator(mode="after")
    def _together(self) -> Self:
        for key, message in self.clashes():
            raise clash(key, message)
        return self


def clash(key: str, message: str) -> PydanticCustomError:
    """The error that tells at one of the keys; the message is ours and holds no input."""
    return PydanticCustomError("clash", message, {"key": key})


def _reference(value: str, info: ValidationInfo) -> str:
    kind, _, where = value.partition(":")
    if kind not in ("env", "file") or not where:
        raise ValueError("a secret is given by reference only, env:NAME or file:/path, never by its value")
    folder = (info.context or {}).get("folder")
    if kind == "file" and folder is not None:
        return f"file:{Path(folder) / Path(where).expanduser()}"
    return value


def _address(value: str) -> str:
    try:
        parts = urlsplit(value)
        web, named = parts.scheme in ("http", "https") and bool(parts.hostname), parts.username or parts.password
    except ValueError:
        web, named = False, None
    if not web:
        raise ValueError("must be an address that begins with http:// or https://")
    if named:
        raise ValueError("must not hold a user name or password: secrets are given by reference only")
    return value


def _address_or_reference(value: str, info: ValidationInfo) -> str:
    return _reference(value, info) if value.startswith(("env:", "file:")) else _address(value)


def _said(what: str, pattern: str) -> Any:
    """What editors are told of a kind of text; our own validator is the one that decides."""
    return Field(description=what, json_schema_extra={"pattern": pattern})


#: where a secret is found (``env:NAME`` or ``file:/path``); the file never holds the secret itself
SecretRef = Annotated[str, AfterValidator(_reference), _said("secret reference", "^(env|file):.+")]
Address = Annotated[str, AfterValidator(_address), _said("http(s) address", "^https?://[^@]+$")]
SecretAddress = Annotated[
    str, AfterValidator(_address_or_reference), _said("http(s) address or secret reference", "^(env:|file:|https?:/).+")
]
Text = Annotated[str, Field(min_length=1)]
Share = Annotated[float, Field(ge=0, le=1)]
#: a share that can be neither none nor all
Portion = Annotated[float, Field(gt=0, lt=1)]
Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]
Whole = Annotated[int, Field(ge=0)]


def secret(ref: str) -> str:
    """The value behind ``env:NAME`` or ``file:/path``; errors name the reference and never the value."""
    kind, _, where = ref.partition(":")
    if kind == "env" and where:
        value = os.environ.get(where, "")
        if not value:
            raise ConfigError(f"the secret {ref} is not there: the environment variable {where} is unset or empty")
        return value
    if kind != "file" or not where:
        raise ConfigError("a secret is given by reference only: env:NAME or file:/path")
    try:
        value = Path(where).expanduser().read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ConfigError(f"the secret {ref} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"the secret {ref} cannot be read: the file is not UTF-8 text") from None
    if not value:
        raise ConfigError(f"the secret {ref} is empty")
    return value
