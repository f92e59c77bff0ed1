"""Starts of hidden Markov models: whatever the seed, the same optimum."""

import numpy as np
import pytest

import unseen
from unseen import HMM, Categorical, Gaussian
from unseen.problem import pose
from unseen.sources import open_source
from unseen.starts.sequences import steps, windows


def symbols(seed, stay, rows=118):
    rng = np.random.default_rng(seed)
    moves = np.full((3, 3), (1 - stay) / 2)
    np.fill_diagonal(moves, stay)
    speech = rng.dirichlet(np.full(4, 0.6), 3)
    state, out = 0, []
    for _ in range(rows):
        state = rng.choice(3, p=moves[state])
        out.append("abcd"[rng.choice(4, p=speech[state])])
    return {"c": np.array(out, object)}


# the largest of 60 random starts, each run to its end, and of 96 of other kinds
@pytest.mark.parametrize(
    "data, stay, best", [(0, 0.85, -140.23), (1, 0.6, -112.09), (3, 0.85, -126.63), (5, 0.3, -130.33)]
)
def test_seeds_agree_on_categories(data, stay, best):
    x = symbols(data, stay)
    for seed in (0, 1, 2):
        assert unseen.fit(HMM(Categorical(), 3), x, seed=seed).loglik == pytest.approx(best, abs=0.02), seed


@pytest.mark.parametrize("start", [windows, steps])
def test_starts_are_functions_of_the_seed_and_the_data(start):
    rng = np.random.default_rng(0)
    data = {"u": np.repeat([0, 1, 2, 3], 30), "x": rng.normal(size=120)}
    data["x"][7:9] = np.nan
    for rows in (120, 30):
        source, _, _ = open_source(data, unit="u", block_rows=rows)
        p = pose(HMM(Gaussian(), 3), source)
        made = [start(p.model, p.engine, seed) for seed in (0, 0, 1)]
        assert all(p.model.valid(m) for m in made)
        assert np.array_equal(made[0]["means"], made[1]["means"])
        assert not np.array_equal(made[0]["means"], made[2]["means"])
