r"""The tables by which chains, factors and logistic regressions are told."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np

from unseen.core.stats import Array
from unseen.core.table import Labels, Scale, Table, part_names

#: workers or items of which a table tells: those with most rows
MOST = 50


def chain_tables(initial: Array, stationary: Array, transitions: Array) -> tuple[Table, ...]:
    r"""Return the tables of a Markov chain: its transitions, its distributions, and how long it stays.

    .. math:: E[\text{dwell}_k] = \sum_{t \ge 1} t\, A_{kk}^{t-1} (1 - A_{kk}) = \frac{1}{1 - A_{kk}}

    ``initial`` and ``stationary`` are (K,), ``transitions`` is (K, K). A state that is never left dwells for ever.

    >>> chain_tables(np.ones(1), np.ones(1), np.ones((1, 1)))[1].values.tolist()
    [[inf]]
    """
    states = part_names("state", len(transitions))
    with np.errstate(divide="ignore"):
        dwell = 1 / np.maximum(1 - np.diagonal(transitions), 0.0)
    unique = "" if np.isfinite(stationary).all() else "The chain has no unique stationary distribution."
    return (
        Table("transitions", "Transition probabilities", states, tuple(f"to {s}" for s in states), transitions,
              Labels.PARTS, Labels.PARTS, Scale.PROBABILITY, note="From the state of the row to that of the column."),
        Table("dwell_times", "Expected dwell times", states, ("rows",), dwell[:, None], Labels.PARTS,
              scale=Scale.DURATION,
              note="How many rows in a line a state holds on average, 1 / (1 - its probability to stay)."),
        Table("distributions", "Initial and stationary distribution", states, ("initial", "stationary"),
              np.column_stack([initial, stationary]), Labels.PARTS, scale=Scale.PROBABILITY, note=unique),
    )  # fmt: skip


def factor_tables(columns: tuple[str, ...], loadings: Array, noise: Array, resting: Collection[str]) -> tuple[
    Table, ...
]:  # fmt: skip
    r"""Return the tables of a factor model: loadings, what is common to the columns, what each factor explains.

    .. math:: \sigma_j^2 = h_j + \psi_j, \quad h_j = \sum_m \lambda_{jm}^2, \qquad
        \rho_{jm} = \lambda_{jm} / \sigma_j, \qquad \text{share}_m = \tfrac{1}{d} \sum_j \rho_{jm}^2

    With one noise variance for all columns the share is :math:`\sum_j \lambda_{jm}^2 / \sum_j \sigma_j^2`.
    ``loadings`` is (d, q) in units of the columns, ``noise`` (d,) or (1,); ``resting`` are the columns whose noise is
    on its floor. The communality is :math:`h_j / \sigma_j^2`.

    >>> tables = factor_tables(("a", "b"), np.array([[3.0], [4.0]]), np.array([16.0, 9.0]), ())
    >>> tables[1].values.tolist(), tables[3].values.round(3).tolist()
    ([[0.6], [0.8]], [[1.0, 0.5, 0.5]])

    Source: Lawley & Maxwell (1971), chapter 2.
    """
    d, q = loadings.shape
    factors = part_names("factor", q)
    psi = np.broadcast_to(noise, (d,))
    variance = (loadings**2).sum(axis=1) + psi
    correlations = loadings / np.sqrt(variance)[:, None]
    common = 1 - psi / variance
    alike = len(noise) == 1 < d  # principal components are those of the columns as they are
    explained = ((loadings if alike else correlations) ** 2).sum(axis=0)
    share = explained / (variance.sum() if alike else d)
    turned = "Any rotation of the factors fits as well; these stand out of the noise most, one after the other."
    heywood = "A column whose noise variance rests on its floor is a Heywood case: the factors explain all of it."
    return (
        Table("loadings", "Loadings in units of the columns", columns, factors, loadings, Labels.COLUMNS,
              Labels.PARTS, note=turned if q > 1 else ""),
        Table("correlations", "Correlations of columns with factors", columns, factors, correlations, Labels.COLUMNS,
              Labels.PARTS, Scale.CORRELATION, note="The loadings divided by the columns' standard deviations."),
        Table("columns", "Communalities and noise", columns, ("noise variance", "communality", "uniqueness"),
              np.column_stack([psi, common, 1 - common]), Labels.COLUMNS, note=heywood if resting else ""),
        Table("factors", "Variance explained", factors, ("variance", "share", "cumulative share"),
              np.column_stack([explained, share, share.cumsum()]), Labels.PARTS,
              note="Of the columns as they are." if alike else "Of the columns scaled to variance one."),
    )  # fmt: skip


def logistic_tables(predictors: tuple[str, ...], experts: Array, gate: Array | None, scale: Array, target: str) -> (
    tuple[Table, ...]
):  # fmt: skip
    r"""Return the tables of logistic regressions with a softmax gate, in units of the predictors.

    .. math:: \text{logit}\, p_k = b_{k0} + \sum_j b_{kj} x_j, \qquad \text{odds ratio}_{kj} = e^{b_{kj}}

    ``experts`` is (K, 1 + p), ``gate`` (K - 1, 1 + p), whose last expert is the reference with coefficients zero;
    ``scale`` (p,) are the predictors' standard deviations, ``target`` the column whose odds are told.

    >>> tables = logistic_tables(("x",), np.array([[1.0, 0.0]]), None, np.ones(1), "y")
    >>> [t.name for t in tables], tables[1].values.tolist()
    (['coefficients', 'odds_ratios', 'scaled_odds_ratios'], [[1.0]])
    """
    names = part_names("expert", len(experts))
    terms = ("(intercept)", *predictors)
    slopes = experts[:, 1:].T
    with np.errstate(over="ignore"):
        unit, scaled = np.exp(slopes), np.exp(slopes * scale[:, None])
    by = (Labels.COLUMNS, Labels.PARTS)
    out = [
        Table("coefficients", "Coefficients", terms, names, experts.T, *by, column=target,
              note="Of the log-odds, in units of the predictors."),
        Table("odds_ratios", "Odds ratios", predictors, names, unit, *by, column=target,
              note="What one unit more of a predictor multiplies the odds by."),
        Table("scaled_odds_ratios", "Odds ratios by standard deviation", predictors, names, scaled, *by, Scale.RATIO,
              column=target, note="What one standard deviation more of a predictor multiplies the odds by."),
    ]  # fmt: skip
    if gate is not None:
        both = np.column_stack([gate.T, np.zeros(len(terms))])
        out.append(
            Table("gate", "Coefficients of the gate", terms, names, both, *by,
                  note=f"Of the log-odds of being in charge of a row, against {names[-1]}.")
        )  # fmt: skip
    return tuple(out)


def vote_tables(model: Any, weights: Array, confusion: Array) -> tuple[Table, ...]:
    r"""Return the tables of votes: shares of classes, what workers say of each on average, how good each worker is.

    .. math:: \text{accuracy}_w = \sum_c \pi_c \Theta_{wcc}

    ``weights`` is (C,), ``confusion`` (W, C, C); ``model`` knows the names of classes and workers, and the shares of
    workers in the votes.
    """
    usual = np.tensordot(model.worker_shares, confusion, 1)
    order = np.argsort(-model.worker_shares, kind="stable")[:MOST]
    right = np.einsum("c,wcc->w", weights, confusion)
    who = tuple(model.workers[w] for w in order)
    more = len(model.workers) - len(order)
    return (
        Table("classes", "Shares of the classes", model.classes, ("share",), weights[:, None], Labels.CATEGORIES,
              scale=Scale.PROBABILITY, column=model.label),
        Table("confusion", "What workers say of items of each class", model.classes, model.classes, usual,
              Labels.CATEGORIES, Labels.CATEGORIES, Scale.PROBABILITY, column=model.label,
              note="From the class of the row to the label of the column, on average over votes."),
        Table("workers", "Workers", who, ("share of votes", "accuracy"),
              np.column_stack([model.worker_shares[order], right[order]]), Labels.CATEGORIES, column=model.worker,
              note=f"Those with most votes; {more:,} more are not shown." if more else ""),
    )  # fmt: skip


def rating_tables(model: Any, mean: Array, loadings: Array) -> tuple[Table, ...]:
    """Return the items with most ratings: their share of these, their mean, and the deviation among users, (I,).

    ``mean`` is (I,), ``loadings`` (I, q); ``model`` knows the names of items and their shares in the ratings.
    """
    order = np.argsort(-model.item_shares, kind="stable")[:MOST]
    more = len(model.items) - len(order)
    values = np.column_stack([model.item_shares, mean, np.sqrt((loadings**2).sum(axis=1))])[order]
    return (
        Table("items", "Items", tuple(model.items[i] for i in order), ("share of ratings", "mean", "users differ by"),
              values, Labels.CATEGORIES, column=model.item,
              note=f"Those with most ratings; {more:,} more are not shown." if more else ""),
    )  # fmt: skip
