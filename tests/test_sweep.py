"""Regressions on missing patterns by sweeping and by factorisation, against direct inverses."""

import pickle
from itertools import product

import numpy as np
import pytest

import unseen
from unseen import Gaussian, MaxIterations, Mixture, Params, StudentT
from unseen.core.block import Cells
from unseen.core.patterns import Patterns
from unseen.errors import NumericalError
from unseen.numerics import incomplete, sweep
from unseen.numerics.gaussian import FullForm
from unseen.numerics.quadratic import unpack


def covariances(k, d, seed=0):
    factors = np.random.default_rng(seed).normal(size=(k, d, d + 2))
    return factors @ np.swapaxes(factors, 1, 2) / d


def every(d):
    return np.array(list(product((False, True), repeat=d)))


def made(by, covariance, masks):
    out = sweep.Regressions.room(len(masks), *covariance.shape[:2])
    by(covariance, masks, out)
    return out


def check(found, covariance, masks, rel=1e-11):
    """Against the textbook formulas, pattern by pattern."""
    d = masks.shape[1]
    residuals = unpack(np.concatenate([np.zeros((*found.residual.shape[:2], 1 + d)), found.residual], axis=-1), d)[2]
    for p, o in enumerate(masks):
        m = ~o
        for k, sigma in enumerate(covariance):
            own, matrix = sigma[np.ix_(o, o)], found.matrix[p, k]
            inverse = np.linalg.inv(own)
            gain = sigma[np.ix_(m, o)] @ inverse
            left = sigma[np.ix_(m, m)] - gain @ sigma[np.ix_(o, m)]
            whitener = matrix[np.ix_(o, o)]
            assert whitener.T @ whitener == pytest.approx(inverse, rel=rel, abs=rel * np.abs(inverse).max(initial=1))
            assert matrix[np.ix_(m, o)] == pytest.approx(gain, rel=rel, abs=rel)
            assert matrix[np.ix_(m, m)] == pytest.approx(left, rel=rel, abs=rel)
            assert found.half_log_det[p, k] == pytest.approx(0.5 * np.linalg.slogdet(own)[1], abs=rel)
            assert residuals[p, k][np.ix_(m, m)] == pytest.approx(left, rel=rel, abs=rel)
            assert not residuals[p, k][o].any() and not residuals[p, k][:, o].any()
            assert not matrix[np.ix_(o, m)].any(), "an innovation that looks at a missing cell"


@pytest.mark.parametrize("by", [sweep.sweep, sweep.factor])
@pytest.mark.parametrize(
    "masks",
    [
        every(5),
        np.zeros((1, 5), bool),
        np.ones((1, 5), bool),
        np.array([[False, True, False, True, True]]),
        np.array([[True] * 5, [False] * 5, [True, False, True, False, True]]),
        np.tril(np.ones((5, 5), bool)),
    ],
    ids=["every", "nothing observed", "all observed", "one", "any order", "monotone"],
)
def test_regressions_of_patterns(by, masks):
    sigma = covariances(3, 5)
    check(made(by, sigma, masks), sigma, masks)


@pytest.mark.parametrize("d", [1, 2, 9])
def test_the_two_ways_agree(d):
    sigma = covariances(2, d, seed=d)
    a, b = made(sweep.sweep, sigma, every(d)), made(sweep.factor, sigma, every(d))
    for name in sweep.Regressions.__slots__:
        assert getattr(a, name) == pytest.approx(getattr(b, name), abs=1e-11), name


def test_a_pattern_has_the_same_bits_in_any_company():
    """Which block asks first must not show in the results."""
    sigma, masks = covariances(3, 6), every(6)
    together = made(sweep.sweep, sigma, masks)
    for some in (slice(5, 6), slice(0, None, 7), slice(None, None, -3)):
        apart = made(sweep.sweep, sigma, masks[some])
        assert all(np.array_equal(getattr(apart, n), getattr(together, n)[some]) for n in sweep.Regressions.__slots__)


@pytest.mark.parametrize("left", [1e-2, 1e-5, 1e-8])
def test_columns_that_nearly_repeat_others(left):
    """Log-densities keep nine digits as long as the data allow; what costs the sweep digits is not swept."""
    rng = np.random.default_rng(1)
    z = rng.normal(size=(400, 4))
    x = np.column_stack([z, z @ [1, -2, 1, 0.5] + np.sqrt(left) * rng.normal(size=400)])
    sigma = np.cov(x.T)[None]
    observed = rng.random(x.T.shape) < 0.8
    form = FullForm(np.zeros((1, 5)), sigma, np.zeros(5))
    swept = sweep.share_left(sigma, form.precision) > sweep.TOLERANCE
    assert swept == (left > 1e-6)
    density, _ = form.evaluate(Cells(x.T, observed))
    for i in range(0, 400, 20):
        o = observed[:, i]
        own = sigma[0].astype(np.longdouble)[np.ix_(o, o)]
        assert density[0, i] == pytest.approx(float(exact(own, x[i, o])), abs=1e-9 + 1e-14 / left)


def exact(sigma, row):
    """Log-density about zero by elimination in extended precision."""
    s, y, out = sigma.copy(), row.astype(np.longdouble), np.longdouble(0)
    for j in range(len(y)):
        out -= 0.5 * (np.log(2 * np.pi * s[j, j]) + y[j] ** 2 / s[j, j])
        slope = s[j + 1 :, j] / s[j, j]
        y[j + 1 :] -= slope * y[j]
        s[j + 1 :, j + 1 :] -= np.outer(slope, s[j, j + 1 :])
    return out


def test_a_singular_component_has_a_name():
    sigma = np.stack([np.eye(3), np.ones((3, 3))])
    with pytest.raises(NumericalError, match="component 1"):
        FullForm(np.zeros((2, 3)), sigma, np.zeros(3))


def holed(n=300, d=5, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, d)) @ rng.normal(size=(d, d)) + 3 * rng.integers(0, 2, (n, 1))
    x[rng.random(x.shape) < 0.4] = np.nan
    return x


@pytest.mark.parametrize("family", [Gaussian("full"), StudentT(df=5)])
@pytest.mark.parametrize("patterns", [1, 3, 7])
def test_more_patterns_than_the_table_holds(monkeypatch, family, patterns):
    """Room for a few patterns only: slower, the same bits in every result."""
    x = holed()
    plenty = unseen.fit(Mixture(family, 2), x, restarts=1, stop=MaxIterations(4), block_rows=60)
    assert len(np.unique(np.isnan(x), axis=0)) > 7
    monkeypatch.setattr(incomplete, "PATTERN_BUDGET", patterns * 2 * (25 + 15))
    few = unseen.fit(Mixture(family, 2), x, restarts=1, stop=MaxIterations(4), block_rows=60)
    assert few.loglik == pytest.approx(plenty.loglik, rel=1e-12)
    for name in few.params:
        assert few.params[name] == pytest.approx(plenty.params[name], rel=1e-9, abs=1e-9), name
    assert few.impute(x) == pytest.approx(plenty.impute(x), rel=1e-9, abs=1e-9)


def test_a_table_is_made_once_for_all_blocks(monkeypatch):
    asked = []
    plain = incomplete.regress
    monkeypatch.setattr(incomplete, "regress", lambda *args: (asked.append(len(args[2])), plain(*args)))
    monkeypatch.setattr(incomplete.by_precision, "suits", lambda patterns: False)  # so few rows need no table
    x = holed()
    begin = unseen.fit(Mixture(Gaussian("full"), 2), x, restarts=1, stop=MaxIterations(1)).params
    asked.clear()
    unseen.fit(Mixture(Gaussian("full"), 2), x, start=begin, stop=MaxIterations(5), block_rows=60, engine="memory")
    patterns = len(np.unique(np.isnan(x[~np.isnan(x).all(axis=1)]), axis=0))  # rows of nothing are left out
    met_in_turn, afterwards = asked[:-5], asked[-5:]
    assert sum(met_in_turn) == patterns, "while blocks are new, each pattern is made when it is met"
    assert afterwards == [patterns] * 5, "then all at once, at each new parameters"


def test_own_anchors_and_a_shared_one_agree():
    x = holed().T
    cells = Cells(np.nan_to_num(x), ~np.isnan(x))
    means, sigma = np.random.default_rng(2).normal(size=(3, 5)), covariances(3, 5)
    r = np.random.default_rng(3).dirichlet(np.ones(3), x.shape[1]).T
    shared, own = FullForm(means, sigma, np.ones(5)), FullForm(means, sigma, np.ones((3, 5)))
    (a, collect_a), (b, collect_b) = shared.evaluate(cells), own.evaluate(cells)
    assert a == pytest.approx(b, abs=1e-12)
    assert collect_a(r) == pytest.approx(collect_b(r), abs=1e-10)


def test_patterns_of_rows():
    observed = np.random.default_rng(4).random((11, 200)) < 0.7
    found = Patterns(observed)
    assert sorted(found.order) == list(range(200))
    assert len(found.masks) == len(np.unique(observed, axis=1).T) == len(set(found.keys))
    for mask, a, b in zip(found.masks, found.starts, found.starts[1:], strict=False):
        rows = found.order[a:b]
        assert (observed[:, rows] == mask[:, None]).all() and (np.diff(rows) > 0).all()
    assert (np.diff(np.diff(found.starts)) >= 0).all()
    again = Patterns(observed[:, found.order])
    assert again.sorted and not found.sorted and np.array_equal(again.starts, found.starts)
    assert len(Patterns(np.ones((3, 0), bool)).masks) == 0


def test_a_result_with_tables_can_be_pickled():
    x = holed()
    fit = unseen.fit(Mixture(Gaussian("full"), 2), x, restarts=1, stop=MaxIterations(2))
    again = pickle.loads(pickle.dumps(fit))
    assert np.array_equal(again.impute(x), fit.impute(x))
    assert isinstance(again.params, Params)
