"""Four axes that never know each other: every legal combination runs, and agrees; illegal ones are refused first."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import unseen
from unseen import (
    HMM,
    SQUAREM,
    Batch,
    Converged,
    DataError,
    FactorAnalysis,
    Gaussian,
    Incremental,
    LogisticExperts,
    MaxIterations,
    Mixture,
    ModelError,
    Params,
    Reduced,
    Stepwise,
)
from unseen.core.block import Field
from unseen.core.source import Part

ROWS, BLOCK = 240, 40


@dataclass(frozen=True)
class Case:
    """A model, where it starts, and what else `unseen.fit` needs to know."""

    model: Any
    start: Params
    columns: tuple[str, ...]
    options: dict[str, Any] = field(default_factory=dict)


def table():
    """Twelve sequences of 20 rows: two columns that follow a hidden state, some cells missing, and a 0/1 target."""
    rng = np.random.default_rng(0)
    state = np.repeat(rng.integers(0, 2, 48), 5)
    x = rng.normal(3 * state, 1)
    y = rng.normal(x - 2 * state, 0.7)
    z = rng.normal(x + y, 2)
    y[rng.random(ROWS) < 0.1] = np.nan
    odds = 0.6 * np.where(x > 1.5, z - 3, 1 - z)
    target = (rng.random(ROWS) < 1 / (1 + np.exp(-odds))).astype(int)
    return {"run": np.repeat(np.arange(12), 20), "x": x, "y": y, "z": z, "target": target}


TABLE = table()
SPHERES = {"means": [[0.0, 0.0], [2.0, 1.0]], "covariances": [np.eye(2), np.eye(2)]}

CASES = {
    "mixture": Case(Mixture(Gaussian("full"), 2), Params(weights=[0.5, 0.5], **SPHERES), ("x", "y")),
    "hmm": Case(
        HMM(Gaussian("full"), 2),
        Params(start=[0.5, 0.5], transitions=[[0.8, 0.2], [0.2, 0.8]], **SPHERES),
        ("x", "y", "run"),
        {"unit": "run"},
    ),
    "factors": Case(
        FactorAnalysis(1),
        Params(mean=[1.0, 1.0, 1.0], loadings=[[1.0], [0.5], [1.0]], noise=[1.0, 1.0, 4.0]),
        ("x", "y", "z"),
    ),
    "experts": Case(
        LogisticExperts(2, "target"),
        Params(experts=[[0.5, 0.0, -0.5], [-0.5, 0.0, 0.5]], gate=[[1.0, -1.0, 0.0]]),
        ("x", "z", "target"),
    ),
}
ALGORITHMS = {
    "batch": Batch(),
    "squarem": SQUAREM(),
    "stepwise": Stepwise(0.7, 2),
    "incremental": Incremental(2),
    "reduced": Reduced(batch=2),
}
ENGINES = ("memory", "threads", "outofcore")
SOURCES = ("arrays", "arrow", "pandas", "polars", "parquet", "csv")
FREE_ONLY = ("stepwise", "incremental", "reduced")
LEGAL = [(m, a) for m in CASES for a in ALGORITHMS if not (m == "experts" and a in FREE_ONLY)]


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """The table in every form a source reads, by name of the source and the columns wanted."""
    folder = tmp_path_factory.mktemp("axes")

    def get(source, columns):
        data = {c: TABLE[c] for c in columns}
        arrow = pa.table({c: pa.array(v, from_pandas=True) for c, v in data.items()})
        if source == "arrays":
            return data
        if source == "arrow":
            return arrow
        if source == "pandas":
            return arrow.to_pandas()
        if source == "polars":
            return pytest.importorskip("polars").from_arrow(arrow)
        path = folder / f"{'-'.join(columns)}.{source}"
        if source == "csv":
            # 17 digits carry a double through text unchanged
            lines = zip(*(["" if np.isnan(x) else format(x, ".17g") for x in v] for v in data.values()), strict=True)
            path.write_text("\n".join([",".join(columns), *(",".join(line) for line in lines)]) + "\n")
        else:
            pq.write_table(arrow, path, row_group_size=BLOCK)
        return str(path)

    return get


def run(stored, name, algorithm="batch", engine="memory", source="arrays", block_rows=BLOCK, iterations=3):
    case = CASES[name]
    return unseen.fit(
        case.model,
        stored(source, case.columns),
        start=case.start,
        algorithm=ALGORITHMS[algorithm],
        engine=engine,
        workers=2,
        block_rows=block_rows,
        stop=Converged(1e-10) | MaxIterations(iterations),
        **case.options,
    )


@pytest.fixture(scope="module")
def reference(stored):
    made = {}

    def get(*key):
        if key not in made:
            made[key] = run(stored, *key)
        return made[key]

    return get


def same_bits(a, b):
    assert list(a.params) == list(b.params)
    for name in a.params:
        assert np.array_equal(a.params[name], b.params[name]), f"{name} differs"
    assert a.loglik == b.loglik
    assert [r.objective for r in a.trace] == [r.objective for r in b.trace]


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("model, algorithm", LEGAL)
def test_same_blocks_same_bits(stored, reference, model, algorithm, engine, source):
    same_bits(run(stored, model, algorithm, engine, source), reference(model, algorithm))


@pytest.mark.parametrize("engine, source", [("threads", "arrays"), ("outofcore", "parquet")])
@pytest.mark.parametrize("block_rows", [20, 100, 10**6, None])
@pytest.mark.parametrize("model", CASES)
def test_other_partitions_agree(stored, reference, model, engine, source, block_rows):
    ours, theirs = run(stored, model, "batch", engine, source, block_rows), reference(model, "batch")
    for name in ours.params:
        scale = np.abs(theirs.params[name]).max()
        assert ours.params[name] == pytest.approx(theirs.params[name], rel=1e-10, abs=1e-10 * scale)
    assert ours.loglik == pytest.approx(theirs.loglik, rel=1e-10)


@pytest.mark.parametrize("model, algorithm", LEGAL)
def test_all_schedules_arrive_at_the_same_place(stored, reference, model, algorithm):
    """Run on, the schedules of one model end at one likelihood; Stepwise, whose steps only shrink, comes near."""
    best = reference(model, "squarem", "memory", "arrays", BLOCK, 40)
    cap = {"squarem": 40, "stepwise": 30}.get(algorithm, 400)
    ours = reference(model, algorithm, "memory", "arrays", BLOCK, cap)
    # the experts' bounds make short steps: after 400 plain ones a third of a unit is still to come
    near = 1.5 if algorithm == "stepwise" else 0.5 if model == "experts" else 0.02
    assert ours.loglik == pytest.approx(best.loglik, abs=near)


@pytest.mark.parametrize("engine", ENGINES)
def test_starts_are_the_same_on_every_engine(stored, engine):
    """Draws belong to blocks, not to workers."""
    fits = [
        unseen.fit(
            Mixture(Gaussian("full"), 2),
            stored("arrays", ("x", "y")),
            start=start,
            restarts=2,
            engine=e,
            block_rows=BLOCK,
            stop=MaxIterations(3),
        )
        for start in ("kmeans++", "random")
        for e in ("memory", engine)
    ]
    same_bits(fits[0], fits[1])
    same_bits(fits[2], fits[3])


class Unread:
    """A source that must not be read: it stands for terabytes behind a pair that is impossible."""

    def __init__(self, unit=None):
        self.unit = unit

    def schema(self):
        return tuple(Field(n, "integer" if n == "target" else "number") for n in ("x", "z", "w", "target"))

    def manifest(self):
        return (Part(0, 10),)

    def read(self, part, columns):
        raise AssertionError("data was read before the refusal")

    def fingerprint(self):
        return {}


@pytest.mark.parametrize("model, options, sentence", [
    (LogisticExperts(2, "target"), {"algorithm": Stepwise()}, "Stepwise averages .* LogisticExperts .* use batch"),
    (LogisticExperts(2, "target"), {"algorithm": Incremental()}, "Incremental averages .* use batch"),
    (HMM(Gaussian(), 2), {}, "does not say where one ends .*unit="),
    (Mixture(Gaussian(), 2), {"engine": "cluster"}, "engine='cluster' is none of"),
    (Mixture(Gaussian(), 2), {"weights": "heavy"}, "there is no column 'heavy'"),
    (Mixture(Gaussian(), 2), {"start": "kmeans"}, "start='kmeans' is none of"),
    (LogisticExperts(2, "target"), {"labels": "w"}, "LogisticExperts takes no labels"),
])  # fmt: skip
def test_impossible_pairs_are_refused_before_data_is_read(model, options, sentence):
    options = dict(options)
    with pytest.raises((ModelError, DataError), match=sentence) as caught:
        unseen.fit(model, options.pop("source", Unread()), **options)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 250


@pytest.mark.parametrize("source", ["parquet", "csv"])
def test_a_file_of_sequences_has_to_say_where_they_end(stored, source):
    with pytest.raises(ModelError, match="does not say where one ends .*unit="):
        unseen.fit(HMM(Gaussian(), 2), stored(source, ("x", "y")))


def test_the_source_that_must_not_be_read_would_tell():
    with pytest.raises(AssertionError, match="data was read"):
        unseen.fit(Mixture(Gaussian(), 2), Unread())
