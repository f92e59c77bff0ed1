"""Rows in single precision: what is a fall, and what is left to gain, is judged by the precision of the E-step."""

from __future__ import annotations

from itertools import product

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import unseen
from tests.cli.calling import call
from unseen import (
    HMM,
    SQUAREM,
    Bernoulli,
    Converged,
    FactorAnalysis,
    Gaussian,
    Hurdle,
    LogNormal,
    MaxIterations,
    Mixture,
    Product,
    StudentT,
)

TOL = 1e-7
FORMS = {"full": Gaussian("full"), "diagonal": Gaussian("diagonal"), "tied": Gaussian("full", tied=True)}


def two_groups(seed, single=True):
    rng = np.random.default_rng(seed)
    x = np.concatenate([rng.normal(0, 1, (300, 2)), rng.normal(2.5, 1, (200, 2))]).astype(np.float32)
    return x if single else x.astype(float)


def walls(seed, single=True):
    rng = np.random.default_rng(seed)
    x = (rng.normal(size=(600, 2)) @ rng.normal(size=(2, 7)) + rng.normal(size=(600, 7))).astype(np.float32)
    return x if single else x.astype(float)


def amounts(seed, single=True):
    return np.exp(two_groups(seed)).astype(np.float32 if single else float)


def heaped(seed, single=True):
    x = amounts(seed, single)
    return np.where(np.random.default_rng(seed).random(x.shape) < 0.3, x.dtype.type(0), x)


def same_optimum(a, b):
    """Either fit has at most ``TOL`` per row left to gain; Aitken's estimate of that is good to a factor of two."""
    assert (a.outcome.name, b.outcome.name) == ("converged", "converged"), (a.outcome.message, b.outcome.message)
    assert abs(a.loglik - b.loglik) <= 2 * TOL * a.weight
    assert a.model.in_double() is a.model, "it ended in single precision, where rounding hides what is left to gain"


@pytest.mark.parametrize(("seed", "form", "k"), list(product((3, 4, 5), FORMS, (2, 3))))
def test_mixtures_of_single_rows_converge_to_what_double_rows_reach(seed, form, k):
    fits = [unseen.fit(Mixture(FORMS[form], k), two_groups(seed, single), seed=0, tol=TOL) for single in (True, False)]
    same_optimum(*fits)
    assert "fell" not in [start["outcome"] for start in fits[0].restarts]


@pytest.mark.parametrize(
    ("model", "data"),
    [
        (FactorAnalysis(2), walls),
        (FactorAnalysis(2, noise="isotropic"), walls),
        (Mixture(StudentT(df=4), 2), two_groups),
        (Mixture(Product(x0=Gaussian(), x1=Gaussian()), 2), two_groups),
        (HMM(Gaussian("full"), 2), two_groups),
        (Mixture(LogNormal(), 2), amounts),
        (Mixture(Product(x0=Hurdle(Gaussian()), x1=Hurdle(LogNormal())), 2), heaped),
    ],
    ids=["factors", "isotropic factors", "t", "product", "hmm", "log-normal", "hurdle"],
)
def test_every_model_that_computes_in_single_precision(model, data):
    same_optimum(*[unseen.fit(model, data(7, single), seed=0, restarts=2, tol=TOL) for single in (True, False)])


def test_squarem_goes_over_to_double_precision_too():
    fits = [
        unseen.fit(Mixture(Gaussian("full"), 3), two_groups(0, s), seed=0, restarts=3, algorithm=SQUAREM(), tol=TOL)
        for s in (True, False)
    ]
    assert fits[0].converged and not fits[0].model.family.single
    assert fits[0].loglik >= fits[1].loglik - 2 * TOL * fits[0].weight


def test_single_precision_is_kept_where_it_is_enough():
    fit = unseen.fit(Mixture(Gaussian("full"), 2), two_groups(3), seed=0, restarts=1, tol=1e-3)
    assert fit.converged and fit.model.family.single


def test_the_precision_changes_where_gains_sink_into_rounding():
    model = Mixture(Gaussian("full"), 2)
    fit = unseen.fit(model, two_groups(3), seed=0, restarts=1, stop=Converged(TOL) | MaxIterations(500))
    (at,) = [r.iteration for r in fit.trace[1:] if r.change != r.change]
    before, after = fit.trace[: at - 1], fit.trace[at:]
    eps = float(np.finfo(np.float32).eps)
    assert all(r.rounding > eps for r in before) and all(r.rounding < 1e-3 * eps for r in after)
    assert all(abs(r.change) > r.rounding for r in before[1:-1]) and abs(before[-1].change) <= before[-1].rounding


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("offset", [0.0, 30.0])
def test_rounding_bounds_what_single_precision_does(form, offset):
    x = two_groups(1) + np.float32(offset)
    fit = unseen.fit(Mixture(FORMS[form], 2), x, seed=0, restarts=1, stop=MaxIterations(1))
    assert fit.model.family.single
    double = fit.model.in_double()
    errors = [
        np.abs(fit.model.posterior(fit.params, block)[1] - double.posterior(fit.params, block)[1])
        for block in fit.blocks(x)
    ]
    error = np.concatenate(errors)
    assert 0 < error.mean() <= fit.model.rounding(fit.params)
    assert double.rounding(fit.params) < 1e-6 * fit.model.rounding(fit.params)


def test_single_columns_beside_double_ones_are_double():
    x = two_groups(2)
    data = {"a": x[:, 0], "b": x[:, 1].astype(float)}
    fit = unseen.fit(Mixture(Gaussian("full"), 2), data, seed=0, restarts=1, stop=MaxIterations(2))
    assert not fit.model.family.single
    data["c"] = np.random.default_rng(0).integers(0, 2, len(x)).astype(bool)
    mixed = Product({"a": Gaussian(), "b": Gaussian(), "c": Bernoulli()})
    fit = unseen.fit(Mixture(mixed, 2), data, seed=0, restarts=1, stop=MaxIterations(2))
    assert [getattr(t.family, "single", False) for t in fit.model.family.terms] == [True, False, False]


def test_the_command_line_ends_well_on_single_precision_columns(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    x = two_groups(3)
    ends = {}
    for name, columns in (("single", x), ("double", x.astype(float))):
        pq.write_table(pa.table({"a": columns[:, 0], "b": columns[:, 1]}), f"{name}.parquet")
        ends[name] = call("fit", f"{name}.parquet", "-k", "2", "--name", name, "--quiet").exit_code
    assert ends == {"single": 0, "double": 0}
    a, b = unseen.load("runs/single"), unseen.load("runs/double")
    assert abs(a.loglik - b.loglik) <= 2 * TOL * a.weight
