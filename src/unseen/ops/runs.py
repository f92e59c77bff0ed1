"""The folder of a retrain: what its files are called, and its record as it was saved last."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from pydantic import ValidationError

from unseen.errors import RegistryError
from unseen.ops.places import Places
from unseen.ops.record import Record

RECORD, MODEL, REFERENCE = "record.json", "model", "reference.json"


def read(folder: Path) -> Record | None:
    """The record of a run folder, if there is one; `RegistryError` where it cannot be understood."""
    path = folder / RECORD
    try:
        return Record.model_validate_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValidationError:
        raise RegistryError(
            f"{path} is damaged or of another version of unseen: move the folder away, then run again"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise RegistryError(f"cannot read {path}: {type(error).__name__}") from error


def newest(places: Places, ids: Iterable[str], most: int) -> Iterator[Record]:
    """The records of so many of some retrains, the newest first, as far as they can be read.

    ``ids`` come in the order of the log, where one retrain may stand more than once.
    """
    for id in [*dict.fromkeys(reversed([i for i in ids if i]))][:most]:
        with suppress(RegistryError):
            if (record := read(places.run(id))) is not None:
                yield record
