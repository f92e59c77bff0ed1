"""Log-densities of every family against SciPy and against themselves."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import optimize, special, stats

from tests.families_case import FAMILIES, MISSING, bind, case, draw_data, wander
from unseen import Bernoulli, Categorical, Gaussian, Mixture, Params, Poisson, Product, StudentT
from unseen.core.block import Cells
from unseen.numerics import discrete
from unseen.numerics import special as own
from unseen.problem import pose
from unseen.sources.arrays import Arrays

# ---- special functions


def test_special_functions_against_scipy() -> None:
    x = np.concatenate([np.geomspace(1e-3, 1e6, 400), np.arange(1, 40) / 2])
    np.testing.assert_allclose(own.gammaln(x), special.gammaln(x), rtol=3e-15, atol=3e-14)
    np.testing.assert_allclose(own.digamma(x), special.digamma(x), rtol=2e-14, atol=1e-14)
    np.testing.assert_allclose(own.trigamma(x), special.polygamma(1, x), rtol=2e-14)
    counts = np.array([[0.0, 1, 2, 20, 4095], [4096, 4097, 1e6, 3, 1e9]])
    np.testing.assert_allclose(own.log_factorial(counts), special.gammaln(counts + 1), rtol=1e-14, atol=1e-13)


def test_degrees_of_freedom_equation_against_a_root_finder() -> None:
    gaps = np.geomspace(1e-3, 3, 25)
    roots = [optimize.brentq(lambda h, c=c: np.log(h) - special.digamma(h) - c, 1e-3, 1e4, xtol=1e-14) for c in gaps]
    np.testing.assert_allclose(own.half_df(gaps, 1e-3, 1e4), roots, rtol=1e-9)
    np.testing.assert_array_equal(own.half_df(np.array([0.0, -1.0, 50.0]), 0.5, 100.0), [100.0, 100.0, 0.5])


# ---- log-densities


def oracle(name: str, family: Any, params: Params, cells: Cells, k: int, i: int) -> float:
    """Log-density of the observed cells of row i under component k, by scipy."""
    x = cells.values[:, i]
    seen = np.ones(len(x), bool) if cells.observed is None else cells.observed[:, i]
    if not seen.any():
        return 0.0
    if name == "poisson":
        return float(stats.poisson.logpmf(x[seen], params["rates"][k][seen]).sum())
    if name == "bernoulli":
        return float(stats.bernoulli.logpmf(x[seen], params["probabilities"][k][seen]).sum())
    if name == "categorical":
        parts = family.parts(params["probabilities"])
        return float(sum(np.log(parts[j][k, x[j]]) for j in np.flatnonzero(seen)))
    if name.startswith("gaussian"):
        sigma = family.full(params)[k][np.ix_(seen, seen)]
        return float(stats.multivariate_normal.logpdf(x[seen], params["means"][k][seen], sigma))
    if name == "hurdle":
        total, beside = 0.0, seen.copy()
        for place, (_, atoms), shares in zip(family.places, family.atoms, family.parts(params["shares"]), strict=True):
            if seen[place]:
                code = 1 + atoms.index(x[place]) if x[place] in atoms else 0
                beside[place] = code == 0
                total += np.log(shares[k, code])
        rest = Params({n.removeprefix("rest."): v for n, v in params.items() if n.startswith("rest.")})
        inside = Cells(cells.values, np.repeat(beside[:, None], cells.values.shape[1], axis=1))
        return float(total) + oracle("gaussian", family.inner, rest, inside, k, i)
    sigma = params["scales"][k][np.ix_(seen, seen)]
    return float(stats.multivariate_t.logpdf(x[seen], params["locations"][k][seen], sigma, df=params["df"][k]))


@MISSING
@pytest.mark.parametrize("name", [n for n in FAMILIES if n != "product"])
def test_log_density_is_that_of_the_observed_cells(name: str, missing: bool) -> None:
    family, block = case(name, missing)
    params = wander(family, block)
    density, _ = family.evaluate(family.prepare(params), block.cells)
    with np.errstate(divide="ignore"):
        expected = [[oracle(name, family, params, block.cells[0], k, i) for i in range(block.rows)] for k in range(2)]
    np.testing.assert_allclose(density, expected, rtol=1e-11, atol=1e-11)


@MISSING
@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_student_paths_agree_whatever_the_anchor(missing: bool, offset: float) -> None:
    data = {name: x + offset for name, x in draw_data("student", missing).items()}
    family, block = bind(StudentT(df=4), data)
    params = wander(family, block)
    own_anchors = replace(family, anchor=params["locations"])
    one, two = (f.evaluate(f.prepare(params), block.cells) for f in (family, own_anchors))
    np.testing.assert_allclose(one[0], two[0], rtol=1e-9)
    r = np.random.default_rng(1).dirichlet([1, 1], block.rows).T
    a, b = family.moments(one[1](r), params), own_anchors.moments(two[1](r), params)
    for key in a:
        np.testing.assert_allclose(a[key], b[key], rtol=1e-8, atol=1e-8)


def test_student_moves_its_anchors_where_components_lie_far_apart() -> None:
    x = np.concatenate([np.random.default_rng(0).standard_normal(50) + at for at in (0, 1e7)])
    family, block = bind(StudentT(df=4), {"x": x})
    params = Params(locations=[[0.0], [1e7]], scales=np.ones((2, 1, 1)), df=[4.0, 4.0])
    moved = family.anchored(params)
    assert moved.anchor.shape == (2, 1)
    density, _ = moved.evaluate(moved.prepare(params), block.cells)
    expected = stats.t.logpdf(np.concatenate([x[:50], x[50:] - 1e7]), 4)
    np.testing.assert_allclose(np.concatenate([density[0, :50], density[1, 50:]]), expected, atol=1e-8)


def test_product_adds_its_terms() -> None:
    data = {"a": np.array([0.0, 1.5, np.nan, 2.0]), "n": np.array([1, 0, 4, 2]), "t": np.array(["u", "v", "u", None])}
    family, block = bind(Product(a=Gaussian(), n=Poisson(), t=Categorical()), data)
    params = Params(
        {
            "a.means": [[0.0], [1.0]],
            "a.covariances": [[[1.0]], [[4.0]]],
            "n.rates": [[1.0], [3.0]],
            "t.probabilities": [[0.9, 0.1], [0.2, 0.8]],
        }
    )
    density, collect = family.evaluate(family.prepare(params), block.cells)
    expected = np.array([stats.norm.logpdf(data["a"], m, s) for m, s in ((0, 1), (1, 2))])
    expected[:, 2] = 0
    expected += [stats.poisson.logpmf(data["n"], rate) for rate in (1, 3)]
    expected += np.log([[0.9, 0.1, 0.9, 1], [0.2, 0.8, 0.2, 1]])
    np.testing.assert_allclose(density, expected)
    assert set(collect(np.ones((2, 4)))) == {"a.moments", "n.mass", "n.totals", "t.occurrences"}


def test_narrow_and_wide_category_columns_go_different_ways_to_the_same_sums(monkeypatch: pytest.MonkeyPatch) -> None:
    family, block = case("categorical", True)
    params = wander(family, block)
    r = np.random.default_rng(1).dirichlet([1, 1], block.rows).T
    found = []
    for most in (0, 8, 100):
        monkeypatch.setattr(discrete, "ONE_HOT_MOST", most)
        density, collect = family.evaluate(family.prepare(params), block.cells)
        found.append((density, collect(r)["occurrences"]))
    for density, sums in found[1:]:
        np.testing.assert_allclose(density, found[0][0], rtol=1e-13)
        np.testing.assert_allclose(sums, found[0][1], rtol=1e-12)


def test_an_impossible_category_has_density_zero_and_is_counted() -> None:
    data = {"t": np.array(["a", "b", "b", "a"]), "u": np.array([0, 1, 1, 0])}
    model = Mixture(Product(t=Categorical(), u=Bernoulli()), 2)
    start = Params(
        {
            "weights": [0.5, 0.5],
            "t.probabilities": [[1.0, 0.0], [1.0, 0.0]],
            "u.probabilities": [[0.0], [0.5]],
        }
    )
    problem = pose(model, Arrays(data))
    summed = problem.model.expect(
        start, problem.encoding.encode(problem.source.read(problem.source.manifest()[0], "tu"))
    )
    assert summed.counts == {"zero density": 2}
    assert all(np.isfinite(s).all() for s in summed.sums.values())
