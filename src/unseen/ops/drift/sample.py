"""Rows that fine bins are made from: the model's own, or where it makes none, some of those it was trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from unseen.core.blas import one_blas_thread
from unseen.core.block import NUMBER, Block, Cells, rng
from unseen.core.capabilities import Generative
from unseen.core.model import Model
from unseen.core.output import Output
from unseen.core.stats import Array, Params
from unseen.core.unit import Unit
from unseen.errors import DataError
from unseen.result import Result

#: rows that quantiles are taken from
SAMPLE = 8192
DENSITY = "log_density"
#: the step of the draw of training rows, which no fit draws at
SAMPLE_STEP = 2**31 - 4


@dataclass(frozen=True, slots=True)
class Drawn:
    """Observed cells of each column by name; log-densities (n,); numbers that the model says of rows, (n,) each."""

    columns: dict[str, Array]
    density: Array
    outputs: dict[str, Array]


def numeric_outputs(model: Model) -> tuple[tuple[Output, int, str], ...]:
    """What a model says of rows in numbers: the output, the place of the column in it, and its name.

    Outputs with the log-density are left out: beside that they hold shares of parts, which are compared as such.
    """
    beside = [o for o in model.outputs() if DENSITY not in (name for name, _ in o.columns)]
    return tuple((o, i, name) for o in beside for i, (name, kind) in enumerate(o.columns) if kind == NUMBER)


def values_of(model: Model, params: Params, block: Block) -> dict[str, Array]:
    """The numeric outputs of a block's rows by name, (n,) each."""
    found = numeric_outputs(model)
    said = {output.name: output.of(params, block) for output, _, _ in found}
    return {name: np.asarray(said[output.name][i], float) for output, i, name in found}


def drawn(result: Result, blocks: Sequence[Block]) -> Drawn:
    """Rows of a model's own making, or some of ``blocks``, seen in their units."""
    model, params = result.model, result.params
    if not isinstance(model, Generative):
        return _seen(result, blocks)
    arrays, _ = model.sample(params, SAMPLE, np.random.default_rng(0))
    offsets = None
    if model.unit is Unit.BAG:
        offsets = np.append(np.arange(0, SAMPLE, model.rows_per_unit), SAMPLE)
    elif model.unit is Unit.SEQUENCE:
        offsets = np.array([0, SAMPLE])
    cells = tuple(Cells(a, given=slot.given) for a, slot in zip(arrays, model.slots, strict=True))
    block = Block(0, cells, SAMPLE, offsets=offsets)
    return _of(result, block, np.arange(SAMPLE))


def _seen(result: Result, blocks: Sequence[Block]) -> Drawn:
    """About `SAMPLE` rows, as many of each block."""
    parts, most = [], -(-SAMPLE // max(len(blocks), 1))
    with one_blas_thread():
        for block in blocks:
            chosen = rng(0, SAMPLE_STEP, block.id).permutation(block.rows)[:most]
            parts.append(_of(result, block, np.sort(chosen)))
    if not parts:
        raise DataError("there are no rows to say what new data is compared with")

    def joined(name: str) -> dict[str, Array]:
        return {key: np.concatenate([getattr(p, name)[key] for p in parts]) for key in getattr(parts[0], name)}

    return Drawn(joined("columns"), np.concatenate([p.density for p in parts]), joined("outputs"))


def _of(result: Result, block: Block, rows: Array) -> Drawn:
    """What is looked at of some rows of a block."""
    model, params = result.model, result.params
    columns = {}
    for slot, cells in zip(model.slots, block.cells, strict=True):
        for j, name in enumerate(slot.columns):
            seen = rows if cells.observed is None else rows[cells.observed[j][rows]]
            columns[name] = cells.values[j][seen]
    outputs = {name: values[rows] for name, values in values_of(model, params, block).items()}
    return Drawn(columns, model.log_density(params, block)[rows], outputs)
