"""A few rows of the data as the fitted model sees them, and what its components look like in two dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from unseen.core.blas import one_blas_thread
from unseen.core.block import Block, Cells
from unseen.core.capabilities import Completing, Structured
from unseen.core.family import empty_cells
from unseen.core.stats import Array
from unseen.report.view import View

ROWS, PARTS = 3_000, 48


@dataclass(frozen=True)
class Sample:
    """Rows drawn evenly from some data: ``of`` rows in all, cells filled in by the model, responsibilities (K, n)."""

    of: int
    columns: dict[str, tuple[Array, Array]]  # name -> values and observed mask, (n,) each
    responsibilities: Array
    density: Array

    @property
    def rows(self) -> int:
        return len(self.density)

    @property
    def states(self) -> Array:
        return self.responsibilities.argmax(axis=0)


def draw(view: View, data: Any) -> Sample:
    """The same rows each time, from blocks spread evenly over the data so that little of it is read."""
    result = view.result
    source, encoding = result.open(data, unknown="missing")
    manifest = source.manifest()
    parts = [manifest[i] for i in np.unique(np.linspace(0, len(manifest) - 1, PARTS).round().astype(int))]
    ends = np.cumsum([p.rows for p in parts])
    chosen = np.sort(np.random.default_rng(0).permutation(int(ends[-1]))[:ROWS])
    pieces = []
    with one_blas_thread():
        for part, end in zip(parts, ends, strict=True):
            rows = chosen[(chosen >= end - part.rows) & (chosen < end)] - (end - part.rows)
            if len(rows):
                block = encoding.encode(source.read(part, encoding.columns()))
                pieces.append(_piece(result, block, rows))
    columns = {}
    for s, slot in enumerate(result.model.slots):
        for j, name in enumerate(slot.columns):
            values = np.concatenate([filled[s][j] for _, _, filled, _ in pieces])
            seen = np.concatenate([masks[s][j] for _, _, _, masks in pieces])
            columns[name] = (values, seen)
    return Sample(
        sum(p.rows for p in manifest),
        columns,
        np.concatenate([p[0] for p in pieces], axis=1),
        np.concatenate([p[1] for p in pieces]),
    )


def _piece(result: Any, block: Block, rows: Array) -> tuple[Array, Array, list[Array], list[Array]]:
    """Responsibilities, log-density, filled cells and observed masks of some rows of a block."""
    model, params = result.model, result.params
    if block.offsets is None:  # rows of a sequence depend on each other: those are scored whole
        block, rows = block.take(rows), np.arange(len(rows))
    r, density = model.posterior(params, block)
    filled = model.impute(params, block) if isinstance(model, Completing) else [c.values for c in block.cells]
    masks = [np.ones(c.values.shape, bool) if c.observed is None else c.observed for c in block.cells]
    return r[:, rows], density[rows], [f[:, rows] for f in filled], [m[:, rows] for m in masks]


def covariances(view: View, entries: Sequence[dict[str, Any]]) -> Array:
    r"""Covariances of some numeric columns inside each component, (K, m, m).

    They are read off conditional expectations, which every family gives:
    :math:`E[x_b \mid x_a = \mu_a + \sigma_a] - \mu_b = \Sigma_{ab} / \sigma_a` for linear regressions.
    """
    k, m = view.count, len(entries)
    mean = np.array([e["mean"] for e in entries], float).reshape(m, k)
    sd = np.array([view.sd(e) for e in entries]).reshape(m, k)
    out = np.zeros((k, m, m))
    model = view.result.model
    if isinstance(model, Structured) and m > 1:
        slots = model.slots
        where = {name: (s, j) for s, slot in enumerate(slots) for j, name in enumerate(slot.columns)}
        at = [where[e["column"]] for e in entries]
        blank = empty_cells(slots, k * m)
        given = [np.zeros(c.values.shape, bool) for c in blank]
        cells = [Cells(c.values, seen) for c, seen in zip(blank, given, strict=True)]
        for a, (s, j) in enumerate(at):
            cells[s].values[j, a::m] = mean[a] + sd[a]
            given[s][j, a::m] = True
        filled = model.family.mean(view.result.params, cells, np.repeat(np.eye(k), m, axis=1))
        for b, (s, j) in enumerate(at):
            # what is filled in has the atoms in it, and the ellipses are those of the rest
            centre = np.asarray(entries[b].get("overall_mean", entries[b]["mean"]), float)
            rest = np.maximum(view.beside(entries[b]), 1e-6)[:, None]
            out[:, :, b] = (np.asarray(filled[s][j], float).reshape(k, m) - centre[:, None]) / rest * sd.T
        out = np.where(np.isfinite(out), out, 0.0)
    out = (out + out.transpose(0, 2, 1)) / 2
    out[:, np.arange(m), np.arange(m)] = sd.T**2
    for j, entry in enumerate(entries):
        # a component of which all rows have one value
        alike = view.beside(entry) <= 0
        out[alike, j, :] = out[alike, :, j] = 0.0
    return out


def apart(view: View, mean: Array, cov: Array) -> float:
    r"""How well two columns tell components apart: pairs of rows weighted by one minus the Bhattacharyya coefficient.

    mean (K, 2), cov (K, 2, 2). Source: Bhattacharyya (1943), Bull. Calcutta Math. Soc. 35.
    """
    w, total = view.weights, 0.0
    jitter = 1e-9 * np.eye(2) * np.trace(cov.mean(axis=0))
    det = np.linalg.det(cov + jitter)
    for j in range(view.count):
        for k in range(j):
            middle = (cov[j] + cov[k]) / 2 + jitter
            gap = mean[j] - mean[k]
            distance = gap @ np.linalg.pinv(middle) @ gap / 8
            overlap = np.sqrt(np.sqrt(max(det[j] * det[k], 0.0)) / max(np.linalg.det(middle), 1e-300))
            total += w[j] * w[k] * (1 - min(1.0, float(overlap)) * float(np.exp(-distance)))
    return total
