"""Every family against independent formulas: densities, statistics, M-steps, missing cells, bad columns."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import optimize, special, stats

import unseen
from unseen import Bernoulli, Categorical, DataError, Gaussian, Mixture, ModelError, Params, Poisson, Product, StudentT
from unseen.core.block import Block, Cells
from unseen.core.family import Family
from unseen.numerics import discrete
from unseen.numerics import special as own
from unseen.problem import pose
from unseen.sources.arrays import Arrays

ROWS = 60


def draw_data(kind: str, missing: bool, rows: int = ROWS, seed: int = 3) -> dict[str, np.ndarray]:
    """Three columns of one kind in two groups; a fifth of the cells and all of row 0 missing on demand."""
    rng = np.random.default_rng(seed)
    group = rng.integers(0, 2, rows)
    gap = rng.random((3, rows)) < (0.2 if missing else 0)
    gap[:, 0] = missing
    if kind in ("normal", "student"):
        noise = rng.standard_t(3, (3, rows)) if kind == "student" else rng.standard_normal((3, rows))
        noise[1] += 0.7 * noise[0]
        x = noise + 3 * group
    elif kind == "counts":
        x = rng.poisson(np.where(group, [[2.0], [5.0], [1.0]], [[9.0], [4.0], [3.0]])).astype(float)
    elif kind == "binary":
        x = (rng.random((3, rows)) < np.where(group, 0.8, 0.3)).astype(float)
    else:
        names = np.array([f"c{i:02d}" for i in range(12)])
        widths = [3, 12, 2]
        x = np.array([names[(rng.integers(0, w, rows) * (1 + group)) % w] for w in widths], object)
        x[:, 1:13] = names  # every category occurs
        for j, w in enumerate(widths):
            x[j, 1:13] = names[np.arange(12) % w]
        gap[:, 1:13] = False
        return {f"x{j}": np.where(gap[j], None, x[j]) for j in range(3)}
    return {f"x{j}": np.where(gap[j], np.nan, x[j]) for j in range(3)}


FAMILIES: dict[str, tuple[Family, str]] = {
    "gaussian": (Gaussian("full"), "normal"),
    "student_t": (StudentT(), "student"),
    "student_t, df 4": (StudentT(df=4), "student"),
    "poisson": (Poisson(), "counts"),
    "bernoulli": (Bernoulli(), "binary"),
    "categorical": (Categorical(), "text"),
    "product": (Product({("x0", "x2"): StudentT(df=5), "x1": Gaussian()}), "student"),
}
EACH = pytest.mark.parametrize("name", FAMILIES)
MISSING = pytest.mark.parametrize("missing", [False, True], ids=["complete", "incomplete"])


def bind(family: Family, data: Any, weights: Any = None) -> tuple[Any, Block]:
    """The family bound to the data, and all rows as one block in their order."""
    extra = {} if weights is None else {"w": weights}
    source = Arrays(data, extra=extra)
    problem = pose(Mixture(family, 1), source, weights="w" if extra else None)
    encoding = replace(problem.encoding, grouped=False)
    return problem.model.family, encoding.encode(source.read(source.manifest()[0], encoding.columns()))


def wander(family: Any, block: Block, components: int = 2, seed: int = 0) -> Params:
    """Parameters that differ between components: those of random responsibilities."""
    r = np.random.default_rng(seed).dirichlet(np.ones(components), block.rows).T
    _, collect = family.evaluate(family.prepare(family.vague(components)), block.cells)
    return family.moments(collect(r**3), family.vague(components))


def case(name: str, missing: bool) -> tuple[Any, Block]:
    family, kind = FAMILIES[name]
    return bind(family, draw_data(kind, missing))


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
    if name == "gaussian":
        sigma = params["covariances"][k][np.ix_(seen, seen)]
        return float(stats.multivariate_normal.logpdf(x[seen], params["means"][k][seen], sigma))
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


# ---- statistics and M-steps


def test_student_statistics_row_by_row() -> None:
    """E[u], E[log u] and completed moments from their textbook formulas (Lange, Little & Taylor 1989)."""
    family, block = case("student_t", True)
    params, cells = wander(family, block), block.cells[0]
    r = np.random.default_rng(2).dirichlet([1, 1], block.rows).T
    _, collect = family.evaluate(family.prepare(params), block.cells)
    sums = collect(r)
    for k in range(2):
        mu, sigma, df = params["locations"][k], params["scales"][k], params["df"][k]
        mass = logs = weight = 0.0
        first, second = np.zeros(3), np.zeros((3, 3))
        for i in range(1, block.rows):  # row 0 is all missing and says nothing
            o, m = cells.observed[:, i], ~cells.observed[:, i]
            if not o.any():
                continue
            gap = cells.values[o, i] - mu[o]
            inverse = np.linalg.inv(sigma[np.ix_(o, o)])
            delta = gap @ inverse @ gap
            u = (df + o.sum()) / (df + delta)
            x, spread = cells.values[:, i].copy(), np.zeros((3, 3))
            slope = sigma[np.ix_(m, o)] @ inverse
            x[m] = mu[m] + slope @ gap
            spread[np.ix_(m, m)] = sigma[np.ix_(m, m)] - slope @ sigma[np.ix_(o, m)]
            z = x - family.anchor
            mass += r[k, i]
            logs += r[k, i] * (special.digamma((df + o.sum()) / 2) - np.log((df + delta) / 2))
            weight += r[k, i] * u
            first += r[k, i] * u * z
            second += r[k, i] * (u * np.outer(z, z) + spread)
        packed = np.concatenate([[weight], first, second[np.triu_indices(3)]])
        np.testing.assert_allclose(sums["moments"][k], packed, rtol=1e-10)
        np.testing.assert_allclose([sums["mass"][k], sums["logs"][k]], [mass, logs], rtol=1e-10)


def nudged(params: Params, rng: np.random.Generator, size: float) -> Params:
    """Valid parameters near the given ones."""
    out = {}
    for name, value in params.items():
        noise = size * rng.standard_normal(value.shape)
        if name.endswith(("covariances", "scales")):
            factor = np.linalg.cholesky(value) @ (np.eye(value.shape[-1]) + noise)
            out[name] = factor @ np.swapaxes(factor, 1, 2)
        elif name.endswith(("rates", "df")):
            out[name] = value * np.exp(noise)
        elif name.endswith("probabilities"):
            out[name] = np.clip(value * np.exp(noise), 0, 1)
        else:
            out[name] = value + noise
    return Params(out)


def normalised(family: Any, params: Params) -> Params:
    if not isinstance(family, Categorical):
        return params
    parts = [p / p.sum(axis=1, keepdims=True) for p in family.parts(params["probabilities"])]
    return Params(probabilities=np.concatenate(parts, axis=1))


@pytest.mark.parametrize("strength", [0.0, 2.0], ids=["likelihood", "prior"])
@pytest.mark.parametrize("name", ["gaussian", "poisson", "bernoulli", "categorical"])
def test_m_step_maximizes_the_expected_complete_data_loglikelihood(name: str, strength: float) -> None:
    family, block = case(name, False)
    rng = np.random.default_rng(5)
    r = rng.dirichlet([1, 1], block.rows).T
    _, collect = family.evaluate(family.prepare(family.vague(2)), block.cells)
    prior = family.prior(strength, 2)
    best = family.moments({k: v + prior[k] for k, v in collect(r).items()}, None)

    def objective(params: Params) -> float:
        density, _ = family.evaluate(family.prepare(params), block.cells)
        return float((r * density).sum()) + family.log_prior(params, prior)

    top = objective(best)
    for _ in range(100):
        other = normalised(family, nudged(best, rng, 10 ** rng.uniform(-3, -1)))
        assert objective(other) < top


@pytest.mark.parametrize("strength", [0.0, 2.0], ids=["likelihood", "prior"])
def test_student_m_step_maximizes_the_expected_complete_data_loglikelihood(strength: float) -> None:
    """In the expanded model u ~ alpha Gamma(nu/2, nu/2), Sigma* = alpha Sigma without a prior, alpha = 1 with one."""
    family, block = case("student_t", True)
    rng = np.random.default_rng(5)
    old = wander(family, block)
    _, collect = family.evaluate(family.prepare(old), block.cells)
    sums = collect(rng.dirichlet([1, 1], block.rows).T)
    prior = family.prior(strength, 2) if strength else {}
    best = family.moments({**sums, **prior}, old)
    d = 3
    i, j = np.triu_indices(d)

    def objective(params: Params, alpha: np.ndarray) -> float:
        total = family.log_prior(params, prior) if prior else 0.0
        for k in range(2):
            mu, h, a = params["locations"][k] - family.anchor, params["df"][k] / 2, alpha[k]
            sigma = params["scales"][k] * a
            n, logs, weight = sums["mass"][k], sums["logs"][k], sums["moments"][k, 0]
            first = sums["moments"][k, 1 : d + 1]
            second = np.zeros((d, d))
            second[i, j] = second[j, i] = sums["moments"][k, d + 1 :]
            about = second - np.outer(mu, first) - np.outer(first, mu) + weight * np.outer(mu, mu)
            total += -0.5 * n * np.linalg.slogdet(sigma)[1] - 0.5 * np.trace(np.linalg.solve(sigma, about))
            total += n * (h * np.log(h / a) - special.gammaln(h)) + h * logs - h / a * weight
        return total

    mean_u = sums["moments"][:, 0] / sums["mass"]
    alpha = np.ones(2) if prior else mean_u
    top = objective(best, alpha)
    for _ in range(100):
        size = 10 ** rng.uniform(-3, -1)
        moved = alpha if prior else alpha * np.exp(size * rng.standard_normal(2))
        assert objective(nudged(best, rng, size), moved) < top


@MISSING
@EACH
@pytest.mark.parametrize("prior", [0.0, 1.5], ids=["likelihood", "prior"])
def test_the_objective_never_falls(name: str, missing: bool, prior: float) -> None:
    family, kind = FAMILIES[name]
    options = {"weights": np.random.default_rng(4).integers(0, 4, ROWS), "restarts": 1, "start": "random"}
    r = unseen.fit(Mixture(family, 2), draw_data(kind, missing), **options, prior=prior, tol=1e-10, max_iterations=60)
    rises = [record.change for record in r.trace[1:]]
    assert min(rises) > -1e-10
    assert r.outcome.name in ("converged", "hit the cap")
    assert r.model.valid(r.params)


@MISSING
@EACH
def test_weights_are_repeated_rows(name: str, missing: bool) -> None:
    family, kind = FAMILIES[name]
    data = draw_data(kind, missing)
    weights = np.random.default_rng(4).integers(1, 4, ROWS)
    start = {"restarts": 1, "tol": 1e-9, "max_iterations": 40}
    first = unseen.fit(Mixture(family, 2), data, weights=weights, **start)
    again = {k: np.repeat(v, weights) for k, v in data.items()}
    model = Mixture(family, 2)
    same = unseen.fit(model, again, start=first.params, **{**start, "max_iterations": 1})
    other = unseen.fit(model, data, weights=weights, start=first.params, **{**start, "max_iterations": 1})
    assert same.loglik == pytest.approx(other.loglik, rel=1e-11)
    assert same.weight == other.weight
    for key in same.params:
        np.testing.assert_allclose(same.params[key], other.params[key], rtol=1e-8, atol=1e-10)


@EACH
def test_a_row_without_any_cell_changes_nothing(name: str) -> None:
    family, block = case(name, True)
    params = wander(family, block)
    density, collect = family.evaluate(family.prepare(params), block.cells)
    assert (density[:, 0] == 0).all()
    r = np.random.default_rng(0).dirichlet([1, 1], block.rows).T
    without = r.copy()
    without[:, 0] = 0
    if name not in ("gaussian", "product"):  # a Gaussian completes such a row: it only slows EM
        for key, value in collect(r).items():
            np.testing.assert_allclose(value, collect(without)[key], rtol=1e-12, atol=1e-12)


# ---- missing cells


@EACH
def test_completions_keep_what_was_observed_and_agree_with_the_conditional_mean(name: str) -> None:
    family, block = case(name, True)
    params = wander(family, block)
    rng = np.random.default_rng(9)
    states = rng.integers(0, 2, block.rows)
    one_hot = (np.arange(2)[:, None] == states).astype(float)
    means = family.mean(params, block.cells, one_hot)
    draws = [family.draw(params, block.cells, states, rng) for _ in range(250)]
    for slot, cells in enumerate(block.cells):
        stack = np.array([d[slot] for d in draws])
        seen = cells.observed
        np.testing.assert_array_equal(means[slot][seen], cells.values[seen])
        assert (stack[:, seen] == cells.values[seen]).all()
        assert stack[:, ~seen].std(axis=0).max() > 0
        if name in ("gaussian", "poisson", "student_t, df 4", "product"):
            error = stack[:, ~seen].std(axis=0) / np.sqrt(len(draws))
            assert (np.abs(stack[:, ~seen].mean(axis=0) - means[slot][~seen]) < 6 * error + 1e-12).all()
        if name in ("categorical", "bernoulli"):
            share = (stack[:, ~seen] == means[slot][~seen]).mean(axis=0)
            assert share.min() > 0.02


def test_student_completions_have_conditional_t_spread() -> None:
    """x2 given x1 is t with df + 1 and scale (df + delta) / (df + 1) (1 - rho^2)."""
    family, _ = bind(StudentT(df=5), {"a": np.array([0.0, 1.0, 2.0]), "b": np.array([0.0, 1.0, -1.0])})
    params = Params(locations=[[0.0, 0.0]], scales=[[[1.0, 0.6], [0.6, 1.0]]], df=[5.0])
    n = 20_000
    values = np.zeros((2, n))
    values[0] = 2.0
    seen = np.array([[True], [False]]) & np.ones(n, bool)
    drawn = family.draw(params, [Cells(values, seen)], np.zeros(n, int), np.random.default_rng(0))[0][1]
    scale = np.sqrt((5 + 4) / 6 * (1 - 0.36))
    assert stats.kstest(drawn, stats.t(6, loc=1.2, scale=scale).cdf).pvalue > 0.01


@EACH
def test_coordinates_and_profiles(name: str) -> None:
    family, block = case(name, True)
    cells = family.embed(block.cells)
    assert cells.values.shape == cells.observed.shape
    assert np.isfinite(cells.values).all() and not cells.observed[:, 0].any()
    told = family.describe(wander(family, block))
    assert sorted(entry["column"] for entry in told) == ["x0", "x1", "x2"]
    for entry in told:
        lists = [entry["probabilities"]] if "probabilities" in entry else [entry["mean"], entry["sd"]]
        assert all(len(values) == 2 for values in lists)


def test_starts_tell_the_frequent_ones_of_many_categories_apart() -> None:
    codes = np.repeat(np.arange(60), np.arange(60, 0, -1))
    family, block = bind(Categorical(), {"many": codes, "two": codes % 2})
    cells = family.embed(block.cells)
    assert cells.values.shape[0] == 32 + 2
    np.testing.assert_allclose([cells.values[:32].var(axis=1).sum(), cells.values[32:].var(axis=1).sum()], 1)
    np.testing.assert_allclose(cells.values.mean(axis=1), 0, atol=1e-12)


# ---- counted events


def test_degrees_of_freedom_of_light_tails_meet_their_bound() -> None:
    x = stats.norm.ppf((np.arange(200) + 0.5) / 200)
    start = Params(weights=[1.0], locations=[[0.0]], scales=[[[1.0]]], df=[190.0])
    r = unseen.fit(Mixture(StudentT(), 1), x, start=start, tol=1e-12)
    assert r.params["df"][0] == pytest.approx(200.0)
    assert r.params.events["df bound"] == 1


def test_ties_meet_the_variance_floor_and_the_rise_goes_on() -> None:
    x = np.concatenate([np.zeros(40), np.random.default_rng(0).standard_normal(20)])
    r = unseen.fit(Mixture(StudentT(df=1), 1), x, max_iterations=300)
    assert r.params.events == {"variance floor": 1}
    assert min(record.change for record in r.trace[1:]) > -1e-10
    np.testing.assert_allclose(r.params["scales"][0, 0, 0], 1e-6 * x.var())


def test_a_rate_of_zero_meets_its_floor() -> None:
    x = np.array([0] * 20 + [30] * 20)
    r = unseen.fit(Mixture(Poisson(), 2), {"n": x}, max_iterations=200)
    assert r.params.events == {"rate floor": 1}
    assert r.params["rates"].min() == pytest.approx(15e-6)


@EACH
def test_a_component_that_lost_its_rows_stays_where_it_was(name: str) -> None:
    family, block = case(name, True)
    old = wander(family, block)
    _, collect = family.evaluate(family.prepare(old), block.cells)
    r = np.zeros((2, block.rows))
    r[0] = 1
    new = family.moments(collect(r), old)
    for key in old:
        np.testing.assert_allclose(new[key][1], old[key][1])
    assert any("empty component" in event for event in new.events)
    assert family.valid(new)


def test_a_category_that_only_rows_of_weight_zero_have_changes_nothing() -> None:
    t = np.array(["a", "b", "a", "c"])
    r = unseen.fit(Mixture(Categorical(), 1), {"t": t}, weights=np.array([1.0, 1, 1, 0]))
    np.testing.assert_allclose(r.params["probabilities"], [[2 / 3, 1 / 3, 0]])
    assert (r.weight, r.loglik) == (3, pytest.approx(np.log([2 / 3, 1 / 3, 2 / 3]).sum()))
    with pytest.raises(DataError, match="constant"):
        unseen.fit(Mixture(Categorical(), 1), {"t": t}, weights=np.array([0.0, 1, 0, 0]))
    with pytest.raises(DataError, match="constant"):
        unseen.fit(Mixture(Bernoulli(), 1), {"t": t[:3]}, weights=np.array([0.0, 1, 0]))


# ---- columns that do not suit


@pytest.mark.parametrize(
    ("family", "column", "sentence"),
    [
        (Categorical(), np.array([0.5, 1.5, 2.5]), "decimal numbers"),
        (Categorical(), np.array(["a", "a", "a"]), "constant"),
        (Categorical(), np.arange(1001), "more than 1,000 categories"),
        (Categorical(), np.array([f"t{i}" for i in range(2500)]), "more than 1,000 categories"),
        (Bernoulli(), np.array([0, 1, 2]), "other than 0 and 1"),
        (Bernoulli(), np.array([0.0, 0.5, 1.0]), "other than 0 and 1"),
        (Bernoulli(), np.array(["a", "b", "c"]), "exactly two"),
        (Bernoulli(), np.array([1, 1, 1]), "constant"),
        (Bernoulli(), np.array(["a", "a", "a"]), "constant"),
        (Poisson(), np.array([1, -1, 2]), "negative"),
        (Poisson(), np.array([1.0, 2.5, 3.0]), "fractions in 1 rows"),
        (Poisson(), np.array([0, 0, 0]), "constant"),
        (Poisson(), np.array(["a", "b", "c"]), "text"),
        (StudentT(), np.array(["a", "b", "c"]), "text"),
        (StudentT(), np.array([2.0, 2.0, 2.0]), "constant"),
    ],
)
def test_unsuitable_columns_are_named_in_a_sentence(family: Family, column: np.ndarray, sentence: str) -> None:
    with pytest.raises(DataError, match=f"'speed'.*{sentence}"):
        unseen.fit(Mixture(family, 1), {"speed": column})


def test_whole_numbers_with_gaps_come_as_floats_and_are_counts_and_successes() -> None:
    data = {"n": np.array([3.0, np.nan, 0.0, 6.0]), "b": np.array([1.0, 0.0, np.nan, 1.0])}
    r = unseen.fit(Mixture(Product(n=Poisson(), b=Bernoulli()), 1), data, tol=1e-12)
    assert r.params["n.rates"].item() == pytest.approx(3.0)
    assert r.params["b.probabilities"].item() == pytest.approx(2 / 3)


def test_second_of_two_categories_is_success() -> None:
    r = unseen.fit(Mixture(Bernoulli(), 1), {"late": np.array(["yes", "no", "no", "no"])})
    assert r.params["probabilities"].item() == pytest.approx(0.25)
    assert r.model.describe(r.params)[0]["categories"] == ["no", "yes"]


def test_impossible_options_and_products_are_refused() -> None:
    for wrong in (0, -1, "some"):
        with pytest.raises(ModelError, match="degrees of freedom"):
            StudentT(df=wrong)
    with pytest.raises(ModelError, match="at least one column"):
        Product()
    with pytest.raises(ModelError, match="'a' is named twice"):
        Product({("a", "b"): Gaussian()}, a=Poisson())
    with pytest.raises(ModelError, match="'a' is given Gaussian, which is not a family that was made"):
        Product(a=Gaussian)
    with pytest.raises(ModelError, match="floor"):
        Poisson(floor=0)
    with pytest.raises(DataError, match="names column 'speed'"):
        unseen.fit(Mixture(Product(speed=Poisson()), 1), {"n": np.array([1, 2])})


def test_a_product_of_products_is_a_product() -> None:
    data = {k: v for k, v in zip("abc", draw_data("normal", True).values(), strict=True)}
    nested = Product({("a", "b"): Product(a=Gaussian(), b=StudentT(df=4))}, c=Gaussian())
    flat = Product(a=Gaussian(), b=StudentT(df=4), c=Gaussian())
    one, two = (unseen.fit(Mixture(f, 2), data, restarts=1, tol=1e-10) for f in (nested, flat))
    assert one.loglik == pytest.approx(two.loglik, abs=1e-6)
    assert "a+b.b.locations" in one.params
    assert replace(flat, terms=flat.terms) == flat


@EACH
def test_broken_parameters_are_named(name: str) -> None:
    family, block = case(name, False)
    params = wander(family, block)
    assert family.valid(params)
    for key, value in params.items():
        worse = {**params, key: np.where(np.arange(value.size).reshape(value.shape) == 0, -5.0, value)}
        if key.endswith(("means", "locations")):
            worse[key] = value * np.nan
        assert family.valid(Params(worse)).broken
