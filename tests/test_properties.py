"""Invariances that any likelihood fit has, over drawn data (hypothesis)."""

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import unseen
from unseen import Gaussian, MaxIterations, Mixture

SOME = settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
FORMS = st.sampled_from([(f, t) for f in ("full", "diagonal", "spherical") for t in (False, True)])


HOLES = st.floats(0, 0.3)


@st.composite
def tables(draw, holes=HOLES):
    """Two overlapping clouds with holes; every column keeps enough observed cells."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, d = draw(st.integers(30, 80)), draw(st.integers(1, 4))
    x = rng.normal(size=(n, d)) @ rng.normal(size=(d, d)) + 2 * rng.integers(0, 2, (n, 1))
    mask = rng.random(x.shape) < draw(holes)
    mask[:10] = False
    return np.where(mask, np.nan, x), draw(FORMS)


def fitted(x, form, start=None, iterations=8, **options):
    model = Mixture(Gaussian(form[0], tied=form[1]), 2)
    options.setdefault("restarts", 1)
    return unseen.fit(model, x, start=start or "kmeans++", stop=MaxIterations(iterations), seed=1, **options)


def same(a, b, rtol=1e-7):
    scale = 1 + abs(a.loglik)
    assert abs(a.loglik - b.loglik) <= rtol * scale
    for name in a.params:
        size = 1 + np.abs(a.params[name]).max()
        assert np.abs(a.params[name] - b.params[name]).max() <= 100 * rtol * size, name


@SOME
@given(tables())
def test_order_of_rows(case):
    x, form = case
    begin = fitted(x, form, iterations=1)
    order = np.random.default_rng(0).permutation(len(x))
    same(fitted(x, form, begin.params), fitted(x[order], form, begin.params))


@SOME
@given(tables(), st.integers(1, 4))
def test_weights_are_copies(case, times):
    x, form = case
    w = 1 + np.arange(len(x)) % times
    begin = fitted(x, form, iterations=1)
    a = fitted(x, form, begin.params, weights=w)
    b = fitted(np.repeat(x, w, axis=0), form, begin.params)
    same(a, b)
    assert abs(a.bic - b.bic) <= 1e-6 * (1 + abs(b.bic))


@SOME
@given(tables(holes=st.just(0.0)))
def test_masked_cells_never_existed(case):
    """A column observed nowhere in some added rows, and rows observed nowhere, leave the rest as it is."""
    x, form = case
    begin = fitted(x, form, iterations=1)
    empty = np.vstack([x, np.full((3, x.shape[1]), np.nan)])
    a = fitted(x, form, begin.params, iterations=1)
    b = fitted(empty, form, begin.params, iterations=1)
    block_a, block_b = next(iter(a.blocks(x))), next(iter(b.blocks(empty)))
    la = a.model.expect(begin.params, block_a).loglik
    lb = b.model.expect(begin.params, block_b).loglik
    assert abs(la - lb) <= 1e-9 * (1 + abs(la))


@SOME
@given(tables(), st.floats(0.01, 100), st.floats(-1e4, 1e4))
def test_change_of_units(case, scale, shift):
    """x -> scale x + shift moves means and covariances with it and the log-likelihood by the Jacobian."""
    x, form = case
    begin = fitted(x, form, iterations=1)
    moved = unseen.Params(
        weights=begin.params["weights"],
        means=begin.params["means"] * scale + shift,
        covariances=begin.params["covariances"] * scale**2,
    )
    a, b = fitted(x, form, begin.params), fitted(x * scale + shift, form, moved)
    cells = np.isfinite(x).sum()
    assert abs(a.loglik - (b.loglik + cells * np.log(scale))) <= 1e-6 * (1 + abs(a.loglik))
    assert np.allclose(a.params["means"] * scale + shift, b.params["means"], rtol=1e-5, atol=1e-4 * scale)


@SOME
@given(tables(), st.integers(1, 40))
def test_engines_and_partitions(case, rows):
    """The same bits on every engine at the same blocks; other partitions agree to rounding."""
    x, form = case
    begin = fitted(x, form, iterations=1)
    by_engine = [fitted(x, form, begin.params, engine=e, block_rows=rows) for e in ("memory", "threads", "outofcore")]
    for other in by_engine[1:]:
        assert other.loglik == by_engine[0].loglik
        assert all(np.array_equal(other.params[k], by_engine[0].params[k]) for k in other.params)
    same(by_engine[0], fitted(x, form, begin.params, block_rows=1000), 1e-10)


@SOME
@given(tables())
def test_objective_never_falls(case):
    x, form = case
    fit = fitted(x, form, iterations=25)
    gains = np.diff([r.objective for r in fit.trace])
    assert (gains >= -1e-9 * (1 + abs(fit.trace[-1].objective))).all()


@SOME
@given(tables(), st.integers(0, 5))
def test_a_run_is_a_function_of_its_seed(case, seed):
    x, form = case
    model = Mixture(Gaussian(form[0], tied=form[1]), 2)
    runs = [
        unseen.fit(model, x, seed=seed, restarts=3, workers=w, stop=MaxIterations(5), block_rows=16) for w in (1, 2, 3)
    ]
    for other in runs[1:]:
        assert other.restarts == runs[0].restarts
        assert all(np.array_equal(other.params[k], runs[0].params[k]) for k in other.params)
