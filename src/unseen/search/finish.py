"""The best of a search run on to its end: models are compared at a tolerance that suffices to tell them apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from unseen.checkpoint.folder import Checkpoint
from unseen.core.observe import Observer
from unseen.core.stop import FAILED, FELL, Rule
from unseen.errors import NumericalError
from unseen.fit import solve
from unseen.problem import Problem
from unseen.result import Result


def finished(
    result: Result,
    problem: Problem,
    rule: Rule,
    prior: float,
    observers: Sequence[Observer],
    checkpoint: Checkpoint | None = None,
) -> Result:
    """Go on from a fit until ``rule`` ends it, in the long strides of SQUAREM, or in plain steps where those fail."""
    from unseen.algorithms.batch import Batch
    from unseen.algorithms.squarem import SQUAREM

    for algorithm in (SQUAREM(), Batch()):
        try:
            end = solve(
                problem,
                stop=rule,
                start=result.params,
                prior=prior,
                algorithm=algorithm,
                observers=observers,
                checkpoint=checkpoint,
            )
        except NumericalError:
            continue
        before = result.loglik + result.log_prior
        better = end.loglik + end.log_prior >= before - 1e-9 * (1 + abs(before))
        if end.outcome.name not in (FELL, FAILED) and better:
            return _joined(result, end)
    return result


def _joined(first: Result, end: Result) -> Result:
    """The end of a fit with all that is known of its beginning."""
    before = len(first.trace)
    trace = (*first.trace, *(replace(t, iteration=before + t.iteration) for t in end.trace))
    chosen = {"components": first.model.number, "form": first.options.get("form")}
    row = {"loglik": end.loglik, "bic": end.bic, "icl": end.icl, "outcome": end.outcome.name}
    # of held-out rows the table tells what fits to the other rows came to, and the end is a fit to all
    other = first.options.get("criterion") == "heldout"
    search = (
        first.search
        if other
        else tuple(
            {**r, **row} if (r["components"], r.get("form")) == tuple(chosen.values()) and "loglik" in r else r
            for r in first.search
        )
    )
    return replace(
        end,
        outcome=end.outcome.after(len(end.trace), before),
        trace=trace,
        restarts=first.restarts,
        search=search,
        seed=first.seed,
        iterations=len(trace),
        evaluations=first.evaluations + end.evaluations,
        seconds=first.seconds + end.seconds,
        options=first.options,
    )
