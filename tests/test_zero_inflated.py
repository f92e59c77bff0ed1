"""Excess zeros: published data, SciPy, boundaries, what happens to missing cells, and unsuitable families."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

import unseen
from tests.families_case import bind
from unseen import Bernoulli, DataError, Gaussian, Mixture, ModelError, NegativeBinomial, Params, Poisson, ZeroInflated
from unseen.core.block import Cells
from unseen.core.family import Family
from unseen.core.stats import add_sums

INNER = pytest.mark.parametrize("inner", [Poisson(), NegativeBinomial()], ids=["poisson", "negative binomial"])


def log_pmf(x: np.ndarray, share: float, mean: float, size: float | None = None) -> np.ndarray:
    usual = stats.poisson.logpmf(x, mean) if size is None else stats.nbinom.logpmf(x, size, size / (size + mean))
    return np.where(x == 0, np.log(share + (1 - share) * np.exp(usual)), np.log1p(-share) + usual)


def best(x: np.ndarray, sized: bool) -> tuple[np.ndarray, float]:
    """The maximum over share, mean and size, by SciPy."""

    def loss(p: np.ndarray) -> float:
        return -float(log_pmf(x, 1 / (1 + np.exp(-p[0])), np.exp(p[1]), np.exp(p[2]) if sized else None).sum())

    found = optimize.minimize(
        loss, np.zeros(2 + sized), method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-11, "maxiter": 10_000}
    )
    return np.array([1 / (1 + np.exp(-found.x[0])), *np.exp(found.x[1:])]), -found.fun


# ---- known answers


def test_cholera_in_an_indian_village() -> None:
    """Without the zeros the counts are truncated Poisson: mean of 86 cases in 55 houses."""
    x = np.repeat(np.arange(5), [168, 32, 16, 6, 1])
    r = unseen.fit(Mixture(ZeroInflated(Poisson()), 1), {"cases": x}, tol=1e-14)
    rate = r.params["cases.rates"].item()
    assert rate / (1 - np.exp(-rate)) == pytest.approx(86 / 55, rel=1e-7)
    assert r.params["zeros"].item() == pytest.approx(1 - 55 / 223 / (1 - np.exp(-rate)), rel=1e-7)
    wanted, loglik = best(x, False)
    assert r.loglik == pytest.approx(loglik, abs=1e-8)
    assert [r.params["zeros"].item(), rate] == pytest.approx(wanted, rel=1e-6)


def test_excess_zeros_beside_a_negative_binomial_have_the_maximum_of_scipy() -> None:
    rng = np.random.default_rng(3)
    x = np.where(rng.random(2000) < 0.3, 0, rng.poisson(rng.gamma(2.0, 2.0, 2000)))
    r = unseen.fit(Mixture(ZeroInflated(NegativeBinomial()), 1), {"n": x}, tol=1e-14, max_iterations=5000)
    wanted, loglik = best(x, True)
    assert r.loglik == pytest.approx(loglik, abs=1e-6)
    found = [r.params[name].item() for name in ("zeros", "n.means", "n.sizes")]
    assert found == pytest.approx(wanted, rel=1e-3)
    assert len(r.trace) < 200


@INNER
def test_density_is_that_of_the_formula(inner: Family) -> None:
    x = np.array([[0.0, 1, np.nan, 4, 0], [np.nan, 0, np.nan, 2, 1]])
    family, block = bind(ZeroInflated(inner), {"a": x[0], "b": x[1]})
    means, sizes, shares = [[1.5, 0.3], [4.0, 2.0]], [[0.5, 3.0], [2.0, 9.0]], [[0.2, 0.0], [0.7, 0.1]]
    sized = isinstance(inner, NegativeBinomial)
    arrays = {"zeros": shares}
    for j, name in enumerate("ab"):
        own = [[m[j]] for m in means]
        arrays.update(
            {f"{name}.means": own, f"{name}.sizes": [[s[j]] for s in sizes]} if sized else {f"{name}.rates": own}
        )
    density, _ = family.evaluate(family.prepare(Params(arrays)), block.cells)
    for k in range(2):
        per_cell = [log_pmf(x[j], shares[k][j], means[k][j], sizes[k][j] if sized else None) for j in range(2)]
        np.testing.assert_allclose(density[k], np.nan_to_num(per_cell).sum(axis=0), rtol=1e-12)


# ---- fits


@INNER
def test_two_components_are_found_again(inner: Family) -> None:
    """Two columns at means far apart: the standard errors are those of complete data, with the zeros in doubt."""
    rng, n = np.random.default_rng(4), 8000
    group = (rng.random(n) < 0.5).astype(int)
    shares, means = np.array([[0.4, 0.1], [0.05, 0.5]]), np.array([[2.0, 20.0], [25.0, 4.0]])
    sized = isinstance(inner, NegativeBinomial)
    rate = rng.gamma(4, means[group] / 4) if sized else means[group]
    x = np.where(rng.random((n, 2)) < shares[group], 0, rng.poisson(rate))
    r = unseen.fit(Mixture(ZeroInflated(inner), 2), {"a": x[:, 0], "b": x[:, 1]}, restarts=3, tol=1e-10)
    found = np.hstack([r.params[f"{c}.means" if sized else f"{c}.rates"] for c in "ab"])
    order = np.argsort(found[:, 0])
    rows = n / 2
    usual = (4 / (4 + means)) ** 4 if sized else np.exp(-means)
    variance = means + (means**2 / 4 if sized else 0)
    # of the counts alone, without any zero: truncation costs at most the share of zeros squared
    error = np.sqrt(variance / (rows * (1 - shares) * (1 - usual))) / (1 - usual)
    assert (np.abs(found[order] - means) < 6 * error).all()
    share_error = np.sqrt(1 / (4 * rows)) / (1 - usual) + error / means * usual / (1 - usual)
    assert (np.abs(r.params["zeros"][order] - shares) < 6 * share_error).all()
    assert min(record.change for record in r.trace[1:]) > -1e-12


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), sized=st.booleans(), prior=st.booleans(), mean=st.floats(0.1, 3000))
def test_every_m_step_raises_the_objective(seed: int, sized: bool, prior: bool, mean: float) -> None:
    rng = np.random.default_rng(seed)
    x = np.where(rng.random(40) < 0.4, 0, rng.poisson(rng.gamma(2, mean / 2, 40))).astype(float)
    x[0], x[1] = 1, 2
    family, block = bind(ZeroInflated(NegativeBinomial() if sized else Poisson()), {"n": x})
    pseudo = family.prior(2.0, 2) if prior else {}

    def objective(p: Params, r: np.ndarray) -> float:
        density, _ = family.evaluate(family.prepare(p), block.cells)
        return float((r * density).sum()) + (family.log_prior(p, pseudo) if prior else 0)

    params = Params({**family.vague(2), "zeros": rng.random((2, 1))})
    r = rng.dirichlet([0.5, 0.5], len(x)).T
    for _ in range(5):
        _, collect = family.evaluate(family.prepare(params), block.cells)
        new = family.moments(add_sums(collect(r), pseudo), params)
        before, after = objective(params, r), objective(new, r)
        assert after >= before - 1e-11 * (1 + abs(before))
        assert family.valid(new)
        params = new


def test_fewer_zeros_than_poisson_leave_none_in_excess() -> None:
    x = np.repeat(np.arange(5), [5, 30, 40, 20, 5])
    r = unseen.fit(Mixture(ZeroInflated(Poisson()), 1), {"n": x}, tol=1e-13)
    plain = unseen.fit(Mixture(Poisson(), 1), {"n": x}, tol=1e-13)
    assert r.params["zeros"].item() == 0
    assert r.params["n.rates"].item() == pytest.approx(x.mean(), rel=1e-9)
    assert r.loglik == pytest.approx(plain.loglik, abs=1e-9)
    assert not r.params.events
    assert r.model.size(r.params) == 2


def test_excess_zeros_come_back_after_a_component_had_none() -> None:
    x = np.repeat(np.arange(5), [168, 32, 16, 6, 1])
    start = Params({"weights": [1.0], "zeros": [[0.0]], "cases.rates": [[0.4]]})
    r = unseen.fit(Mixture(ZeroInflated(Poisson()), 1), {"cases": x}, start=start, tol=1e-14)
    assert r.params["zeros"].item() == pytest.approx(0.603313, abs=1e-6)


@INNER
def test_a_component_of_zeros_alone_is_a_finding(inner: Family) -> None:
    x = np.array([[0] * 40 + [20, 22, 25, 19, 21] * 8, [50] * 40 + [0, 1, 2, 0, 1] * 8])
    r = unseen.fit(Mixture(ZeroInflated(inner), 2), {"a": x[0], "b": x[1]}, restarts=3)
    assert np.isfinite(r.loglik)
    assert r.params["weights"] == pytest.approx([0.5, 0.5], abs=1e-3)
    assert "empty component" not in r.params.events
    assert r.model.valid(r.params)


# ---- rows


@INNER
def test_missing_cells_are_left_out_and_weights_are_copies(inner: Family) -> None:
    rng = np.random.default_rng(2)
    x = np.where(rng.random(300) < 0.4, 0, rng.poisson(rng.gamma(3, 1.0, 300))).astype(float)
    x[rng.random(300) < 0.3] = np.nan
    w = rng.integers(0, 4, 300)
    model = Mixture(ZeroInflated(inner), 1)
    weighed = unseen.fit(model, {"n": x}, weights=w, tol=1e-13, max_iterations=3000)
    copied = unseen.fit(model, {"n": np.repeat(x, w)[~np.isnan(np.repeat(x, w))]}, tol=1e-13, max_iterations=3000)
    assert weighed.loglik == pytest.approx(copied.loglik, rel=1e-10)
    for name in weighed.params:
        assert weighed.params[name] == pytest.approx(copied.params[name], rel=1e-3)


def test_completions_are_means_and_draws_have_the_zeros() -> None:
    family, _ = bind(ZeroInflated(Poisson()), {"a": np.arange(10), "b": np.arange(10)})
    params = Params({"zeros": [[0.5, 0.0], [0.1, 0.2]], "a.rates": [[6.0], [3.0]], "b.rates": [[1.0], [8.0]]})
    n = 20_000
    cells = [Cells(np.zeros((1, n)), np.zeros((1, n), bool)) for _ in range(2)]
    r = np.tile([[0.25], [0.75]], n)
    means = family.mean(params, cells, r)
    np.testing.assert_allclose([m[0, 0] for m in means], [0.25 * 3 + 0.75 * 2.7, 0.25 + 0.75 * 6.4])
    states = np.arange(n) % 2
    drawn = family.draw(params, cells, states, np.random.default_rng(0))
    for j, name in enumerate("ab"):
        for k in range(2):
            share, rate = params["zeros"][k, j], params[f"{name}.rates"][k, 0]
            expected = (share + (1 - share) * np.exp(-rate)) * n / 2
            assert abs((drawn[j][0][states == k] == 0).sum() - expected) < 5 * np.sqrt(expected)
            mean, sd = (family.describe(params)[j][what][k] for what in ("overall_mean", "overall_sd"))
            assert abs(drawn[j][0][states == k].mean() - mean) < 5 * sd / np.sqrt(n / 2)
            assert drawn[j][0][states == k].std() == pytest.approx(sd, rel=0.05)


def test_profiles_name_the_family_inside() -> None:
    for inner, name in ((Poisson(), "poisson"), (NegativeBinomial(), "negative_binomial")):
        family, _ = bind(ZeroInflated(inner), {"n": np.arange(10)})
        (told,) = family.describe(family.vague(2))
        assert told["family"] == f"zero_inflated_{name}"
        assert told["atoms"] == (0.0,) and told["atom_shares"] == family.vague(2)["zeros"].tolist()


# ---- what does not suit


def test_the_inner_family_describes_counts() -> None:
    with pytest.raises(ModelError, match=r"counts.*Gaussian describes measurements.*Hurdle"):
        ZeroInflated(Gaussian())
    with pytest.raises(ModelError, match="Poisson, which is not a family that was made"):
        ZeroInflated(Poisson)  # type: ignore[arg-type]
    with pytest.raises(ModelError, match="Bernoulli describes categories"):
        unseen.fit(Mixture(ZeroInflated(Bernoulli()), 1), {"n": np.array([0, 1, 1])})


@INNER
@pytest.mark.parametrize(
    ("column", "sentence"),
    [
        (np.array([1, -1, 0]), "negative numbers in 1 of 3 rows"),
        (np.array([0.0, 2.5, 3.5]), "fractions in 2 rows"),
        (np.array([0, 0, 0]), "constant"),
        (np.array(["a", "b", "c"]), "text"),
    ],
)
def test_unsuitable_columns_are_named_in_a_sentence(inner: Family, column: np.ndarray, sentence: str) -> None:
    with pytest.raises(DataError, match=f"'speed'.*{sentence}"):
        unseen.fit(Mixture(ZeroInflated(inner), 1), {"speed": column})


class Columnwise(Poisson):
    """Counts whose starts are not those of single columns beside each other."""

    def vague(self, components: int) -> Params:
        return Params(rates=super().vague(components)["rates"] * len(self.columns))


@pytest.mark.parametrize("prior", [False, True], ids=["free", "prior"])
def test_columns_take_their_m_steps_together_as_they_do_alone(prior: bool) -> None:
    rng = np.random.default_rng(4)
    data = {
        name: np.where(rng.random(50) < 0.4, 0, rng.poisson(m, 50)).astype(float) for name, m in (("a", 3), ("b", 9))
    }
    data["b"][::7] = np.nan
    for inner in (Poisson(), NegativeBinomial()):
        family, block = bind(ZeroInflated(inner), data)
        assert family.together is not None
        params = family.vague(2)
        r = rng.dirichlet([0.5, 0.5], 50).T
        sums = add_sums(
            family.evaluate(family.prepare(params), block.cells)[1](r), family.prior(2.0, 2) if prior else {}
        )
        together, alone = family.moments(sums, params), replace(family, together=None).moments(sums, params)
        assert list(together) == list(alone)
        np.testing.assert_allclose(together.vector(), alone.vector(), rtol=1e-6)
    assert bind(ZeroInflated(Columnwise()), data)[0].together is None
