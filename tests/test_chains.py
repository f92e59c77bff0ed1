"""Forward-backward, most probable and drawn paths: NumPy and compiled, by all paths of tiny chains and by logs."""

from __future__ import annotations

import tracemalloc
from contextlib import contextmanager
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import unseen
from unseen import HMM, Gaussian, MaxIterations, Params
from unseen.core.block import Block, Cells
from unseen.kernels import SWITCH
from unseen.numerics import chain_checkpoints, chain_logs, chain_sequences
from unseen.numerics.chain_logs import Smoothed
from unseen.numerics.chain_paths import draw_states, viterbi
from unseen.numerics.chain_pieces import SHORTEST, Pieces
from unseen.numerics.chain_sequences import Sequences
from unseen.numerics.forward_backward import forward_backward
from unseen.problem import pose
from unseen.sources.arrays import Arrays

BOTH = pytest.mark.parametrize("compiled", [False, True], ids=["numpy", "compiled"])


def logs(p):
    with np.errstate(divide="ignore"):
        return np.log(p)


def chains(k, lengths, seed, spread=3.0, zeros=0.0, sticky=0.0):
    """Log densities (K, n), log start, log transitions, offsets; some of each are impossible."""
    rng = np.random.default_rng(seed)
    offsets = np.append(0, np.cumsum(lengths)).astype(np.int64)
    moving = rng.dirichlet(np.ones(k), k) * (rng.random((k, k)) >= zeros)
    transitions = (1 - sticky) * moving + sticky * np.eye(k)
    transitions[transitions.sum(axis=1) == 0] = 1.0
    transitions /= transitions.sum(axis=1, keepdims=True)
    density = rng.normal(0, spread, (k, int(offsets[-1])))
    density[rng.random(density.shape) < zeros / 2] = -np.inf
    return density, logs(rng.dirichlet(np.ones(k))), logs(transitions), offsets


def close(ours, other):
    assert ours.states == pytest.approx(other.states, abs=1e-10)
    assert ours.predictive == pytest.approx(other.predictive, abs=1e-10, rel=1e-10)
    assert ours.start == pytest.approx(other.start, abs=1e-10)
    assert ours.transitions == pytest.approx(other.transitions, abs=1e-10, rel=1e-10)
    assert ours.dead == other.dead


@BOTH
@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 3), st.lists(st.integers(0, 5), min_size=1, max_size=4), st.integers(0, 10_000),
    st.sampled_from([0.1, 3, 300]), st.sampled_from([0.0, 0.3]),
)  # fmt: skip
def test_all_paths_of_tiny_chains(compiled, k, lengths, seed, spread, zeros):
    density, start, transitions, offsets = chains(k, lengths, seed, spread, zeros)
    s = forward_backward(density, start, transitions, offsets, compiled)
    path, best = viterbi(density, start, transitions, offsets, compiled)
    counts, dead = np.zeros((k, k)), False
    for i, (a, z) in enumerate(zip(offsets, offsets[1:], strict=False)):
        paths = np.array(list(product(range(k), repeat=z - a))).reshape(k ** (z - a), z - a)
        score = np.array([
            sum(density[x, a + t] + (transitions[p[t - 1], x] if t else start[x]) for t, x in enumerate(p))
            for p in paths
        ])  # fmt: skip
        assert best[i] == pytest.approx(score.max())
        total = np.logaddexp.reduce(score)
        if total == -np.inf:
            dead = True
            continue
        w = np.exp(score - total)
        assert s.predictive[a:z].sum() == pytest.approx(total, rel=1e-10, abs=1e-10)
        expected = np.array([[w[paths[:, t] == j].sum() for t in range(z - a)] for j in range(k)])
        assert s.states[:, a:z] == pytest.approx(expected.reshape(k, z - a), abs=1e-10)
        for t in range(1, z - a):
            np.add.at(counts, (paths[:, t - 1], paths[:, t]), w)
    if not dead:
        assert s.transitions == pytest.approx(counts, abs=1e-10)


@BOTH
@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 5),
    st.lists(st.sampled_from([0, 1, 2, 30, SHORTEST, 3 * SHORTEST + 7, 900]), min_size=1, max_size=6),
    st.integers(0, 10_000), st.sampled_from([0.01, 1, 30, 3000]), st.sampled_from([0.0, 0.5]),
    st.sampled_from([0.0, 0.9, 0.999, 1.0]),
)  # fmt: skip
def test_long_chains_are_what_they_are_in_logs(compiled, k, lengths, seed, spread, zeros, sticky):
    given = chains(k, lengths, seed, spread, zeros, sticky)
    close(forward_backward(*given, compiled), chain_logs.forward_backward(*given))


@BOTH
def test_states_left_behind_and_ahead(compiled):
    """From left to right through states that look nothing like each other: most states underflow at most rows."""
    k, n = 4, 800
    density = np.full((k, n), -50.0)
    density[np.arange(n) * k // n, np.arange(n)] = 0.0
    transitions = logs(0.99 * np.eye(k) + 0.01 * np.eye(k, k=1) + 0.01 * np.eye(k)[:, -1:] * np.eye(k)[-1])
    given = density, logs(np.eye(k)[0]), transitions, np.array([0, n])
    close(forward_backward(*given, compiled), chain_logs.forward_backward(*given))


@BOTH
def test_one_sequence_of_many_takes_logs(compiled):
    """It is lost to underflow (test_hmm has it alone), and the others are as they are without it."""
    density, start, _, offsets = chains(2, [40, 1200, 0, 300], 0)
    density[0, 40:640] += 5.0
    density[1, 640:1240] += 5.0
    given = density, start, logs(np.eye(2)), offsets
    close(forward_backward(*given, compiled), chain_logs.forward_backward(*given))
    with np.errstate(divide="ignore", invalid="ignore"):
        drawn = draw_states(*given, np.random.default_rng(0), compiled)
    moved = drawn[1:] != drawn[:-1]
    assert set(np.flatnonzero(moved) + 1) <= set(offsets)


@BOTH
def test_rows_of_none_and_known_states(compiled):
    given = chains(3, [50, 200, 3], 5)
    given[0][:, [0, 60, 252]] = -np.inf
    given[0][:2, 100:120] = -np.inf
    ours = forward_backward(*given, compiled)
    assert ours.dead == 3 and ours.states[2, 100:120] == pytest.approx(np.ones(20), abs=1e-12)
    close(ours, chain_logs.forward_backward(*given))


def test_paths_are_the_same_compiled():
    given = chains(4, [1, 0, 300, 50], 7)
    one, other = viterbi(*given), viterbi(*given, compiled=True)
    assert np.array_equal(one[0], other[0]) and np.array_equal(one[1], other[1])
    one, other = (draw_states(*given, np.random.default_rng(1), compiled) for compiled in (False, True))
    assert np.array_equal(one, other)


@settings(deadline=None)
@given(st.lists(st.integers(0, 2000), min_size=1, max_size=8))
def test_pieces_cover_every_row_once_and_know_their_neighbours(lengths):
    offsets = np.append(0, np.cumsum(lengths))
    pieces = Pieces.of(offsets)
    assert np.array_equal(np.sort(pieces.rows()), np.arange(offsets[-1]))
    ends = pieces.starts + pieces.lengths
    inner = pieces.before >= 0
    assert np.array_equal(ends[pieces.before[inner]], pieces.starts[inner])
    assert set(pieces.starts[~inner]) == {a for a, n in zip(offsets, lengths, strict=False) if n}
    assert np.array_equal(pieces.after[pieces.before[inner]], np.flatnonzero(inner))
    assert (np.diff(pieces.lengths) <= 0).all() and (pieces.lengths >= np.minimum(pieces.lengths, SHORTEST)).all()


@pytest.mark.parametrize("setting", ["off", "always"])
def test_a_fit_is_the_same_with_and_without(monkeypatch, setting):
    x = np.random.default_rng(0).normal(size=(300, 2)) + 3 * (np.arange(300) // 25 % 2)[:, None]
    params = Params(
        start=[0.5, 0.5], transitions=[[0.9, 0.1]] * 2, means=[[0.0, 0], [1, 1]], covariances=[np.eye(2)] * 2
    )
    monkeypatch.setenv(SWITCH, setting)
    fit = unseen.fit(HMM(Gaussian(), 2), x, start=params, stop=MaxIterations(5))
    walk = "unseen.numerics.chain_sequences.forward_backward"
    monkeypatch.setattr(walk, lambda *a: chain_logs.forward_backward(*a[:4]))
    logs = unseen.fit(HMM(Gaussian(), 2), x, start=params, stop=MaxIterations(5))
    assert fit.loglik == pytest.approx(logs.loglik, rel=1e-12)
    assert all(fit.params[name] == pytest.approx(value, rel=1e-9, abs=1e-12) for name, value in logs.params.items())


@contextmanager
def in_parts_of(numbers):
    """Sequences of more than so many numbers are walked in parts of as many."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chain_checkpoints, "PART", numbers)
        patch.setattr(chain_sequences, "LONG", numbers)
        yield


@BOTH
@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 4), st.lists(st.sampled_from([0, 1, 7, 150, 700]), max_size=5), st.integers(0, 10_000),
    st.sampled_from([0.01, 3, 300]), st.sampled_from([0.0, 0.3]), st.sampled_from([0.0, 0.999, 1.0]),
    st.sampled_from([8, 100, 1000]),
)  # fmt: skip
def test_parts_say_what_one_walk_says(compiled, k, lengths, seed, spread, zeros, sticky, numbers):
    density, *chain, offsets = chains(k, lengths, seed, spread, zeros, sticky)
    weights = np.random.default_rng(seed).random(len(lengths))
    walk = Sequences(lambda a, z: (density[:, a:z], None), offsets, *chain, compiled)
    with np.errstate(all="ignore"):
        plain = forward_backward(density, *chain, offsets, compiled, weights)
        path, best = viterbi(density, *chain, offsets, compiled)
        rng, again = np.random.default_rng(1), np.random.default_rng(1)
        drawn = draw_states(density, *chain, offsets, rng, compiled)
        states, predictive, found = np.full_like(density, np.nan), np.full(density.shape[1], np.nan), []
        with in_parts_of(numbers):
            for a, z, s, _ in walk.smoothed(weights):
                states[:, a:z], predictive[a:z] = s.states, s.predictive
                found.append((s.start, s.transitions, s.dead))
            paths, scores = walk.viterbi()
            assert np.array_equal(walk.draw_states(again), drawn) and again.random() == rng.random()
    start, transitions, dead = (sum(one) for one in zip(*found, strict=True))
    close(Smoothed(states, predictive, start, transitions, dead), plain)
    assert np.array_equal(paths, path) and np.array_equal(scores, best)


@BOTH
@pytest.mark.parametrize("sticky", [0.0, 0.9999], ids=["forgets", "hardly-forgets"])
def test_a_pass_over_a_long_sequence_holds_arrays_of_a_part(compiled, sticky):
    """An array of the whole sequence has 8 n K bytes; of a part there are fewer than 24 arrays at once, among them the
    D (D + 3) / 2 + 1 = 3 features, one number each, and 2 K numbers for each part."""
    n, k, numbers = 100_000, 4, 4096
    transitions = (1 - sticky) * np.full((k, k), 1 / k) + sticky * np.eye(k)
    params = Params(
        start=np.full(k, 1 / k), transitions=transitions, means=np.arange(k)[:, None], covariances=np.ones((k, 1, 1))
    )
    x = np.random.default_rng(0).normal(1.5, 1.5, (n, 1))
    model = pose(HMM(Gaussian(), k, rows=n), Arrays(x, whole=True)).model
    block = Block(0, (Cells(x.T),), n, offsets=np.array([0, n]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(SWITCH, "always" if compiled else "off")
        plain = model.expect(params, block)
        with in_parts_of(numbers):
            model.expect(params, block)
            tracemalloc.start()
            stats = model.expect(params, block)
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
    assert peak < 8 * (24 * numbers + 2 * k * n * k / numbers) < 8 * n * k / 3
    # sums of n terms, each of which rounding moves by eps
    for name, value in plain.sums.items():
        assert stats.sums[name] == pytest.approx(value, rel=n * np.finfo(float).eps, abs=n * np.finfo(float).eps)
    assert stats.loglik == pytest.approx(plain.loglik, rel=n * np.finfo(float).eps)
    assert (stats.units, stats.weight) == (plain.units, plain.weight)


def test_compiled_from_the_rows_on_that_are_worth_it(monkeypatch):
    monkeypatch.delenv(SWITCH, raising=False)
    assert not HMM(Gaussian(), 8, rows=50_000)._compiled and HMM(Gaussian(), 8, rows=200_000)._compiled
