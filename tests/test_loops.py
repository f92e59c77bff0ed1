"""Loops written in Python and compiled: the compiled answer is the plain one, and what is not translated says so."""

from __future__ import annotations

import ast
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unseen import kernels
from unseen.kernels import chains, votes
from unseen.kernels.loops import Integers, Loop, Matrix, Vector, loop

pytest.importorskip("llvmlite")

STEP = 2


@loop
def everything(x: Vector, a: Matrix, which: Integers, n: int, scale: float, out: Vector) -> None:
    """All that can be written."""
    count = 0
    for i in range(len(x)):
        inside = i > 0 and not i >= n or x[i] != x[i]
        if inside:
            out[0] += x[i] * scale
            count += 1
        else:
            out[0] -= 1
    out[1] = count / 2
    for i in range(a.shape[0] - 1, -1, -1):
        for j in range(0, a.shape[1], STEP):
            out[2] += a[i, j] - -x[which[i]] if a[i, j] <= 0.5 or j == n else 2 * i
    which[0] = n * 2 - 1


def arguments(n, k, seed):
    rng = np.random.default_rng(seed)
    x, which = rng.normal(size=n), rng.integers(n, size=k)
    x[rng.random(n) < 0.1] = np.nan
    return [x, rng.random((k, n)), which, int(rng.integers(n)), float(rng.normal()), np.zeros(3)]


@settings(deadline=None)
@given(st.integers(1, 40), st.integers(1, 9), st.integers(0, 1000))
def test_all_that_can_be_written_is_compiled_as_python_means_it(n, k, seed):
    plain, compiled = arguments(n, k, seed), arguments(n, k, seed)
    everything.plain(*plain)
    everything.compiled()(*compiled)
    assert compiled[-1] == pytest.approx(plain[-1], rel=1e-12, abs=1e-12, nan_ok=True)
    assert np.array_equal(compiled[2], plain[2])


def sequences(k, lengths, seed):
    """Densities (n, K), transitions, their transposed and start, offsets."""
    rng = np.random.default_rng(seed)
    offsets = np.append(0, np.cumsum(lengths)).astype(np.int64)
    transitions = rng.dirichlet(np.ones(k), k)
    b = np.exp(-rng.exponential(3, (int(offsets[-1]), k)))
    return b, transitions, np.ascontiguousarray(transitions.T), rng.dirichlet(np.ones(k)), offsets


def rng_weights(s):
    return np.random.default_rng(s).random(s)


def inputs(one: Loop, k, lengths, seed):
    """Arguments of a loop over chains, or over votes on items."""
    b, transitions, moves, start, offsets = sequences(k, lengths, seed)
    n, s = len(b), len(lengths)
    c = np.random.default_rng(seed).random(n)
    keys = np.random.default_rng(seed).integers(k, size=n)
    return {
        "forward": lambda: [b, start, moves, offsets, np.zeros((n, k)), np.zeros(n)],
        "backward": lambda: [
            b, transitions, offsets, b.copy(), c, np.linspace(0.5, 2, k), np.zeros(k),
            np.zeros((k, k)), np.zeros((k, k)), np.zeros(s, np.int64), rng_weights(s),
        ],
        "maximum": lambda: [np.log(b), np.log(start), np.log(transitions), offsets, np.zeros((n, k))],
        "trace": lambda: [np.log(b), np.log(moves), offsets, np.zeros(n, np.int64)],
        "gather": lambda: [keys, offsets, np.log(transitions).ravel(), np.ones((k, s))],
        "scatter": lambda: [keys, offsets, np.outer(start, rng_weights(s)), np.zeros(k * k)],
    }[one.__name__]()  # fmt: skip


LOOPS = [v for module in (chains, votes) for v in vars(module).values() if isinstance(v, Loop)]


@pytest.mark.parametrize("one", LOOPS, ids=lambda one: one.__name__)
@settings(max_examples=25, deadline=None)
@given(st.integers(1, 9), st.lists(st.integers(0, 12), min_size=1, max_size=5), st.integers(0, 1000))
def test_a_compiled_loop_is_the_plain_one(one, k, lengths, seed):
    plain, compiled = inputs(one, k, lengths, seed), inputs(one, k, lengths, seed)
    one.plain(*plain)
    one.compiled()(*compiled)
    for x, y in zip(plain, compiled, strict=True):
        assert y == pytest.approx(x, rel=1e-11, abs=1e-13)


def refused(source: str) -> str:
    """What the compiler says of a function's body."""
    from llvmlite import ir

    from unseen.kernels.translate import Translator, Unknown

    lines = "".join(f"    {line}\n" for line in source.splitlines())
    tree = ast.parse(f"def f(x, n):\n{lines}").body[0]

    def f(x: Vector, n: int) -> None: ...

    with pytest.raises(Unknown) as told:
        Translator(tree, loop(f), ir.Module("refused"))
    return str(told.value)


@pytest.mark.parametrize("source", [
    "while n: pass", "x[0] = n ** 2", "x[0] = abs(n)", "y = [1]", "x[0, 1] = 1", "x[0] = z", "return n",
    "for i in x: pass", "x[0] = 1 < n < 3", "x[0] += n // 2", "x = n", "x, y = n, n", "print(x)",
])  # fmt: skip
def test_what_is_not_translated_is_named_with_its_line(source):
    assert refused("n = 1\n" + source).startswith("line 3 of the function: ")


def test_a_name_keeps_its_type():
    assert "double" in refused("y = 0\ny += 0.5")


def test_arrays_of_another_kind_are_refused():
    for wrong in (np.zeros(3, np.float32), np.zeros((3, 3)), np.zeros(6)[::2], [0.0]):
        given = arguments(3, 3, 0)
        given[0] = wrong
        with pytest.raises(TypeError, match="everything: an argument is not float64 in C order, of 1 dimensions"):
            everything.compiled()(*given)


def test_switched_off_or_without_the_extra_there_is_no_compiled_loop(monkeypatch):
    monkeypatch.setattr(kernels, "_loaded", {})
    monkeypatch.setattr(kernels, "_usable", True)
    monkeypatch.setenv(kernels.SWITCH, "off")
    assert everything.compiled() is None
    monkeypatch.delenv(kernels.SWITCH)
    monkeypatch.setitem(sys.modules, "llvmlite", None)
    monkeypatch.delitem(sys.modules, "unseen.kernels.host")
    monkeypatch.setattr(kernels.importlib, "import_module", missing)
    assert everything.compiled() is None


def missing(name: str):
    raise ModuleNotFoundError(name, name="llvmlite")
