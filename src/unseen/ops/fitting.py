"""What a retrain fits, as the settings say, and what its record keeps of a fit."""

from __future__ import annotations

from typing import Any

import numpy as np

from unseen.core.events import EventKind, count_of
from unseen.core.model import Assigning, latent_classes
from unseen.ops.config import Settings
from unseen.ops.record import FitFacts
from unseen.plan import Plan, plan
from unseen.result import Result


def planned(settings: Settings, source: Any, champion: Result | None = None) -> Plan:
    """Columns, families and a profile, in one pass over the data; the champion's families stand."""
    model, data = settings.model, settings.data
    return plan(
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
        discrete=isinstance(result.model, Assigning),
    )
