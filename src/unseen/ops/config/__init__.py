"""``unseen.yaml``: everything that a production loop needs to know, in one validated file."""

from unseen.ops.config.identity import settings_hash
from unseen.ops.config.load import load
from unseen.ops.config.schema import json_schema
from unseen.ops.config.secrets import secret
from unseen.ops.config.settings import Settings
from unseen.ops.config.template import template

__all__ = ["Settings", "json_schema", "load", "secret", "settings_hash", "template"]
