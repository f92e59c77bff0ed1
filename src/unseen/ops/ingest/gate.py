"""The schema gate: a batch that breaks a rule never trains, and all that is wrong with it is said at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from unseen.core.block import CATEGORY, EMPTY, OTHER, Field
from unseen.core.encoding import Encoding
from unseen.errors import DataError
from unseen.ops.checked import Known, Memory
from unseen.ops.config import Settings
from unseen.ops.ingest.cells import cells
from unseen.ops.ingest.chunks import Chunk, chunks, mixed
from unseen.ops.ingest.intake import Intake
from unseen.ops.ingest.partitions import Partition
from unseen.ops.ingest.reading import ReadError, reading
from unseen.ops.ingest.repeats import Contents, RowHashes, duplicates, repeats, same_rows
from unseen.ops.ingest.rules import Rule, Rules, rules_of
from unseen.ops.ingest.shape import Sample, shapes
from unseen.ops.ingest.structure import discreet, headless, structure
from unseen.ops.places import Places
from unseen.ops.record import Finding

_MEND = ": correct or empty such cells, or list the column in data.ignore"


@dataclass(frozen=True)
class Looked:
    """What is known of a partition after one pass, and all that is wrong with it."""

    findings: tuple[Finding, ...]
    digest: str = ""
    #: what is to be remembered if the batch passes; nothing of one that passed before
    known: Known | None = None


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
    places = Places.of(settings)
    memory = Memory(places)
    trusted = (*settings.schema_.columns, *(champion.columns() if champion else ()))
    try:
        rules = rules_of(settings, champion, _first(intake, memory, trusted))
        contents = Contents(places.home / "rows", rules.content)
        looked = {p.name: _looked(intake, p, rules, trusted, memory, contents) for p in intake.partitions}
        twice = same_rows(intake.partitions, {name: look.digest for name, look in looked.items()})
        again = _again(intake, looked, rules, contents, twice)
        for partition in intake.partitions:
            known = looked[partition.name].known
            if known is not None and partition.name not in again:
                memory.note(partition.id, known)
    finally:
        memory.save()
        intake.close()
    findings = [finding for look in looked.values() for finding in look.findings]
    return (*findings, *again.values(), *twice.values()) or _together(intake, rules)


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


def _looked(
    intake: Intake, partition: Partition, rules: Rules, trusted: tuple[str, ...], memory: Memory, contents: Contents
) -> Looked:
    """Findings about one partition by itself, and the digest of its rows."""
    name, digest = partition.name, memory.passed(partition.id, rules.id)
    if digest is not None:
        return Looked((), digest)
    try:
        with reading(repr(name)):
            source: Any = intake.open(partition)
            found = headless(partition.path, [f.name for f in source.schema()], trusted)
            if found:
                return Looked(found)
            known, found, hashes = examine(name, source, rules)
        partition.unchanged()
    except (ReadError, MemoryError):
        raise
    except Exception as error:  # a gate that breaks down is a gate that refuses
        partition.unchanged()
        return Looked((_trouble(name, error, rules),))
    if rules.content and not found:
        contents.put(partition.id, hashes)
    return Looked(found, known.passed[rules.id], None if found else known)


def examine(name: str, source: Any, rules: Rules) -> tuple[Known, tuple[Finding, ...], Any]:
    """One partition against the rules: its size, its columns, its cells, their shape, its rows."""
    fields = tuple(source.schema())
    kinds = {f.name: f.kind for f in fields if f.name not in rules.ignore}
    rows = sum(part.rows for part in source.manifest())
    found = (*_size(name, rows, rules), *structure(name, fields, rules))
    found = _with_mixed(name, source, rules, kinds, found)
    wrong = {finding.column for finding in found}
    inside = [_fitting(r, kinds[r.column]) for r in rules.columns if r.column in kinds and r.column not in wrong]
    shaped = [rule for rule in inside if rule.common < 1 or rule.spread is not None]
    sample = Sample([rule.column for rule in shaped])
    hashes = RowHashes(rules.duplicates < 1, [column for column in rules.content if column in kinds])

    def also(chunk: Chunk) -> None:
        hashes.add(chunk.keys)
        sample.add(chunk.table)

    if rows and inside:
        found += cells(name, inside, rows, chunks(source, tuple(kinds)), also)
        found += shapes(name, shaped, sample, {finding.column for finding in found})
        found += duplicates(name, hashes, rules)
    digest = hashes.digest(tuple(kinds)) if hashes.rows else ""
    known = Known(name=name, rows=rows, fields=tuple((f.name, f.kind) for f in fields), passed={rules.id: digest})
    return known, found, hashes.contents


def _again(
    intake: Intake, looked: Mapping[str, Looked], rules: Rules, contents: Contents, twice: Mapping[str, Finding]
) -> dict[str, Finding]:
    """Partitions whose rows stand before; only the newest is asked once the others have passed."""
    whole = [p for p in intake.partitions if not looked[p.name].findings and p.name not in twice]
    if not rules.content:
        return {}
    found = {}
    for i, partition in enumerate(whole):
        if looked[partition.name].known is None and partition is not intake.newest:
            continue
        earlier = (_content(intake, before, rules, contents) for before in whole[:i])
        for finding in repeats(partition.name, _content(intake, partition, rules, contents), earlier, rules):
            found[partition.name] = finding
    contents.forget(p.id for p in intake.partitions)
    return found


def _content(intake: Intake, partition: Partition, rules: Rules, contents: Contents) -> Any:
    """Hashes of a partition's rows, read again where they were not kept."""
    hashes = contents.get(partition.id)
    if hashes is None:
        with reading(repr(partition.name)):
            source = intake.open(partition)
            kinds = {f.name for f in source.schema()}
            rows = RowHashes(False, [column for column in rules.content if column in kinds])
            for chunk in chunks(source, rows.content):
                rows.add(chunk.keys)
        partition.unchanged()
        hashes = rows.contents
        contents.put(partition.id, hashes)
    return hashes


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


def _size(name: str, rows: int, rules: Rules) -> tuple[Finding, ...]:
    if rows < rules.min_rows:
        message = f"{name!r} has {rows:,} rows; schema.min_rows is {rules.min_rows:,}"
    elif rules.max_rows is not None and rows > rules.max_rows:
        message = f"{name!r} has {rows:,} rows; schema.max_rows is {rules.max_rows:,}"
    else:
        return ()
    return (Finding(check="rows", message=message),)


def _with_mixed(
    name: str, source: Any, rules: Rules, kinds: Mapping[str, str], found: Sequence[Finding]
) -> tuple[Finding, ...]:
    """Findings with what a text file knows of columns that hold numbers and text: where the text is."""
    texts = [r.column for r in rules.columns if kinds.get(r.column) == CATEGORY]
    reasons = {column: reason for column, reason in mixed(source, texts).items() if reason}
    kept = tuple(f for f in found if f.check != "type" or f.column not in reasons)
    said = (
        Finding(check="type", column=column, message=f"{name!r}: {reason.partition(': correct')[0]}{_MEND}")
        for column, reason in reasons.items()
    )
    return (*kept, *said)


def _fitting(rule: Rule, kind: str) -> Rule:
    """Of a column without any value only that can be told."""
    if kind != EMPTY:
        return rule
    return replace(rule, type=OTHER, whole=False, low=None, high=None, values=None, median=None, spread=None)
