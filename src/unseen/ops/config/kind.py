"""What the kind of model asks of unseen.yaml: its own options as keys, the ones it needs, and what goes with it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from unseen.core.capabilities import Structured
from unseen.core.model import Model
from unseen.core.option import COLUMN, Option
from unseen.errors import ModelError, RunError
from unseen.making import checked
from unseen.ops.config.base import clash
from unseen.store.kinds import model as kind_of_model
from unseen.store.kinds import models


def named(kind: str) -> Any:
    """The class of a kind of model, or None where there is none that can be used."""
    try:
        return kind_of_model(kind)
    except (ModelError, RunError):
        return None


def unit_option(kind: type[Model]) -> Option | None:
    """The option that names the column of the unit, where a unit of the kind is more than a row."""
    return next((option for option in kind.options if option.unit), None)


def columns_named(kind: type[Model], options: Mapping[str, Any]) -> dict[str, str]:
    """The columns that options of the kind name, by option, defaults among them."""
    given = {o.name: options.get(o.name, o.default) for o in kind.options if o.kind == COLUMN}
    return {name: column for name, column in given.items() if column}


def own_options(data: dict[str, Any], known: Sequence[str]) -> dict[str, Any]:
    """The section with keys that the kind declares as its options; that of its order is the numbers to try."""
    name = data.get("kind") or "mixture"
    kind = named(name) if isinstance(name, str) else None
    if kind is None:
        return data
    own = [option.name for option in kind.options if option.name not in known]
    given = dict(data)
    if kind.order and kind.order in given:
        given["components"] = given.pop(kind.order)
    for key in given:  # the option that an unknown key was meant to be; of the other keys the section itself tells
        near = () if key in known or key in own else get_close_matches(str(key), [*own, *known], 1)
        if near and near[0] in own and re.fullmatch(r"\w+", str(key)):
            raise clash(str(key), f"unknown key; did you mean model.{near[0]}?")
    options = {key: given.pop(key) for key in list(given) if key in own}
    return {**given, "options": {**(given.get("options") or {}), **options}} if options else given


def kind_clashes(name: str, options: Mapping[str, Any], given: set[str], criterion: str) -> Iterator[tuple[str, str]]:
    """A kind that is not there, options that it lacks or needs, and keys that are for other kinds."""
    kind = named(name)
    if kind is None:
        yield "kind", f"is none of {', '.join(models())}, nor what an installed package declares"
        return
    if set(options) <= {option.name for option in kind.options}:  # of others what checks them tells first
        yield from _needed(kind, name, options)
    try:
        checked(name, options)
    except ModelError as error:
        yield "options", f"cannot be used: {error}"
    for key in ("family", "covariance"):
        if key in given and not issubclass(kind, Structured):
            yield key, f"is for models over families of columns, which {name} is not: leave it out"
    if kind.unit.many and criterion == "heldout":
        yield "criterion", f"cannot hold out rows of a {kind.unit.value} one by one: choose bic or icl"


def _needed(kind: type[Model], name: str, options: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Options that are not there and have to be."""
    unit = unit_option(kind)
    if kind.unit.many and unit is None:
        yield "kind", f"{name} reads {kind.unit.value}s of rows, and declares no option for the column of those"
    for option in kind.options:
        needed = option.required or (option is unit and kind.unit.many)
        if needed and not option.order and options.get(option.name, option.default) is None:
            what = option.sentence.partition(";")[0].rstrip(".")
            yield option.name, f"is required by kind {name}: {what[0].lower()}{what[1:]}"
