"""The rows that judge: always the same, only of the newest partition, never trained on."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

import unseen
from unseen.core.block import Field, Slot
from unseen.core.encoding import Encoded, Encoding
from unseen.errors import DataError, ModelError
from unseen.fit import default_rule, solve
from unseen.ops.judge import HoldOut
from unseen.ops.judge.heldout import CHUNK
from unseen.problem import bind, survey
from unseen.search.holdout import Split
from unseen.search.order import search
from unseen.sources import open_source
from unseen.sources.arrays import Arrays


def rows_of(source, holdout):
    return np.concatenate([holdout.mask(part) for part in source.manifest()])


def months(folder, sizes, form="parquet", begin=0):
    """Partitions of one column that counts rows: two blocks of rows a file where it is Parquet."""
    paths = []
    for i, size in enumerate(sizes):
        path = folder / f"2024-{i + 1:02d}.{form}"
        table = pa.table({"x": np.arange(begin, begin + size, dtype=float), "y": np.arange(size) % 7.0})
        if form == "csv":
            path.write_text("x,y\n" + "".join(f"{x},{y}\n" for x, y in zip(*table.to_pydict().values(), strict=True)))
        else:
            pq.write_table(table, path, row_group_size=max(size // 2, 1))
        paths.append(path)
        begin += size
    return paths


@given(n=st.integers(2, 300), share=st.floats(0.01, 0.99), seed=st.integers(0, 50), size=st.integers(1, 90))
def test_blocks_do_not_decide_which_rows_are_held_out(n, share, seed, size):
    whole, cut = Arrays(np.zeros(n)), Arrays(np.zeros(n), block_rows=size)
    rows = rows_of(cut, HoldOut(cut, share=share, seed=seed))
    assert np.array_equal(rows, rows_of(whole, HoldOut(whole, share=share, seed=seed)))
    assert rows.sum() == min(max(round(share * n), 1), n - 1)


def test_the_seed_decides() -> None:
    source = Arrays(np.zeros(100))
    drawn = [tuple(rows_of(source, HoldOut(source, share=0.3, seed=s))) for s in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]


def test_chunks_follow_each_other_in_a_large_partition() -> None:
    n = 2 * CHUNK + 100
    source = Arrays(np.zeros(n), block_rows=3_000)
    rows = rows_of(source, HoldOut(source, share=0.2, seed=0))
    assert [int(part.sum()) for part in np.split(rows, [CHUNK, 2 * CHUNK])] == [round(0.2 * CHUNK)] * 2 + [20]
    assert not np.array_equal(rows[:CHUNK], rows[CHUNK : 2 * CHUNK])


@pytest.mark.parametrize("form", ["parquet", "csv"])
def test_only_the_newest_file_judges(tmp_path, form) -> None:
    """Blocks of CSV sources run across the files."""
    paths = months(tmp_path, (50, 70, 40), form)
    source, _, _ = open_source(paths)
    rows = rows_of(source, HoldOut(source, paths[-1], share=0.25, seed=3))
    assert (rows[:120].sum(), rows[120:].sum()) == (0, 10)


@pytest.mark.parametrize("form", ["parquet", "csv"])
def test_older_months_do_not_change_the_draw(tmp_path, form) -> None:
    """A window that grows, or a second run of the same batch, must not move rows between training and judging."""
    paths = months(tmp_path, (50, 70, 40), form)
    drawn = []
    for some in (paths, paths[1:], paths[2:]):
        for options in ({}, {"block_rows": 17}):
            source, _, _ = open_source(some, **options)
            drawn.append(tuple(rows_of(source, HoldOut(source, paths[-1], share=0.25, seed=3))[-40:]))
    assert len(set(drawn)) == 1


def test_files_of_one_name_in_different_folders(tmp_path) -> None:
    folders = [tmp_path / f"month={m}" for m in (1, 2)]
    for folder in folders:
        folder.mkdir()
    paths = [months(folder, (30,))[0] for folder in folders]
    source, _, _ = open_source(paths)
    rows = rows_of(source, HoldOut(source, paths[-1], share=0.2))
    assert (rows[:30].sum(), rows[30:].sum()) == (0, 6)
    with pytest.raises(DataError, match="not the last of the files"):
        HoldOut(source, paths[0])


def test_a_partition_may_be_a_folder(tmp_path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    old, new = months(tmp_path / "a", (30,)), months(tmp_path / "b", (20, 10))
    source, _, _ = open_source([*old, *new])
    rows = rows_of(source, HoldOut(source, tmp_path / "b", share=0.5))
    assert (rows[:30].sum(), rows[30:].sum()) == (0, 15)


def test_training_and_held_rows_are_all_rows(tmp_path) -> None:
    paths = months(tmp_path, (50, 70, 40))
    source, _, _ = open_source(paths)
    problem = bind(unseen.Mixture(unseen.Gaussian(), 1), survey(unseen.Mixture(unseen.Gaussian(), 1), source))
    holdout, blocks = HoldOut(source, paths[-1], 0.25, 3), Encoded(source, problem.encoding)
    training, judging = ([b.cells[0].values[0] for b in side(blocks)] for side in (holdout.training, holdout.held))
    assert sorted(np.concatenate([*training, *judging])) == list(range(160))
    assert np.concatenate(judging).min() >= 120


def test_the_order_that_an_encoding_gives_rows_does_not_decide() -> None:
    """Rows are grouped by their missing cells, in different ways for models of different columns."""
    draw = np.random.default_rng(0)
    data = {"x": np.arange(60.0), "y": draw.normal(size=60), "z": draw.normal(size=60)}
    for name in "yz":
        data[name][draw.random(60) < 0.5] = np.nan
    source = Arrays(data)
    holdout, found = HoldOut(source, share=0.3), []
    for ignore in ((), ("y",), ("z",)):
        known = survey(unseen.Mixture(unseen.Gaussian(), 1), source, ignore=ignore)
        encoding = bind(unseen.Mixture(unseen.Gaussian(), 1), known).encoding
        assert encoding.grouped
        found.append({v for b in holdout.held(Encoded(source, encoding)) for v in b.cells[0].values[0]})
    assert found[0] == found[1] == found[2] == set(np.flatnonzero(rows_of(source, holdout)))


@pytest.mark.parametrize("engine", ["memory", "threads", "outofcore"])
def test_a_fit_never_sees_the_rows_that_judge(engine) -> None:
    data = {"x": np.random.default_rng(0).normal(size=300)}
    source = Arrays(data, block_rows=64)
    model = unseen.Mixture(unseen.Gaussian(), 1)
    known = survey(model, source, engine=engine)
    holdout = HoldOut(source, share=0.2)
    training = replace(known, make=lambda blocks: known.make(holdout.training(blocks)))
    result = solve(bind(model, training), stop=default_rule(1e-9, 100, None))
    left = data["x"][~rows_of(source, holdout)]
    assert result.weight == 240
    assert result.params["means"].item() == pytest.approx(left.mean(), abs=1e-12)
    assert result.params["covariances"].item() == pytest.approx(left.var(), rel=1e-9)


def test_a_search_by_held_out_rows_splits_what_is_left() -> None:
    """Its own split, with the same seed and share, must not be the one that judges."""
    x = np.random.default_rng(0).normal([[0.0], [9.0]], 1, (2, 100)).reshape(-1, 1)
    source = Arrays(x)
    holdout = HoldOut(source, share=0.2, seed=0)
    assert not np.array_equal(rows_of(source, holdout), Split(0.2, 0).rows(0, 200))
    known = survey(unseen.Mixture(unseen.Gaussian(), 1), source)
    training = replace(known, make=lambda blocks: known.make(holdout.training(blocks)))
    model_for = lambda k: unseen.Mixture(unseen.Gaussian(), k)  # noqa: E731
    best = search(model_for, training, (1, 2), "heldout", restarts=2, share=0.2, seed=0)
    assert (best.model.components, best.weight) == (2, 160)


# ---- sequences


def sequences(lengths):
    return {"who": np.repeat(np.arange(len(lengths)), lengths), "x": np.arange(float(sum(lengths)))}


@given(st.lists(st.integers(1, 9), min_size=2, max_size=30), st.integers(0, 9), st.integers(1, 20))
def test_sequences_are_held_out_as_a_whole(lengths, seed, size):
    data = sequences(lengths)
    source = Arrays(data, unit="who", block_rows=size)
    holdout = HoldOut(source, share=0.4, seed=seed)
    rows = rows_of(source, holdout)
    whole = [rows[data["who"] == who] for who in range(len(lengths))]
    assert all(part.all() or not part.any() for part in whole)
    assert sum(part.all() for part in whole) == min(max(round(0.4 * len(lengths)), 1), len(lengths) - 1)
    blocks = Encoded(source, Encoding((Field("x", "number"),), (Slot(("x",)),)))
    for side, wanted in ((holdout.training, False), (holdout.held, True)):
        found = list(side(blocks))
        assert [v for b in found for v in b.cells[0].values[0]] == np.flatnonzero(rows == wanted).tolist()
        kept = [n for n, part in zip(lengths, whole, strict=True) if part[0] == wanted]
        assert [n for b in found for n in np.diff(b.offsets)] == kept


def test_one_sequence_cannot_be_held_out() -> None:
    with pytest.raises(DataError, match="no sequences can be held out: the newest partition has 1 of its own"):
        HoldOut(Arrays(np.zeros(50), whole=True))


MONTHS = ([0, 0, 1, 1, 2], [2, 2, 3, 3, 4, 4, 5, 5])


def who_at(folder, months=MONTHS):
    """Partitions that say of each row to whom it belongs."""
    for i, who in enumerate(months):
        path = folder / f"{i}.parquet"
        pq.write_table(pa.table({"who": who, "x": np.arange(float(len(who)))}), path)
        yield path


def test_a_unit_of_two_months_is_held_out_with_all_of_its_rows(tmp_path) -> None:
    paths = list(who_at(tmp_path))
    source, _, _ = open_source(paths, unit="who")
    who, met = np.concatenate(MONTHS), set()
    for seed in range(20):
        rows = rows_of(source, HoldOut(source, paths[-1], share=0.5, seed=seed))
        held = set(who[rows])
        assert len(held) == 2 and held <= {2, 3, 4, 5} and (rows == np.isin(who, list(held))).all()
        met |= held
    assert met == {2, 3, 4, 5}


@pytest.mark.parametrize("older", [(), ([9, 9],), ([5, 3, 1], [2, 2, 8])])
def test_the_same_units_whatever_is_read_with_them(tmp_path, older) -> None:
    newest = [4, 2, 4, 7, 3, 2, 5, 3, 7, 1]
    paths = list(who_at(tmp_path, (*older, newest)))
    source, _, _ = open_source(paths, unit="who")
    held = set()
    for part in source.manifest():
        frame = source.read(part, ())
        kept = HoldOut(source, paths[-1], share=0.5, seed=3).mask(part)
        names = source.table(part).column("who").to_numpy()
        assert all(len(set(unit)) == 1 for unit in np.split(kept, frame.offsets[1:-1]))
        held |= set(names[kept].tolist())
    alone, _, _ = open_source(paths[-1:], unit="who")
    (part,) = alone.manifest()
    assert held == set(
        alone.table(part).column("who").to_numpy()[HoldOut(alone, share=0.5, seed=3).mask(part)].tolist()
    )
    assert len(held) == 3


# ---- nothing to hold out


@pytest.mark.parametrize("rows", [0, 1])
def test_too_few_rows_are_refused(rows) -> None:
    with pytest.raises(DataError, match="no rows can be held out: the newest partition has"):
        HoldOut(Arrays(np.zeros(rows)))


def test_an_empty_newest_file_is_refused(tmp_path) -> None:
    paths = months(tmp_path, (30, 0))
    source, _, _ = open_source(paths)
    with pytest.raises(DataError, match="newest partition has 0 of its own"):
        HoldOut(source, paths[-1])


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_a_share_of_nothing_or_everything_is_refused(share) -> None:
    with pytest.raises(ModelError, match="between 0 and 1"):
        HoldOut(Arrays(np.zeros(9)), share=share)
