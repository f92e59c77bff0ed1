"""`unseen exclude` and `unseen prune`: which data is learned from, and what is kept of what was."""

from __future__ import annotations

from pathlib import Path

import click

from unseen.cli.common import as_json, config, needs_ops
from unseen.cli.exits import print_json
from unseen.cli.production import name_argument, settings_of
from unseen.errors import DataError


@click.command(
    epilog='\b\nExamples:\n  unseen exclude visits 2024-05 --reason "the export of May is broken"\n'
    "  unseen exclude visits 2024-05 --undo"
)
@name_argument
@click.argument("partition", metavar="PARTITION")
@click.option("--reason", help="Why; it stands in the history. Needed but for --undo.")
@click.option("--undo", is_flag=True, help="Take the partition in again.")
@config
@as_json
@needs_ops
def exclude(name: str, partition: str, reason: str | None, undo: bool, config: Path, as_json: bool) -> None:
    """Leave a partition out of every batch from now on.

    PARTITION is a file's name, with or without its ending. Nothing is done to the file; `unseen status` names what is
    left out, and every retrain says so.
    """
    from unseen.ops.ingest.partitions import names, partitions
    from unseen.ops.places import nearest
    from unseen.ops.registry.excluding import exclude as leave_out
    from unseen.ops.registry.excluding import excluded, found_wrong, learned_from

    if not undo and not (reason or "").strip():
        raise click.BadParameter("say why: it stands in the history", param_hint="--reason")
    settings = settings_of(config, name)
    out, ids = excluded(settings), {}
    if undo:
        aside = found_wrong(settings)
        left = aside and set(names(settings)) - out.keys()
        ids = {p.name: p.id for p in partitions(settings, out) if p.id in aside} if left else {}
    known = sorted({*out, *ids}) if undo else names(settings)
    meant = [n for n in known if n == partition] or [n for n in known if n.startswith(f"{partition}.")]
    if len(meant) != 1:
        what = "names more than one partition" if meant else "is no partition"
        what = "is left out of no batch" if undo else what
        raise DataError(f"{partition!r} {what}; {nearest(partition, meant or known)}")
    (part,) = meant
    changed = undo or part not in out
    if changed:
        leave_out(settings, part, reason or "undone", id=ids.get(part), undo=undo)
    learned = learned_from(settings)
    if as_json:
        told = {"excluded": not undo, "changed": changed, "champion": learned}
        return print_json({"name": name, "partition": part, **told})
    said = "is taken in again" if undo else "is left out" if changed else f"is left out already: {out[part]}"
    click.echo(f"{name}: {part} {said}")
    if learned is not None:
        click.echo(learned)


@click.command(epilog="\b\nExamples:\n  unseen prune visits\n  unseen prune visits --yes")
@name_argument
@click.option("--yes", is_flag=True, help="Clear it away; without it, only say what would be.")
@config
@as_json
@needs_ops
def prune(name: str, yes: bool, config: Path, as_json: bool) -> None:
    """Clear away old artefacts, runs and events, as `retain` in unseen.yaml says.

    Never the champion, the challenger, pinned versions, the last champions that a rollback may go to, nor what any of
    them needs. The log stays whole, and says what was cleared away.
    """
    from unseen.ops.registry import pruning

    settings = settings_of(config, name)
    found = pruning.prune(settings) if yes else pruning.surplus(settings)
    if as_json:
        told = {"versions": found.versions, "runs": found.runs, "events": found.events, "elsewhere": found.elsewhere}
        return print_json({"name": name, **told, "bytes": found.bytes, "done": yes})
    if not found:
        click.echo(f"{name}: nothing to clear away")
    else:
        numbers = f" ({', '.join(map(str, found.versions))})" if found.versions else ""
        done = "cleared away" if yes else "would be cleared away; --yes does it"
        click.echo(
            f"{name}: {len(found.versions)} artefacts of old versions{numbers}, {len(found.runs)} runs and "
            f"{found.events:,} lines of events, {found.bytes / 1e6:.1f} MB in all: {done}"
        )
    if found.elsewhere:
        click.echo(f"{len(found.elsewhere)} artefacts of old versions lie with the registry: clear them away there")
