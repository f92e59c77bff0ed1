"""Patterns that many rows share: through their moments comes out what comes out row by row."""

import numpy as np
import pytest

from unseen.core.block import Cells
from unseen.numerics.gaussian import FullForm


@pytest.mark.parametrize(("d", "k", "n"), [(3, 2, 200), (9, 8, 4000)])
def test_the_same_densities_and_moments_as_row_by_row(d, k, n):
    rng = np.random.default_rng(d)
    patterns = rng.random((10, d)) < 0.7
    patterns[0] = True
    observed = patterns[rng.integers(0, 10, n)].T
    cells = Cells(np.where(observed, rng.normal(size=(d, n)), 0.0), observed)
    a = rng.normal(size=(k, d, d))
    means, covariances = 2 * rng.normal(size=(k, d)), a @ np.swapaxes(a, 1, 2) + 0.2 * np.eye(d)
    forms = [FullForm(means, covariances, np.zeros(d), few=few) for few in (False, True)]
    r = rng.dirichlet(np.ones(k), n).T
    (plain, collect), (fast, gather) = (form.evaluate(cells) for form in forms)
    np.testing.assert_allclose(fast, plain, rtol=0, atol=1e-12)
    np.testing.assert_allclose(gather(r), collect(r), rtol=1e-10, atol=1e-10)
    assert any(key[0] == "features" for key in cells._known), "the test shows nothing: no features were kept"
