"""`unseen promote`, `rollback`, `status`, `history` and `rebuild`: what is in production, and who may change it."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from unseen.cli.common import as_json, config, needs_ops
from unseen.cli.exits import REGISTRY, print_json
from unseen.cli.spelling import in_settings
from unseen.cli.standing import findings, plain, sentences, table
from unseen.errors import RegistryError

CODES = """\b
Exit codes:
  0   done
  14  the registry: no such version, an artefact that is missing or altered, a log that cannot be trusted or written,
      or aliases in MLflow that could not be moved (the decision stands, the next command moves them)
  16  conflict: the champion is another by now, or the gates keep the version back
"""

name_argument = click.argument("name", metavar="NAME")
reason_option = click.option("--reason", required=True, help="Why; it stands in the history.")


def settings_of(config: Path, name: str | None = None, reason: str | None = None) -> Any:
    """The settings of a file, which is about this name; a reason that is given must say something."""
    from unseen.ops.config import load

    settings = load(config)
    if name is not None and name != settings.name:
        raise click.BadParameter(f"{config} is about {settings.name!r}, not {name!r}", param_hint="NAME")
    if reason is not None and not reason.strip():
        raise click.BadParameter("say why: it stands in the history", param_hint="--reason")
    return settings


def _registry(*given: Any) -> Any:
    from unseen.ops.registry import Registry

    return Registry(settings_of(*given))


@click.command(epilog=f'\b\nExample:\n  unseen promote flights --reason "checked by hand"\n\n{CODES}')
@name_argument
@click.option("--to", type=click.IntRange(min=1), help="The version.  [default: the challenger]")
@reason_option
@click.option("--override", is_flag=True, help="Take a version that the gates refused; the history says so.")
@config
@as_json
@needs_ops
def promote(name: str, to: int | None, reason: str, override: bool, config: Path, as_json: bool) -> None:
    """Make a version the champion.

    It is loaded and scores some rows first. If someone else changes the champion meanwhile, nothing is done.
    """
    registry = _registry(config, name, reason)
    state = registry.state()
    before = state.champion.number if state.champion else None
    if to is None and state.challenger is None:
        raise RegistryError("there is no challenger: name a version with --to; `unseen status` shows what there is")
    target = to or state.challenger.number
    entry = registry.promote(target, before, reason, override=override, align=False)
    _tell(registry, entry, "champion already" if before == target else "promoted", as_json)


@click.command(epilog=f'\b\nExample:\n  unseen rollback flights --reason "complaints since noon"\n\n{CODES}')
@name_argument
@click.option("--to", type=click.IntRange(min=1), help="A version that was champion before.  [default: the last one]")
@reason_option
@config
@as_json
@needs_ops
def rollback(name: str, to: int | None, reason: str, config: Path, as_json: bool) -> None:
    """Go back to an earlier champion, without retraining.

    It is loaded and scores some rows first. There is a champion at any moment: the old one or the new one. The same
    command typed again changes nothing: to go back further, name the version with --to.
    """
    registry = _registry(config, name, reason)
    champion = registry.champion()
    before = champion.number if champion else None
    entry = registry.rollback(to, reason, expected=before, align=False)
    _tell(registry, entry, "champion already" if entry.facts["version"] == before else "rolled back", as_json)


@click.command(epilog='\b\nExample:\n  unseen pin flights --reason "the new tariff is here to stay"')
@name_argument
@reason_option
@config
@as_json
@needs_ops
def pin(name: str, reason: str, config: Path, as_json: bool) -> None:
    """Make the champion the version that later ones may not fall behind.

    Candidates may lose only so much against the pinned version on the rows that it was pinned with, which keeps a
    series of small losses from adding up; the first champion is pinned by itself. Pin anew where the data changed for
    good: what was kept of earlier batches judges no more.
    """
    from unseen.ops.config.outlook import count
    from unseen.ops.retrain.remembering import pin as pinned

    entry = pinned(settings_of(config, name, reason), reason)
    facts = entry.facts
    if as_json:
        return print_json(_decision("pinned", entry))
    partitions = count(len(facts["partitions"]), "partition")
    click.echo(f"{facts['name']}: version {facts['version']} is pinned with {partitions}")


def _decision(what: str, entry: Any) -> dict[str, Any]:
    return {"what": what, "seq": entry.seq, "time": entry.time, "actor": entry.actor, **entry.facts}


def _tell(registry: Any, entry: Any, what: str, as_json: bool) -> None:
    """The decision as soon as it is made; then the aliases, which MLflow takes seconds for."""
    facts = entry.facts
    if not as_json:
        since = "" if facts["from"] is None or what == "champion already" else f" (before: version {facts['from']})"
        if what == "champion already" and entry.kind == "rolled_back":
            since = f", back from version {facts['from']} since {entry.time[:19]}Z by {plain(entry.actor)}"
        click.echo(f"{facts['name']}: version {facts['version']} is the champion{since}, {what}")
        sys.stdout.flush()
    behind = registry.align()
    if as_json:
        print_json({**_decision(what, entry), "aliases": behind or "in step"})
    if behind:
        click.echo(f"unseen: {behind}", err=True)
        raise click.exceptions.Exit(REGISTRY)


@click.command(epilog="\b\nExample:\n  unseen status --json")
@config
@as_json
@needs_ops
def status(config: Path, as_json: bool) -> None:
    """Show what is in production.

    The champion, since when and why, whether its artefact is whole, the challenger, where a rollback would go, the
    last retrain and its outcome, aliases that somebody moved in MLflow. Exit code 14: the champion's artefact is
    broken, the log cannot be trusted, or log and registry do not belong together.
    """
    from unseen.ops.registry.excluding import learned_from

    registry = _registry(config)
    found = {**registry.status(), "reference": _reference(registry), "learned": learned_from(registry.settings)}
    found["excluded"] = in_settings(found["excluded"])
    champion = found["champion"] and _record(registry.places, found["champion"]["record"])
    found["since_pinned"] = champion.since_pinned if champion else None
    if found["retrain"]:
        found["retrain"]["reason"] = in_settings(found["retrain"]["reason"])
        found["retrain"]["findings"] = findings(_record(registry.places, found["retrain"]["record"]))
    if as_json:
        print_json(found)
    else:
        click.echo("\n".join(sentences(found)))
    if found["registry"] or (found["champion"] and found["champion"]["intact"] is False):
        raise click.exceptions.Exit(REGISTRY)


def _reference(registry: Any) -> str | None:
    """What is wrong with what drift is measured against, and what follows; None where it is whole."""
    from unseen.errors import UnseenError
    from unseen.ops.drift.own import remedy, trouble
    from unseen.store import load

    with suppress(UnseenError, OSError):  # without a champion that loads, that is the trouble to tell
        champion = registry.champion()
        found = champion and trouble(registry.settings, champion, load(registry.run(champion)))
        if found:
            said, anew = found
            return f"{said}: " + ("the next look makes it anew" if anew else remedy(registry.settings, champion))
    return None


def _record(places: Any, id: str) -> Any:
    """A record as far as it can be read: without it the log says how the retrain ended."""
    from unseen.ops.runs import read

    with suppress(RegistryError):
        return read(places.run(id))


@click.command(epilog="\b\nExample:\n  unseen history --json")
@config
@click.option("--last", type=click.IntRange(min=1), metavar="N", help="Only the newest N.  [default: all]")
@as_json
@needs_ops
def history(config: Path, last: int | None, as_json: bool) -> None:
    """Show every decision, the newest last: promotions, rollbacks, and retrains that changed nothing."""
    registry = _registry(config)
    found = [_spelled(decision) for decision in registry.history()[-last if last else None :]]

    def told(id: str) -> list[str]:
        return findings(_record(registry.places, id))

    if as_json:
        print_json({"name": registry.settings.name, "history": found})
    else:
        click.echo("\n".join(table(found, told)) or f"{registry.settings.name}: nothing was decided yet")


def _spelled(decision: dict[str, Any]) -> dict[str, Any]:
    """A decision with knobs as keys; what people wrote stays as it is."""
    own = ("reason", "aside") if decision["kind"] == "retrain" else ()
    return {**decision, **{key: in_settings(decision[key]) for key in own if decision.get(key)}}


@click.command(epilog=f"\b\nExample:\n  unseen rebuild flights\n\n{CODES}")
@name_argument
@config
@as_json
@needs_ops
def rebuild(name: str, config: Path, as_json: bool) -> None:
    """Make MLflow's database anew from log and artefacts.

    For a database that was deleted or replaced by an older copy: versions with their numbers, tags, runs and aliases.
    What is there stays, so that typing it again changes nothing.
    """
    from unseen.ops.registry import Registry
    from unseen.ops.registry import rebuild as made_anew
    from unseen.ops.registry.telling import broken_ones

    settings = settings_of(config, name)
    done, registry = made_anew(settings), Registry(settings)
    broken = broken_ones(registry, registry.state())
    if as_json:
        aside = str(done.aside) if done.aside else None
        told = {"versions": list(done.versions), "aside": aside, "lost": list(done.lost), "broken": broken}
        return print_json({"name": name, **told})
    numbers = ", ".join(map(str, done.versions))
    nothing = "nothing to rebuild" + (": MLflow's database is as the log says" if broken else "")
    click.echo(f"{name}: version {numbers} made anew" if numbers else f"{name}: {nothing}")
    if done.aside:
        click.echo(f"the old database is {done.aside}")
    for each in done.lost:
        click.echo(f"not restored: {each}")
    for number, trouble in broken.items():
        click.echo(f"broken: version {number}, {trouble}")
