"""The reference of a version: read where it is whole, else made anew from the version and its own partitions."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from unseen.core.encoding import Encoded, Joined
from unseen.errors import RegistryError, UnseenError
from unseen.ops import files
from unseen.ops.config.settings import Settings
from unseen.ops.drift import batch, parts
from unseen.ops.drift.bins import Layout
from unseen.ops.drift.fresh import fresh_blocks
from unseen.ops.drift.reference import Reference, recall, remember
from unseen.ops.ingest.intake import Intake
from unseen.ops.ingest.partitions import Partition, partitions
from unseen.ops.judge.memory import Remembered
from unseen.ops.places import Places
from unseen.ops.record import Batch
from unseen.ops.registry import Registry, Version
from unseen.ops.runs import REFERENCE, read
from unseen.result import Result


@dataclass(frozen=True, slots=True)
class Own:
    """What is known of the rows behind a version; ``anew`` says why it had to be made anew, empty where it did not."""

    stored: Mapping[str, Any]
    known: Reference
    anew: str = ""


def place(settings: Settings, version: Version) -> Path:
    """Where the reference of a version lies."""
    return Places.of(settings).run(version.record) / REFERENCE


def of_version(settings: Settings, registry: Registry, version: Version, result: Result) -> Own:
    """The reference of a version, made anew and kept where it is missing, damaged, or another model's.

    Raises
    ------
    RegistryError
        It cannot be used, and what it was made of is not there any more.
    """
    path = place(settings, version)
    try:
        return whole(path, result)
    except RegistryError as error:
        trouble = str(error)
    there, gone = _there(settings, version)
    if gone:
        raise RegistryError(f"{trouble}, and {gone}; {remedy(settings, version)}")
    pinned = Remembered.of(registry.log.entries()).pinned
    since = next((i for i, p in enumerate(there) if p.id in pinned), 0)
    of = Batch(id=version.batch, partitions=tuple(p.name for p in there), rows=version.rows)
    intake = Intake(there, of, result.encoding.unit, settings.data.read.reading())
    stored = summed(result, intake.by_partition(), since)
    files.write(path, json.dumps(stored))
    return Own(stored, Reference.of(stored, result), trouble)


def summed(result: Result, sources: Sequence[Any], since: int = 0) -> dict[str, Any]:
    """What new data will be compared with: the rows of the partitions that a fit is from.

    Those from ``since`` on are like what is to come.
    """
    encoding = replace(result.encoding, labels=None, unknown="missing")
    return remember(result, Joined([Encoded(source, encoding) for source in sources]), sources[since:])


def apart(result: Result, sources: Sequence[Any], stored: Mapping[str, Any]) -> dict[int, str]:
    """Which of the partitions behind a fit lie far from the others, by number, and by what."""
    layout = Layout.of(stored["layout"])
    each = [parts.parts_of(result, layout, fresh_blocks(result, source)) for source in sources]
    return {i: moved.message for i, moved in batch.apart(result, layout, each).items()}


def whole(path: Path, result: Result) -> Own:
    """The reference in a file.

    Raises
    ------
    RegistryError
        It is missing, damaged, or another model's.
    """
    stored = recall(path)
    known = Reference.of(stored, result)
    try:
        if "parts" in stored:  # older ones have none
            parts.read(stored["parts"], known.layout)
            dict(stored["usual"])
    except (KeyError, TypeError, ValueError):
        raise RegistryError("the champion's reference.json is damaged, or of another version of unseen") from None
    return Own(stored, known)


def trouble(settings: Settings, version: Version, result: Result) -> tuple[str, bool] | None:
    """What is wrong with a version's reference, and whether the next look makes it anew; None where it is whole."""
    try:
        whole(place(settings, version), result)
        return None
    except RegistryError as error:
        said = str(error)
    try:
        _, gone = _there(settings, version)
    except (UnseenError, OSError):
        gone = "its partitions cannot be read"
    return f"{said}, and {gone}" if gone else said, not gone


def remedy(settings: Settings, version: Version) -> str:
    """What helps where a reference cannot be made anew."""
    return (
        f"put a whole copy of {REFERENCE} or of the partitions back, or make another version the champion, which has a "
        f"reference of its own: unseen promote {settings.name} --to VERSION --override --reason WHY"
    )


def _there(settings: Settings, version: Version) -> tuple[tuple[Partition, ...], str]:
    """The partitions that a version was trained on, and which of them are not there as they were."""
    record = read(Places.of(settings).run(version.record))
    if record is None or record.batch is None or not record.batch.fingerprints:
        return (), f"the record of {version.record} is gone, which names the partitions of version {version.number}"
    wanted = dict(zip(record.batch.fingerprints, record.batch.partitions, strict=False))
    found = {p.id: p for p in partitions(settings)}
    lost = [name for id, name in wanted.items() if id not in found]
    if lost:
        more = f" and {len(lost) - 1} more" if len(lost) > 1 else ""
        return (), f"{lost[0]}{more}, which version {version.number} was trained on, is not there as it was"
    return tuple(found[id] for id in wanted), ""
