"""Imputers that mixtures are compared with: chained ridge regressions, and forests column by column."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd

LARGE = 10_000  # rows from which a tree sees so many of them only


def iterative(frame: pd.DataFrame, numbers: list[str], categories: list[str], seed: int) -> pd.DataFrame:
    """scikit-learn's IterativeImputer as it comes: numbers scaled, categories as indicators, the largest one taken."""
    from sklearn.experimental import enable_iterative_imputer  # noqa: F401
    from sklearn.impute import IterativeImputer

    coded, levels = _codes(frame, categories)
    values = frame[numbers].to_numpy(float)
    mean, sd = np.nanmean(values, 0), np.maximum(np.nanstd(values, 0), 1e-300)
    blocks, at = [(values - mean) / sd], len(numbers)
    for name in categories:
        one = np.eye(len(levels[name]))[np.maximum(coded[name], 0)]
        one[coded[name] < 0] = np.nan
        blocks.append(one)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        full = IterativeImputer(random_state=seed).fit_transform(np.hstack(blocks))
    out = frame.copy()
    if numbers:
        out[numbers] = full[:, :at] * sd + mean
    for name in categories:
        chosen = full[:, at : at + len(levels[name])].argmax(1)
        at += len(levels[name])
        out[name] = np.array(levels[name], object)[chosen]
    return out


def forest(frame: pd.DataFrame, numbers: list[str], categories: list[str], seed: int) -> pd.DataFrame:
    """missForest (Stekhoven & Buhlmann 2012): forests of 50 trees, columns with few holes first, to its own stop."""
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    coded, levels = _codes(frame, categories)
    table = pd.concat([frame[numbers].astype(float), pd.DataFrame(coded, index=frame.index)], axis=1)
    holes = pd.concat([frame[numbers].isna(), pd.DataFrame(coded, index=frame.index) < 0], axis=1)
    for name in numbers:
        table[name] = table[name].fillna(table[name].mean())
    for name in categories:
        table.loc[holes[name], name] = table[name][~holes[name]].mode().iloc[0]
    order = [c for c in holes.sum().sort_values(kind="stable").index if holes[c].any()]
    before, last = table, [np.inf, np.inf]
    few = {"n_estimators": 50, "n_jobs": -1, "random_state": seed}
    few |= {"max_samples": LARGE} if len(frame) > 1.2 * LARGE else {}
    for _ in range(10):
        now = before.copy()
        for name in order:
            model = (RandomForestRegressor if name in numbers else RandomForestClassifier)(**few, max_features="sqrt")
            rest, gap = now.drop(columns=name).to_numpy(float), holes[name].to_numpy()
            model.fit(rest[~gap], now[name].to_numpy()[~gap])
            now.loc[gap, name] = model.predict(rest[gap])
        change = [_moved(before, now, numbers), _differ(before, now, holes, categories)]
        if all(c >= p for c, p in zip(change, last, strict=True)):
            break  # as missForest does: the round before the change grew is the answer
        before, last = now, change
    out = frame.copy()
    for name in numbers:
        out[name] = before[name]
    for name in categories:
        out[name] = np.array(levels[name], object)[before[name].to_numpy(int)]
    return out


def _codes(frame: pd.DataFrame, categories: list[str]) -> tuple[dict[str, np.ndarray], dict[str, list]]:
    coded, levels = {}, {}
    for name in categories:
        coded[name], found = pd.factorize(frame[name], sort=True)
        levels[name] = list(found)
    return coded, levels


def _moved(before: pd.DataFrame, now: pd.DataFrame, numbers: list[str]) -> float:
    if not numbers:
        return np.inf
    return float(((now[numbers] - before[numbers]) ** 2).to_numpy().sum() / (now[numbers] ** 2).to_numpy().sum())


def _differ(before: pd.DataFrame, now: pd.DataFrame, holes: pd.DataFrame, categories: list[str]) -> float:
    count = holes[categories].to_numpy().sum() if categories else 0
    return float((now[categories] != before[categories]).to_numpy().sum() / count) if count else np.inf
