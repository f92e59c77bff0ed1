"""Pandera, asked so that it answers with names only: its failure cases would hold cells of the data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from unseen.ops.record import Finding

MISSING, EXTRA, BROKEN, FAILED = "missing", "extra", "broken", "failed"
_REASONS = {"COLUMN_NOT_IN_DATAFRAME": MISSING, "COLUMN_NOT_IN_SCHEMA": EXTRA, "DATAFRAME_CHECK": FAILED}


def scalar(holds: Callable[[Any], bool], name: str) -> Any:
    """A check of a whole column: one truth value, so that there are no failure cases to be formatted."""
    import pandera.pandas as pa

    # Pandera copies its checks deeply before it calls them: objects would count in vain, functions stay themselves
    return pa.Check(lambda cells: holds(cells), name=name, ignore_na=False)


def complaints(schema: Any, table: Any) -> list[tuple[str, str, str]]:
    """What a table breaks: (missing, extra, failed or broken; column; check), all of it at once.

    Pandera can be switched off by an environment variable; a gate can not.
    """
    import pandera.pandas as pa
    from pandera.config import ValidationDepth, config_context

    try:
        with config_context(validation_enabled=True, validation_depth=ValidationDepth.SCHEMA_AND_DATA):
            schema.validate(table, lazy=True, inplace=True)
    except pa.errors.SchemaErrors as errors:
        return [_complaint(error) for error in errors.schema_errors]
    return []


def _complaint(error: Any) -> tuple[str, str, str]:
    reason = _REASONS.get(error.reason_code.name, BROKEN)
    if reason in (MISSING, EXTRA):
        return reason, str(error.failure_cases), reason
    return reason, str(error.schema.name), str(getattr(error.check, "name", error.check))


def unchecked(name: str, column: str | None) -> Finding:
    """A rule that could not be applied is a rule that was not kept."""
    where = f"column {column!r} of {name!r}" if column else repr(name)
    return Finding(check="unchecked", column=column, message=f"{where} could not be checked, which counts as broken")
