"""Shapes of gamma and beta distributions from means of logarithms, no narrower than the data's resolution allows."""

from __future__ import annotations

import numpy as np

from unseen.core.stats import Array
from unseen.numerics.special import ASYMPTOTIC, digamma, gammaln, stirling_series, trigamma

#: beyond it the digits of a mean of logarithms do not tell a shape: 5e-11 is left of it, known to 2e-16
LARGEST = 1e10
SMALLEST = 1e-6
ROUNDS = 60
#: of an interval of a few steps of the grid: what is left of it changes no likelihood
HALVINGS = 32
TWO_PI = 2 * np.pi


def log_less_digamma(x: Array) -> Array:
    r""":math:`\log x - \psi(x)` for x > 0 without cancellation where x is large (Abramowitz & Stegun 6.3.18)."""
    x = np.asarray(x, float)
    large = x >= ASYMPTOTIC
    y = np.where(large, x, ASYMPTOTIC)
    w = 1 / (y * y)
    series = 0.5 / y + w * (1 / 12 - w * (1 / 120 - w * (1 / 252 - w * (1 / 240 - w * (1 / 132)))))
    small = np.where(large, 1.0, x)
    return np.where(large, series, np.log(small) - digamma(small))


def stirling(x: Array) -> Array:
    r""":math:`x \log x - x - \log \Gamma(x)` for x > 0 without cancellation where x is large.

    >>> float(stirling(np.array(1.0)).round(12))
    -1.0
    """
    x = np.asarray(x, float)
    large = x >= ASYMPTOTIC
    y = np.where(large, x, ASYMPTOTIC)
    small = np.where(large, 1.0, x)
    return np.where(
        large, 0.5 * np.log(y / TWO_PI) - stirling_series(y), small * np.log(small) - small - gammaln(small)
    )


def largest_shapes(floors: Array, least: Array) -> Array:
    """The largest shapes allowed where ``floors`` (d,) are the smallest relative variances.

    A floor of 0 is none, and columns on a grid, with ``least`` variances of their own, have no other.
    """
    return np.where((least > 0) | (floors == 0), LARGEST, 1 / np.maximum(floors, 1 / LARGEST))


# ---- gamma


def gamma_shape(gap: Array) -> Array:
    r"""The a with :math:`\log a - \psi(a) = c`, for each c > 0, within what double precision can tell.

    Newton's method in 1/a (Minka 2002, "Estimating a gamma distribution"); c is log of the mean less mean of the log.
    """
    c = np.maximum(np.asarray(gap, float), 0.5 / LARGEST)
    a = (3 - c + np.sqrt((c - 3) ** 2 + 24 * c)) / (12 * c)
    for _ in range(ROUNDS):
        slope = np.minimum(1 / a - trigamma(a), -0.5 / (a * a))
        inverse = 1 / a + (log_less_digamma(a) - c) / (a * a * slope)
        new = 1 / np.clip(inverse, 0.2 / a, 5 / a)
        settled = np.abs(new - a) <= 1e-13 * a
        a = new
        if settled.all():
            break
    return np.clip(a, SMALLEST, LARGEST)


def gamma_estimates(means: Array, gaps: Array, least: Array, most: Array) -> tuple[Array, Array]:
    r"""Means and shapes of largest likelihood among those with variance of at least ``least`` and shape up to ``most``.

    means, gaps : means, and log of the mean less mean of the log; ``least`` 0 where the data lie on no grid.

    On the border of the grid's floor the shape is :math:`\mu^2 / v`, so that the mean is no longer the rows': with
    :math:`\mu = m (1 + \delta)` the likelihood is largest where
    :math:`2 (\log a - \psi(a) - \log(1 + \delta) - c) + \delta / (1 + \delta) = 0`, whose left side falls.
    """
    shapes = np.minimum(gamma_shape(gaps), most)
    means, least = means.copy(), np.broadcast_to(least, means.shape)
    tight = shapes * least > means**2
    if tight.any():
        m, c, v = means[tight], gaps[tight], least[tight]
        low, high = np.zeros(len(m)), np.minimum(4 * v / m**2, 2.0)  # about v / m^2 where the rows are all equal
        for _ in range(HALVINGS):
            delta = 0.5 * (low + high)
            rising = 2 * (log_less_digamma((m * (1 + delta)) ** 2 / v) - np.log1p(delta) - c) + delta / (1 + delta) > 0
            low, high = np.where(rising, delta, low), np.where(rising, high, delta)
        means[tight] = m * (1 + low)
        shapes[tight] = means[tight] ** 2 / v
    return means, shapes


# ---- beta


def beta_shapes(g: Array, q: Array) -> tuple[Array, Array]:
    r"""The (a, b) with :math:`\psi(a) - \psi(a+b) = g` and :math:`\psi(b) - \psi(a+b) = q`: Newton's method.

    g, q : means of log x and of log(1 - x). The likelihood is concave in (a, b); the start is that of Johnson, Kotz &
    Balakrishnan (1995), Continuous Univariate Distributions 2, section 25.4.
    """
    left, right = np.exp(g), np.exp(q)
    gap = np.maximum(1 - left - right, 0.25 / LARGEST)
    a, b = 0.5 + 0.5 * left / gap, 0.5 + 0.5 * right / gap
    for _ in range(ROUNDS):
        total = a + b
        all_three = np.array([a, b, total])
        # few cells, many calls: a function of three arrays at once costs about as much as of one
        (gap_a, gap_b, gap_total), (p, r, shared) = log_less_digamma(all_three), trigamma(all_three)
        first = g - np.log(a / total) + gap_a - gap_total
        second = q - np.log(b / total) + gap_b - gap_total
        det = np.maximum(p * r - shared * (p + r), 1e-3 * p * r / total)
        new_a = np.clip(a + ((r - shared) * first + shared * second) / det, 0.2 * a, 5 * a)
        new_b = np.clip(b + ((p - shared) * second + shared * first) / det, 0.2 * b, 5 * b)
        digits = 1e-12 + 4 * np.finfo(float).eps * total
        settled = (np.abs(new_a - a) <= digits * a) & (np.abs(new_b - b) <= digits * b)
        # rows that are all equal have no largest likelihood: the mean stays, the sum stops at a bound
        shrink = np.minimum(1, LARGEST / (new_a + new_b))
        a, b = new_a * shrink, new_b * shrink
        if settled.all():
            break
    return a, b


def beta_estimates(g: Array, q: Array, least: Array, most: Array) -> tuple[Array, Array]:
    r"""Shapes of largest likelihood among those with variance of at least ``least`` and a + b up to ``most``.

    On the border a + b depends on the mean m alone, :math:`\min(m (1-m) / v - 1, N)`, and m is found by bisection.
    """
    a, b = (np.maximum(shape, SMALLEST) for shape in beta_shapes(g, q))
    least = np.broadcast_to(least, a.shape)
    tight = a + b > _sizes(a / (a + b), least, most)[0]
    if tight.any():
        g, q, v, n = g[tight], q[tight], least[tight], most[tight]
        low, high = _bracket(v, n, (a / (a + b))[tight])
        for _ in range(HALVINGS):
            m = 0.5 * (low + high)
            size, slope = _sizes(m, v, n)
            gap_a, gap_b, gap_total = log_less_digamma(np.array([m * size, (1 - m) * size, size]))
            left, right = g - np.log(m) + gap_a - gap_total, q - np.log1p(-m) + gap_b - gap_total
            rising = left * (size + m * slope) + right * ((1 - m) * slope - size) > 0
            low, high = np.where(rising, m, low), np.where(rising, high, m)
        m = 0.5 * (low + high)
        size = _sizes(m, v, n)[0]
        a[tight], b[tight] = m * size, (1 - m) * size
    return a, b


def _sizes(m: Array, least: Array, most: Array) -> tuple[Array, Array]:
    """The largest a + b at mean m, and its slope there."""
    grid = least > 0
    v = np.where(grid, least, 1.0)
    size = np.where(grid, m * (1 - m) / v - 1, np.inf)
    inside = size < most
    return np.where(inside, size, most), np.where(inside, (1 - 2 * m) / v, 0.0)


def _bracket(least: Array, most: Array, m: Array) -> tuple[Array, Array]:
    """Means between which the best one lies: no farther than three deviations from the unbounded one."""
    edge = np.where(least > 0, 2 * least, 1e-12)  # m (1 - m) > v
    far = 3 * np.sqrt(np.where(least > 0, least, 1 / most))
    return np.maximum(m - far, edge), np.minimum(m + far, 1 - edge)
