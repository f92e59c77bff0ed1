"""What a file would do, before it does it: for ``unseen check``."""

from __future__ import annotations

import difflib
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unseen.core.capabilities import Structured
from unseen.core.model import Assigning
from unseen.ops.config.kind import named
from unseen.ops.config.settings import Settings
from unseen.ops.config.tolerance import tolerance
from unseen.ops.config.writing import numbers

if TYPE_CHECKING:
    from unseen.core.block import Field

#: the most that may be held out: more judges than learns many times over
MOST_HELD = 0.8


def outlook(settings: Settings, names: Sequence[str], schema: Sequence[Field], rows: int) -> dict[str, Any]:
    """What would be trained and which gates would judge, with what is wrong and what is worth a second thought.

    ``names`` are those of all partitions in order, ``schema`` and ``rows`` the columns and rows of the newest.
    """
    window, model = settings.data.window or len(names), settings.model
    gates = {key: value for key, value in settings.gates.model_dump().items() if value is not None}
    gates.setdefault("heldout_drop", tolerance(rows))  # gates that are left out do not judge, but for what may be lost
    return {
        "name": settings.name,
        "state": str(settings.home),
        "partitions": {"found": len(names), "trained_on": len(names[-window:]), "newest": names[-1]},
        "model": {
            **model.model_dump(),
            "components": numbers(model.components),
            "columns": list(model.columns) or None,
        },
        "fit": settings.fit.model_dump(include={"algorithm", "start", "restarts", "seed"}),
        "validate": settings.validate_.model_dump(include={"share", "metric"}),
        "schema": {"rules": len(settings.schema_.columns)},
        "gates": gates,
        "words": _words(settings),
        "problems": [*_problems(settings, schema), *_no_room(settings, rows * len(names[-window:]))],
        "warnings": _warnings(settings),
    }


def _problems(settings: Settings, schema: Sequence[Field]) -> list[str]:
    """Columns that the file names and that are not there: in model.columns, or in the newest partition."""
    have, model, rules = [f.name for f in schema], settings.model, settings.schema_.columns
    out = [
        f"model.{option} names {column!r}, which model.columns leaves out: list it there"
        for option, column in model.named_columns.items()
        if model.columns and column != model.unit and column not in model.columns
    ]
    asked = {
        **settings.data.aside,
        "model.columns": model.columns,
        "model.family": tuple(model.family),
        "privacy.sensitive": settings.privacy.sensitive,
        "schema.columns": tuple(rules),
        **{f"model.{option}": (column,) for option, column in model.named_columns.items()},
    }
    for key, column in ((key, column) for key, columns in asked.items() for column in columns if column not in have):
        near = difflib.get_close_matches(column, have, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        out.append(f"{key} names {column!r}, which the newest partition does not have{hint}")
    aside = {settings.data.weights, settings.data.labels, model.unit, *settings.data.ignore}
    extra = [name for name in have if name not in rules and name not in aside]
    if rules and settings.schema_.extra == "refuse":
        out += [f"column {name!r} has no rule in schema.columns, and schema.extra is refuse" for name in extra]
    return out


def _no_room(settings: Settings, rows: int) -> list[str]:
    """A held-out share that leaves nearly nothing to train on, of so many rows, and a state folder that is none."""
    share, out, home = settings.validate_.share, [], settings.home
    left = int((1 - share) * rows)
    needed = settings.privacy.min_rows_per_component * min(settings.model.numbers or (1,))
    if share > MOST_HELD or left < needed <= rows:
        out.append(
            f"validate.share {share:g} leaves {left:,} of {rows:,} rows to train on: make it smaller (0.2 is usual)"
        )
    if home.exists() and not home.is_dir():
        out.append(f"state names {settings.state!r}, which is a file: name a folder")
    data = settings.within(settings.data.path)
    inside = home.relative_to(data).parts if data.is_dir() and home.is_relative_to(data) else None
    if inside is not None and not any(part.startswith(".") for part in inside):  # hidden ones are no data
        out.append(f"state {settings.state!r} lies among the data of data.path: name a folder elsewhere")
    return out


def _words(settings: Settings) -> str:
    """The kind and the numbers to try, in the words of the kind."""
    model, kind = settings.model, named(settings.model.kind)
    if not kind.order:
        return model.kind
    tried = "any number of" if model.numbers is None else numbers(model.components)
    covariance = f", covariance {model.covariance}" if issubclass(kind, Structured) else ""
    head = "" if model.kind == "mixture" else f"{model.kind}, "
    return f"{head}{tried} {kind.order} by {model.criterion}{covariance}"


def _warnings(settings: Settings) -> list[str]:
    kind, limits, out = settings.model.kind, settings.limits, []
    if settings.gates.first == "refuse":
        way = f'unseen promote {settings.name} --override --reason "..."'
        out.append(f"gates.first is refuse: the first version is promoted by hand: {way}")
    for gate in () if issubclass(named(kind), Assigning) else ("max_calibration", "max_moved", "max_died"):
        if getattr(settings.gates, gate) is not None:
            out.append(f"gates.{gate} is about components, and {kind} has none: it will not apply")
    if not settings.schema_.columns:
        out.append("schema.columns is empty: the first batch trains whatever it looks like")
    if settings.data.window is None:
        out.append("data.window is not set: each retrain reads all partitions and takes longer than the last")
    if limits.seconds is None and limits.memory_gb is None and limits.cost is None:
        out.append("no limit is configured (limits.seconds, limits.memory_gb, limits.cost)")
    if not any(value is not None for value in settings.alerts.page.model_dump().values()):
        out.append("alerts.page has no receiver: nobody is woken up")
    return out + [f"the secret {ref} is not there (in this environment)" for ref in _absent(settings.model_dump())]


def _absent(value: Any) -> list[str]:
    """References to secrets that cannot be resolved here; nothing is read."""
    if isinstance(value, dict):
        return sorted({ref for inner in value.values() for ref in _absent(inner)})
    kind, _, where = value.partition(":") if isinstance(value, str) else ("", "", "")
    gone = (kind == "env" and not os.environ.get(where)) or (kind == "file" and not Path(where).is_file())
    return [value] if gone else []


def told(facts: dict[str, Any]) -> str:
    """The outlook as text."""
    parts, model, fit = facts["partitions"], facts["model"], facts["fit"]
    judged = f"{100 * facts['validate']['share']:g} % of {parts['newest']} judge"
    columns = ", ".join(model["columns"]) if model["columns"] else "all that can be modelled"
    families = "".join(f", {column} as {family}" for column, family in model["family"].items())
    rules = facts["schema"]["rules"]
    newest = "all" if parts["trained_on"] == parts["found"] else f"the newest {parts['trained_on']:,}"
    options = "".join(f", {name} {_short(value)}" for name, value in model["options"].items())
    lines = {
        "name": f"{facts['name']}, state in {facts['state']}",
        "data": f"{count(parts['found'], 'partition')}, trains on {newest}; {judged}",
        "schema": f"rules for {count(rules, 'column')}" if rules else "the columns and types of the champion",
        "columns": columns + families,
        "model": f"{facts['words']}{options}",
        "fit": f"{fit['algorithm']}, start {fit['start']}, {fit['restarts']:,} restarts, seed {fit['seed']}",
        "gates": ", ".join(f"{key} {_short(value)}" for key, value in facts["gates"].items()),
    }
    said = [*lines.items(), *(("warning", w) for w in facts["warnings"]), *(("problem", p) for p in facts["problems"])]
    return "\n".join(f"{key:<8}  {value}" for key, value in said)


def count(number: int, what: str) -> str:
    """A number of things."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _short(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) and math.isfinite(value) else str(value)
