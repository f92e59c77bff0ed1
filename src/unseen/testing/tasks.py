"""Checks that what engines are asked to sum can travel: it is small, whole, and computes the same bits elsewhere."""

from __future__ import annotations

import pickle
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from unseen.core.example import Example
from unseen.core.tasks import Expect
from unseen.engines.local import Memory
from unseen.fit import fit
from unseen.result import Result
from unseen.testing.engines import Travelling
from unseen.testing.setting import Setting

#: bytes by which a pickle may grow because larger numbers take more of them
SLACK = 64


def tasks_travel(s: Setting) -> None:
    """A fit through pickles has the bits of one in memory, and neither tasks nor models that worked grow with rows."""
    if s.block.offsets is None:
        few, many = (_after_work(s, rows) for rows in (max(1, s.block.rows // 3), s.block.rows))
        assert many <= few + SLACK, f"a model that has seen {s.block.rows:,} rows pickles with what it met in them"
    here, _ = _fitted(s.example, s.example.data, Memory)
    there, engines = _fitted(s.example, s.example.data, Travelling)
    assert here.loglik == there.loglik, "the log-likelihood depends on whether tasks were pickled"
    for name in here.params:
        same = np.array_equal(here.params[name], there.params[name], equal_nan=True)
        assert same, f"parameter {name!r} depends on whether tasks were pickled"
    once = largest(engines)
    thrice = largest(_fitted(s.example, tripled(s.example), Travelling)[1])
    for name in once.keys() & thrice.keys():
        grew = f"task {name} grew from {once[name]:,} to {thrice[name]:,} bytes when the rows were tripled"
        assert thrice[name] <= once[name] + SLACK, f"{grew}: something in it keeps rows, or what was met in them"


def _after_work(s: Setting, rows: int) -> int:
    """How long the E-step's pickle is once it has been done on so many rows."""
    task = Expect(s.example.model.bind(s.problem.profile), s.params)
    task(s.block.part(0, rows))
    return len(pickle.dumps(task))


def largest(engines: Sequence[Travelling]) -> dict[str, int]:
    """Return the length of the longest pickle of each kind of task that some engines have met, in bytes."""
    out: dict[str, int] = {}
    for engine in engines:
        for name, size in engine.largest.items():
            out[name] = max(size, out.get(name, 0))
    return out


def tripled(example: Example) -> dict[str, Any]:
    """Return the data of an example three times over, sequences under names of their own."""
    unit = example.options.get("unit")
    out = {name: np.tile(np.asarray(column), 3) for name, column in example.data.items()}
    if unit is not None:
        rows = len(out[unit]) // 3
        out[unit] = np.array([f"{i // rows}-{name}" for i, name in enumerate(out[unit])])
    return out


def _fitted(example: Example, data: Mapping[str, Any], engine: type) -> tuple[Result, list[Any]]:
    """A short fit with two starts, and the engines that it made."""
    made: list[Any] = []

    def make(blocks: Sequence[Any]) -> Any:
        made.append(engine(blocks))
        return made[-1]

    options = {"seed": 0, **example.options, "restarts": 2, "max_iterations": 5, "engine": make}
    return fit(example.model, data, **options), made
