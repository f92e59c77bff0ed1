"""Which component is which: permutations change nothing, and what changes has its name."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import unseen
from tests.ops.judge_case import at, compared
from unseen.ops.judge import Flow, align, alignment
from unseen.ops.judge.alignment import moved_share, pairs
from unseen.ops.judge.distance import component_distances


def soft(k, n, seed, sharp=1.0):
    """Random responsibilities (k, n), overlapping as much as ``sharp`` is small."""
    scores = sharp * np.random.default_rng(seed).normal(size=(k, n))
    r = np.exp(scores - scores.max(axis=0))
    return r / r.sum(axis=0)


def hard(*sizes):
    """Responsibilities of rows that certainly belong to components of these sizes, in order."""
    return np.repeat(np.eye(len(sizes)), sizes, axis=1)


def told(flow, distance=None):
    return [(m.kind, m.candidate, m.champion) for m in align(flow, distance)]


@given(k=st.integers(1, 6), n=st.integers(1, 60), seed=st.integers(0, 99), sharp=st.floats(0.01, 9), data=st.data())
def test_permuted_labels_are_all_kept(k, n, seed, sharp, data) -> None:
    check_permuted(soft(k, n, seed, sharp), np.array(data.draw(st.permutations(range(k)))))


def check_permuted(r, order) -> None:
    """A model beside itself with its components in another order."""
    k, n = r.shape
    weights = np.random.default_rng(n).integers(1, 4, n).astype(float)
    flow = Flow.of(r, r[order], weights)
    distance = 1 - np.eye(k)[:, order]
    back = np.argsort(order)
    assert told(flow, distance) == [("kept", (i,), (back[i],)) for i in range(k)]
    assert moved_share(flow, pairs(flow, distance)) == 0.0
    for match in align(flow, distance):
        assert match.share_after == pytest.approx(match.share_before) and match.distance == 0


@given(
    k=st.integers(1, 5), m=st.integers(1, 5), n=st.integers(1, 40), seed=st.integers(0, 999), sharp=st.floats(0.1, 9)
)
@example(k=3, m=5, n=36, seed=0, sharp=0.25)
def test_every_component_is_told_of_and_the_sides_mirror_each_other(k, m, n, seed, sharp) -> None:
    a, b = soft(k, n, seed, sharp), soft(m, n, seed + 1, sharp)
    distance = np.random.default_rng(seed).random((k, m))
    there, back = Flow.of(a, b), Flow.of(b, a)
    matches = align(there, distance)
    assert {i for match in matches for i in match.candidate} == set(range(k))
    assert {i for match in matches for i in match.champion} == set(range(m))
    assert {v: u for u, v in pairs(there, distance).items()} == pairs(back, distance.T)
    other = {"split": "merged", "merged": "split", "born": "died", "died": "born"}
    mirrored = {(other.get(match.kind, match.kind), match.champion, match.candidate) for match in matches}
    assert mirrored == set(told(back, distance.T))
    assert 0 <= moved_share(there, pairs(there, distance)) <= 1


@settings(max_examples=40)
@given(k=st.integers(1, 5), n=st.integers(5, 40), seed=st.integers(0, 999))
def test_the_assignment_is_the_best_of_all(k, n, seed) -> None:
    """Against every permutation, where every pair shares its rows."""
    r, s = soft(k, n, seed, 0.2), soft(k, n, seed + 1, 0.2)
    flow = Flow.of(r, s)
    best = max(permutations(range(k)), key=lambda p: sum(flow.joint[i, p[i]] for i in range(k)))
    assert pairs(flow) == dict(enumerate(best))


def test_blocks_add_up() -> None:
    r, s, w = soft(3, 50, 0), soft(4, 50, 1), np.random.default_rng(0).random(50)
    whole = Flow.of(r, s, w)
    parts = Flow.of(r[:, :20], s[:, :20], w[:20]) + Flow.of(r[:, 20:], s[:, 20:], w[20:])
    for name in ("joint", "common", "hard", "after", "before"):
        assert getattr(parts, name) == pytest.approx(getattr(whole, name))
    assert whole.joint == pytest.approx(np.einsum("n,kn,ln->kl", w, r, s))


def test_kinds_of_change() -> None:
    near, far = 0.1, 0.95
    champion = hard(100, 100, 100)
    merged = np.array([[near, near, near], [near, near, near]])
    assert told(Flow.of(hard(200, 100), champion), merged) == [("merged", (0,), (0, 1)), ("kept", (1,), (2,))]
    assert told(Flow.of(champion, hard(200, 100)), merged.T) == [("split", (0, 1), (0,)), ("kept", (2,), (1,))]
    # a quarter of the rows are another cloud, which the old model gave to the component next to it
    born = np.array([[near, far, far], [far, near, far], [far, far, near], [far, far, far]])
    flow = Flow.of(hard(100, 100, 60, 40), champion)
    assert told(flow, born) == [("kept", (0,), (0,)), ("kept", (1,), (1,)), ("kept", (2,), (2,)), ("born", (3,), ())]
    assert align(flow, born)[3].share_after == pytest.approx(40 / 300)
    flow = Flow.of(champion, hard(100, 100, 60, 40))
    assert told(flow, born.T)[-1] == ("died", (), (3,))
    # the same number of components, but one became two and two became one
    flow = Flow.of(hard(50, 50, 200), champion)
    split, merge = told(flow, np.full((3, 3), near))
    assert (split[0], set(split[1]), split[2]) == ("split", {0, 1}, (0,))
    assert (merge[0], merge[1], set(merge[2])) == ("merged", (2,), {1, 2})
    # the rows stayed together and went somewhere else
    moved = np.where(np.eye(3, dtype=bool), [near, 0.5, near], far)
    assert [m.kind for m in align(Flow.of(champion, champion), moved)] == ["kept", "moved", "kept"]
    assert moved_share(Flow.of(champion, champion), {0: 0, 1: 1, 2: 2}) == 0


def test_components_without_rows_are_known_by_where_they_lie() -> None:
    r = np.concatenate([hard(30, 30), np.full((2, 60), 1e-300)])
    distance = np.array([[0, 0.9, 0.9, 0.9], [0.9, 0, 0.9, 0.9], [0.9, 0.9, 0.9, 0.1], [0.9, 0.9, 0.9, 0.9]])
    flow = Flow.of(r, r)
    kinds = [("kept", (0,), (0,)), ("kept", (1,), (1,)), ("kept", (2,), (3,)), ("born", (3,), ()), ("died", (), (2,))]
    assert told(flow, distance) == kinds


def test_equal_components_do_not_look_moved() -> None:
    """Two that are the same: the one that every row is given to is found on both sides."""
    r = np.full((2, 30), 0.5)
    for champion in (r, r[::-1]):
        flow = Flow.of(r, champion)
        assert moved_share(flow, pairs(flow, np.zeros((2, 2)))) == 0


def test_moved_rows_are_counted_by_weight() -> None:
    candidate, champion = hard(6, 4), hard(5, 5)
    flow = Flow.of(candidate, champion, np.where(np.arange(10) == 5, 3.0, 1.0))
    assert moved_share(flow, pairs(flow)) == pytest.approx(3 / 12)
    assert moved_share(Flow.of(candidate, champion), {0: 0, 1: 1}) == pytest.approx(0.1)


# ---- distances, and all of it on models


def normal(weights, means, sd=1.0, data=None):
    k = len(weights)
    params = {"weights": weights, "means": np.array(means)[:, None], "covariances": np.full((k, 1), sd**2)}
    return at(params, data if data is not None else {"x": np.array([0.0, 1.0, 2.0, 9.0, 4.0])})


def test_distances_of_normals_are_hellinger_distances() -> None:
    from scipy.integrate import quad
    from scipy.stats import norm

    for mean, sd in ((0.0, 1.0), (1.0, 1.0), (2.0, 1.0), (0.0, 2.0), (0.7, 1.6), (40.0, 1.0)):
        d = component_distances(normal([1.0], [0.0]), normal([1.0], [mean], sd)).item()
        overlap = quad(lambda x, m=mean, s=sd: np.sqrt(norm.pdf(x) * norm.pdf(x, m, s)), -50, 90, points=[0, mean])[0]
        assert d**2 == pytest.approx(1 - overlap, abs=1e-7)


def test_distances_take_the_column_that_differs_most() -> None:
    draw = np.random.default_rng(0)
    old = {"c": np.where(draw.random(200) < 0.5, "a", "b"), "x": draw.normal(size=200), "n": draw.poisson(2, 200)}
    family = unseen.Product(c=unseen.Categorical(), x=unseen.Gaussian(), n=unseen.Poisson())
    fit = lambda data: unseen.fit(unseen.Mixture(family, 1), data)  # noqa: E731
    same = fit(old)
    assert component_distances(same, same).tolist() == [[0.0]]
    other = fit({**old, "c": np.where(old["c"] == "a", "a", "z")})  # a category each that the other does not know
    p = (old["c"] == "a").mean()
    assert component_distances(same, other).item() == pytest.approx(np.sqrt(1 - p))
    assert component_distances(other, same).item() == pytest.approx(np.sqrt(1 - p))


def test_models_of_different_size_are_aligned_on_held_out_rows() -> None:
    draw = np.random.default_rng(0)
    x = np.concatenate([draw.normal(0, 1, 300), draw.normal(8, 1, 300), draw.normal(16, 1, 300)])
    data = {"x": draw.permutation(x)}
    three = normal([1 / 3] * 3, [16.0, 0.0, 8.0], data=data)
    two = normal([1 / 3, 2 / 3], [0.0, 12.0], 3.0, data=data)
    found, _ = compared(three, two, data)
    assert [m.kind for m in found.matches] == ["split", "moved"]  # the same rows, three times as narrow
    assert found.matches[0].champion == (1,) and set(found.matches[0].candidate) == {0, 2}
    assert found.matches[0].share_before == pytest.approx(found.matches[0].share_after, abs=0.05)
    back, _ = compared(two, three, data)
    assert sorted(m.kind for m in back.matches) == ["merged", "moved"]
    reordered = normal([1 / 3] * 3, [0.0, 8.0, 16.0], data=data)
    again, _ = compared(three, reordered, data)
    assert again.moved_share == 0 and [m.champion for m in again.matches] == [(2,), (0,), (1,)]
    assert {m.kind for m in again.matches} == {"kept"}


def test_a_storm_is_born_and_a_drift_has_moved() -> None:
    draw = np.random.default_rng(0)
    data = {"x": np.concatenate([draw.normal(0, 1, 300), draw.normal(8, 1, 300), draw.normal(30, 2, 90)])}
    old = normal([0.5, 0.5], [0.0, 8.0], data=data)
    new = normal([0.45, 0.45, 0.1], [0.0, 9.0, 30.0], data=data)
    found, _ = compared(new, old, data)
    assert [(m.kind, m.champion) for m in found.matches] == [("kept", (0,)), ("moved", (1,)), ("born", ())]
    assert found.moved_share == pytest.approx(90 / 690, abs=0.03)


def by_order(flow, distance=None):
    return {k: k for k in range(min(flow.joint.shape))}


def test_alignment_by_order_is_caught(monkeypatch) -> None:
    monkeypatch.setattr(alignment, "pairs", by_order)
    with pytest.raises(AssertionError):
        check_permuted(soft(3, 40, 0), np.array([1, 2, 0]))


def test_single_values_count_like_categories_beside_the_rest() -> None:
    x = {"debt": np.r_[np.zeros(30), np.random.default_rng(0).normal(500, 50, 70)]}
    hurdle = unseen.fit(unseen.Mixture(unseen.Hurdle(unseen.Gaussian()), 1), x)
    other = unseen.fit(unseen.Mixture(unseen.Hurdle(unseen.Gaussian()), 1), {"debt": x["debt"][10:]})
    p, q = (r.params["shares"][0] for r in (hurdle, other))
    # the rest is the same, so that only the shares differ
    same = np.sqrt(1 - (np.sqrt(p) @ np.sqrt(q)))
    assert component_distances(hurdle, other) == pytest.approx(np.array([[same]]), abs=1e-6)
    plain = unseen.fit(unseen.Mixture(unseen.Gaussian(), 1), x)
    assert component_distances(hurdle, plain) == pytest.approx(0, abs=1e-5)
