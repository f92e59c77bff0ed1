"""`unseen init` and `unseen check`: the file of a production loop, written and looked over."""

from __future__ import annotations

import json
import os
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from unseen.cli.common import as_json, config, needs_ops
from unseen.cli.exits import DATA, print_json
from unseen.cli.kinds import MIXTURE, ModelCommand, options_of
from unseen.cli.reading import asked_reading, read_options
from unseen.core.reading import READ, Reading

if TYPE_CHECKING:
    from unseen.ops.ingest.observed import Observed

#: held-out rows that are enough to judge by, and the shares of the newest partition that they may take
ENOUGH, SHARE, MOST_SHARE = 200, 0.2, 0.4
#: held-out rows below which the gate that asks for a hundred is told to ask for half of what there are, and at least
FEW_JUDGES, FEWEST_JUDGES = 100, 20
#: the same of units (sequences, items, users), each of many rows
FEWEST_UNITS = 5


@click.command(
    cls=ModelCommand,
    epilog="\b\nExamples:\n  unseen init visits/\n  unseen init 'data/*.parquet' --name delays\n"
    "  unseen init stays/ --model hmm --unit patient",
)
@click.argument("data", metavar="[DATA]...", nargs=-1)
@config
@click.option("--name", help="The model's name.  [default: that of the data]")
@click.option(
    "--model",
    metavar="NAME",
    default=MIXTURE,
    show_default=True,
    help="The kind of model; --model NAME --help shows its own options, which become keys of `model`.",
)
@click.option("--force", is_flag=True, help="Write over a file that is there.")
@read_options
@click.option("--schema", is_flag=True, help="Only write the JSON schema for editors (unseen.schema.json) anew.")
@as_json
@needs_ops
def init(
    data: tuple[str, ...],
    config: Path,
    name: str | None,
    model: str,
    force: bool,
    schema: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Write unseen.yaml, ready for the first retrain.

    DATA is a file, a folder, or a pattern in quotes; each file is a partition. The files decide what is written: the
    columns to model, a rule for each column with room around what was seen, how many partitions to train on, what a
    candidate may lose, how old the newest may be. Of the data it tells facts about columns; the categories of a column
    are written only if there are at most 30 and each has rows enough. Every other key has its default: `unseen config
    explain` tells of it.
    """
    from unseen.ops.config.load import parsed
    from unseen.ops.config.schema import FILE, json_schema
    from unseen.ops.config.writing import file_of, model_name
    from unseen.ops.files import write

    beside = config.parent / FILE
    editors = json.dumps(json_schema(), indent=2) + "\n"
    if schema:
        if data or name or force:
            raise click.UsageError("--schema writes the JSON schema only: leave the rest out")
        write(beside, editors)
        return print_json({"schema": str(beside)}) if as_json else click.echo(f"{beside} written")
    if config.exists() and not force:
        raise click.UsageError(f"{config} is there already: --force writes over it")
    given = _pattern(data) if data else None
    name = name or model_name(Path(data[0]).absolute() if data else None)
    read = asked_reading(options)
    kind, own = _kind(model, options)
    seen = _look(given, read, kind, own) if given else None
    asked = _asked(model, kind, own)
    values: dict[str, Any] = {"name": name, "data.path": "data/*.parquet", **asked}
    if given and seen:
        said = _said(_with_numbers(read, seen))
        values = {"name": name, "data.path": _as_seen_from(config.parent, given), **said, **_values(seen, asked)}
    text = file_of(values, _notes(seen) if seen else {})
    parsed(text, config, {})  # what is about to be written can be read
    write(config, text)
    write(beside, editors)
    if as_json:
        told = (
            {"rows": seen.rows, "columns": seen.columns, "left_out": seen.left, "listed": seen.listed} if seen else {}
        )
        return print_json({"config": str(config), "schema": str(beside), "name": name, **told})
    click.echo(_told(config, seen))


@click.command(epilog="\b\nExample:\n  unseen check -c unseen.yaml")
@config
@as_json
@needs_ops
def check(config: Path, as_json: bool) -> None:
    """Say what unseen.yaml would do, without doing it.

    Which partitions would be trained on, which model, which gates would judge; whether the columns that the file
    names are there; how often an equally good model would pass with so many rows that judge; and what is worth a
    second thought, such as pages that nobody gets. Exit code 3 if something is
    wrong.
    """
    from unseen.ops.config import load
    from unseen.ops.config.outlook import outlook, told
    from unseen.ops.ingest import partitions
    from unseen.ops.ingest.intake import opened, units_in
    from unseen.ops.judge.power import words
    from unseen.ops.registry.excluding import excluded
    from unseen.ops.retrain.foreseen import foreseen

    settings = load(config)
    found = partitions(settings, excluded(settings))
    newest = opened(found[-1].path, settings.data.read.reading())
    rows = sum(part.rows for part in newest.manifest())
    facts = outlook(settings, [p.name for p in found], newest.schema(), rows)
    unit = settings.model.unit
    units = None if unit is None or unit not in {f.name for f in newest.schema()} else units_in(newest, unit)
    power = foreseen(settings, rows, len(settings.model.columns) or len(newest.schema()), units)
    if as_json:
        print_json({**facts, "power": power.model_dump(mode="json")})
    else:
        judges = words(power).replace("held-out rows", "held-out rows" if units is None else f"held-out units ({unit})")
        click.echo(f"{told(facts)}\n{'power':<8}  {judges}{_few(settings, max(power.rows, power.crossed), units)}")
    if facts["problems"]:
        raise click.exceptions.Exit(DATA)


def _few(settings: Any, judges: int, units: int | None) -> str:
    """That fewer judge than the gates ask for, and which keys say so."""
    least = settings.gates.min_heldout_rows
    if judges >= least:
        return ""
    counted = "" if units is None else f", which counts units: the newest partition has {units:,}"
    held = "That would hold it: lower it, or raise validate.share"
    return f"; fewer than gates.min_heldout_rows ({least:,}){counted}. {held}"


def _pattern(data: tuple[str, ...]) -> str:
    """The files that were named as one path or pattern; the shell may have replaced a pattern by what it matches."""
    if len(data) == 1:
        return data[0]
    folders, endings = {str(Path(d).parent) for d in data}, {"".join(Path(d).suffixes[-2:]) for d in data}
    if len(folders) != 1 or len(endings) != 1:
        raise click.UsageError("several files must be one pattern: put it in quotes, such as 'data/*.parquet'")
    return str(Path(folders.pop()) / f"*{endings.pop()}")


def _as_seen_from(folder: Path, given: str) -> str:
    """What ``data.path`` says: relative to the file's folder unless it was given in full."""
    return given if Path(given).expanduser().is_absolute() else Path(os.path.relpath(given, folder)).as_posix()


def _kind(model: str, options: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """The class of a kind of model, and the options of its own that were given."""
    from unseen.store.kinds import model as kind_of

    kind = kind_of(model)
    given = {o.name: options.get(o.name) for o in options_of(model) if o.name not in {r.name for r in READ}}
    defaults = {o.name: o.default for o in options_of(model)}
    return kind, {name: v for name, v in given.items() if v not in (None, ()) and v != defaults[name]}


def _asked(model: str, kind: Any, own: dict[str, Any]) -> dict[str, Any]:
    """The keys about the kind of model."""
    from unseen.ops.config.writing import numbers

    said = {f"model.{name}": numbers(tuple(v)) if name == kind.order else v for name, v in own.items()}
    return {**({"model.kind": model} if model != MIXTURE else {}), **said}


def _look(given: str, read: Reading, kind: Any, own: dict[str, Any]) -> Observed:
    from unseen.ops.config.kind import columns_named, unit_option
    from unseen.ops.config.load import settled
    from unseen.ops.ingest.observed import observe
    from unseen.ops.ingest.partitions import listed

    option, columns = unit_option(kind), columns_named(kind, own)
    unit = columns.pop(option.name, None) if option is not None else None
    paths = listed(settled({"name": "look", "data": {"path": given}}, Path.cwd()))
    return observe(paths, read, tuple(columns.values()), unit)


def _said(read: Reading) -> dict[str, Any]:
    """How the files are read, where the command line said so."""
    said = {f.name: getattr(read, f.name) for f in fields(read)}
    given = {name: value for name, value in said.items() if value not in (None, (), False)}
    if read.header is False:
        given["header"] = False
    return {f"data.read.{name}": value for name, value in given.items()}


def _with_numbers(read: Reading, seen: Observed) -> Reading:
    return replace(read, number=seen.numbers) if seen.numbers else read


def _values(seen: Observed, asked: dict[str, Any]) -> dict[str, Any]:
    """What the file says of data that was looked at, the keys that matter first."""
    from unseen.ops.config.tolerance import tolerance

    share = round(min(MOST_SHARE, max(SHARE, ENOUGH / max(seen.judging, 1))), 2)
    judges, fewest = int(share * seen.judging), FEWEST_JUDGES if seen.newest_units is None else FEWEST_UNITS
    said = {
        "data.window": seen.window,
        "data.ignore": seen.ignore,
        **asked,
        "model.columns": seen.columns,
        "validate.share": share if share > SHARE else None,
        "gates.heldout_drop": tolerance(seen.judging),
        "gates.min_heldout_rows": max(judges // 2, fewest) if judges < FEW_JUDGES else None,
        "slo.max_age_hours": seen.spacing.max_age_hours if seen.spacing else None,
        **{f"schema.{key}": value for key, value in seen.row_rules.items()},
        "schema.columns": seen.rules,
    }
    return {key: value for key, value in said.items() if value not in (None, ())}


def _notes(seen: Observed) -> dict[str, list[str]]:
    """Where the values come from, above them."""
    from unseen.ops.config.document import shown

    what = "rows" if seen.newest_units is None else "units"
    first = next(iter([*(f"schema.{key}" for key in seen.row_rules), "schema.columns"]))
    notes = {
        "model.columns": [f"Left out: {shown((column,))} ({shown((why,))})." for column, why in seen.left.items()],
        "validate.share": [f"More than a fifth, so that enough {what} of a small partition judge."],
        "gates.min_heldout_rows": [f"Files are small: fewer {what} than a hundred have to judge."],
        "gates.heldout_drop": [f"What a candidate may lose, by the {seen.judging:,} {what} of the newest file."],
        first: [f"{_made(seen)}. Look them over: they decide what never trains."],
    }
    if seen.apart:
        notes["data.window"] = [f"{shown((seen.apart,))}."]
    if seen.spacing:
        notes["slo.max_age_hours"] = [f"{_apart(seen).capitalize()}, and half of that for a late one."]
    return notes


def _made(seen: Observed) -> str:
    from unseen.ops.config.outlook import count

    return f"Rules with room, from {seen.rows:,} rows in {count(seen.files, 'file')}"


def _apart(seen: Observed) -> str:
    from unseen.ops.config.outlook import count

    hours = round(seen.spacing.usual.total_seconds() / 3600) if seen.spacing else 0
    usual = count(round(hours / 24), "day") if hours >= 48 else count(max(hours, 1), "hour")
    return f"files come up to {usual} apart, by {seen.spacing.by}" if seen.spacing else ""


def _told(config: Path, seen: Observed | None) -> str:
    from unseen.ops.config.outlook import count

    lines = [f"{config} written, and beside it the JSON schema for editors"]
    if seen is not None:
        looked = f"{seen.rows:,} rows in {count(seen.files, 'file')}"
        lines.append(f"rules for {count(len(seen.rules), 'column')} from {looked}; {len(seen.columns):,} to model")
        lines += [f"  left out: {column} ({why})" for column, why in seen.left.items()]
        if seen.listed:
            lines.append(f"its only values of the data are the categories of {', '.join(seen.listed)}")
        if seen.apart:
            lines.append(f"older files were not looked at: {seen.apart}")
        lines.append(_apart(seen) or "how far apart files come is not known: slo.max_age_hours is 36")
    lines.append("next: unseen check, then unseen retrain" if seen else "next: set data.path, then unseen check")
    return "\n".join(lines)
