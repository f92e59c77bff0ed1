"""Mixtures of logistic experts: gradients, bounds, and what they fit."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

import unseen
from unseen import SQUAREM, DataError, LogisticExperts, ModelError, Params
from unseen.models.logistic_experts import example
from unseen.problem import pose
from unseen.sources.arrays import Arrays


def two_experts(n=4000, seed=1):
    """Left of x = 5 the target falls with z, right of it it rises."""
    rng = np.random.default_rng(seed)
    x, z = rng.normal(5, 1, n), rng.normal(100, 3, n)
    right = rng.random(n) < 1 / (1 + np.exp(-3 * (x - 5)))
    eta = np.where(right, 1, -1) * (1 + (z - 100))
    return {"x": x, "z": z, "y": (rng.random(n) < 1 / (1 + np.exp(-eta))).astype(int)}


def posed(model, data):
    problem = pose(model, Arrays(data), engine="memory")
    return problem.model, problem.engine.blocks[0]


def test_one_expert_is_logistic_regression():
    e = example()
    fit = unseen.fit(e.model, e.data, tol=1e-13)
    assert fit.params["experts"] == pytest.approx(np.array(e.answer["experts"]), rel=1e-5)
    assert -2 * fit.loglik == pytest.approx(20.315, abs=1e-3) and fit.size == 2


def test_one_expert_agrees_with_scikit_learn():
    data = two_experts(500)
    x = np.column_stack([data["x"], data["z"]])
    w = np.random.default_rng(0).integers(1, 4, 500)
    ours = unseen.fit(LogisticExperts(1, "y"), data, weights=w, tol=1e-13).params["experts"][0]
    theirs = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(x - x.mean(0), data["y"], sample_weight=w)
    assert ours[1:] == pytest.approx(theirs.coef_[0], abs=1e-5)
    assert ours[0] == pytest.approx(theirs.intercept_[0] - theirs.coef_[0] @ x.mean(0), abs=1e-3)


def test_two_experts_are_found():
    data = two_experts()
    fit = unseen.fit(LogisticExperts(2, "y"), data, algorithm=SQUAREM(), restarts=3, tol=1e-9)
    assert fit.converged and fit.size == 9
    experts, gate = fit.params["experts"], fit.params["gate"][0]
    if gate[1] < 0:  # the last expert is the gate's reference: put the one on the right first
        experts, gate = experts[::-1], -gate
    assert gate[1] == pytest.approx(3, abs=0.8)
    assert -(gate[0] + 100 * gate[2]) / gate[1] == pytest.approx(5, abs=0.15)
    assert experts[0, 2] == pytest.approx(1, abs=0.25) and experts[1, 2] == pytest.approx(-1, abs=0.25)
    single = unseen.fit(LogisticExperts(1, "y"), data)
    assert fit.loglik > single.loglik + 100
    model, block = posed(fit.model, data)
    p = model.predict(fit.params, block)
    y = data["y"]
    assert (y @ np.log(p) + (1 - y) @ np.log1p(-p)) == pytest.approx(fit.loglik, abs=1e-8)


@pytest.mark.parametrize("components", [2, 3])
def test_statistics_hold_the_gradient(components):
    """The gradient of the expected complete likelihood is that of the observed one (Fisher's identity)."""
    data = two_experts(200)
    data["y"] = data["y"].astype(object)
    data["y"][::7] = None
    model, block = posed(LogisticExperts(components, "y"), data)
    block = replace(block, weights=1.0 + np.arange(200) % 3)
    model = replace(model, anchor=np.zeros(2), scale=np.ones(2))  # so that both are in the same coordinates
    params = Params({k: v / [1, 5, 100] for k, v in _drawn(components).items()})
    sums = model.expect(params, block).sums
    gradient = np.concatenate([sums["expert_gradient"].ravel(), sums["gate_gradient"].ravel()])
    here = params.vector()
    for i in range(len(here)):
        step = np.zeros_like(here)
        step[i] = 1e-6
        up, down = (model.expect(params.from_vector(here + s * step), block).loglik for s in (1, -1))
        assert gradient[i] == pytest.approx((up - down) / 2e-6, rel=1e-4, abs=1e-4)


def _drawn(components, seed=0):
    rng = np.random.default_rng(seed)
    return {"experts": rng.normal(size=(components, 3)), "gate": rng.normal(size=(components - 1, 3))}


@pytest.mark.parametrize("components, prior", [(2, 0.0), (3, 0.0), (3, 5.0)])
def test_the_objective_never_falls(components, prior):
    fit = unseen.fit(
        LogisticExperts(components, "y"), two_experts(300), restarts=2, prior=prior, max_iterations=150, tol=0
    )
    assert (np.diff([r.objective for r in fit.trace]) > -1e-13).all()


def test_a_prior_keeps_separated_classes_finite():
    data = {"x": np.arange(20.0), "y": np.arange(20) > 9}
    fit = unseen.fit(LogisticExperts(1, "y"), data, prior=0.1, tol=1e-12)
    assert fit.converged and 0 < fit.params["experts"][0, 1] < 10


def test_a_missing_target_says_nothing():
    data = two_experts(300)
    holed = {k: np.concatenate([v, v[:50]]).astype(float) for k, v in data.items()}
    holed["y"] = holed["y"].astype(object)
    holed["y"][300:] = None
    start = Params(_drawn(2))
    a, b = (pose(LogisticExperts(2, "y"), Arrays(d), engine="memory") for d in (data, holed))
    model = b.model
    assert model.expect(start, a.engine.blocks[0]).loglik == pytest.approx(
        model.expect(start, b.engine.blocks[0]).loglik, abs=1e-10
    )


def test_repeated_columns_share_their_slope():
    data = two_experts(300)
    once = unseen.fit(LogisticExperts(1, "y"), data, tol=1e-12)
    twice = unseen.fit(LogisticExperts(1, "y"), {**data, "again": data["z"]}, tol=1e-12)
    assert twice.loglik == pytest.approx(once.loglik, abs=1e-8)


def test_refusals_say_why():
    data = two_experts(50)
    with pytest.raises(ModelError, match="at least one"):
        LogisticExperts(0, "y")
    with pytest.raises(DataError, match="there is no column 'w'"):
        unseen.fit(LogisticExperts(2, "w"), data)
    with pytest.raises(DataError, match="'y' needs exactly two values"):
        unseen.fit(LogisticExperts(2, "y"), {**data, "y": np.arange(50) % 3})
    with pytest.raises(DataError, match="predictor 'x' has 1 missing cells"):
        unseen.fit(LogisticExperts(2, "y"), {**data, "x": np.r_[np.nan, data["x"][1:]]})
    with pytest.raises(DataError, match="predictor 'x' holds text"):
        unseen.fit(LogisticExperts(2, "y"), {**data, "x": data["x"].astype(str)})
    fit = unseen.fit(LogisticExperts(1, "y"), data)
    with pytest.raises(DataError, match="do not model"):
        fit.log_prob({**data, "x": np.r_[np.nan, data["x"][1:]]})
    with pytest.raises(ModelError, match="takes no labels"):
        unseen.fit(LogisticExperts(2, "y"), {**data, "c": data["y"]}, labels="c")
