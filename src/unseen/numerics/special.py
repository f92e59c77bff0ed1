"""Gamma-related functions of positive arguments, and the equation for Student's degrees of freedom."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from unseen.core.stats import Array

# the asymptotic series below reach double precision from here on; smaller arguments are moved up by recurrence
ASYMPTOTIC = 10
TABLE = 4096
# x log x of larger numbers overflows
LARGEST = 1e300


def stirling_series(y: Array) -> Array:
    r"""What :math:`\log\Gamma(y)` is above :math:`(y - \frac12) \log y - y + \frac12 \log 2\pi`, for y from 10 on."""
    w = (1 / y) ** 2  # where y * y would overflow
    out: Array = (1 / 12 - w * (1 / 360 - w * (1 / 1260 - w * (1 / 1680 - w / 1188)))) / y
    return out


def _steps(x: Array, small: Array) -> Array:
    """x, x + 1, ..., x + 9 on a last axis, where x is small."""
    return np.where(small, x, 1.0)[..., None] + np.arange(ASYMPTOTIC)


def gammaln(x: Array) -> Array:
    r""":math:`\log \Gamma(x)` for x > 0, by Stirling's series (Abramowitz & Stegun 6.1.41).

    >>> float(np.exp(gammaln(np.array(5.0))).round(10))
    24.0
    """
    x = np.asarray(x, float)
    small = x < ASYMPTOTIC
    y = np.where(small, x + ASYMPTOTIC, x)
    out = (y - 0.5) * np.log(y) - y + 0.5 * np.log(2 * np.pi) + stirling_series(y)
    if small.any():
        out = np.where(small, out - np.log(_steps(x, small).prod(axis=-1)), out)
    return out


def digamma(x: Array) -> Array:
    r""":math:`\psi(x) = \Gamma'(x) / \Gamma(x)` for x > 0 (Abramowitz & Stegun 6.3.18)."""
    x = np.asarray(x, float)
    small = x < ASYMPTOTIC
    moved = np.where(small, -(1 / _steps(x, small)).sum(axis=-1), 0.0) if small.any() else np.zeros_like(x)
    y = np.where(small, x + ASYMPTOTIC, x)
    w = 1 / (y * y)
    series = w * (1 / 12 - w * (1 / 120 - w * (1 / 252 - w * (1 / 240 - w * (1 / 132 - w * 691 / 32760)))))
    out: Array = moved + np.log(y) - 0.5 / y - series
    return out


def trigamma(x: Array) -> Array:
    r""":math:`\psi'(x)` for x > 0 (Abramowitz & Stegun 6.4.12)."""
    x = np.asarray(x, float)
    small = x < ASYMPTOTIC
    moved = np.where(small, (1 / _steps(x, small) ** 2).sum(axis=-1), 0.0) if small.any() else np.zeros_like(x)
    y = np.where(small, x + ASYMPTOTIC, x)
    w = 1 / (y * y)
    series = w * (1 / 6 - w * (1 / 30 - w * (1 / 42 - w * (1 / 30 - w * (5 / 66 - w * 691 / 2730)))))
    out: Array = moved + 1 / y + 0.5 * w + series / y
    return out


@lru_cache(maxsize=1)
def _log_factorials() -> Array:
    out = gammaln(np.arange(1.0, TABLE + 2))
    out[:2] = 0  # what a missing cell looks up is nothing to the last digit
    return out


def no_count(x: Array) -> Array:
    """Where numbers are negative, not whole, or too large for a log-probability."""
    out: Array = (x < 0) | (x > LARGEST) | (np.floor(x) != x)
    return out


def log_factorial(x: Array) -> Array:
    """log x! of whole numbers held as floats, by a table and Stirling's series beyond it; inf for what is no count.

    >>> log_factorial(np.array([3.0, -1.0, 0.5])).round(3).tolist()
    [1.792, inf, inf]
    """
    index = np.clip(x, 0, TABLE).astype(np.intp)
    out: Array = np.take(_log_factorials(), index)
    odd = np.flatnonzero(index != x)
    if len(odd):  # large, or no count
        wrong = no_count(x.flat[odd])
        out.flat[odd] = np.where(wrong, np.inf, gammaln(np.where(wrong, TABLE, x.flat[odd]) + 1.0))
    return out


def half_df(gap: Array, low: float, high: float, rounds: int = 20) -> Array:
    r"""The h in [low, high] with :math:`\log h - \psi(h) = c`, for each c > 0.

    Newton's method in 1/h, where the left side is nearly linear (Minka 2002, "Estimating a gamma distribution").
    The left side falls from infinity to 0, so c at 0 or below means the upper bound.
    """
    c = np.maximum(np.asarray(gap, float), 1e-12)
    h = np.clip((1 + np.sqrt(1 + 4 * c / 3)) / (4 * c), low, high)
    for _ in range(rounds):
        error = np.log(h) - digamma(h) - c
        inverse = 1 / h + error / (h * h * (1 / h - trigamma(h)))
        new = np.clip(1 / np.maximum(inverse, 1 / high), low, high)
        settled = np.abs(new - h) <= 1e-12 * h
        h = new
        if settled.all():
            break
    return h
