"""Cells that are no counts, or none that a machine integer holds, at scoring and at binding."""

from __future__ import annotations

import numpy as np
import pytest

import unseen
from tests.families_case import bind
from unseen import (
    HMM,
    Bernoulli,
    DataError,
    Hurdle,
    Mixture,
    NegativeBinomial,
    Params,
    Poisson,
    Product,
    SchemaError,
    ZeroInflated,
)
from unseen.core.block import Cells
from unseen.core.family import Family

# ---- what is no count


WRONG = [-1.0, -3.0, -1e30, 0.5, 2.5, 2000.5, 1e306]
COUNTS = {
    "poisson": Poisson(),
    "negative binomial": NegativeBinomial(),
    "zero-inflated poisson": ZeroInflated(Poisson()),
    "zero-inflated negative binomial": ZeroInflated(NegativeBinomial()),
    "hurdle": Hurdle(Poisson(), atoms={"n": 0}),
    "hurdle of sizes": Hurdle(NegativeBinomial(), atoms={"n": [0, 1]}),
}


@pytest.mark.parametrize("inside", ["alone", "product", "hmm"])
@pytest.mark.parametrize("family", COUNTS.values(), ids=COUNTS)
@pytest.mark.filterwarnings("error")
def test_what_is_no_count_has_probability_zero(family: Family, inside: str) -> None:
    x = np.random.default_rng(0).poisson(2.0, 200).astype(float)
    model = {"alone": Mixture(family, 2), "product": Mixture(Product({"n": family}), 2), "hmm": HMM(family, 2)}[inside]
    r = unseen.fit(model, {"n": x}, restarts=1, max_iterations=5)
    for wrong in WRONG:
        assert r.log_prob({"n": np.array([wrong])}).tolist() == [-np.inf]
    data = {"n": np.array([*WRONG, 3, np.nan])}
    assert r.score(data)[0] == -np.inf
    assert len(r.assign(data)) == len(data["n"])
    if inside != "hmm":
        density = r.log_prob(data)
        assert (density[: len(WRONG)] == -np.inf).all()
        assert np.isfinite(density[-2]) and density[-1] == pytest.approx(0, abs=1e-15)


@pytest.mark.filterwarnings("error")
def test_counts_past_every_integer_are_improbable() -> None:
    x = np.array([2.0**62, 2.0**63, 9.3e18, 1e19, 1e150, 1e290])
    for family in (Poisson(), ZeroInflated(Poisson())):
        bound, block = bind(family, {"n": np.array([0.0, 0, 1, 2, 5])})
        cells = [Cells(x[None])]
        density, _ = bound.evaluate(bound.prepare(bound.vague(1)), cells)
        rate = block.cells[0].values.mean()
        # log x! is x log x - x up to a share of 1e-17
        expected = x * np.log(rate) - x * np.log(x) + x
        np.testing.assert_allclose(density[0], expected, rtol=1e-14)
    bound, _ = bind(NegativeBinomial(), {"n": np.array([0.0, 0, 1, 2, 5])})
    density, _ = bound.evaluate(bound.prepare(Params(means=[[2.0]], sizes=[[1.0]])), [Cells(x[None])])
    # a geometric distribution
    np.testing.assert_allclose(density[0], x * np.log(2 / 3), rtol=1e-12)


@pytest.mark.parametrize("wrong", [-1.0, 0.5, 2.0, 1e19])
def test_what_is_neither_success_nor_failure_is_refused(wrong: float) -> None:
    x = np.arange(20) % 2
    for family, names in ((Bernoulli(), "a"), (Product({"a": Bernoulli(), "n": Poisson()}), "an")):
        r = unseen.fit(Mixture(family, 1), {name: x for name in names})
        data = {name: np.array([wrong, 1.0]) if name == "a" else np.array([1.0, 0.0]) for name in names}
        for ask in (r.log_prob, r.score, r.assign):
            with pytest.raises(SchemaError, match="'a' has a category that was not there.*in 1 rows"):
                ask(data)


# ---- columns that are refused


@pytest.mark.parametrize("family", [Poisson(), NegativeBinomial(), ZeroInflated(Poisson())], ids=repr)
def test_refusals_say_in_how_many_rows(family: Family) -> None:
    x = np.arange(400)
    with pytest.raises(DataError, match="'n' has negative numbers in 3 of 400 rows"):
        unseen.fit(Mixture(family, 1), {"n": x - 3})
    many = np.random.default_rng(0).integers(0, 10**7, 9000)
    many[::3] *= -1
    with pytest.raises(DataError, match=r"'n' has negative numbers in about [23],\d{3} of 9,000 rows"):
        unseen.fit(Mixture(family, 1), {"n": many})
    rare = np.abs(many)
    rare[17] = -1
    with pytest.raises(DataError, match="'n' has negative numbers in (very few|about [1-9]) of 9,000 rows"):
        unseen.fit(Mixture(family, 1), {"n": rare})


def test_bernoulli_says_in_how_many_rows() -> None:
    x = np.repeat([0.0, 1.0, 2.0, 0.5], [50, 40, 7, 3])
    with pytest.raises(DataError, match="'n' holds numbers other than 0 and 1 in 10 of 100 rows"):
        unseen.fit(Mixture(Bernoulli(), 1), {"n": x})
