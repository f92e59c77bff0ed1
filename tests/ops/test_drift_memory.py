"""What is kept of reference and looks: bounded, no rows, whole or not at all, and each batch once."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import unseen
from tests.ops.drift_case import GROWN, after, champion, mixture, named, normal, plain, reference, rows, settings
from unseen.core.encoding import Encoded
from unseen.errors import DataError, RegistryError, SchemaError
from unseen.ops.drift import batch_id, latest, look, recall, remember
from unseen.ops.drift.bins import Layout
from unseen.ops.drift.state import State
from unseen.ops.drift.tally import zero
from unseen.ops.places import Places
from unseen.sources.arrays import Arrays


def numbers(value):
    """Every number in some JSON."""
    if isinstance(value, dict | list):
        for inside in value.values() if isinstance(value, dict) else value:
            yield from numbers(inside)
    elif isinstance(value, float):
        yield value


# ---- the reference


def test_the_reference_holds_no_cell_and_no_category() -> None:
    _, known = champion()
    text = json.dumps(known)
    assert not any(bird in text for bird in ("goldfinch", "heron", "kestrel"))
    data = rows(8000, 0)
    cells = {x for name in "abc" for x in data[name].tolist()}
    assert not cells & set(numbers(known))


def test_the_size_of_the_reference_does_not_depend_on_the_rows() -> None:
    result, known = champion()
    more = reference(result, rows(16_000, 1))
    assert len(list(numbers(more["sums"]))) == len(list(numbers(known["sums"]))) < 400


def test_blocks_add_whatever_their_size_and_whoever_reads_them() -> None:
    result, known = champion()
    data = rows(8000, 0)
    cut = reference(result, data, block_rows=777)
    one_by_one = remember(result, iter(Encoded(Arrays(data), result.encoding)))
    assert cut["layout"] == known["layout"] == json.loads(json.dumps(one_by_one["layout"]))
    for other in (cut, one_by_one):
        assert list(numbers(other["sums"])) == pytest.approx(list(numbers(known["sums"])), rel=1e-9, abs=1e-6)


def test_the_sums_are_those_of_the_rows() -> None:
    result, known = champion()
    data = rows(8000, 0)
    sums, bins = known["sums"], Layout.of(known["layout"]).columns
    r, density = result.responsibilities(data), result.log_prob(data)
    assert sums["rows"] == [8000, 8000, 8000]
    assert sums["shares"] == pytest.approx(r.sum(axis=0))
    assert sums["fit"] == pytest.approx([8000, density.sum(), density @ density])
    at = next(j for j, b in enumerate(bins) if b.name == "b")
    seen = ~np.isnan(data["b"])
    assert sums[f"column {at}"] == np.histogram(data["b"][seen], [-1e9, *bins[at].edges, 1e9])[0].tolist()
    assert sums["missing"][at] == [seen.sum(), (~seen).sum()]
    where = [b.name for b in bins if b.number].index("b")
    assert np.array(sums["places"])[:, where, 0] == pytest.approx(r[seen].sum(axis=0))
    means = result.description.views[1]["mean"]
    above = (data["b"][seen, None] > np.array(means)) * r[seen]
    assert np.array(sums["sides"])[:, where, 1] == pytest.approx(above.sum(axis=0))
    plan = next(j for j, b in enumerate(bins) if b.name == "plan")
    assert sorted(sums[f"column {plan}"]) == sorted([*np.unique(data["plan"], return_counts=True)[1], 0])


def test_numeric_bins_hold_fair_shares_of_the_reference() -> None:
    _, known = champion()
    for j, bins in enumerate(Layout.of(known["layout"]).columns):
        counts = np.array(known["sums"][f"column {j}"])
        assert len(counts) == bins.size
        if bins.number:
            assert len(counts) >= 5 and counts.min() >= 0.02 * counts.sum()


def experts(n=3000, seed=0, moved=0.0):
    """A fit to rows whose model describes one column given the others, and the rows."""
    draw = np.random.default_rng(seed)
    x, z = draw.normal(size=n) + moved, draw.exponential(5, n)
    data = {"x": x, "z": z, "y": (draw.random(n) < 1 / (1 + np.exp(-2 * x))).astype(int)}
    return unseen.fit(unseen.LogisticExperts(1, target="y"), data), data


def test_a_model_that_makes_no_rows_is_held_against_those_it_was_trained_on(tmp_path) -> None:
    result, data = experts()
    known = reference(result, data, block_rows=500)
    columns = {c["name"]: c for c in known["layout"]["columns"]}
    assert len(columns["y"]["codes"]) == 2 and [o["name"] for o in known["layout"]["outputs"]] == ["probability_1"]
    for name, bins in columns.items():
        if bins["edges"]:  # counted by hand, edges at fair shares, and no cell of the data among them
            by_hand = np.bincount(np.searchsorted(bins["edges"], data[name], side="right"))
            assert known["sums"][f"column {list(columns).index(name)}"] == by_hand.tolist() and by_hand.min() > 30
            assert not set(bins["edges"]) & set(data[name].tolist())
    chance = result.predict(data)
    edges = known["layout"]["outputs"][0]["edges"]
    assert known["sums"]["output 0"] == np.bincount(np.searchsorted(edges, chance, side="right")).tolist()
    quiet, loud = after(tmp_path, [experts(seed=1)[1], experts(seed=2, moved=0.5)[1]], (result, known))
    assert not quiet.drifted and loud.drifted
    assert named(loud, "column") == {"x", "y"} and named(loud, "output") == {"probability_1"}
    assert "the model's probability_1 moved up" in " ".join(loud.causes)


def test_a_model_that_makes_no_rows_needs_some() -> None:
    with pytest.raises(DataError, match="no rows to say what new data is compared with"):
        remember(experts()[0], [])


def test_a_reference_from_before_there_were_outputs_is_read(tmp_path) -> None:
    result, known = champion()
    old = json.loads(json.dumps(known))
    del old["layout"]["outputs"], old["layout"]["discrete"], old["sums"]["said"]
    before, now = (after(tmp_path / n, [rows(500, 3)], (result, r)) for n, r in (("old", old), ("new", known)))
    assert [t.e_value for t in before[0].tests] == [t.e_value for t in now[0].tests]


def test_each_unit_counts_once(tmp_path) -> None:
    draw = np.random.default_rng(0)
    lengths = draw.integers(1, 9, 400)
    data = {"who": np.repeat(np.arange(400), lengths), "x": draw.normal(size=lengths.sum())}
    result = unseen.fit(unseen.HMM(unseen.Gaussian(), 1), data, unit="who")
    known = reference(result, data, unit="who")
    assert known["sums"]["rows"] == [lengths.sum(), 400.0, 400.0]
    edges = known["layout"]["columns"][0]["edges"]
    shares = np.bincount(np.searchsorted(edges, data["x"], side="right"), 1 / np.repeat(lengths, lengths))
    assert known["sums"]["column 0"] == pytest.approx(shares) and shares.sum() == pytest.approx(400)


# ---- the state


def test_a_batch_counts_once(tmp_path) -> None:
    first = after(tmp_path, [rows(300, 1), rows(300, 2)])
    before = (tmp_path / "state.json").read_bytes()
    result, known = champion()
    again = look(result, known, "no such file", "batch 1", tmp_path, settings())
    assert again.repeated and again.model_copy(update={"repeated": False, "added": True}) == first[1]
    assert (tmp_path / "state.json").read_bytes() == before


def test_peeking_leaves_no_trace_and_sees_the_same(tmp_path) -> None:
    [peeked] = after(tmp_path, [rows(300, 1)], record=False)
    assert not list(tmp_path.iterdir())
    [recorded] = after(tmp_path, [rows(300, 1)])
    assert peeked.model_copy(update={"time": recorded.time}) == recorded


def test_evidence_does_not_depend_on_being_written_down_in_between(tmp_path) -> None:
    result, known = champion()
    reports = after(tmp_path, [rows(200, s) for s in range(6)])
    assert reports[-1].look == 6
    reread = look(result, json.loads(json.dumps(known)), rows(200, 9), "x", tmp_path, settings(), record=False)
    assert reread.look == 7
    [alone] = after(tmp_path / "alone", [rows(200, 9)])
    assert alone.e_value != reread.e_value


def test_another_champion_begins_anew_and_so_does_the_old_one_when_it_comes_back(tmp_path) -> None:
    old, (result, _) = champion(), champion()
    new = result, reference(result, rows(6000, 77))
    drifted = after(tmp_path, [rows(2000, 70, GROWN)], old)
    assert drifted[0].drifted and drifted[0].first_alarm == 1
    [fresh] = after(tmp_path, [rows(500, 3)], new)
    assert (fresh.look, fresh.first_alarm, fresh.drifted) == (1, None, False)
    [back] = after(tmp_path, [rows(500, 4)], old)
    assert (back.look, back.first_alarm, back.drifted) == (1, None, False)
    places = Places(tmp_path.parent, "birds")
    tmp_path.rename(places.drift)
    known = latest(places)
    assert known.report == back
    assert (known.looks_total, known.alarms_total) == (3, 1)


def test_before_the_first_look_there_is_no_latest(tmp_path) -> None:
    assert latest(Places(tmp_path, "birds")) is None


def test_the_state_stays_small() -> None:
    _, known = champion()
    bins = Layout.of(known["layout"])
    state = State("x")
    for i in range(2000):
        state = state.with_batch(str(i), zero(bins))
    assert state.looks == 2000 and len(state.begun) < 50
    assert state.begun[0][0] == 1 and state.begun[-1][0] == 2000


@pytest.mark.parametrize("broken", ["", "{", "[]", '{"champion": 1}', '{"looks_total": "x", "alarms_total": 0}'])
def test_a_damaged_state_is_refused_and_left_alone(broken, tmp_path) -> None:
    (tmp_path / "state.json").write_text(broken)
    with pytest.raises(RegistryError, match="state.json cannot be read: remove it"):
        after(tmp_path, [rows(10, 0)])
    assert (tmp_path / "state.json").read_text() == broken


def test_a_look_that_cannot_be_written_is_no_look(tmp_path, monkeypatch) -> None:
    after(tmp_path, [rows(300, 1)])
    before = (tmp_path / "state.json").read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched, pytest.raises(RegistryError, match="No space left"):
        patched.setattr("os.replace", full)
        after(tmp_path, [rows(300, 2)], first=1)
    assert (tmp_path / "state.json").read_bytes() == before
    assert after(tmp_path, [rows(300, 2)], first=1)[0].look == 2


# ---- what does not go together


def test_the_reference_of_another_model_is_refused(tmp_path) -> None:
    result, known = champion()
    with pytest.raises(RegistryError, match="another model"):
        look(plain()[0], known, normal(5, 0), "x", tmp_path, settings())
    nudged = type(result.params)({k: v + 1e-9 if k == "weights" else v for k, v in result.params.items()})
    with pytest.raises(RegistryError, match="another model"):
        look(replace(result, params=nudged), known, rows(5, 0), "x", tmp_path, settings())


@pytest.mark.parametrize("change", [{"format": 99}, {"sums": {}}, {"layout": None}, {"sums": {"rows": [1, 2]}}])
def test_a_damaged_reference_is_refused(change, tmp_path) -> None:
    result, known = champion()
    with pytest.raises(RegistryError, match="reference.json is damaged"):
        look(result, {**known, **change}, rows(5, 0), "x", tmp_path, settings())


def test_a_reference_is_read_from_its_file_or_missed_in_a_sentence(tmp_path) -> None:
    path = tmp_path / "reference.json"
    with pytest.raises(RegistryError, match="is missing: there is nothing to compare"):
        recall(path)
    path.write_text(json.dumps(champion()[1]))
    assert recall(path) == champion()[1]
    for broken in ("{", "[1]"):
        path.write_text(broken)
        with pytest.raises(RegistryError, match="damaged"):
            recall(path)


def test_other_columns_are_refused_by_name(tmp_path) -> None:
    data = rows(50, 0)
    with pytest.raises(SchemaError, match="no column 'visits'"):
        after(tmp_path, [{k: v for k, v in data.items() if k != "visits"}])
    with pytest.raises(SchemaError, match="column 'a' was number .* and is category now"):
        after(tmp_path, [{**data, "a": np.full(50, "secret")}])
    assert not list(tmp_path.iterdir())


def test_weights_that_are_not_there_or_not_weights_are_refused(tmp_path) -> None:
    data = {**normal(500, 7, 2), "w": np.ones(500)}
    fit = unseen.fit(unseen.Mixture(unseen.Gaussian("diagonal"), 1), data, weights="w", restarts=1)
    pair = fit, reference(fit, data)
    with pytest.raises(SchemaError, match="no column 'w', which held the row weights"):
        after(tmp_path, [normal(10, 1, 2)], pair)
    with pytest.raises(DataError, match="weight is negative or not finite"):
        after(tmp_path, [{**normal(10, 1, 2), "w": np.full(10, -1.0)}], pair)


# ---- telling


def test_no_value_of_the_data_is_ever_told(tmp_path) -> None:
    data = rows(2000, 70, GROWN)
    data["plan"] = np.where(np.arange(2000) % 3 == 0, "4000-1234-5678-9010", data["plan"])
    data["a"] = data["a"] + 3.25
    [report] = after(tmp_path, [data])
    told = report.model_dump_json() + (tmp_path / "state.json").read_text()
    assert report.drifted
    assert not any(secret in told for secret in ("4000-1234", "goldfinch", "heron", "kestrel"))
    assert not {x for name in "abc" for x in data[name].tolist()} & set(
        numbers(json.loads((tmp_path / "state.json").read_text()))
    )


def test_sensitive_columns_are_named_without_their_moments(tmp_path) -> None:
    data = rows(2000, 70)
    data["a"] = data["a"] + 1
    rules = settings(privacy={"sensitive": ["a"]})
    [open_] = after(tmp_path / "open", [data])
    [closed] = after(tmp_path / "closed", [data], rules=rules)
    assert any("column a moved up by" in c for c in open_.causes)
    assert closed.drifted and any(c.startswith("column a moved (total variation") for c in closed.causes)
    assert not any(" sd in a" in c or "column a moved up" in c for c in closed.causes)


# ---- files


def test_files_are_looked_at_block_by_block_and_known_by_their_bytes(tmp_path) -> None:
    result, known = champion()
    paths = []
    for i in range(2):
        table = pa.table({k: pa.array(v, from_pandas=True) for k, v in rows(1500, 500 + i).items()})
        paths.append(str(tmp_path / f"part-{i}.parquet"))
        pq.write_table(table, paths[-1], row_group_size=200)
    together = look(result, known, paths, "both", tmp_path, settings(), record=False)
    halves = [rows(1500, 500 + i) for i in range(2)]
    data = {k: np.concatenate([h[k] for h in halves]) for k in halves[0]}
    in_memory = look(result, known, data, "both", tmp_path, settings(), record=False)
    assert together.rows == in_memory.rows == 3000
    assert [t.e_value for t in together.tests] == pytest.approx([t.e_value for t in in_memory.tests], rel=1e-6)
    assert batch_id(paths) == batch_id([str(tmp_path)]) != batch_id(paths[:1])
    with pytest.raises(DataError, match="there is no file '.*gone.parquet'"):
        batch_id([tmp_path / "gone.parquet"])


def test_components_of_one_are_watched_without_shares(tmp_path) -> None:
    data = rows(1000, 0)
    result = unseen.fit(mixture(1), data, restarts=1)
    [report] = after(tmp_path, [rows(200, 1)], (result, reference(result, data)))
    assert {t.kind for t in report.tests} == {"column", "missing", "density", "position"}
