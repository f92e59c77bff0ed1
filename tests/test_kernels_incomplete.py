"""The compiled kernel for rows with missing cells gives the plain path's answer, the same bits everywhere."""

from __future__ import annotations

import numpy as np
import pytest

import unseen
from tests.test_sweep import check, covariances, every
from unseen import Gaussian, MaxIterations, Mixture, StudentT, kernels
from unseen.core.block import Cells
from unseen.kernels import host
from unseen.kernels import incomplete as source
from unseen.numerics import incomplete, sweep
from unseen.numerics.compiled_patterns import PatternKernel
from unseen.numerics.incomplete import PatternTable, incomplete_rows

DOUBLE = np.dtype(np.float64)
SHAPES = [
    (1, 1, 1), (1, 3, 40), (2, 1, 9), (3, 4, 100), (4, 2, 17), (5, 3, 300), (8, 2, 500), (10, 3, 700), (13, 1, 60),
    (17, 2, 90),
]  # fmt: skip


@pytest.fixture(scope="module", params=[16, 32, 64], ids="{} bytes".format)
def twin(request):
    """For SSE2 and NEON, AVX, AVX-512; a compiler splits what is wider than the processor."""
    return PatternKernel(host.build(source, DOUBLE, request.param // DOUBLE.itemsize))


def seen(kind, d, n):
    rng = np.random.default_rng([d, n])
    return {
        "a fifth missing": rng.random((d, n)) >= 0.2,
        "most missing": rng.random((d, n)) >= 0.8,
        "nothing missing": np.ones((d, n), bool),
        "nothing observed": np.zeros((d, n), bool),
        "monotone": np.arange(d)[:, None] <= rng.integers(d, size=n),
        "one row apart": np.arange(n) + np.zeros((d, 1)) != n // 2,
    }[kind]


def tables(twin, sigma):
    plain, fast = PatternTable(sigma), PatternTable(sigma)
    fast.twin = twin
    return plain, fast


def near(a, b):
    assert a.shape == b.shape
    assert np.abs(a - b).max(initial=0) <= 1e-12 * max(1, np.abs(b).max(initial=0))


def same(plain, fast, cells, anchor, shift):
    k, n = len(shift), cells.values.shape[1]
    a, b = (incomplete_rows(cells, table, anchor, shift) for table in (plain, fast))
    weights, mass = np.random.default_rng(n).random((2, k, n))
    near(b.distances, a.distances)
    near(b.half_log_dets, a.half_log_dets)
    near(b.expectation(weights), a.expectation(weights))
    near(b.moments(weights), a.moments(weights))
    near(b.moments(weights, mass), a.moments(weights, mass))


@pytest.mark.parametrize(
    "kind", ["a fifth missing", "most missing", "nothing missing", "nothing observed", "monotone", "one row apart"]
)
def test_equals_the_plain_path(twin, kind):
    for d, k, n in SHAPES:
        rng = np.random.default_rng([d, k, n])
        block = rng.normal(size=(d, n + 5))
        cells = Cells(block[:, 3 : n + 3], seen(kind, d, n))  # a tile of a longer block
        anchor = rng.normal(size=d if n % 2 else (k, d))
        same(*tables(twin, covariances(k, d)), cells, anchor, rng.normal(size=(k, d)))


def test_rows_in_the_order_of_their_patterns_and_in_single_precision(twin):
    rng = np.random.default_rng(0)
    cells = Cells(rng.normal(size=(6, 200)).astype(np.float32), rng.random((6, 200)) < 0.7)
    cells = cells.take(cells.patterns().order)
    assert cells.patterns().sorted
    same(*tables(twin, covariances(2, 6)), cells, np.zeros(6), np.ones((2, 6)))


@pytest.mark.parametrize("patterns", [1, 3, 7])
def test_more_patterns_than_the_table_holds(twin, monkeypatch, patterns):
    monkeypatch.setattr(incomplete, "PATTERN_BUDGET", patterns * 2 * (25 + 15))
    rng = np.random.default_rng(1)
    cells = Cells(rng.normal(size=(5, 150)), rng.random((5, 150)) < 0.8)
    plain, fast = tables(twin, covariances(2, 5))
    assert fast.capacity == patterns < len(cells.patterns().masks)
    same(plain, fast, cells, np.zeros(5), np.ones((2, 5)))


@pytest.mark.parametrize("d", [1, 2, 5, 9])
@pytest.mark.parametrize("share", [1.0, 0.2, 0.0])
def test_swept_matrices(twin, d, share):
    masks = every(d)
    masks = masks[np.random.default_rng(d).permutation(len(masks))[: max(1, int(share * len(masks)))]]
    sigma = covariances(3, d, seed=d)
    precision = np.linalg.inv(sigma)
    assert sweep.share_left(sigma, precision) > sweep.TOLERANCE
    out, plain = (sweep.Regressions.room(len(masks), 3, d) for _ in range(2))
    sweep.regress(sigma, precision, masks, out, twin)
    sweep.regress(sigma, precision, masks, plain)
    check(out, sigma, masks, rel=1e-10)
    for name in sweep.Regressions.__slots__:
        assert getattr(out, name) == pytest.approx(getattr(plain, name), abs=1e-11), name
    # which other patterns are asked for, and in which order, must not show
    order = np.random.default_rng(d).permutation(len(masks))[: 1 + len(masks) // 2]
    some = sweep.Regressions.room(len(order), 3, d)
    sweep.regress(sigma, precision, masks[order], some, twin)
    for name in sweep.Regressions.__slots__:
        assert np.array_equal(getattr(some, name), getattr(out, name)[order]), name


def test_only_its_own_part_of_a_table_is_written(twin):
    sigma, masks = covariances(2, 3), every(3)
    table = sweep.Regressions.room(3 * len(masks), 2, 3)
    for name in sweep.Regressions.__slots__:
        getattr(table, name)[:] = 7.0
    sweep.regress(sigma, np.linalg.inv(sigma), masks, table.part(8, 16), twin)
    assert all((getattr(table, name)[:8] == 7.0).all() for name in sweep.Regressions.__slots__)


def test_what_is_not_a_number_is_seen_in_the_sums(twin):
    rng = np.random.default_rng(2)
    cells = Cells(rng.normal(size=(4, 30)), rng.random((4, 30)) < 0.7)
    _, fast = tables(twin, covariances(2, 4))
    weights = np.ones((2, 30))
    weights[0, 7] = np.nan
    sums = incomplete_rows(cells, fast, np.zeros(4), np.ones((2, 4))).moments(weights)
    assert np.isnan(sums[0, 0]) and np.isnan(sums[0, 5:]).all() and np.isfinite(sums[1]).all()


# ---- whole fits


def holed(n=3000, d=6, seed=3):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, d)) @ np.linalg.qr(rng.normal(size=(d, d)))[0] + 3 * rng.integers(3, size=(n, 1))
    x[rng.random(x.shape) < 0.2] = np.nan
    return x


@pytest.mark.parametrize("family", [Gaussian(), Gaussian(tied=True), StudentT()], ids=["full", "tied", "student"])
def test_a_fit_is_the_same_with_and_without(monkeypatch, family):
    x, fits = holed(), []
    for setting in ("off", "always"):
        monkeypatch.setenv(kernels.SWITCH, setting)
        fit = unseen.fit(Mixture(family, 3), x, seed=0, restarts=1, stop=MaxIterations(8))
        assert (fit.model.family.prepare(fit.params).patterns.twin is None) == (setting == "off")
        fits.append((fit, fit.impute(x)))
    (plain, filled), (fast, filled_fast) = fits
    assert fast.loglik == pytest.approx(plain.loglik, rel=1e-10)
    for name, value in plain.params.items():
        assert fast.params[name] == pytest.approx(value, rel=1e-9, abs=1e-9), name
    assert filled_fast == pytest.approx(filled, rel=1e-9, abs=1e-9)


def test_same_bits_for_any_number_of_threads(monkeypatch):
    monkeypatch.setenv(kernels.SWITCH, "always")
    x = holed(30_000)
    fits = [
        unseen.fit(Mixture(Gaussian(), 3), x, seed=0, restarts=1, stop=MaxIterations(4), **how)
        for how in ({"engine": "memory"}, {"workers": 2}, {"workers": 5})
    ]
    for fit in fits[1:]:
        assert fit.loglik == fits[0].loglik
        assert all(np.array_equal(fit.params[name], value) for name, value in fits[0].params.items())


@pytest.mark.parametrize("family", [Gaussian(), StudentT()], ids=["Gaussian", "StudentT"])
def test_it_waits_for_data_that_is_worth_it(monkeypatch, family):
    monkeypatch.delenv(kernels.SWITCH, raising=False)

    def used(x):
        fit = unseen.fit(Mixture(family, 1), x, stop=MaxIterations(1))
        return fit.model.family.prepare(fit.params).patterns.twin is not None

    assert not used(holed(3000))
    assert used(holed(90_000))
    assert not used(np.nan_to_num(holed(90_000))), "nothing is missing"
