"""Which start is meant by a name, and how many are drawn."""

from __future__ import annotations

from typing import Any

from unseen.core.model import Assigning, Latent, Model, Starting, latent_classes
from unseen.core.stats import Params
from unseen.errors import ModelError
from unseen.problem import Problem

#: starts of a hidden Markov model lie near saddles that EM leaves slowly: where a pass is cheap, all get so many
SHORT_SEQUENCES, SEQUENCE_PASSES = 5_000, 60
STARTS = ("auto", "kmeans++", "rows", "random", "labels", "moments")


def how_many(problem: Problem, start: str | Params, restarts: int | None, drawn: int) -> int:
    """How many starts to draw: one where nothing is drawn, or where all would be the same."""
    model, labels = problem.model, problem.profile.labels
    if isinstance(start, Params) or alone(model) or model.one_start:
        return min(drawn, 1)
    if settled(problem) and (start in ("labels", "kmeans++") or sum(labels.values()) >= problem.profile.rows):
        return min(restarts or drawn, 1)
    if restarts is not None:
        return restarts
    return drawn if start != "labels" and problem.encoding.labels is None else min(drawn, 1)


def how_long(problem: Problem, short: int) -> int:
    """Passes of the short runs: no fewer than sequences need, where a pass is cheap."""
    cheap = problem.model.unit.ordered and problem.profile.rows <= SHORT_SEQUENCES
    return max(short, SEQUENCE_PASSES) if cheap else short


def alone(model: Model) -> bool:
    """Whether there is one component, so that there is one optimum."""
    return isinstance(model, Assigning) and model.cardinality == 1


def settled(problem: Problem) -> bool:
    """Whether every component has labelled rows, so that starts which follow the labels draw nothing."""
    known = len(problem.profile.labels) if problem.encoding.labels else 0
    return known > 0 and latent_classes(problem.model) <= known


def start_of(start: str | Params, problem: Problem, seed: int) -> Any:
    """The start by name, or one that begins at given parameters."""
    if isinstance(start, Params):
        vague = problem.model.vague() if isinstance(problem.model, Latent) else {}
        for name, like in vague.items():
            if name not in start or start[name].shape != like.shape:
                raise ModelError(f"start does not belong to this model: {name!r} is missing or has another shape")
        checked = problem.model.valid(start)
        if not checked:
            raise ModelError(f"start is not valid: {checked.broken}")
        return lambda *_: start
    if isinstance(problem.model, Starting):
        return lambda model, engine, seed, prior=None: model.start(engine, seed)
    from unseen.starts.centres import kmeans_plus_plus, random_rows
    from unseen.starts.moments import divided, scattered
    from unseen.starts.responsibilities import from_labels, random

    names = {
        "kmeans++": kmeans_plus_plus, "rows": random_rows, "random": random, "labels": from_labels, "moments": divided,
    }  # fmt: skip
    if start == "auto":
        # one kind of start keeps finding the same optima: take turns, the best single one first
        stay = not problem.engine.traits.rows_may_leave
        best, rough = (divided, scattered) if stay else (kmeans_plus_plus, random_rows)
        kinds: tuple[Any, ...] = (best, random, rough)
        first: tuple[Any, ...] = ()
        if isinstance(problem.model, Latent) and not problem.model.geometric:
            return from_labels if settled(problem) else random
        if problem.model.unit.ordered:
            from unseen.starts.sequences import steps, windows

            kinds = (best, random, windows, random, windows if stay else steps, rough)
        if settled(problem):  # these two draw nothing then: once each is enough
            first, kinds = (from_labels, best), (random, rough)
        elif problem.encoding.labels and problem.profile.labels:
            kinds = (from_labels, best, random)

        def in_turn(model: Any, engine: Any, s: int, prior: Any = None) -> Params:
            i = s - seed
            kind = first[i] if i < len(first) else kinds[(i - len(first)) % len(kinds)]
            started: Params = kind(model, engine, s, prior)
            return started

        return in_turn
    if start not in names:
        raise ModelError(f"start={start!r} is none of auto, {', '.join(names)}, nor parameters")
    return names[start]
