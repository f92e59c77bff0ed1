"""Starts from responsibilities: random ones, or those that labels imply."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from unseen.core.block import Block, rng
from unseen.core.engine import Engine
from unseen.core.model import Latent, Penalised
from unseen.core.stats import Params, Stats
from unseen.errors import ModelError


def begun(model: Latent, engine: Engine, assign: Assign, prior: Any = None) -> Params:
    """Parameters from what ``assign(model, block)`` sums up, in a second pass about each component where one needs it.

    Moments about one anchor for all lose the variances of clusters that lie far apart.
    """

    def summed(about: Any) -> Params:
        stats = engine.total(Assigned(assign, about))
        made: Params = about.maximize(stats.with_prior(prior or {}).in_unit(), about.vague())
        return made

    params = summed(model)
    moved = model if prior else model.anchored(params)
    return params if moved == model else summed(moved)


def random(model: Latent, engine: Engine, seed: int, prior: Any = None) -> Params:
    """Parameters from Dirichlet(1) responsibilities, drawn block by block: the same on every engine."""
    stats = engine.total(Assigned(RandomShares(seed), model))
    return model.maximize(stats.with_prior(prior or {}).in_unit(), model.vague())


def from_labels(model: Latent, engine: Engine, seed: int, prior: Any = None) -> Params:
    """Parameters from the labelled rows; components without a class begin from random shares of the others.

    Raises
    ------
    ModelError
        No row has a label.
    """
    classes = engine.total(CountClasses()).count
    if not classes:
        raise ModelError("start='labels' found no labelled row: label some, or start with kmeans++")
    # one pseudo-row keeps classes with few labels away from singularity
    pseudo = model.prior(1.0) if isinstance(model, Penalised) else {}
    stats = engine.total(Assigned(KnownClasses(seed, classes), model))
    return model.maximize(stats.with_prior(pseudo).with_prior(prior or {}).in_unit(), model.vague())


class Assign(Protocol):
    """Statistics of a block at responsibilities that a start gives its rows; a value that travels, like a task."""

    def __call__(self, about: Any, block: Block) -> Stats:
        """What ``about.collect`` makes of them: a model with its anchors where it needs them."""
        ...


@dataclass(frozen=True, slots=True)
class Assigned:
    """The task of a start: ``assign`` with the model that collects."""

    assign: Assign
    about: Any

    def __call__(self, block: Block) -> Stats:
        return self.assign(self.about, block)


@dataclass(frozen=True, slots=True)
class RandomShares:
    """Dirichlet(1) responsibilities."""

    seed: int

    def __call__(self, about: Any, block: Block) -> Stats:
        r = rng(self.seed, 0, block.id).standard_exponential((about.cardinality, block.rows))
        r /= r.sum(axis=0)
        stats: Stats = about.collect(r, block)
        return stats


@dataclass(frozen=True, slots=True)
class KnownClasses:
    """Labelled rows in their class, and random shares for the components beyond so many classes."""

    seed: int
    classes: int

    def __call__(self, about: Any, block: Block) -> Stats:
        if block.labels is None:
            raise ModelError("start='labels' needs a label column: name one with labels=")
        r = np.zeros((about.cardinality, block.rows))
        free = np.setdiff1d(np.arange(about.cardinality), np.arange(self.classes))
        r[free] = rng(self.seed, 0, block.id).standard_exponential((len(free), block.rows))
        stats: Stats = about.collect(r, block)
        return stats


@dataclass(frozen=True, slots=True)
class Classes:
    """The number of classes with a labelled row so far; adding keeps the larger."""

    count: int

    def __add__(self, other: Classes) -> Classes:
        return Classes(max(self.count, other.count))


@dataclass(frozen=True, slots=True)
class CountClasses:
    """How many classes have a labelled row in a block."""

    def __call__(self, block: Block) -> Classes:
        return Classes(0 if block.labels is None else int(block.labels.max(initial=-1)) + 1)
