"""The schema gate: a batch that breaks a rule never trains, and all that is wrong with it is said at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from unseen.core.block import CATEGORY, EMPTY, OTHER, Field
from unseen.core.encoding import Encoding
from unseen.core.source import how_read
from unseen.errors import DataError
from unseen.ops.checked import Known, Memory
from unseen.ops.config import Settings
from unseen.ops.ingest.cells import cells
from unseen.ops.ingest.chunks import Chunk, chunks, mixed
from unseen.ops.ingest.earlier import KEPT, Earlier
from unseen.ops.ingest.intake import Intake
from unseen.ops.ingest.partitions import Partition, ReadError, reading
from unseen.ops.ingest.partitions import names as files_of
from unseen.ops.ingest.repeats import Contents, RowHashes, duplicates, repeats, same_rows
from unseen.ops.ingest.rules import Rule, Rules, apart, discreet, headless, rules_of, structure, wrong
from unseen.ops.ingest.shape import Sample, shapes
from unseen.ops.places import Places
from unseen.ops.record import Finding

_MEND = ": correct or empty such cells, or list the column in data.ignore"


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
    memory = Memory.of(settings)
    trusted = (*settings.schema_.columns, *(champion.columns() if champion else ()))
    try:
        rules = rules_of(settings, champion, _first(intake, memory, trusted))
        contents = Contents(places.home / "rows", (*rules.content, *settings.data.read.told))
        gate = _Gate(intake, rules, trusted, memory, contents, Earlier.of(settings), frozenset(files_of(settings)))
        return gate.findings() or gate.together()
    finally:
        memory.save()
        intake.close()


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


@dataclass(frozen=True)
class _Looked:
    """What is known of a partition after one pass, and all that is wrong with it."""

    findings: tuple[Finding, ...]
    digest: str = ""
    #: what is to be remembered if the batch passes; nothing of one that passed before
    known: Known | None = None


@dataclass(frozen=True)
class _Gate:
    """The partitions of a batch, the rules, and what is remembered of earlier looks."""

    intake: Intake
    rules: Rules
    trusted: tuple[str, ...]
    memory: Memory
    contents: Contents
    earlier: Earlier = Earlier()
    #: what could be a partition, whether it is in the window or not
    there: frozenset[str] = frozenset()

    def findings(self) -> tuple[Finding, ...]:
        """What is wrong with partitions by themselves, then with rows that stand in several."""
        looked = {p: self._looked(p) for p in self.intake.partitions}
        twice = self._renamed() | same_rows(self.intake.partitions, {p.name: look.digest for p, look in looked.items()})
        whole = [p for p, look in looked.items() if not look.findings and p.name not in twice]
        again = self._again(whole, {p for p in whole if looked[p].known}) if self.rules.content else {}
        for partition, look in looked.items():
            if look.known is not None and partition.name not in again:
                self.memory.note(partition.id, look.known)
        return (*(f for look in looked.values() for f in look.findings), *again.values(), *twice.values())

    def together(self) -> tuple[Finding, ...]:
        """Partitions that are each in order and yet cannot be read as one: CSV beside Parquet, or other types."""
        try:
            fields = self.intake.source.schema()
        except DataError as error:
            known = (*(p.name for p in self.intake.partitions), *self.rules.names, *(self.rules.others or ()))
            return (Finding(check="together", message=discreet(str(error), known)),)
        return apart(fields, self.rules, ((p.name, how_read(self.intake.alone(p))[1]) for p in self.intake.partitions))

    def _looked(self, partition: Partition) -> _Looked:
        """Findings about one partition by itself, and the digest of its rows."""
        name, digest = partition.name, self.memory.passed(partition.id, self.rules.id)
        if digest is not None:
            return _Looked((), digest)
        try:
            with reading(repr(name)):
                source = self.intake.open(partition)
                found = headless(partition.path, [f.name for f in source.schema()], self.trusted)
                if found:
                    return _Looked(found)
                known, found, hashes = examine(name, source, self.rules)
            partition.unchanged()
        except (ReadError, MemoryError):
            raise
        except Exception as error:  # a gate that breaks down is a gate that refuses
            partition.unchanged()
            if isinstance(error, DataError):
                message = discreet(str(error), (name, *self.rules.names))
                return _Looked((Finding(check="unreadable", message=message),))
            # of someone else's error only its class, because its text may quote cells
            return _Looked((wrong("unchecked", name, f"could not be checked: {type(error).__name__}"),))
        if self.rules.content and not found:
            self.contents.put(partition.id, hashes)
        return _Looked(found, known.passed[self.rules.id], None if found else known)

    def _again(self, whole: Sequence[Partition], new: set[Partition]) -> dict[str, Finding]:
        """Partitions whose rows stand before; of those that passed already only the newest is asked again."""
        found = {}
        window = {p.id: p for p in self.intake.partitions}
        before = [id for id in self.earlier.learned if id not in window][-KEPT:]
        for i, partition in enumerate(whole):
            if partition in new or partition is self.intake.newest:
                own, earlier = self._content(partition), map(self._content, whole[:i])
                finding = repeats(partition.name, own, earlier, self.rules) or self._older(partition, own, before)
                if finding is not None:
                    found[partition.name] = finding
        self.contents.forget([*window, *before])
        return found

    def _older(self, partition: Partition, own: Any, before: Sequence[str]) -> Finding | None:
        """Whether its rows stand in one of the partitions before the window.

        They are asked one by one: rows that agree by chance add up over many, and the limit is for a window of them.
        """
        for id in before:
            names = self.earlier.names[id]
            if partition.name not in names and (kept := self.contents.get(id)) is not None:
                finding = repeats(partition.name, own, [kept], self.rules, repr(names[-1]))
                if finding is not None:
                    return finding
        return None

    def _renamed(self) -> dict[str, Finding]:
        """Partitions whose bytes were another one before: that one is there, too, or others were learned from since."""
        found = {}
        for partition in self.intake.partitions:
            names = self.earlier.other_names(partition.id, partition.name)
            anew = partition is self.intake.newest and partition.id != self.earlier.last
            if names and (anew or self.there.intersection(names)):
                said = f"holds the same rows as {names[-1]!r}, which came before: one of them is in the wrong place"
                found[partition.name] = wrong("same_rows", partition.name, said)
        return found

    def _content(self, partition: Partition) -> Any:
        """Hashes of a partition's rows, read again where they were not kept."""
        hashes = self.contents.get(partition.id)
        if hashes is None:
            with reading(repr(partition.name)):
                source = self.intake.open(partition)
                kinds = {f.name for f in source.schema()}
                rows = RowHashes(False, [column for column in self.rules.content if column in kinds])
                for chunk in chunks(source, self.rules.content):
                    rows.add(chunk.keys)
            partition.unchanged()
            hashes = rows.contents
            self.contents.put(partition.id, hashes)
        return hashes


def examine(name: str, source: Any, rules: Rules) -> tuple[Known, tuple[Finding, ...], Any]:
    """One partition against the rules: its size, its columns, its cells, their shape, its rows."""
    fields = tuple(source.schema())
    kinds = {f.name: f.kind for f in fields if f.name not in rules.ignore}
    rows = sum(part.rows for part in source.manifest())
    found = _with_mixed(name, source, rules, kinds, structure(name, fields, rules))
    if rows < rules.min_rows:
        found = (wrong("rows", name, f"has {rows:,} rows; schema.min_rows is {rules.min_rows:,}"), *found)
    elif rules.max_rows is not None and rows > rules.max_rows:
        found = (wrong("rows", name, f"has {rows:,} rows; schema.max_rows is {rules.max_rows:,}"), *found)
    broken = {finding.column for finding in found}
    inside = [_fitting(r, kinds[r.column]) for r in rules.columns if r.column in kinds and r.column not in broken]
    shaped = [rule for rule in inside if rule.common < 1 or rule.spread is not None]
    sample = Sample([rule.column for rule in shaped])
    hashes = RowHashes(rules.duplicates < 1, [column for column in rules.content if column in kinds])

    def also(chunk: Chunk) -> None:
        hashes.add(chunk.keys)
        sample.add(chunk.table)

    if rows and inside:
        found += cells(name, inside, rows, chunks(source, tuple(kinds)), also)
        found += shapes(name, shaped, sample, {finding.column for finding in found if finding.check == "unchecked"})
        found += duplicates(name, hashes, rules)
    digest = hashes.digest(tuple(kinds)) if hashes.rows else ""
    known = Known(name=name, rows=rows, fields=tuple((f.name, f.kind) for f in fields), passed={rules.id: digest})
    return known, found, hashes.contents


def _with_mixed(
    name: str, source: Any, rules: Rules, kinds: Mapping[str, str], found: Sequence[Finding]
) -> tuple[Finding, ...]:
    """Findings with what a text file knows of columns that hold numbers and text: where the text is."""
    reasons = mixed(source, [r.column for r in rules.columns if kinds.get(r.column) == CATEGORY])
    kept = (f for f in found if f.check != "type" or f.column not in reasons)
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
