"""One small fit with everything in it that a report can show, for the tests of the report."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

import unseen

EVIL = "<script>document.title='owned'</script>"
LINK = "<a href='https://example.org'>%{x} $x$</a>"


def three_groups(n: int = 90, seed: int = 0) -> dict[str, np.ndarray]:
    """Two dependent numbers, a number with nothing to say, and a category; some cells missing; hostile names."""
    rng = np.random.default_rng(seed)
    group = np.arange(n) % 3
    height = np.array([0.0, 6.0, 12.0])[group] + rng.normal(size=n)
    width = 0.8 * height + rng.normal(scale=0.6, size=n) + np.array([0.0, 5.0, 0.0])[group]
    kinds = np.array([EVIL, "plain", "a & b"], object)
    kind = kinds[np.where(rng.random(n) < 0.85, group, rng.integers(0, 3, n))]
    data = {"height (cm)": height, EVIL: width, "noise": rng.normal(50, 3, n), LINK: kind}
    data["height (cm)"][rng.random(n) < 0.1] = np.nan
    data[LINK][rng.random(n) < 0.1] = None
    return data


def model(components: int) -> Any:
    from unseen import Categorical, Gaussian, Mixture, Product

    numbers = ("height (cm)", EVIL, "noise")
    return Mixture(Product({numbers: Gaussian("full"), LINK: Categorical()}), components)


@cache
def case_data() -> dict[str, np.ndarray]:
    return three_groups()


@cache
def case_result() -> Any:
    return unseen.select(model(1), case_data(), range(1, 5), restarts=4, seed=0)


@cache
def case_single() -> Any:
    return unseen.fit(unseen.Mixture(unseen.Gaussian(), 1), {"noise": case_data()["noise"]})
