"""The schema gate: a batch that breaks a rule never trains, and all that is wrong with it is said at once."""

from __future__ import annotations

from typing import Any

from unseen.core.block import Field
from unseen.core.encoding import Encoding
from unseen.errors import DataError
from unseen.ops.config import Settings
from unseen.ops.ingest.examine import examine
from unseen.ops.ingest.header import discreet, headless
from unseen.ops.ingest.intake import Intake
from unseen.ops.ingest.partitions import Partition
from unseen.ops.ingest.reading import ReadError, reading
from unseen.ops.ingest.repeats import same_rows
from unseen.ops.ingest.rules import Rules, rules_of
from unseen.ops.ingest.state import Memory
from unseen.ops.places import Places
from unseen.ops.record import Finding


def check(intake: Intake, settings: Settings, champion: Encoding | None) -> tuple[Finding, ...]:
    """Everything that is wrong with a batch; nothing if it may train.

    Each partition is held against ``schema.columns``, else against the champion's columns, else against those of
    the first partition. One that passed the same rules before is not read again. Findings name columns, counts and
    shares, and hold no value of the data.

    Raises
    ------
    ReadError
        The system could not read a partition just now: that is no finding about it, and may pass.
    """
    memory = Memory(Places.of(settings))
    trusted = (*settings.schema_.columns, *(champion.columns() if champion else ()))
    try:
        rules = rules_of(settings, champion, _first(intake, memory, trusted))
        findings, digests = _each(intake, rules, trusted, memory)
    finally:
        memory.save()
        intake.close()
    findings += same_rows(intake.partitions, digests)
    return findings or _together(intake, rules)


def _first(intake: Intake, memory: Memory, trusted: tuple[str, ...]) -> tuple[Field, ...]:
    """The columns of the first partition that has names for them; of the others is told when their turn comes."""
    for partition in intake.partitions:
        fields = memory.fields(partition.id)
        try:
            fields = fields or tuple(intake.open(partition).schema())
        except DataError:
            continue
        if not headless(partition.path, [f.name for f in fields], trusted):
            return fields
    return ()


def _each(
    intake: Intake, rules: Rules, trusted: tuple[str, ...], memory: Memory
) -> tuple[tuple[Finding, ...], dict[str, str]]:
    findings: list[Finding] = []
    digests: dict[str, str] = {}
    for partition in intake.partitions:
        digest = memory.passed(partition.id, rules.id)
        if digest is None:
            found, digest = _examined(intake, partition, rules, trusted, memory)
            findings += found
        digests[partition.name] = digest
    return tuple(findings), digests


def _examined(
    intake: Intake, partition: Partition, rules: Rules, trusted: tuple[str, ...], memory: Memory
) -> tuple[tuple[Finding, ...], str]:
    """Findings about one partition, and the digest of its rows; a pass is remembered."""
    name = partition.name
    try:
        with reading(repr(name)):
            source: Any = intake.open(partition)
            found = headless(partition.path, [f.name for f in source.schema()], trusted)
            if found:
                return found, ""
            known, found = examine(name, source, rules)
        partition.unchanged()
    except (ReadError, MemoryError):
        raise
    except Exception as error:  # a gate that breaks down is a gate that refuses
        partition.unchanged()
        return (_trouble(name, error, rules),), ""
    if not found:
        memory.note(partition.id, known)
    return found, known.passed[rules.id]


def _trouble(name: str, error: Exception, rules: Rules) -> Finding:
    """Our own sentence about a file; of someone else's error only its class, because its text may quote cells."""
    if isinstance(error, DataError):
        return Finding(check="unreadable", message=discreet(str(error), (name, *rules.names)))
    return Finding(check="unchecked", message=f"{name!r} could not be checked: {type(error).__name__}")


def _together(intake: Intake, rules: Rules) -> tuple[Finding, ...]:
    """Partitions that are each in order and yet cannot be read as one: CSV beside Parquet, or other types."""
    try:
        intake.source.schema()
    except DataError as error:
        known = (*(p.name for p in intake.partitions), *rules.names, *(rules.others or ()))
        return (Finding(check="together", message=discreet(str(error), known)),)
    return ()
