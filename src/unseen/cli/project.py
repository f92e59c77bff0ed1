"""`unseen init` and `unseen check`: the file of a production loop, written and looked over."""

from __future__ import annotations

import json
import os
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from unseen.cli.common import as_json, config, needs_ops
from unseen.cli.exits import DATA, print_json
from unseen.cli.reading import asked_reading, read_options
from unseen.core.reading import Reading

if TYPE_CHECKING:
    from unseen.ops.config.observed import Observed


@click.command(epilog="\b\nExamples:\n  unseen init flights.parquet\n  unseen init 'data/*.parquet' --name delays")
@click.argument("data", metavar="[DATA]...", nargs=-1)
@config
@click.option("--name", help="The model's name.  [default: that of the data]")
@click.option("--force", is_flag=True, help="Write over a file that is there.")
@read_options
@click.option("--schema", is_flag=True, help="Only write the JSON schema for editors (unseen.schema.json) anew.")
@as_json
@needs_ops
def init(
    data: tuple[str, ...],
    config: Path,
    name: str | None,
    force: bool,
    schema: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Write a commented unseen.yaml.

    Every key is in it with what it means. With DATA (a file, a folder, or a pattern in quotes) it holds rules for the
    columns, with room around what was seen, and the columns to model. Of the data it tells facts about columns; the
    categories of a column are written only if there are at most 30 and each has rows enough.
    """
    from unseen.ops.config.schema import FILE, json_schema
    from unseen.ops.config.template import model_name, template
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
    seen = _look(given, read) if given else None
    text = template(name)
    if given and seen:
        text = template(name, **_wishes(_as_seen_from(config.parent, given), seen, read))
    _loads(text, config)
    write(config, text)
    write(beside, editors)
    if as_json:
        facts = (
            {"rows": seen.rows, "columns": seen.columns, "left_out": seen.left, "listed": seen.listed} if seen else {}
        )
        return print_json({"config": str(config), "schema": str(beside), "name": name, **facts})
    click.echo(_told(config, seen))


@click.command(epilog="\b\nExample:\n  unseen check -c unseen.yaml")
@config
@as_json
@needs_ops
def check(config: Path, as_json: bool) -> None:
    """Say what unseen.yaml would do, without doing it.

    Which partitions would be trained on, which model, which gates would judge; whether the columns that the file
    names are there; and what is worth a second thought, such as gates without a threshold. Exit code 3 if something
    is wrong.
    """
    from unseen.ops.config import load
    from unseen.ops.config.outlook import outlook, told
    from unseen.ops.ingest import partitions
    from unseen.sources.files import open_files

    settings = load(config)
    found = partitions(settings)
    facts = outlook(
        settings, [p.name for p in found], open_files(found[-1].path, read=settings.data.read.reading()).schema()
    )
    if as_json:
        print_json(facts)
    else:
        click.echo(told(facts))
    if facts["problems"]:
        raise click.exceptions.Exit(DATA)


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


def _look(given: str, read: Reading) -> Observed:
    from unseen.ops.config.load import settled
    from unseen.ops.config.observed import observe
    from unseen.ops.ingest.listing import listed

    return observe(listed(settled({"name": "look", "data": {"path": given}}, Path.cwd())), read)


def _wishes(path: str, seen: Observed, read: Reading) -> dict[str, Any]:
    """What the template says of data that was looked at."""
    from unseen.ops.config.document import shown
    from unseen.ops.config.outlook import count

    given: dict[str, Any] = {"data.path": path, "model.columns": seen.columns}
    if seen.ignore:
        given["data.ignore"] = seen.ignore
    said = {f.name: getattr(read, f.name) for f in fields(read)}
    given |= {f"data.read.{name}": value for name, value in said.items() if value not in (None, (), False)}
    if read.header is False:
        given["data.read.header"] = False
    rules = [
        f"Made from {seen.rows:,} rows in {count(seen.files, 'file')}: ranges have room for half as much again on "
        "either side, shares of missing cells for twice as many. Look them over: they decide what never trains."
    ]
    if seen.listed:
        rules.append("Categories are written out where a column has at most 30 and each has at least 5 rows.")
    left = [f"Left out: {shown((column,))} ({shown((why,))})." for column, why in seen.left.items()]
    return {"given": given, "rules": seen.rules, "notes": {"schema.columns": rules, "model.columns": left}}


def _loads(text: str, config: Path) -> None:
    """Make sure that what is about to be written can be read."""
    from unseen.ops.config.load import parsed

    parsed(text, config, {})


def _told(config: Path, seen: Observed | None) -> str:
    from unseen.ops.config.outlook import count

    lines = [f"{config} written, and beside it the JSON schema for editors"]
    if seen is not None:
        looked = f"{seen.rows:,} rows in {count(seen.files, 'file')}"
        lines.append(f"rules for {count(len(seen.rules), 'column')} from {looked}; {len(seen.columns):,} to model")
        lines += [f"  left out: {column} ({why})" for column, why in seen.left.items()]
        if seen.listed:
            lines.append(f"its only values of the data are the categories of {', '.join(seen.listed)}")
    lines.append("next: unseen check, then unseen retrain")
    return "\n".join(lines)
