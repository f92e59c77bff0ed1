"""Which settings decide the model: two files that differ elsewhere describe the same retrain."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from unseen.ops.config.settings import Settings

# Where the rows lie is not here (a batch has an identity of its own), nor is anything that only watches.
_DECIDES: dict[str, Any] = {
    "name": True,
    "data": {"window", "weights", "labels", "ignore"},
    "schema_": True,
    "model": True,
    "fit": True,
    "validate_": True,
    "gates": True,
    "memory": True,
    "privacy": {"min_rows_per_component"},
    "retries": {"fits"},
}


def settings_hash(settings: Settings) -> str:
    """Sixteen hexadecimal digits that change when a setting does that decides the model or what becomes of it."""
    said = settings.model_dump(mode="json", by_alias=True, include=_DECIDES)
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]
