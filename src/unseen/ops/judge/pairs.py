"""Held-out rows, block by block, as the candidate and the champion see them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from unseen.core.block import CATEGORY, INDEX, Block, Cells, Frame
from unseen.core.encoding import Encoding
from unseen.core.lazy import Lazy
from unseen.core.model import Assigning, responsibilities
from unseen.core.source import Source
from unseen.core.stats import Array
from unseen.errors import DataError, ModelError, NumericalError
from unseen.result import Result
from unseen.search.holdout import Choice

DENSITY, COUNTS, GIVEN = "a density", "probabilities", "a given"


@dataclass(frozen=True, slots=True)
class View:
    """A model and the rows of one block in its own encoding; ``foreign`` (n,) marks rows with a category it lacks."""

    result: Result
    block: Block
    foreign: Array
    who: str

    def posterior(self) -> tuple[Array | None, Array]:
        """Responsibilities (K, n), or None for a model without them, and log-density (n,) of the rows.

        A row with a category that the model has never met has probability zero under it: its log-density is -inf.

        Raises
        ------
        NumericalError
            A log-density is not a number, or plus infinity.
        """
        model, params = self.result.model, self.result.params
        r, density = responsibilities(model, params, self.block)
        return r if isinstance(model, Assigning) else None, self._known(density)

    def log_density(self) -> Array:
        """Log-density (n,) of the rows alone, as `posterior` gives it."""
        return self._known(self.result.model.log_density(self.result.params, self.block))

    def _known(self, density: Array) -> Array:
        density = np.where(self.foreign, -np.inf, density)
        bad = int((~np.isfinite(density) & (density != -np.inf)).sum())
        if bad:
            raise NumericalError(f"the log-density of {bad:,} held-out rows is not a number under the {self.who}")
        return density


@dataclass(frozen=True, slots=True)
class Pair:
    """The same rows twice; weights (n,) and labels (n,) as the data has them, neither of them known to the models."""

    candidate: View
    champion: View | None
    labels: Array | None

    @property
    def block(self) -> Block:
        return self.candidate.block


class Pairs(Lazy[Pair]):
    """Blocks of held-out rows, read when they are asked for."""

    def __init__(self, source: Source, choice: Choice, candidate: Result, champion: Result | None) -> None:
        self.source, self.choice = source, choice
        self.candidate, self.champion = candidate, champion
        self.parts = [part for part in source.manifest() if choice.mask(part).any()]
        ours = replace(candidate.encoding, grouped=False, unknown="missing")
        self.encodings = [ours]
        if champion is not None:
            self.encodings.append(
                replace(champion.encoding, weights=None, labels=None, classes=(), grouped=False, unknown="missing")
            )
        ends = source.unit is not None or getattr(source, "whole", False)
        for result, encoding in zip((candidate, champion), self.encodings, strict=False):
            encoding.check(source.schema())
            if result is not None and result.model.unit.many and not ends:
                raise DataError(
                    f"the data does not say where a {result.model.unit.value} ends: name the column that tells them "
                    "apart"
                )
            if result is not None and result.model.unit.many and encoding.unit != source.unit:
                raise DataError(
                    f"a fit was made with units by column {encoding.unit!r} and the rows come in units by "
                    f"{source.unit!r}: promote it by hand if that is meant (--override)"
                )
        self.columns = tuple(dict.fromkeys(name for e in self.encodings for name in e.columns()))

    def __len__(self) -> int:
        return len(self.parts)

    def at(self, index: int) -> Pair:
        part = self.parts[index]
        kept = self.choice.mask(part)
        frame = self.source.read(part, self.columns)
        blocks = [(encoding, encoding.encode(frame)) for encoding in self.encodings]
        labels = blocks[0][1].labels
        strange = np.any([_foreign(e, frame, b, INDEX) for e, b in blocks], axis=0)
        views = [
            (_without(replace(b.keep(kept), labels=None), strange[kept]), _foreign(e, frame, b, CATEGORY)[kept])
            for e, b in blocks
        ]
        return Pair(
            View(self.candidate, *views[0], "candidate"),
            None if self.champion is None else View(self.champion, *views[1], "champion"),
            None if labels is None else labels[kept],
        )


def _without(block: Block, rows: Array) -> Block:
    """The block with some rows (n,) bool hidden, so that they say nothing.

    What one model knows a worker or an item by and the other does not is no fair comparison: an entry of an open
    vocabulary is conditioned on, so not to know it costs nothing.
    """
    if not rows.any():
        return block
    hidden = [
        np.broadcast_to(~rows, c.values.shape) & (True if c.observed is None else c.observed) for c in block.cells
    ]
    return replace(block, cells=tuple(Cells(c.values, o, c.given) for c, o in zip(block.cells, hidden, strict=True)))


def _foreign(encoding: Encoding, frame: Frame, block: Block, kind: str) -> Array:
    """Rows with an observed entry of a slot of some kind that the encoding does not know, (n,) bool."""
    out = np.zeros(frame.rows, bool)
    for slot, cells in zip(encoding.slots, block.cells, strict=True):
        if slot.kind == kind and cells.observed is not None:
            for name, known in zip(slot.columns, cells.observed, strict=True):
                seen = frame.columns[name].observed
                out |= ~known if seen is None else seen & ~known
    return out


def check_comparable(candidate: Result, champion: Result) -> None:
    """Refuse two models whose log-densities are not about the same thing.

    Raises
    ------
    ModelError
        They describe different columns, or the same column by a density in one and by probabilities in the other.
    """
    ours, theirs = _measures(candidate), _measures(champion)
    if ours.keys() != theirs.keys():
        fresh, gone = sorted(ours.keys() - theirs.keys()), sorted(theirs.keys() - ours.keys())
        raise ModelError(
            "the candidate cannot be compared with the champion, because they describe different columns ("
            + "; ".join(
                f"{what} {', '.join(map(repr, names))}" for what, names in (("new:", fresh), ("gone:", gone)) if names
            )
            + "): promote it by hand if that is meant (--override)"
        )
    for name in ours:
        if ours[name] != theirs[name]:
            raise ModelError(
                f"the candidate cannot be compared with the champion, because column {name!r} is {ours[name]} in one "
                f"and {theirs[name]} in the other: promote it by hand if that is meant (--override)"
            )


#: families that give single values a probability
DISCRETE = ("poisson", "negative_binomial", "bernoulli", "categorical", "ordinal")


def _measures(result: Result) -> dict[str, str]:
    """For each column whether the model gives it a density or probabilities, or takes it as given."""
    model = result.model
    out = {n: COUNTS if slot.coded else DENSITY for slot in model.slots for n in slot.columns}
    beside = {
        d["column"]: d["family"].removeprefix("zero_inflated_").removeprefix("hurdle_")
        for d in result.description.views
    }
    out.update({column: COUNTS for column, family in beside.items() if family in DISCRETE})
    return out | {name: GIVEN for slot in model.slots if slot.given for name in slot.columns}
