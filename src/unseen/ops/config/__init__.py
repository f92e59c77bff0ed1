"""``unseen.yaml``: everything that a production loop needs to know, in one validated file."""

from unseen.ops.config.base import secret
from unseen.ops.config.load import load
from unseen.ops.config.schema import json_schema
from unseen.ops.config.settings import Settings, settings_hash

__all__ = ["Settings", "json_schema", "load", "secret", "settings_hash"]
