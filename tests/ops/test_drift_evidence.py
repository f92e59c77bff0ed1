"""The evidence itself: what it promises when nothing changes, what it sees when something does."""

from __future__ import annotations

from math import lgamma

import numpy as np
import pytest
from scipy.stats import binom

from unseen.ops.drift.battery import watched, weight
from unseen.ops.drift.evidence import (
    EXPONENT,
    LARGE,
    LARGE_EXPONENT,
    ROWS,
    SMALL,
    _log_alternative,
    effects,
    log_evidence,
)

ALPHA, LIVES, LOOKS = 0.05, 400, 20
BOUND = binom.ppf(0.999, LIVES, ALPHA)
MIXES = {
    "even": np.full(6, 1 / 6),
    "skewed": np.array([0.94, 0.05, 0.009, 0.001]),
    "rare": np.array([0.9995, 0.0005]),
    "many": np.array([0.5, *[0.049] * 10, 0.01]),
}


def expected(n, p, s):
    """E exp(s n KL(k/n || p)) of a binomial k, term by term."""
    k = np.arange(n + 1)
    log_choose = lgamma(n + 1) - np.array([lgamma(i + 1) + lgamma(n - i + 1) for i in k])
    with np.errstate(divide="ignore", invalid="ignore"):
        up = np.where(k > 0, k * np.log(k / n / p), 0.0)
        down = np.where(k < n, (n - k) * np.log((1 - k / n) / (1 - p)), 0.0)
    return np.exp(log_choose + k * np.log(p) + (n - k) * np.log1p(-p) + s * (up + down)).sum()


@pytest.mark.parametrize(
    ("s", "exponent"), [*((s, EXPONENT) for s in (0.01, 0.05, 0.1, 0.2, 0.3, 0.4, SMALL)), (LARGE, LARGE_EXPONENT)]
)
def test_the_price_of_an_unknown_reference_is_enough_for_every_binomial(s: float, exponent: float) -> None:
    sizes = [*range(1, 41), 60, 100, 300, 1000]
    worst = max(
        expected(n, p, s)
        for n in sizes
        for p in {*np.linspace(0.02, 0.5, 49), *(np.arange(0.1, 9, 0.3) / n)}
        if p <= 0.5
    )
    assert worst <= (1 - s) ** -exponent
    assert worst > 1 + s / 2  # and it has to be paid


def alternative(reference, counts, ordered):
    """log Q of counts (S, B) given a reference (B,)."""
    c = np.array([reference], float)
    n = c.sum(axis=1, keepdims=True)
    return _log_alternative(c, n, c >= 0, np.array(counts, float)[:, None], np.array([ordered]))[:, 0]


@pytest.mark.parametrize("ordered", [True, False])
@pytest.mark.parametrize("reference", [(30, 5), (4, 0, 16), (200, 100, 50)])
def test_the_alternative_is_a_distribution_over_sequences(reference: tuple[int, ...], ordered: bool) -> None:
    n, width = 12, len(reference)
    counts = [m for m in np.ndindex(*[n + 1] * width) if sum(m) == n]
    ways = [np.exp(lgamma(n + 1) - sum(lgamma(i + 1) for i in m)) for m in counts]
    assert np.exp(alternative(reference, counts, ordered)) @ ways == pytest.approx(1)


@pytest.mark.parametrize(("reference", "new"), [((30, 5), (10, 9)), ((900, 100), (2, 3)), ((40_000, 0), (500, 7))])
def test_evidence_is_the_least_of_the_martingales_over_every_truth(
    reference: tuple[int, int], new: tuple[int, int]
) -> None:
    c, m = np.array(reference, float), np.array(new, float)
    n = c.sum()
    p = np.concatenate([np.linspace(1e-6, 1 - 1e-6, 400_001), 1 - np.geomspace(1e-9, 1e-3, 20_000)])
    p = np.stack([p, 1 - p], axis=1)
    kl = np.where(c > 0, c * (np.log(np.maximum(c, 1e-300) / n) - np.log(p)), 0.0).sum(axis=1)
    least = []
    for s, exponent in ((SMALL * min(1, (ROWS / n) ** 0.5), EXPONENT), (LARGE, LARGE_EXPONENT)):
        log_m = exponent * np.log1p(-s) + s * kl + alternative(reference, [new], False)[0] - np.log(p) @ m
        least.append(log_m.min())
    found = log_evidence(c[None], m[None, None], np.array([False]))[0, 0]
    assert found == pytest.approx(np.logaddexp(*least) - np.log(2), abs=1e-3)


def lives(p, n0, n, q=None, seed=0, sharpen=1.0):
    """The largest evidence over 20 looks at n rows each, every beginning watched, of many lives at once."""
    draw = np.random.default_rng(seed)
    reference = sharpen * draw.multinomial(n0, p, size=LIVES).astype(float)
    new = draw.multinomial(n, p if q is None else q, size=(LOOKS, LIVES)).astype(float)
    top = np.full(LIVES, -np.inf)
    for now in range(1, LOOKS + 1):
        begun = [k for k in range(1, now + 1) if all(watched(k, t) for t in range(k, now + 1))]
        sums = np.stack([new[k - 1 : now].sum(axis=0) for k in begun])
        log_e = log_evidence(reference, sums, np.full(LIVES, len(p) == 6))
        top = np.maximum(top, np.logaddexp.reduce(log_e + np.log([weight(k) for k in begun])[:, None], axis=0))
    return top


@pytest.mark.parametrize("n", [30, 1000])
@pytest.mark.parametrize("n0", [200, 5000])
@pytest.mark.parametrize("mix", MIXES)
def test_false_alarms_over_a_life_of_looks_stay_below_the_promise(mix: str, n0: int, n: int) -> None:
    assert (lives(MIXES[mix], n0, n) >= -np.log(ALPHA)).sum() <= BOUND


@pytest.mark.parametrize("mix", ["even", "many"])
def test_a_reference_that_is_taken_for_the_truth_breaks_the_promise(mix: str) -> None:
    """So the bound above can be missed: this is what counting the reference's rows is for."""
    assert (lives(MIXES[mix], 5000, 1000, sharpen=1e6) >= -np.log(ALPHA)).sum() > 2 * BOUND


def test_a_lasting_shift_is_found_and_more_rows_find_smaller_ones() -> None:
    p = MIXES["even"]
    shifted = p + np.array([-0.03, -0.015, -0.005, 0.005, 0.015, 0.03])
    assert (lives(p, 20_000, 300, shifted) >= np.log(1000)).mean() > 0.95
    assert (lives(p, 20_000, 20, shifted) >= np.log(1000)).mean() < 0.5


def test_bins_that_a_test_does_not_have_change_nothing() -> None:
    reference, new = np.array([[400.0, 300.0, 300.0]]), np.array([[[50.0, 20.0, 30.0]]])
    wider = np.array([[400.0, 300.0, 300.0, -1.0, -1.0]]), np.array([[[50.0, 20.0, 30.0, 0.0, 0.0]]])
    for ordered in (True, False):
        flag = np.array([ordered])
        assert np.allclose(log_evidence(reference, new, flag), log_evidence(*wider, flag), atol=1e-12)


def test_an_order_matters_where_there_is_one_and_only_there() -> None:
    reference = np.array([[500.0, 600.0, 700.0, 800.0]])
    new, turned = np.array([[[80.0, 70.0, 60.0, 50.0]]]), [2, 0, 3, 1]
    for ordered, same in ((False, True), (True, False)):
        flag = np.array([ordered])
        gap = log_evidence(reference, new, flag) - log_evidence(reference[:, turned], new[..., turned], flag)
        assert (np.abs(gap) < 1e-9).all() == same


@pytest.mark.parametrize("reference", [[0.0, 0.0], [10.0, 0.0], [0.0, 1e6]])
@pytest.mark.parametrize("new", [[0.0, 0.0], [0.0, 1.0], [1e7, 0.0], [0.25, 0.5]])
def test_evidence_is_finite_whatever_was_counted(reference: list[float], new: list[float]) -> None:
    for ordered in (True, False):
        found = log_evidence(np.array([reference]), np.array([[new]]), np.array([ordered]))
        assert np.isfinite(found).all()
    assert 0 <= effects(np.array([reference]), np.array([[new]]))[0, 0] <= 1


def test_no_rows_are_no_evidence() -> None:
    assert log_evidence(np.array([[50.0, 50.0]]), np.zeros((1, 1, 2)), np.array([False]))[0, 0] <= 0


def test_effects_are_total_variations_without_the_noise_of_sampling() -> None:
    draw = np.random.default_rng(0)
    p = np.full(6, 1 / 6)
    reference = draw.multinomial(5000, p, size=300).astype(float)
    new = draw.multinomial(500, p, size=300).astype(float)
    same = effects(reference, new[None])[0]
    apart = effects(reference, draw.multinomial(500, p + 0.05 * np.array([1, -1, 1, -1, 1, -1]), size=300) * 1.0)
    assert np.median(same) < 0.01 < 0.03 < np.median(np.abs(new / 500 - p).sum(axis=1) / 2)
    assert abs(apart.mean() - 0.15) < 0.01


def test_beginnings_share_one_probability_and_none_is_far_from_a_watched_one() -> None:
    looks = np.arange(1, 200_000)
    shares = 1 / (2.1098 * (looks + 1) * np.log(looks + 1) ** 2)
    assert weight(7) == pytest.approx(shares[6])
    assert shares.sum() + 1 / (2.1098 * np.log(len(looks) + 1)) <= 1  # the rest of the sum is below that integral
    for now in (1, 10, 100, 1000):
        kept = [k for k in range(1, now + 1) if watched(k, now)]
        assert len(kept) <= 4 * np.log2(now + 1) + 4
        for begin in range(1, now + 1):
            nearest = min(abs(k - begin) for k in kept if k >= begin)
            assert nearest <= (now - begin) / 2 + 1
