"""Atoms beside other families: densities by SciPy, holes by simulation, truncation, and bad atoms."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.optimize import minimize

from unseen import DataError, Gaussian, Hurdle, Mixture, ModelError, NegativeBinomial, Params, Poisson, StudentT, fit
from unseen.core.example import Example
from unseen.testing import MODEL_CHECKS, check_model
from unseen.testing.setting import set_up

RNG = np.random.default_rng(5)
N = 400
INCOME = np.where(RNG.random(N) < 0.4, 0.0, np.round(RNG.normal(30, 6, N), 1))
AGE = np.round(35 + 0.4 * INCOME + RNG.normal(0, 4, N))
DATA = {"income": INCOME, "age": AGE}


def with_holes(share: float = 0.2) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    return {k: np.where(rng.random(N) < share, np.nan, v) for k, v in DATA.items()}


def test_density_is_that_of_the_cells_beside_the_atom() -> None:
    """A row at the atom: its probability times the marginal of the other columns; else the rest's joint density."""
    result = fit(Mixture(Hurdle(Gaussian("full")), 1), DATA)
    p = result.params
    mean, covariance = p["rest.means"][0], p["rest.covariances"][0]
    at = INCOME == 0
    assert p["shares"][0] == pytest.approx([1 - at.mean(), at.mean()])
    joint = stats.multivariate_normal(mean, covariance).logpdf(np.c_[INCOME, AGE]) + np.log(1 - at.mean())
    alone = stats.norm(mean[1], np.sqrt(covariance[1, 1])).logpdf(AGE) + np.log(at.mean())
    assert result.log_prob(DATA) == pytest.approx(np.where(at, alone, joint), abs=1e-9)


def test_the_rest_is_fitted_as_if_atoms_were_missing() -> None:
    hurdle = fit(Mixture(Hurdle(Gaussian("full")), 1), DATA, tol=1e-12, max_iterations=5000)
    holes = {"income": np.where(INCOME == 0, np.nan, INCOME), "age": AGE}
    plain = fit(Mixture(Gaussian("full"), 1), holes, tol=1e-12, max_iterations=5000)
    assert hurdle.params["rest.means"] == pytest.approx(plain.params["means"], rel=1e-6)
    assert hurdle.params["rest.covariances"] == pytest.approx(plain.params["covariances"], rel=1e-5)


@pytest.mark.parametrize("check", MODEL_CHECKS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("family", ["full", "student", "binomial"])
def test_conformance_over_other_families(check, family) -> None:
    data = with_holes()
    model = {
        "full": Mixture(Hurdle(Gaussian("full"), atoms={"income": 0}), 2),
        "student": Mixture(Hurdle(StudentT(df=5), atoms={"income": 0}), 2),
        "binomial": Mixture(Hurdle(NegativeBinomial(), atoms={"visits": (0, 3)}), 2),
    }[family]
    if family == "binomial":
        rng = np.random.default_rng(2)
        data = {"visits": np.where(rng.random(N) < 0.3, 3, rng.negative_binomial(3, 0.4, N)).astype(float)}
    options = {"tol": 1e-12, "max_iterations": 20_000, "restarts": 2}
    result = fit(model, data, **options)
    example = Example(model, _spread(result.params), data, result.loglik, "a fit of its own", True, options=options)
    if check.__name__ != "reaches_known_answer":
        check(set_up(example))


def _spread(params: Params) -> Params:
    """The same parameters with components that no longer rest at an optimum."""
    return Params({**params, "weights": [0.3, 0.7]})


def test_truncated_counts_reach_the_maximum_that_scipy_finds() -> None:
    x = np.repeat([0, 1, 2, 3, 4, 5, 8], [30, 10, 25, 20, 12, 8, 2])
    result = fit(Mixture(Hurdle(Poisson(), atoms={"x": (0, 1)}), 1), {"x": x}, tol=1e-13, max_iterations=9000)
    rest = x[x > 1]

    def loss(log_rate: np.ndarray) -> float:
        beside = 1 - stats.poisson.pmf([0, 1], np.exp(log_rate[0])).sum()
        return -(stats.poisson.logpmf(rest, np.exp(log_rate[0])) - np.log(beside)).sum()

    best = minimize(loss, [0.5], tol=1e-12)
    shares = np.array([(x == 0).sum(), (x == 1).sum(), len(rest)])
    assert result.loglik == pytest.approx(-best.fun + (shares * np.log(shares / len(x))).sum(), abs=1e-6)


def test_missing_cells_are_filled_with_atom_and_rest_in_their_shares() -> None:
    data = with_holes()
    result = fit(Mixture(Hurdle(Gaussian("full"), atoms={"income": 0}), 1), data)
    draws = np.array([d["income"] for d in result.impute(data, draws=400)])
    expected = result.impute(data)["income"]
    holes = np.isnan(data["income"])
    assert (expected[~holes] == data["income"][~holes]).all()
    error = draws[:, holes].std(axis=0) / np.sqrt(400)
    assert (np.abs(draws[:, holes].mean(axis=0) - expected[holes]) < 6 * error).all()
    zeros, share = (draws[:, holes] == 0).mean(), result.params["shares"][0, 1]
    assert abs(zeros - share) < 6 * np.sqrt(share * (1 - share) / draws[:, holes].size)


def test_a_sample_has_atoms_and_never_an_atom_from_a_truncated_rest() -> None:
    x = np.repeat([0, 1, 2, 3], [50, 5, 5, 5])
    result = fit(Mixture(Hurdle(Poisson(), atoms={"x": 0}), 1), {"x": x})
    drawn = result.sample(20_000)["x"]
    share = 50 / 65
    assert abs((drawn == 0).mean() - share) < 6 * np.sqrt(share * (1 - share) / 20_000)


def test_a_component_that_is_an_atom_only_is_a_finding_and_no_singularity() -> None:
    rng = np.random.default_rng(0)
    x = {
        "debt": np.r_[np.zeros(100), np.round(rng.normal(900, 80, 100))],
        "age": np.r_[np.round(rng.normal(70, 3, 100)), np.round(rng.normal(40, 3, 100))],
    }
    result = fit(Mixture(Hurdle(Gaussian("full")), 2), x, restarts=5)
    assert result.converged and not any(f.kind == "variance" for f in result.model.floors(result.params))
    zero = int(result.params["shares"][:, 1].argmax())
    assert result.params["shares"][zero, 1] == pytest.approx(1, abs=1e-6)
    assert result.params["weights"][zero] == pytest.approx(0.5, abs=0.01)


def test_the_description_sets_the_atoms_apart_from_the_rest() -> None:
    result = fit(Mixture(Hurdle(Gaussian("diagonal")), 1), DATA)
    income, age = result.description.views
    at = INCOME == 0
    assert income["family"] == "hurdle_gaussian" and income["atoms"] == (0.0,)
    assert income["atom_shares"] == [[pytest.approx(at.mean())]]
    assert (income["mean"][0], income["sd"][0]) == pytest.approx((INCOME[~at].mean(), INCOME[~at].std()), rel=1e-4)
    assert (income["overall_mean"][0], income["overall_sd"][0]) == pytest.approx(
        (INCOME.mean(), INCOME.std()), rel=1e-4
    )
    assert "atoms" not in age


def test_the_rest_of_counts_is_described_as_it_is_truncated() -> None:
    model = Mixture(Hurdle(Poisson(), atoms={"x": (0, 1)}), 1)
    result = fit(model, {"x": np.repeat([0, 1, 2, 3, 4, 5, 8], [30, 10, 25, 20, 12, 8, 2])})
    (told,) = result.description.views
    drawn = result.sample(100_000)["x"]
    rest = drawn[drawn > 1]
    assert abs(rest.mean() - told["mean"][0]) < 6 * told["sd"][0] / np.sqrt(len(rest))
    assert abs(drawn.mean() - told["overall_mean"][0]) < 6 * told["overall_sd"][0] / np.sqrt(len(drawn))
    # the standard error of a deviation is about sd sqrt((kurtosis - 1) / 4n), with a kurtosis far below 10 here
    assert told["sd"][0] == pytest.approx(rest.std(), rel=6 * 1.5 / np.sqrt(len(rest)))
    assert told["overall_sd"][0] == pytest.approx(drawn.std(), rel=6 * 1.5 / np.sqrt(len(drawn)))


def test_volume_counts_the_cells_beside_the_atoms() -> None:
    result = fit(Mixture(Hurdle(Gaussian("full")), 1), DATA)
    assert result.volume == pytest.approx((INCOME != 0).sum() * np.log(0.1) + N * np.log(1.0))


def test_saved_and_loaded(tmp_path) -> None:
    import unseen

    result = fit(Mixture(Hurdle(Gaussian("full")), 2), with_holes(), restarts=2)
    again = unseen.load(result.save(tmp_path / "run"))
    assert np.array_equal(again.log_prob(DATA), result.log_prob(DATA))


@pytest.mark.parametrize(
    "family, data, error, words",
    [
        (Hurdle(Gaussian()), {"x": np.arange(50.0)}, DataError, "no value of 'x' holds 10%"),
        (Hurdle(Gaussian(), atoms={"y": 0}), {"x": np.arange(50.0)}, DataError, "'y', which this family"),
        (Hurdle(Gaussian()), {"x": np.r_[np.zeros(9), 1.0]}, DataError, "one value or none beside its atoms"),
        (Hurdle(Poisson(), atoms={"a": 0}), {"a": [0, 1, 2], "b": [3, 4, 5]}, ModelError, "a hurdle of its own"),
        (Hurdle(Gaussian(), atoms={"x": 0}), {"x": np.array(["a", "b", "c"])}, DataError, "text"),
    ],
)
def test_bad_atoms_are_told(family, data, error, words) -> None:
    with pytest.raises(error, match=words):
        fit(Mixture(family, 1), data)


def test_atoms_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(ModelError, match="atoms are numbers"):
        Hurdle(Gaussian(), atoms={"x": "none"})
    with pytest.raises(ModelError, match="finite"):
        Hurdle(Gaussian(), atoms={"x": np.nan})
    with pytest.raises(ModelError, match="share"):
        Hurdle(Gaussian(), share=1.0)


def test_the_example_conforms() -> None:
    from unseen.families.hurdle import example

    check_model(example())


@pytest.mark.parametrize("form", ["full", "diagonal", "spherical"])
@pytest.mark.parametrize("tied", [False, True])
def test_a_component_at_an_atom_lends_no_variance_to_others(form: str, tied: bool) -> None:
    """Where one component has no rest in one column, its rest in the others still counts, and EM never falls."""
    rng = np.random.default_rng(4)
    x = {
        "a": np.r_[np.zeros(60), np.round(rng.normal(40, 6, 60), 1), np.round(rng.normal(80, 6, 60), 1)],
        "b": np.round(np.r_[rng.normal(5, 1, 60), rng.normal(9, 2, 60), rng.normal(2, 1, 60)], 1),
    }
    result = fit(Mixture(Hurdle(Gaussian(form, tied=tied)), 3), x, restarts=4, tol=1e-9)
    objective = np.array([t.objective for t in result.trace])
    assert (np.diff(objective) >= -1e-12 * np.abs(objective[0])).all()
    assert result.converged and not any("empty" in event for event in result.params.events)
