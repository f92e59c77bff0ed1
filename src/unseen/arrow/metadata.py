"""What pandas notes about its tables in Arrow's metadata, kept true to the columns that there are."""

from __future__ import annotations

import json
from typing import Any


def fitting(schema: Any, before: Any) -> Any:
    """A schema whose metadata says nothing of columns that are gone or have another type than ``before``.

    The index stays. Names of several levels, and names that are no text, become text where a column has joined that
    pandas knows nothing of: it could not read them otherwise.

    >>> import pyarrow as pa
    >>> fitting(pa.schema([("x", pa.int8())]), pa.schema([])).metadata is None
    True
    """
    told = (schema.metadata or {}).get(b"pandas")
    if not told or (schema.names == before.names and schema.types == before.types):
        return schema
    try:
        notes = json.loads(told)
        notes["columns"] = [c for c in notes["columns"] if _unchanged(c.get("field_name", c["name"]), schema, before)]
        if set(schema.names) - set(before.names):
            notes["column_indexes"] = []
    except (ValueError, KeyError, TypeError):  # not as pandas writes it
        return schema.with_metadata({k: v for k, v in schema.metadata.items() if k != b"pandas"})
    return schema.with_metadata({**schema.metadata, b"pandas": json.dumps(notes).encode()})


def _unchanged(name: Any, schema: Any, before: Any) -> bool:
    if name is None or name not in schema.names or name not in before.names:
        return False
    return bool(schema.field(name).type == before.field(name).type)
