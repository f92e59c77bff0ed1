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
def test_every_partition_holds_rows_out_and_the_newest_judge(tmp_path, form) -> None:
    """Blocks of CSV sources run across the files."""
    paths = months(tmp_path, (50, 70, 40), form)
    source, _, _ = open_source(paths)
    holdout = HoldOut(source, (50, 70, 40), share=0.25, seed=3)
    rows = rows_of(source, holdout)
    assert [int(part.sum()) for part in np.split(rows, [50, 120])] == [12, 18, 10]
    newest = np.concatenate([holdout.newest.mask(part) for part in source.manifest()])
    assert not newest[:120].any() and np.array_equal(newest[120:], rows[120:])


@pytest.mark.parametrize("form", ["parquet", "csv"])
def test_other_months_do_not_change_what_is_held_out_of_one(tmp_path, form) -> None:
    """What judged once must not be trained on later, whatever the window, and a second run must not move rows."""
    sizes = (50, 70, 40)
    paths = months(tmp_path, sizes, form)
    alone = [rows_of(s, HoldOut(s, None, 0.25, 3)) for s in (open_source(path)[0] for path in paths)]
    for first, last in ((0, 3), (1, 3), (2, 3), (0, 2)):
        for options in ({}, {"block_rows": 17}):
            source, _, _ = open_source(paths[first:last], **options)
            rows = rows_of(source, HoldOut(source, sizes[first:last], share=0.25, seed=3))
            assert np.array_equal(rows, np.concatenate(alone[first:last]))


def test_partitions_of_other_rows_than_were_read_are_refused(tmp_path) -> None:
    source, _, _ = open_source(months(tmp_path, (30, 20)))
    with pytest.raises(DataError, match="other rows than the data that is read"):
        HoldOut(source, (30, 21))


def test_training_and_held_rows_are_all_rows_but_those_that_judged_before(tmp_path) -> None:
    paths = months(tmp_path, (50, 70, 40))
    source, _, _ = open_source(paths)
    problem = bind(unseen.Mixture(unseen.Gaussian(), 1), survey(unseen.Mixture(unseen.Gaussian(), 1), source))
    holdout, blocks = HoldOut(source, (50, 70, 40), 0.25, 3), Encoded(source, problem.encoding)
    training, judging = ([b.cells[0].values[0] for b in side(blocks)] for side in (holdout.training, holdout.held))
    before = np.flatnonzero(rows_of(source, holdout)[:120])
    assert sorted(np.concatenate([*training, *judging, before])) == list(range(160))
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
    assert 0 < sum(part.all() for part in whole) < len(lengths)
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


def places_of(source):
    """Where the rows of a source stood in its files."""
    parts = source.manifest()
    begins = np.cumsum([0, *(part.rows for part in parts)])
    known = [source.places(part) for part in parts]
    return np.concatenate(
        [np.arange(b, b + part.rows) if p is None else p for b, part, p in zip(begins, parts, known, strict=False)]
    )


def who_at(folder, months=MONTHS):
    """Partitions that say of each row to whom it belongs."""
    for i, who in enumerate(months):
        path = folder / f"{i}.parquet"
        pq.write_table(pa.table({"who": who, "x": np.arange(float(len(who)))}), path)
        yield path


def test_a_unit_of_two_months_is_held_out_with_all_of_its_rows(tmp_path) -> None:
    paths = list(who_at(tmp_path))
    source, _, _ = open_source(paths, unit="who")
    who, met, sizes = np.concatenate(MONTHS), set(), tuple(map(len, MONTHS))
    for seed in range(40):
        holdout = HoldOut(source, sizes, share=0.5, seed=seed)
        newest = np.concatenate([holdout.newest.mask(part) for part in source.manifest()])
        for rows in (rows_of(source, holdout), newest):
            places = places_of(source)
            held = {who[i] for i in places[rows]}
            assert sorted(places[rows]) == [i for i, w in enumerate(who) if w in held]
        assert 0 < len(held) < 4 and held <= {2, 3, 4, 5}
        met |= held
    assert met == {2, 3, 4, 5}


def test_a_unit_that_goes_on_stays_on_its_side(tmp_path) -> None:
    """A user who judged in one month must not be trained on in the next, and the name may come in another type."""
    who = np.arange(400)
    for i, names in enumerate((who, who.astype(float))):
        pq.write_table(pa.table({"who": names, "x": np.zeros(400)}), tmp_path / f"{i}.parquet")
    sides = []
    for i in (0, 1):
        source, _, _ = open_source(tmp_path / f"{i}.parquet", unit="who")
        rows = rows_of(source, HoldOut(source, None, share=0.3, seed=3))
        places = places_of(source)
        sides.append({int(j) for j in places[rows]})
    assert sides[0] == sides[1]
    assert abs(len(sides[0]) - 120) < 5 * np.sqrt(400 * 0.3 * 0.7)  # five standard deviations of a binomial


# ---- nothing to hold out


@pytest.mark.parametrize("rows", [0, 1])
def test_too_few_rows_are_refused(rows) -> None:
    with pytest.raises(DataError, match="no rows can be held out: the newest partition has"):
        HoldOut(Arrays(np.zeros(rows)))


def test_an_empty_newest_file_is_refused(tmp_path) -> None:
    paths = months(tmp_path, (30, 0))
    source, _, _ = open_source(paths)
    with pytest.raises(DataError, match="newest partition has 0 of its own"):
        HoldOut(source, (30, 0))


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_a_share_of_nothing_or_everything_is_refused(share) -> None:
    with pytest.raises(ModelError, match="between 0 and 1"):
        HoldOut(Arrays(np.zeros(9)), share=share)
