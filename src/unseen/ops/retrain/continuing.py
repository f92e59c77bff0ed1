"""Where a retrain goes on: at the champion's components, with whatever columns and categories are new."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from unseen.core.block import Block
from unseen.core.encoding import Encoding
from unseen.core.lazy import Lazy
from unseen.core.model import Latent, Model, Penalised
from unseen.core.source import Source
from unseen.core.stats import Params, Stats
from unseen.core.written import written
from unseen.engines.local import one_pass
from unseen.ops.judge import HoldOut
from unseen.ops.judge.crossing import Fold
from unseen.problem import Problem
from unseen.result import Result


@dataclass(frozen=True, slots=True)
class Both:
    """The training rows of a block as the new model and as the champion reads them."""

    ours: Block
    theirs: Block


class Training(Lazy[Both]):
    """Blocks of training rows, read when they are asked for."""

    def __init__(self, source: Source, holdout: HoldOut | Fold, ours: Encoding, theirs: Encoding) -> None:
        self.source, self.holdout = source, holdout
        self.ours, self.theirs = replace(ours, grouped=False), replace(theirs, grouped=False)
        self.parts = [part for part in source.manifest() if not holdout.mask(part).all()]
        self.columns = tuple(dict.fromkeys((*ours.columns(), *theirs.columns())))

    def __len__(self) -> int:
        return len(self.parts)

    def at(self, index: int) -> Both:
        part = self.parts[index]
        frame, kept = self.source.read(part, self.columns), ~self.holdout.mask(part)
        return Both(self.ours.encode(frame).keep(kept), self.theirs.encode(frame).keep(kept))


@dataclass(frozen=True, slots=True)
class Carry:
    """Statistics of the new model at the champion's responsibilities."""

    model: Any
    champion: Any
    params: Params

    def __call__(self, both: Both) -> Stats:
        r, _ = self.champion.posterior(self.params, both.theirs)
        stats: Stats = self.model.collect(np.ascontiguousarray(r), both.ours)
        return stats


def carried(champion: Result, problem: Problem, holdout: HoldOut | Fold, prior: float) -> Params | None:
    """Parameters of a model at the champion's optimum: its own, or one M-step from its responsibilities.

    None where the model is of another kind, or rows belong to no components that could be carried over.
    """
    model = problem.model
    if type(model) is not type(champion.model) or model.number != champion.model.number:
        return None
    if belong(champion, model):
        return champion.params
    if not isinstance(model, Latent):
        return None
    theirs = replace(champion.encoding, weights=None, labels=None, classes=(), unknown="missing")
    blocks = Training(problem.source, holdout, problem.encoding, theirs)
    pseudo = model.prior(prior) if prior and isinstance(model, Penalised) else {}

    def summed(about: Any) -> Params:
        stats = one_pass(Carry(about, champion.model, champion.params), blocks)
        made: Params = about.maximize(stats.with_prior(pseudo).in_unit(), about.vague())
        return made

    params = summed(model)
    moved = model if pseudo else model.anchored(params)
    params = params if moved == model else summed(moved)
    return params if model.valid(params) else None


def belong(champion: Result, model: Model) -> bool:
    """Whether the champion's parameters are ones of the new model, and mean the same in it.

    Other families, or covariances of another form, have other parameters under the same columns, or the same ones in
    another meaning.
    """
    if model.slots != champion.model.slots or written(model) != written(champion.model):
        return False
    like = model.vague() if isinstance(model, Latent) else champion.params
    theirs = {name: array.shape for name, array in champion.params.items()}
    return {name: array.shape for name, array in like.items()} == theirs and bool(model.valid(champion.params))
