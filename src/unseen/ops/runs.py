"""The folder of a retrain: what its files are called, and its record as it was saved last."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from unseen.errors import RegistryError
from unseen.ops.record import Record

RECORD, MODEL, REFERENCE = "record.json", "model", "reference.json"


def read(folder: Path) -> Record | None:
    """The record of a run folder, if there is one.

    Raises
    ------
    RegistryError
        It is there but cannot be understood.
    """
    try:
        text = (folder / RECORD).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise RegistryError(f"cannot read {folder / RECORD}: {type(error).__name__}") from error
    try:
        return Record.model_validate_json(text)
    except ValidationError:
        raise RegistryError(
            f"{folder / RECORD} is damaged or of another version of unseen: move the folder away, then run again"
        ) from None
