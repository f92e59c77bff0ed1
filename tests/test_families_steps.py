"""Statistics and M-steps of every family: they maximize what they should."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import special

import unseen
from tests.families_case import EACH, FAMILIES, MISSING, ROWS, case, draw_data, wander
from unseen import Categorical, Mixture, Params

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
    assert (np.abs(density[:, 0]) <= 1e-15).all()
    r = np.random.default_rng(0).dirichlet([1, 1], block.rows).T
    without = r.copy()
    without[:, 0] = 0
    if not name.startswith(("gaussian", "product", "hurdle")):  # a Gaussian completes such a row: it only slows EM
        for key, value in collect(r).items():
            np.testing.assert_allclose(value, collect(without)[key], rtol=1e-12, atol=1e-12)
