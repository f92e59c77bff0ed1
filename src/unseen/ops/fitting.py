"""What a retrain fits, as the settings say, and what its record keeps of a fit."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from unseen.core.block import CATEGORY
from unseen.core.events import EventKind, count_of
from unseen.core.model import Assigning, latent_classes
from unseen.core.profile import Profile
from unseen.ops.config import Settings
from unseen.ops.record import FitFacts
from unseen.plan import Plan, plan
from unseen.result import Result

#: among the options of a fit: how many versions ago all numbers of components were tried
WENT_ON = "went_on"


def planned(settings: Settings, source: Any, champion: Result | None = None) -> Plan:
    """Columns, families and a profile, in one pass over the data; the champion's families stand."""
    model, data = settings.model, settings.data
    made = plan(
        source,
        columns=model.columns,
        ignore=data.ignore,
        families=model.family,
        weights=data.weights,
        labels=data.labels,
        covariance=model.form,
        model=model.kind,
        options=model.options,
        engine=settings.fit.engine,
        before=() if champion is None else champion.columns,
    )
    return made if champion is None else _with_categories(made, champion)


def _with_categories(made: Plan, champion: Result) -> Plan:
    """The plan with the categories that the champion knows: one that is rare may be in no row of this window."""
    known = {
        name: names
        for slot in champion.model.slots
        if slot.kind == CATEGORY
        for name, names in zip(slot.columns, slot.categories, strict=True)
    }

    def joined(column: Any) -> Any:
        if column.values is None or column.name not in known:
            return column
        return replace(column, values={**dict.fromkeys(known[column.name], 0.0), **column.values})

    profile: Profile = made.known.profile
    profile = replace(profile, columns=tuple(map(joined, profile.columns)))
    return replace(made, known=replace(made.known, profile=profile))


def facts(result: Result) -> FitFacts:
    """What the record keeps of a fit."""
    last = result.trace[-1] if result.trace else None
    weights = result.params["weights"] if "weights" in result.params else np.ones(1)
    return FitFacts(
        outcome=result.outcome.name,
        components=result.model.number or latent_classes(result.model),
        iterations=result.iterations,
        loglik=result.loglik,
        bic=result.bic,
        seed=result.seed,
        seconds=result.seconds,
        floors=count_of(result.params.events, EventKind.VARIANCE_FLOOR),
        smallest_share=float(np.min(weights)),
        smallest_spread=None if last is None else last.smallest_eigenvalue,
        trace=tuple(float(r.objective) for r in result.trace),
        warnings=tuple(result.warnings),
        algorithm=str(result.options.get("algorithm", "Batch")),
        went_on=int(result.options.get(WENT_ON, 0)),
        discrete=isinstance(result.model, Assigning),
    )
