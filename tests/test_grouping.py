"""Rows of one unit are put together, whatever the source; answers come back in the order of the input."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import unseen
from unseen import HMM, DataError, Gaussian, Poisson
from unseen.arrow import regroup
from unseen.core.source import grouping, input_places
from unseen.rows import write_assign, write_impute
from unseen.sources import open_source
from unseen.testing import check_source

RNG = np.random.default_rng(0)
WHO = RNG.integers(0, 40, 3000)
TABLE = {
    "who": np.array([f"user {i}" for i in WHO], object),
    "x": np.where(RNG.random(3000) < 0.1, np.nan, RNG.normal(4 * (RNG.random(3000) < 0.5), 1)),
    "step": np.arange(3000.0),
}
ORDER = np.argsort(pd.factorize(TABLE["who"])[0], kind="stable")
SORTED = {name: values[ORDER] for name, values in TABLE.items()}


def test_units_come_by_first_row_and_keep_their_order():
    rng = np.random.default_rng(1)
    for _ in range(20):
        unit = rng.integers(0, rng.integers(1, 9), rng.integers(1, 60)).astype(object)
        order = grouping(unit)
        expected = np.argsort(pd.factorize(unit)[0], kind="stable")
        if order is None:
            assert np.array_equal(expected, np.arange(len(unit)))
        else:
            assert np.array_equal(order, expected)


def stored(kind, folder, table=TABLE):
    if kind == "arrays":
        return table
    arrow = pa.table({n: pa.array(v, from_pandas=True) for n, v in table.items()})
    if kind == "parquet":
        pq.write_table(arrow, folder / "data.parquet", row_group_size=700)
        return str(folder / "data.parquet")
    if kind == "csv":
        arrow.to_pandas().to_csv(folder / "data.csv", index=False)
        return str(folder / "data.csv")
    return {"pandas": arrow.to_pandas, "polars": lambda: pl.from_arrow(arrow), "arrow": lambda: arrow}[kind]()


KINDS = ("arrays", "pandas", "polars", "arrow", "parquet", "csv")


@pytest.mark.parametrize("kind", KINDS)
def test_blocks_are_those_of_sorted_data_and_know_where_rows_stood(kind, tmp_path):
    source, _, _ = open_source(stored(kind, tmp_path), unit="who", block_rows=500)
    frames = [source.read(part, ("step",)) for part in source.manifest()]
    assert len(frames) > 3
    assert np.array_equal(np.concatenate([f.columns["step"].values for f in frames]), SORTED["step"])
    assert np.array_equal(np.concatenate([input_places(source, p) for p in source.manifest()]), ORDER)
    lengths = np.concatenate([np.diff(f.offsets) for f in frames])
    assert np.array_equal(lengths, pd.Series(SORTED["who"]).groupby(SORTED["who"], sort=False).size())
    assert "who" not in [f.name for f in source.schema()]
    check_source(source, {n: [None if v != v else v for v in TABLE[n].tolist()] for n in ("x", "step")})


@pytest.fixture(scope="module")
def fit():
    return unseen.fit(HMM(Gaussian(), 2), SORTED, unit="who", seed=0, restarts=2, ignore=["step"], max_iterations=20)


@pytest.mark.parametrize("kind", KINDS)
def test_a_fit_and_its_answers_do_not_depend_on_where_rows_stand(kind, fit, tmp_path):
    data = stored(kind, tmp_path)
    again = unseen.fit(HMM(Gaussian(), 2), data, unit="who", seed=0, restarts=2, ignore=["step"], max_iterations=20)
    assert again.loglik == pytest.approx(fit.loglik, rel=1e-12)
    for answer in (fit.log_prob, fit.responsibilities, fit.assign, fit.viterbi):
        assert answer(data)[ORDER] == pytest.approx(answer(SORTED), rel=1e-9)
    assert fit.score(data) == pytest.approx(fit.score(SORTED), rel=1e-9)
    filled = fit.impute(data)
    x = np.asarray(filled["x"], float)
    assert x[ORDER] == pytest.approx(fit.impute(SORTED)["x"], rel=1e-9)
    assert np.array_equal(np.asarray(filled["step"], float), TABLE["step"])  # rows stand where they stood


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_files_are_written_in_the_order_of_the_input(kind, fit, tmp_path):
    data = stored(kind, tmp_path)
    assert write_assign(fit, data, tmp_path / "a.parquet") == 3000
    told = pq.read_table(tmp_path / "a.parquet").to_pydict()
    assert told["step"] == TABLE["step"].tolist() and told["who"] == TABLE["who"].tolist()
    assert told["state"] == fit.assign(TABLE).tolist()
    assert write_impute(fit, data, tmp_path / "i.csv", draws=2) == 6000
    drawn = pd.read_csv(tmp_path / "i.csv")
    assert drawn["step"].tolist() == [*TABLE["step"], *TABLE["step"]]
    assert drawn["draw"].tolist() == [1] * 3000 + [2] * 3000 and not drawn["x"].isna().any()


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_files_beyond_the_bound_are_sorted_part_by_part(kind, monkeypatch, tmp_path):
    rng = np.random.default_rng(3)
    n = 60_000
    table = {"user": rng.integers(0, 5000, n), "x": rng.normal(size=n), "step": np.arange(float(n))}
    bound, largest, parts = 100_000, [], []
    monkeypatch.setattr(regroup, "PART_BYTES", bound)
    monkeypatch.setattr("unseen.arrow.rowgroups.MOST_ROWS", 4_000)
    ranges = regroup._Parts.ranges

    def watched(self):
        parts.append(self.count)
        for piece in ranges(self):
            largest.append(piece.nbytes)
            yield piece

    monkeypatch.setattr(regroup._Parts, "ranges", watched)
    data = stored(kind, tmp_path, table)
    from unseen.sources.csv import Csv
    from unseen.sources.parquet import Parquet

    make = {"parquet": Parquet, "csv": lambda *a, **o: Csv(*a, memory_bytes=1000, **o)}[kind]
    source = make(data, unit="user", block_rows=9_000)
    order = np.argsort(pd.factorize(table["user"])[0], kind="stable")
    assert parts[0] >= 60_000 * 24 / bound and max(largest) < 1.2 * bound
    frames = [source.read(p, ("step", "x")) for p in source.manifest()]
    assert np.array_equal(np.concatenate([f.columns["step"].values for f in frames]), order)
    assert np.allclose(np.concatenate([f.columns["x"].values for f in frames]), table["x"][order])
    assert all(f.rows < 9_100 for f in frames)


def test_sorted_data_is_left_where_it_is(tmp_path):
    source, _, _ = open_source(stored("parquet", tmp_path, SORTED), unit="who")
    assert input_places(source, source.manifest()[0]) is None and source._spool is None


@pytest.mark.parametrize("kind", KINDS)
def test_a_unit_column_with_holes_is_refused(kind, tmp_path):
    who = TABLE["who"].copy()
    who[[3, 700]] = None
    with pytest.raises(
        DataError, match="unit column 'who' is missing in 2 rows: it has to say of every row which unit"
    ):
        unseen.fit(HMM(Gaussian(), 2), stored(kind, tmp_path, {**TABLE, "who": who}), unit="who")
    with pytest.raises(DataError, match="no column 'whom' to tell the units"):
        unseen.fit(HMM(Gaussian(), 2), stored(kind, tmp_path), unit="whom")


# ---- weights of sequences


COUNTS = RNG.poisson(np.repeat(RNG.integers(1, 3, 90), 5) * 6.0)
SERIES = np.repeat(np.arange(18), 25)
TIMES = np.arange(18) % 4


@pytest.mark.parametrize("stationary", [False, True])
def test_a_sequence_of_weight_w_is_w_copies(stationary):
    rows = np.concatenate([np.flatnonzero(s == SERIES) for s in range(18) for _ in range(TIMES[s])])
    names = np.concatenate([np.full(25, f"{s}.{c}", object) for s in range(18) for c in range(TIMES[s])])
    start = unseen.Params(transitions=[[0.7, 0.3], [0.2, 0.8]], rates=[[5.0], [11.0]])
    if not stationary:
        start = unseen.Params({"start": [0.5, 0.5], **start})
    model, options = HMM(Poisson(), 2, stationary=stationary), {"unit": "s", "start": start, "tol": 1e-10}
    weighted = unseen.fit(model, {"s": SERIES, "n": COUNTS}, weights=TIMES[SERIES].astype(float), **options)
    copied = unseen.fit(model, {"s": names, "n": COUNTS[rows]}, **options)
    assert weighted.loglik == pytest.approx(copied.loglik, rel=1e-10)
    assert weighted.weight == copied.weight == len(rows)
    for name, value in copied.params.items():
        assert weighted.params[name] == pytest.approx(value, rel=1e-6), name


@pytest.mark.parametrize("compiled", [False, True])
def test_weights_count_in_walks_by_scale_and_by_logs(compiled):
    from unseen.numerics import chain_logs
    from unseen.numerics.forward_backward import forward_backward

    rng = np.random.default_rng(5)
    offsets, weights = np.array([0, 40, 41, 41, 200, 260]), np.array([2.0, 0.5, 1.0, 0.0, 3.0])
    density = -rng.exponential(3, (3, 260))
    density[:, 10:20] -= 900 * rng.random((3, 10))  # lost by scaling: walked in logs
    given = density, np.log(rng.dirichlet(np.ones(3))), np.log(rng.dirichlet(np.ones(3), 3))
    s = forward_backward(*given, offsets, compiled, weights)
    logs = chain_logs.forward_backward(*given, offsets, weights)
    parts = [chain_logs.forward_backward(density[:, a:z], *given[1:], np.array([0, z - a])) for a, z in
             zip(offsets, offsets[1:], strict=False)]  # fmt: skip
    for found in (s, logs):
        assert found.transitions == pytest.approx(sum(w * p.transitions for w, p in zip(weights, parts, strict=True)))
        assert found.start == pytest.approx(sum(w * p.start for w, p in zip(weights, parts, strict=True)))
