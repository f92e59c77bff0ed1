"""Rows that a model draws when they are read: as many as wanted, none of them kept."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from unseen.core.block import Field, Frame
from unseen.core.cells import column_of_array, kind_of_array
from unseen.core.source import Part
from unseen.errors import DataError

#: rows of a block where nobody says how many
ROWS = 131_072


class Synthetic:
    """Draws from a fitted model, block by block: a block has the same rows whenever, and wherever, it is read.

    For trials of what is to come: how long a fit of a billion rows takes, whether a model can be told from its draws.
    It travels to executors as the model and two numbers.

    Parameters
    ----------
    model : what has ``sample(n, seed)``, which gives columns by name: a `Result`, for instance
    rows : how many there are
    seed : together with the number of a block it decides what is drawn
    block_rows : rows per block

    Raises
    ------
    DataError
        Not one row, or not one per block.

    >>> class Coin:
    ...     def sample(self, n, seed=0):
    ...         return {"heads": np.random.default_rng(seed).random(n) < 0.5}
    >>> source = Synthetic(Coin(), 10**9)
    >>> len(source.manifest()), source.read(source.manifest()[7000], ["heads"]).rows
    (7630, 131072)
    """

    unit: str | None = None
    #: any process can draw its blocks, and none has to keep them
    shared = True
    engine = "outofcore"

    def __init__(self, model: Any, rows: int, seed: int = 0, block_rows: int | None = None) -> None:
        size = ROWS if block_rows is None else block_rows
        if rows < 1 or size < 1:
            raise DataError("a synthetic source has at least one row, and one in each block")
        self.model, self.rows, self.seed, self.size = model, rows, seed, size
        self.fields = tuple(Field(name, *kind_of_array(values)) for name, values in model.sample(2, seed).items())

    def schema(self) -> tuple[Field, ...]:
        return self.fields

    def manifest(self) -> tuple[Part, ...]:
        starts = range(0, self.rows, self.size)
        return tuple(Part(i, min(self.size, self.rows - start)) for i, start in enumerate(starts))

    def read(self, part: Part, columns: Sequence[str]) -> Frame:
        draw = int(np.random.SeedSequence([self.seed, part.id]).generate_state(1, np.uint64)[0] >> np.uint64(1))
        drawn, kinds = self.model.sample(part.rows, draw), {f.name: f.kind for f in self.fields}
        return Frame(part.id, part.rows, {n: column_of_array(n, np.asarray(drawn[n]), kinds[n]) for n in columns})

    def fingerprint(self) -> dict[str, str | int]:
        first = self.model.sample(min(self.rows, 1000), self.seed)
        digest = hashlib.sha256(f"{self.seed} {self.size}".encode())
        for name, values in first.items():
            digest.update(f"{name}\0{np.asarray(values).tolist()}".encode())
        return {"format": "synthetic", "rows": self.rows, "sha256": digest.hexdigest()}
