"""Starts from responsibilities: random ones, or those that labels imply."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from unseen.core.block import Block, rng
from unseen.core.engine import Engine
from unseen.core.stats import Params
from unseen.errors import ModelError


def begun(model: Any, engine: Engine, collect: Callable[[Any, Block], Any], prior: Any = None) -> Params:
    """Parameters from what ``collect(model, block)`` sums up, in a second pass about each component where one needs it.

    Moments about one anchor for all lose the variances of clusters that lie far apart.
    """

    def summed(about: Any) -> Params:
        stats = engine.sum(lambda block: collect(about, block)).stats
        made: Params = about.maximize(stats.with_prior(prior or {}).in_unit(), about.vague())
        return made

    params = summed(model)
    moved = model if prior else model.anchored(params)
    return params if moved == model else summed(moved)


def random(model: Any, engine: Engine, seed: int, prior: Any = None) -> Params:
    """Parameters from Dirichlet(1) responsibilities, drawn block by block: the same on every engine."""

    def draw(block: Block) -> Any:
        r = rng(seed, 0, block.id).standard_exponential((model.cardinality, block.rows))
        return model.collect(r / r.sum(axis=0), block)

    return model.maximize(engine.sum(draw).stats.with_prior(prior or {}).in_unit(), model.vague())


def from_labels(model: Any, engine: Engine, seed: int, prior: Any = None) -> Params:
    """Parameters from the labelled rows; components without a class begin from random shares of the others.

    Raises
    ------
    ModelError
        No row has a label.
    """

    def known(block: Block) -> Any:
        if block.labels is None:
            raise ModelError("start='labels' needs a label column: name one with labels=")
        r = np.zeros((model.cardinality, block.rows))
        free = np.setdiff1d(np.arange(model.cardinality), np.arange(classes))
        r[free] = rng(seed, 0, block.id).standard_exponential((len(free), block.rows))
        return model.collect(r, block)

    classes = engine.sum(lambda block: Classes(block)).stats.count
    if not classes:
        raise ModelError("start='labels' found no labelled row: label some, or start with kmeans++")
    pseudo = model.prior(1.0)  # one pseudo-row keeps classes with few labels away from singularity
    stats = engine.sum(known).stats
    return model.maximize(stats.with_prior(pseudo).with_prior(prior or {}).in_unit(), model.vague())


class Classes:
    """The number of classes with a labelled row so far; adding keeps the larger."""

    def __init__(self, block: Block | None = None, count: int = 0) -> None:
        labels = None if block is None else block.labels
        self.count = count if labels is None else int(labels.max(initial=-1)) + 1

    def __add__(self, other: Classes) -> Classes:
        return Classes(count=max(self.count, other.count))
