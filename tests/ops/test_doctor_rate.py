"""The fraction of missing information from a trace, against answers that are known."""

from __future__ import annotations

import numpy as np
import pytest

import unseen
from unseen.algorithms.squarem import SQUAREM
from unseen.core.stats import Params
from unseen.ops.doctor import Case, diagnose
from unseen.ops.doctor.convergence import iterations_for, missing_information


def trace(result: unseen.Result) -> list[float]:
    return [t.objective for t in result.trace]


@pytest.mark.parametrize("share", [0.3, 0.5, 0.8, 0.9, 0.95, 0.98])
def test_a_share_of_missing_cells_is_that_share_of_the_information(share: float) -> None:
    """y given x, missing for the same share of the rows at every x: every fraction of missing information is it.

    The regression's complete-data information is X'X over all rows, its observed one (1 - share) X'X; the residual
    variance has the same two (Little & Rubin 2019, section 7.2.1 and theorem 8.3).
    """
    rng = np.random.default_rng(1)
    x = np.repeat(rng.normal(size=40), 100)
    y = 1 + 2 * x + rng.normal(size=len(x))
    y[np.arange(len(x)) % 100 < 100 * share] = np.nan
    model = unseen.Mixture(unseen.Gaussian("full"), 1)
    found = unseen.fit(model, {"x": x, "y": y}, max_iterations=5000)
    assert found.converged
    estimate = missing_information(trace(found))
    if share == 0.3:  # nine iterations say nothing yet
        found = unseen.fit(model, {"x": x, "y": y}, tol=1e-12)
        estimate = missing_information(trace(found))
    assert estimate == pytest.approx(share, abs=0.04 * (1 - share))


@pytest.mark.parametrize("apart", [4.0, 3.0, 2.5])
def test_two_components_have_the_largest_eigenvalue_of_the_em_map(apart: float) -> None:
    """The Jacobian of one EM step at its fixed point, by differences (Meng & Rubin 1991)."""
    rng = np.random.default_rng(2)
    x = np.concatenate([rng.normal(size=1000), apart + rng.normal(size=1000)])
    model = unseen.Mixture(unseen.Gaussian(), 2)
    begin = Params(weights=[0.4, 0.6], means=[[0.5], [apart - 0.5]], covariances=[[[2.0]], [[0.5]]])
    found = unseen.fit(model, x, start=begin, max_iterations=20_000)
    known = np.abs(np.linalg.eigvals(jacobian(model, x, settled(model, x, found.params)))).max()
    estimate = missing_information(trace(found))
    assert estimate is not None and iterations_for(estimate, 10) == pytest.approx(iterations_for(known, 10), rel=0.05)


def settled(model: object, x: np.ndarray, params: Params) -> Params:
    return unseen.fit(model, x, start=params, tol=1e-14, max_iterations=50_000).params


def jacobian(model: object, x: np.ndarray, at: Params) -> np.ndarray:
    def flat(p: Params) -> np.ndarray:
        return np.r_[p["weights"][0], p["means"].ravel(), p["covariances"].ravel()]

    def step(v: np.ndarray) -> np.ndarray:
        p = Params(weights=[v[0], 1 - v[0]], means=v[1:3, None], covariances=v[3:5, None, None])
        return flat(unseen.fit(model, x, start=p, max_iterations=1).params)

    centre = flat(at)
    out = np.zeros((5, 5))
    for j in range(5):
        h = 1e-5 * np.eye(5)[j]
        out[:, j] = (step(centre + h) - step(centre - h)) / 2e-5
    return out


def overlapping() -> np.ndarray:
    rng = np.random.default_rng(2)
    return np.concatenate([rng.normal(size=1500), 2.3 + rng.normal(size=1500)])


@pytest.mark.parametrize("options", [{"restarts": 1}, {"restarts": 5}, {"restarts": 5, "short": 30, "finish": 1}])
def test_restarts_and_short_runs_do_not_change_it(options: dict[str, int]) -> None:
    result = unseen.fit(unseen.Mixture(unseen.Gaussian(), 2), overlapping(), max_iterations=5000, **options)
    assert result.converged
    assert missing_information(trace(result)) == pytest.approx(0.983, abs=0.004)


def test_an_accelerated_trace_is_not_read() -> None:
    """It shrinks faster than the information is missing: an estimate from it would call a slow problem fast."""
    result = unseen.fit(unseen.Mixture(unseen.Gaussian(), 2), overlapping(), algorithm=SQUAREM(), restarts=1)
    assert "F2" not in {d.mode for d in diagnose(Case("x", result=result))}
    assert Case("x", result=result).fit.algorithm == "SQUAREM"
    plain = unseen.fit(unseen.Mixture(unseen.Gaussian(), 2), overlapping(), restarts=1)
    said = next(d for d in diagnose(Case("x", result=plain)) if d.mode == "F2")
    assert "97.9 %" in said.evidence[1] and said.severity == "note"


@pytest.mark.parametrize(
    "values",
    [
        [],
        [-1.0],
        [-3.0, -2.0, -1.5],
        [float("nan")] * 30,
        [-1.0] * 30,
        [-2.0 ** -i for i in range(3)] + [-0.125] * 20,
        list(np.linspace(-5, -1, 40)),  # does not shrink at all
        [-(0.3**t) - 1e-3 * 0.999**t for t in range(16)],  # still turning from one rate to another
        [-(0.9 ** (2 * t)) + 0.02 * (t % 2) for t in range(40)],  # falls in between
    ],
)  # fmt: skip
def test_a_trace_that_says_nothing(values: list[float]) -> None:
    assert missing_information(values) is None


def test_the_end_of_a_trace_sinks_into_rounding() -> None:
    values = np.array([-5 - 0.8 ** (2 * t) for t in range(200)])
    assert missing_information(values.tolist()) == pytest.approx(0.8, abs=0.01)
