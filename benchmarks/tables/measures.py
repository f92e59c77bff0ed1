"""What is measured, the same for every contestant: recorded cells, hidden cells, known classes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from catalogue import Table

HIDDEN, LEFT_OUT = 0.1, 0.2


def step(values: np.ndarray) -> float:
    """The grid that all values are recorded on: the greatest common divisor of their differences, to six decimals.

    Where there is none, a millionth of the range.
    """
    distinct = np.unique(values)
    for digits in range(7):
        scaled = distinct * 10.0**digits
        whole = np.round(scaled)
        if np.abs(scaled - whole).max() < 1e-6 * max(1.0, float(np.abs(scaled).max()) * 1e-6):
            return float(np.gcd.reduce(np.diff(whole).astype(np.int64))) / 10.0**digits
    return float(np.ptp(distinct)) * 1e-6


def hide(table: Table, seed: int) -> tuple[pd.DataFrame, np.ndarray]:
    """The table with a tenth of its observed cells empty, and which."""
    frame = table.frame
    rng = np.random.default_rng([seed, 1])
    gone = frame.notna().to_numpy() & (rng.random(frame.shape) < HIDDEN)
    return frame.mask(pd.DataFrame(gone, columns=frame.columns)), gone


def leave_out(table: Table, seed: int) -> np.ndarray:
    """A fifth of the rows; one with a category that no other row has left is not among them."""
    frame = table.frame
    out = np.random.default_rng([seed, 2]).random(len(frame)) < LEFT_OUT
    for name in frame.columns:
        if frame[name].dtype == object:
            left = set(frame[name][~out].dropna())
            out &= frame[name].map(lambda v, left=left: v is None or v != v or v in left).to_numpy(bool)
    return out


def recorded(table: Table, out: np.ndarray, density: np.ndarray, columns: dict[str, Any]) -> dict[str, float]:
    """Mean log-probability of the recorded cells of the rows left out.

    A density becomes the probability of its cell by the step of the column. Columns that a contestant leaves out
    count with what their own values in the other rows say, so that leaving out is not free. No row has a probability
    above one: what exceeds it is cut, and the share of such rows told.
    """
    frame = table.frame
    total = np.array(density, float)[out]
    for name in frame.columns:
        column = frame[name]
        seen = column.notna().to_numpy()
        if name not in columns:
            total += _marginal(column, seen, out)
            continue
        if columns[name]["dense"]:
            values = column.astype(float).to_numpy()
            counted = (seen & ~np.isin(values, columns[name]["atoms"]))[out]
            total += counted * np.log(step(values[seen]))
    return {"value": float(np.minimum(total, 0).mean()), "above_one": float((total > 1e-9).mean())}


def _marginal(column: pd.Series, seen: np.ndarray, out: np.ndarray) -> np.ndarray:
    """Log-probability of each value left out by a category's frequency or one Gaussian on the grid."""
    train = seen & ~out
    if column.dtype == object:
        share = column[train].value_counts()
        shares = (column[out].map(share).fillna(0).astype(float) + 0.5) / (train.sum() + 0.5 * (len(share) + 1))
        return np.where(seen[out], np.log(shares), 0.0)
    values = column.astype(float).to_numpy()
    h = step(values[seen])
    mean, var = values[train].mean(), max(values[train].var(), h * h / (2 * np.pi))
    z = np.nan_to_num(values[out] - mean)
    return np.where(seen[out], np.log(h) - 0.5 * np.log(2 * np.pi * var) - 0.5 * z * z / var, 0.0)


def errors(table: Table, gone: np.ndarray, filled: pd.DataFrame) -> dict[str, float]:
    """Error on hidden cells, a mean over columns: RMSE in standard deviations, or share of wrong categories.

    A cell that was left empty counts as filled with the mean, or with the most frequent category.
    """
    truth, numbers, wrong, empty = table.frame, [], [], 0
    for j, name in enumerate(truth.columns):
        at, text = gone[:, j], truth[name].dtype == object
        if not at.any():
            continue
        kept = truth[name][~at].dropna()
        if text:
            usual = kept.mode().iloc[0]
            got = filled[name].astype(object).map(str)
            missing = filled[name].isna()[at]
            wrong.append(float(np.mean(got[at].where(~missing, str(usual)) != truth[name][at].map(str))))
        else:
            got = pd.to_numeric(filled[name], errors="coerce").astype(float)[at]
            missing, kept = got.isna(), kept.astype(float)
            true = truth[name][at].astype(float).to_numpy()
            if name in table.categories:
                levels = np.unique(truth[name].dropna().astype(float))
                got = got.where(~missing, kept.mode().iloc[0]).to_numpy()
                wrong.append(float(np.mean(levels[np.abs(got[:, None] - levels).argmin(1)] != true)))
            else:
                got = got.where(~missing, kept.mean()).to_numpy()
                sd = float(truth[name].astype(float).std())
                numbers.append(float(np.sqrt(np.mean((got - true) ** 2)) / sd))
        empty += int(missing.sum())
    mean = [float(np.mean(x)) if x else float("nan") for x in (numbers, wrong)]
    return {"value": float(np.mean(numbers + wrong)), "rmse": mean[0], "wrong": mean[1], "empty": empty}


def agreement(table: Table, labels: np.ndarray) -> dict[str, float]:
    """Adjusted Rand index (Hubert & Arabie 1985) of the components with the known classes."""
    from sklearn.metrics import adjusted_rand_score

    return {"value": float(adjusted_rand_score(table.known, labels))}
