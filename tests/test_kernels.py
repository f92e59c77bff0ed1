"""Compiled kernels give the plain path's answer, the same bits everywhere, and never stand in the way of a fit."""

from __future__ import annotations

import importlib
import multiprocessing
import subprocess
import sys
import threading
import warnings

import numpy as np
import pytest

import unseen
from unseen import Gaussian, MaxIterations, Mixture, kernels
from unseen.core.block import Cells
from unseen.kernels import full_gaussian, host
from unseen.kernels import softmax as softmax_kernel
from unseen.numerics.compiled import LEAST_COLUMNS, FullGaussian, full_gaussian_kernel, softmax
from unseen.numerics.gaussian import FullForm
from unseen.numerics.posterior import responsibilities
from unseen.testing import MODEL_CHECKS
from unseen.testing.setting import set_up

DOUBLE, SINGLE = np.dtype(np.float64), np.dtype(np.float32)
TOLERANCE = {DOUBLE: 1e-12, SINGLE: 2e-6}
SHAPES = [
    (1, 1, 1), (1, 3, 50), (2, 1, 11), (3, 5, 12), (4, 2, 13), (5, 40, 96), (7, 3, 1001), (8, 16, 333), (9, 2, 23),
    (12, 4, 47), (13, 3, 48), (16, 8, 49), (17, 2, 500), (33, 4, 257), (64, 32, 517), (70, 5, 301),
]  # fmt: skip
#: width in bytes: SSE2 and NEON, AVX, AVX-512; a compiler splits what is wider than the processor
WIDTHS = [16, 32, 64]


@pytest.fixture
def always(monkeypatch):
    monkeypatch.setenv(kernels.SWITCH, "always")


@pytest.fixture
def unloaded(monkeypatch):
    """As if no kernel had been asked for yet."""
    monkeypatch.delenv(kernels.SWITCH, raising=False)
    monkeypatch.setattr(kernels, "_loaded", {})
    monkeypatch.setattr(kernels, "_usable", True)


@pytest.fixture(scope="module")
def built():
    made = {}

    def get(source, dtype, width):
        key = source.__name__, dtype, width
        if key not in made:
            made[key] = host.build(source, dtype, width // dtype.itemsize)
        return made[key]

    return get


def gaussians(d, k, seed=0):
    """Means, covariances and an anchor among them."""
    rng = np.random.default_rng([seed, d, k])
    a = rng.normal(size=(k, d, 2 * d))
    return rng.normal(size=(k, d)), a @ a.transpose(0, 2, 1) / (2 * d), 0.1 * rng.normal(size=d)


def clusters(n=4000, d=13, k=3, seed=1):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)) @ np.linalg.qr(rng.normal(size=(d, d)))[0] + 2 * rng.integers(k, size=(n, 1))


def near(a, b, tolerance):
    assert a.shape == b.shape
    assert np.abs(a - b).max() <= tolerance * np.abs(b).max()


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("dtype", [DOUBLE, SINGLE], ids=str)
def test_gaussian_kernel_equals_the_plain_products(built, dtype, width):
    for d, k, n in SHAPES:
        means, covariances, anchor = gaussians(d, k)
        form = FullForm(means, covariances, anchor)
        kernel = built(full_gaussian, dtype, width)
        twin = FullGaussian(kernel, form.whitener, form.shift, form.constant)
        rng = np.random.default_rng(n)
        block = rng.normal(size=(d, n + 5)).astype(dtype)
        values = block[:, 3 : n + 3]  # a tile of a longer block
        r = rng.dirichlet(np.full(k, 0.3), n).T * (rng.random(n) < 0.5)
        plain, collect_plain = form.evaluate(Cells(values.astype(float)))
        fast, collect = twin.evaluate(values, anchor)
        assert fast.dtype == dtype
        near(fast, plain, TOLERANCE[dtype])
        near(collect(r.astype(dtype)), collect_plain(r), TOLERANCE[dtype])


def test_single_precision_data_in_double_precision(built):
    means, covariances, anchor = gaussians(14, 3)
    form = FullForm(means, covariances, anchor)
    twin = FullGaussian(built(full_gaussian, DOUBLE, 32), form.whitener, form.shift, form.constant)
    values = np.random.default_rng(0).normal(size=(14, 100)).astype(np.float32)
    near(twin.evaluate(values, anchor)[0], form.evaluate(Cells(values.astype(float)))[0], 1e-12)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("dtype", [DOUBLE, SINGLE], ids=str)
def test_softmax_kernel_equals_the_plain_path(built, monkeypatch, always, dtype, width):
    used = []
    monkeypatch.setattr(
        "unseen.numerics.compiled.load", lambda _, of: used.append(of) or built(softmax_kernel, of, width)
    )
    rng = np.random.default_rng(0)
    for k, n in [(1, 1), (2, 7), (3, 16), (16, 1001), (40, 33)]:
        joint = (rng.normal(size=(k, n)) * rng.choice([1, 100, 1e4], n)).astype(dtype)
        joint[rng.random((k, n)) < 0.1] = -np.inf
        joint[:, :: max(2, n // 3)] = -np.inf  # rows of no density at all
        plain, fast = joint.copy(), joint.copy()
        density, expected = responsibilities(fast, compiled=True), responsibilities(plain)
        assert np.allclose(fast, plain, rtol=100 * np.finfo(dtype).eps, atol=np.finfo(dtype).tiny)
        assert np.allclose(density, expected, rtol=4 * np.finfo(dtype).eps)
    assert used == [dtype] * 5


def test_softmax_takes_rows_of_any_stride(always):
    block = np.random.default_rng(0).normal(size=(3, 64))
    part, copy = block[:, 5:50], block[:, 5:50].copy()
    assert softmax(part, part.max(axis=0)) == pytest.approx(softmax(copy, copy.max(axis=0)), rel=1e-15)
    assert np.array_equal(part, copy)
    assert softmax(block[:, ::2], block[:, ::2].max(axis=0)) is None


@pytest.mark.parametrize("dtype", [DOUBLE, SINGLE], ids=str)
def test_an_iteration_is_the_same_with_and_without(monkeypatch, dtype):
    x, model = clusters().astype(dtype), Mixture(Gaussian("full"), 3)
    start = unseen.fit(model, x, seed=0, restarts=1, stop=MaxIterations(8)).params
    fits = []
    for setting in ("off", "always"):
        monkeypatch.setenv(kernels.SWITCH, setting)
        fits.append(unseen.fit(model, x, start=start, stop=MaxIterations(1)))
        form = fits[-1].model.family.prepare(start)
        assert (form.twin(dtype) is None) == (setting == "off") and form.precision_for(x.T) == dtype
    # what the family says that rounding does to a row's log-density, on either path. It moves a responsibility by
    # twice that share of itself; adding n numbers moves their sum by about sqrt(n) eps
    row = form.rounding
    share = 2 * (2 * row + np.sqrt(len(x)) * np.finfo(dtype).eps)
    off, always = fits
    assert abs(always.trace[0].objective - off.trace[0].objective) <= 2 * row
    mass, means, covariances = (off.params[name] for name in ("weights", "means", "covariances"))
    # sums of r, r z and r z^2 about the anchor, each off by that share; mean = first / mass, second / mass - mean^2
    second = (np.diagonal(covariances, axis1=1, axis2=2) + (means - form.anchor) ** 2).max()
    for name, bound in {"weights": 2 * mass.max(), "means": 2 * np.sqrt(second), "covariances": 6 * second}.items():
        assert np.abs(always.params[name] - off.params[name]).max() <= share * bound, name


def test_same_bits_for_any_number_of_threads(always):
    x = clusters(30_000)
    fits = [
        unseen.fit(Mixture(Gaussian("full"), 3), x, seed=0, restarts=1, stop=MaxIterations(4), **how)
        for how in ({"engine": "memory"}, {"workers": 2}, {"workers": 5})
    ]
    for fit in fits[1:]:
        assert fit.loglik == fits[0].loglik
        assert all(np.array_equal(fit.params[name], value) for name, value in fits[0].params.items())


def test_components_far_apart_still_take_the_whitened_path(monkeypatch):
    rng = np.random.default_rng(2)
    x = np.concatenate([rng.normal(-1e5, 1, (300, 12)), rng.normal(1e5, 1, (300, 12))])
    params = []
    for setting in ("off", "always"):
        monkeypatch.setenv(kernels.SWITCH, setting)
        fit = unseen.fit(Mixture(Gaussian("full"), 2), x, seed=0, restarts=1)
        assert fit.model.family.anchor.ndim == 2
        params.append(fit.params)
    near(params[1]["covariances"], params[0]["covariances"], 1e-9)


def test_what_is_not_a_number_is_seen_in_the_sums(built):
    means, covariances, anchor = gaussians(12, 2)
    form = FullForm(means, covariances, anchor)
    twin = FullGaussian(built(full_gaussian, DOUBLE, 32), form.whitener, form.shift, form.constant)
    _, collect = twin.evaluate(np.ones((12, 30)), anchor)
    r = np.ones((2, 30))
    r[0, 7] = np.nan
    sums = collect(r)
    assert np.isnan(sums[0]).all() and np.isfinite(sums[1]).all()


FORCED = [
    "unseen.families.gaussian", "unseen.families.student_t", "unseen.models.mixture", "unseen.models.hmm",
    "unseen.models.dawid_skene",
]  # fmt: skip


@pytest.mark.parametrize("check", MODEL_CHECKS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("name", FORCED)
def test_conformance_with_kernels_everywhere(name, check, always):
    setting = set_up(importlib.import_module(name).example())
    check(setting)


# ---- where kernels are used


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("dtype", [DOUBLE, SINGLE], ids=str)
def test_the_width_of_vectors_does_not_decide_where_the_gaussian_kernel_is_used(built, monkeypatch, dtype, width):
    monkeypatch.delenv(kernels.SWITCH, raising=False)
    monkeypatch.setattr("unseen.numerics.compiled.load", lambda _, of: built(full_gaussian, of, width))
    least = LEAST_COLUMNS[dtype]
    assert full_gaussian_kernel(least - 1, dtype) is None
    for columns in (least, least + 1, 64):
        means, covariances, anchor = gaussians(columns, 2)
        twin = FullForm(means, covariances, anchor, compiled=True).twin(dtype)
        assert twin is not None and (twin.dtype, twin.kernel.lanes) == (dtype, width // dtype.itemsize)
    monkeypatch.setenv(kernels.SWITCH, "always")
    assert full_gaussian_kernel(1, dtype) is not None


def test_kernels_wait_for_data_that_is_worth_them(monkeypatch):
    monkeypatch.delenv(kernels.SWITCH, raising=False)
    model = Mixture(Gaussian("full"), 3)
    few = unseen.fit(model, clusters(500), seed=0, restarts=1, stop=MaxIterations(1))
    assert not few.model.family.prepare(few.params).compiled
    many = unseen.fit(model, clusters(400_000, LEAST_COLUMNS[DOUBLE], 3), seed=0, restarts=1, stop=MaxIterations(1))
    form = many.model.family.prepare(many.params)
    assert form.compiled and isinstance(form.twin(DOUBLE), FullGaussian)
    narrow = unseen.fit(model, clusters(500, LEAST_COLUMNS[DOUBLE] - 1), seed=0, restarts=1, stop=MaxIterations(1))
    form = narrow.model.family.prepare(narrow.params)
    form.compiled = True
    assert form.twin(DOUBLE) is None, "few columns are as fast without"


def test_a_small_fit_does_not_load_the_compiler():
    code = (
        "import sys, numpy as np, unseen; x = np.random.default_rng(0).normal(size=(500, 13))\n"
        "unseen.fit(unseen.Mixture(unseen.Gaussian('full'), 2), x, seed=0, restarts=1)\n"
        "print('llvmlite' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_without_the_extra_nothing_is_said(unloaded, monkeypatch):
    monkeypatch.setitem(sys.modules, "llvmlite", None)
    monkeypatch.delitem(sys.modules, "unseen.kernels.host")
    monkeypatch.setattr(importlib, "import_module", missing)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert kernels.load("full_gaussian", DOUBLE) is None


def missing(name):
    raise ModuleNotFoundError(f"No module named {name!r}", name="llvmlite")


def test_what_cannot_be_compiled_warns_once_and_fits_all_the_same(unloaded, monkeypatch):
    def broken(*_):
        raise RuntimeError("no such target")

    x = clusters()
    monkeypatch.setenv(kernels.SWITCH, "off")
    plain = unseen.fit(Mixture(Gaussian("full"), 3), x, seed=0, restarts=1, stop=MaxIterations(3))
    monkeypatch.setenv(kernels.SWITCH, "always")
    monkeypatch.setattr(host, "build", broken)
    with pytest.warns(RuntimeWarning, match="no such target.*UNSEEN_KERNELS=off") as said:
        fit = unseen.fit(Mixture(Gaussian("full"), 3), x, seed=0, restarts=1, stop=MaxIterations(3))
    assert len([w for w in said if "kernels" in str(w.message)]) == 1
    assert fit.loglik == plain.loglik


def test_off_and_other_precisions_load_nothing(unloaded, monkeypatch):
    assert kernels.load("softmax", np.dtype(np.float16)) is None
    monkeypatch.setenv(kernels.SWITCH, "off")
    assert kernels.load("softmax", DOUBLE) is None


def test_threads_that_come_together_compile_once(unloaded, monkeypatch):
    made, build = [], host.build
    monkeypatch.setattr(host, "build", lambda *a: made.append(a) or build(*a))
    found = []
    threads = [threading.Thread(target=lambda: found.append(kernels.load("softmax", DOUBLE))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1 and len(found) == 4 and len({id(f) for f in found}) == 1 and found[0] is not None


def test_a_child_forked_during_compilation_takes_the_plain_path(unloaded):
    with kernels._lock:
        before = kernels._lock
        try:
            kernels._after_fork()
            assert kernels._lock is not before and kernels.load("softmax", DOUBLE) is None
        finally:
            kernels._lock = before


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="this system does not fork")
def test_a_forked_child_uses_what_its_parent_compiled(always):
    code = (
        "import os, sys, numpy as np\n"
        "from unseen.numerics.posterior import responsibilities as r\n"
        "a = np.random.default_rng(0).normal(size=(3, 64)); b = a.copy(); r(a, True)\n"
        "child = os.fork()\n"
        "if not child: r(b, True); os._exit(0 if np.array_equal(a, b) else 3)\n"
        "sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
