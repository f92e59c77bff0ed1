"""What is kept to judge later candidates: held-out rows of promoted batches, and the version that is pinned."""

from __future__ import annotations

from collections.abc import Sequence

from unseen.core.encoding import Encoding
from unseen.errors import RegistryError
from unseen.ops.config import Settings
from unseen.ops.ingest import Intake, Partition, partitions
from unseen.ops.judge import Remembered
from unseen.ops.judge.memory import put_by
from unseen.ops.places import Places
from unseen.ops.registry import Registry
from unseen.ops.registry.entry import PINNED, REMEMBERED, Entry
from unseen.ops.runs import read
from unseen.result import Result


def remember(settings: Settings, registry: Registry, intake: Intake, candidate: Result, version: int) -> None:
    """Keep the held-out rows of a batch that is about to be promoted; the first version is pinned with all of them."""
    if not settings.memory.partitions:
        return
    known = Remembered.of(registry.log.entries())
    if known.version is not None:
        _keep(settings, registry, intake, (intake.newest,), candidate.encoding)
        return
    _keep(settings, registry, intake, intake.partitions, candidate.encoding)
    ids = [p.id for p in intake.partitions]
    registry.log.append(PINNED, name=settings.name, version=version, partitions=ids, reason="the first version")


def pin(settings: Settings, reason: str, actor: str | None = None) -> Entry:
    """Make the champion the reference, with rows of the newest of its partitions: what was kept before judges no more.

    Later months are like that one, if what is new is right, and not like those before it.

    Raises
    ------
    RegistryError
        There is no champion, its record is gone, none of its partitions is there any more, or no memory is kept.
    """
    if not settings.memory.partitions:
        raise RegistryError("memory.partitions is 0: nothing is kept that a version could be pinned with")
    registry = Registry(settings)
    champion = registry.champion()
    if champion is None:
        raise RegistryError(f"{settings.name!r} has no champion yet: there is nothing to pin")
    record = read(Places.of(settings).run(champion.record))
    batch = record.batch if record else None
    there = tuple(p for p in partitions(settings) if batch and p.id in batch.fingerprints)[-1:]
    if not there or batch is None:
        raise RegistryError(
            f"no partition that version {champion.number} was trained on is there any more: retrain, then pin"
        )
    intake = Intake(there, batch, settings.model.unit, settings.data.read.reading())
    _keep(settings, registry, intake, there, registry.load(champion.number).encoding)
    facts = {"version": champion.number, "partitions": [p.id for p in there], "reason": reason}
    return registry.log.append(PINNED, actor=actor, name=settings.name, **facts)


def _keep(
    settings: Settings, registry: Registry, intake: Intake, chosen: Sequence[Partition], encoding: Encoding
) -> None:
    there = {k.id for k in Remembered.of(registry.log.entries()).kept}
    for partition in chosen:
        if partition.id not in there:
            kept = put_by(settings, partition.name, partition.id, intake.alone(partition), encoding.columns())
            facts = kept.model_dump(exclude={"name"})
            registry.log.append(REMEMBERED, name=settings.name, partition=kept.name, **facts)
