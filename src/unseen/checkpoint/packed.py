"""Journals and finished fits as values that files can hold, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from unseen.checkpoint.journal import Journal, Leg
from unseen.core.algorithm import State
from unseen.core.stats import Params
from unseen.loop import Kept
from unseen.problem import Problem
from unseen.result import Result


def packed(journal: Journal) -> dict[str, Any]:
    """Return what a journal knows as plain mappings."""
    return {
        "begun": dict(journal.begun),
        "legs": {start: tuple(_leg(leg) for leg in legs) for start, legs in journal.legs.items()},
        "under_way": {start: _leg(leg) for start, leg in journal.under_way.items()},
    }


def journal_of(value: Mapping[str, Any]) -> Journal:
    """Return the journal that `packed` took apart."""
    return Journal(
        begun=dict(value["begun"]),
        legs={start: [_unpacked(leg) for leg in legs] for start, legs in value["legs"].items()},
        under_way={start: _unpacked(leg) for start, leg in value["under_way"].items()},
    )


def _leg(leg: Leg) -> dict[str, Any]:
    return {**_shallow(leg), "kept": None if leg.kept is None else _kept(leg.kept)}


def _kept(kept: Kept) -> dict[str, Any]:
    local = {block: dict(mine) for block, mine in kept.local.items()}
    return {**_shallow(kept), "state": _shallow(kept.state), "local": local}


def _shallow(value: Any) -> dict[str, Any]:
    return {f.name: getattr(value, f.name) for f in fields(value)}


def _unpacked(leg: Mapping[str, Any]) -> Leg:
    kept = leg["kept"]
    if kept is not None:
        kept = Kept(**{**kept, "state": State(**kept["state"])})
    return Leg(**{**leg, "kept": kept})


# ---- fits


def stripped(result: Result, problem: Problem, begun: Params | None) -> dict[str, Any]:
    """Return a result without what the same call makes again: the model where its start had begun, and the data's."""
    base = _based(problem.model, begun)
    finer = base.in_double() is not base and result.model.in_double() is result.model
    bare: Any = None
    return {"result": replace(result, model=bare, profile=bare, encoding=bare), "begun": begun, "finer": finer}


def rebuilt(value: Mapping[str, Any], problem: Problem) -> Result:
    """Return the result that `stripped` took apart."""
    model = _based(problem.model, value["begun"])
    result: Result = value["result"]
    model = model.in_double() if value["finer"] else model
    return replace(result, model=model, profile=problem.profile, encoding=problem.encoding)


def _based(model: Any, begun: Params | None) -> Any:
    return model if begun is None else model.anchored(begun)


__all__ = ["journal_of", "packed", "rebuilt", "stripped"]
