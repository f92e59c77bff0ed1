"""Secrets: the file names where they are, and they are read where they are used."""

from __future__ import annotations

import os
from pathlib import Path

from unseen.errors import ConfigError


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
