"""What earlier batches taught is not forgotten: kept rows, the pinned version, and what moved in a batch."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from tests.cli.calling import call
from tests.ops.loop_case import month, settings_at
from unseen.errors import RegistryError
from unseen.ops.judge import Remembered
from unseen.ops.places import Places
from unseen.ops.record import Outcome
from unseen.ops.registry import Registry
from unseen.ops.retrain import regate, retrain
from unseen.ops.retrain.remembering import pin
from unseen.sources.files import open_files

RULES = {"data": {"window": 4}, "gates": {"heldout_drop": 0.05}}


@pytest.fixture(scope="module")
def born(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three months, the last two of them promoted."""
    folder = tmp_path_factory.mktemp("born") / "loop"
    folder.mkdir()
    for number in (1, 2):
        month(folder, number)
    assert retrain(settings_at(folder, **RULES)).outcome == Outcome.PROMOTED
    month(folder, 3)
    assert retrain(settings_at(folder, **RULES)).outcome == Outcome.PROMOTED
    return folder


@pytest.fixture
def loop(born: Path, tmp_path: Path) -> Path:
    """A copy of its own."""
    shutil.copytree(born, tmp_path / "loop")
    return tmp_path / "loop"


def remembered(folder: Path) -> Remembered:
    return Remembered.of(Registry(settings_at(folder, **RULES)).log.entries())


def changed(folder: Path, number: int, change) -> Path:
    """A month in which something went wrong."""
    path = month(folder, number)
    pq.write_table(change(pq.read_table(path)), path)
    return path


def with_column(table: pa.Table, name: str, values) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, values)


def refused(record) -> list[str]:
    return [v.gate for v in record.gates if not v.passed]


# ---- what is kept


def test_the_first_version_is_pinned_and_promoted_months_are_kept(born: Path) -> None:
    known = remembered(born)
    assert known.version == 1 and [k.name for k in known.kept] == [f"2024-0{n}.parquet" for n in (1, 2, 3)]
    assert {k.name for k in known.reference()} == {"2024-01.parquet", "2024-02.parquet"}
    assert [k.rows for k in known.kept] == [300, 300, 300]


def test_kept_rows_are_rows_that_no_later_window_trains_on(born: Path) -> None:
    settings = settings_at(born, **RULES)
    files = [born / "months" / f"2024-0{n}.parquet" for n in (1, 2, 3)]
    rows = {
        tuple(r.values())
        for kept in remembered(born).kept
        for r in pq.read_table(Places.of(settings).memory / f"{kept.id[:32]}.parquet").to_pylist()
    }
    from unseen.core.encoding import Encoded
    from unseen.ops.judge import HoldOut

    source = open_files(files)
    holdout = HoldOut(source, [1500] * 3, settings.validate_.share, settings.validate_.seed)
    champion = Registry(settings).load(2)
    trained = sum(block.rows for block in holdout.training(Encoded(source, champion.encoding)))
    held = np.concatenate([holdout.mask(part) for part in source.manifest()])
    there = [tuple(r.values()) for path in files for r in pq.read_table(path).to_pylist()]
    assert trained == 3600 and {there[i] for i in np.flatnonzero(held)} == rows


@pytest.mark.parametrize("how", ["deleted", "altered", "torn"])
def test_a_memory_that_was_harmed_is_drawn_again_from_its_partition(loop: Path, how: str) -> None:
    settings = settings_at(loop, **RULES)
    place = sorted(Places.of(settings).memory.glob("*.parquet"))[0]
    whole = pq.read_table(place)
    if how == "deleted":
        place.unlink()
    elif how == "altered":
        pq.write_table(with_column(whole, "age", pa.array(np.zeros(whole.num_rows))), place)
    else:
        place.write_bytes(place.read_bytes()[:-9])
    month(loop, 4)
    record = retrain(settings)
    assert record.outcome == Outcome.PROMOTED, record.reason
    assert pq.read_table(place).equals(whole)


@pytest.mark.parametrize("how", ["deleted", "altered"])
def test_a_memory_that_cannot_be_drawn_again_holds_until_a_version_is_pinned(loop: Path, how: str) -> None:
    settings = settings_at(loop, **RULES)
    first = remembered(loop).kept[0]
    place = Places.of(settings).memory / f"{first.id[:32]}.parquet"
    if how == "deleted":
        place.unlink()
    else:
        whole = pq.read_table(place)
        pq.write_table(with_column(whole, "age", pa.array(np.zeros(whole.num_rows))), place)
    (loop / "months" / "2024-01.parquet").unlink()
    month(loop, 4)
    record = retrain(settings)
    assert record.outcome == Outcome.HELD and refused(record) == ["memory_drop", "reference_drop"]
    assert "'2024-01.parquet'" in record.reason and "unseen pin visits" in record.reason
    assert all(v.broke for v in record.gates if not v.passed), "it says nothing of the candidate"
    entry = pin(settings, "the first month is gone for good")
    assert entry.facts["version"] == 2
    after = retrain(settings)
    assert after.outcome == Outcome.PROMOTED, after.reason


def test_how_far_the_champion_is_from_the_pinned_version_is_told(loop: Path) -> None:
    """What a frog cannot feel: the way from the pinned version so far, beside what may be lost in all."""
    month(loop, 4)
    told: list[str] = []
    record = retrain(settings_at(loop, **RULES), tell=lambda stage, said: told.append(f"{stage}: {said}"))
    seen = record.past.reference
    assert record.outcome == Outcome.PROMOTED and seen.against == 1
    word = "gains" if seen.gain >= 0 else "loses"
    line = f"on 600 rows of version 1, which is pinned, it {word} {abs(seen.gain):.2g} ± {seen.gain_se:.1g}"
    said = f"{line}; gates.reference_drop allows a loss of 0.15"
    assert f"pinned: {said}" in told
    shown = call("status", "-c", str(loop / "unseen.yaml"))
    assert f"pinned      of the champion: {said}" in shown.stdout.splitlines()
    assert json.loads(call("status", "--json", "-c", str(loop / "unseen.yaml")).stdout)["since_pinned"] == said


def test_a_pinned_version_that_does_not_load_is_told(loop: Path) -> None:
    settings = settings_at(loop, **RULES)
    (artefact,) = {Path(v.artifact) for v in Registry(settings).versions() if v.number == 1}
    victim = next(p for p in (Places.of(settings).home / artefact).rglob("*.npz"))
    victim.write_bytes(b"gone")
    month(loop, 4)
    record = retrain(settings)
    assert record.outcome == Outcome.HELD and "pinned as the reference" in record.reason


def test_no_memory_is_kept_where_none_is_wanted(tmp_path: Path) -> None:
    for number in (1, 2):
        month(tmp_path, number)
    settings = settings_at(tmp_path, memory={"partitions": 0}, **RULES)
    assert retrain(settings).outcome == Outcome.PROMOTED
    assert not Places.of(settings).memory.exists()
    with pytest.raises(RegistryError, match="memory.partitions is 0"):
        pin(settings, "a test")


# ---- what a wrong month does


def shuffled(table: pa.Table) -> pa.Table:
    rng = np.random.default_rng(0)
    for name in table.column_names:
        table = with_column(table, name, table.column(name).take(pa.array(rng.permutation(table.num_rows))))
    return table


WRONG = {
    "one default": lambda t: with_column(t, "spend", pa.array(np.full(t.num_rows, 3.0))),
    "holes filled": lambda t: with_column(t, "spend", t.column("spend").combine_chunks().fill_null(0.0)),
    "codes exchanged": lambda t: with_column(
        t, "plan", pa.array([{"a": "b", "b": "a"}.get(v, v) for v in t.column("plan").to_pylist()])
    ),
    "every column shuffled": shuffled,
    "one kind only": lambda t: t.filter(pa.compute.greater(pa.compute.fill_null(t.column("age"), 0.0), 3.0)),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_month_is_held_by_what_moved_and_the_next_good_one_is_promoted(loop: Path, what: str) -> None:
    settings = settings_at(loop, **RULES)
    changed(loop, 4, WRONG[what])
    record = retrain(settings)
    assert record.outcome == Outcome.HELD and "drift" in refused(record), record.reason
    assert [m for m in record.moved if m.holds]
    month(loop, 5)
    after = retrain(settings)
    assert after.outcome == Outcome.PROMOTED, after.reason
    assert after.batch is not None and list(after.batch.left_out) == ["2024-04.parquet"]
    assert after.batch.partitions == tuple(f"2024-0{n}.parquet" for n in (1, 2, 3, 5))


def test_shares_that_move_are_what_retraining_is_for(loop: Path) -> None:
    """Twice as many of the third kind: told, and followed."""
    settings = settings_at(loop, **RULES)
    path = month(loop, 4, rows=6000)
    table = pq.read_table(path)
    third = pa.compute.less(pa.compute.fill_null(table.column("visits"), 0.0), -2.0).to_numpy()
    some = np.concatenate([np.flatnonzero(third)[:600], np.flatnonzero(~third)[:900]])
    pq.write_table(table.take(pa.array(np.sort(some))), path)
    record = retrain(settings)
    assert record.outcome == Outcome.PROMOTED, record.reason
    assert [(m.kind, m.holds) for m in record.moved] == [("shares", False)]


def test_what_holds_can_be_allowed(loop: Path) -> None:
    changed(loop, 4, WRONG["holes filled"])
    record = retrain(settings_at(loop, **RULES | {"gates": {"heldout_drop": 0.05, "drift": ["vanished"]}}))
    assert "drift" not in refused(record) and [m for m in record.moved if m.far]


def test_a_version_that_was_promoted_by_hand_brings_its_month_back(loop: Path) -> None:
    settings = settings_at(loop, **RULES)
    changed(loop, 4, WRONG["one default"])
    record = retrain(settings)
    assert record.version is not None
    Registry(settings).promote(record.version, expected=2, reason="it is right", override=True)
    month(loop, 5)
    after = retrain(settings)
    assert after.batch is not None and not after.batch.left_out and "2024-04.parquet" in after.batch.partitions


def test_a_slow_frog_is_not_boiled(tmp_path: Path) -> None:
    """A drift of a tenth of a standard deviation a month: no promotion may cost ordinary rows more than it may."""
    ordinary = month(tmp_path / "aside", 90, rows=3000)
    for number in (1, 2, 3):
        month(tmp_path, number)
    settings = settings_at(tmp_path, **RULES)
    assert retrain(settings).outcome == Outcome.PROMOTED
    registry, ends = Registry(settings), []
    before = registry.load(1).log_prob(str(ordinary)).mean()
    first = before
    for number in range(4, 16):
        month(tmp_path, number, shift=0.1 * (number - 3))
        record = retrain(settings)
        ends.append(record.outcome)
        if record.outcome == Outcome.PROMOTED:
            now = registry.load(record.version).log_prob(str(ordinary)).mean()
            # what is measured has an error of its own, about 0.003 nats a row
            assert now > before - 0.05 - 0.01
            before = now
    assert Outcome.PROMOTED in ends and ends[-1] == Outcome.HELD
    assert before > first - 3 * 0.05 - 0.01


def test_the_gates_say_the_same_when_they_are_asked_again(loop: Path) -> None:
    month(loop, 4)
    settings = settings_at(loop, **RULES)
    record = retrain(settings)
    validation, verdicts, allowed = regate(settings, record.id, "2")
    assert allowed and validation == record.validation
    assert {v.gate for v in verdicts} == {v.gate for v in record.gates}


def test_shares_of_another_season_are_not_forgotten(tmp_path: Path) -> None:
    """The same components in other shares, each model at the shares of the rows: against the formula by hand."""
    import unseen
    from unseen.ops.judge import Everything, compare
    from unseen.ops.judge.comparing import at_shares
    from unseen.ops.judge.pairs import Pairs
    from unseen.sources.arrays import Arrays

    def season(n: int, share: float, seed: int) -> dict[str, np.ndarray]:
        draw = np.random.default_rng(seed)
        return {"x": np.where(draw.random(n) < share, draw.normal(5, 1, n), draw.normal(0, 1, n))}

    def fitted(share: float, seed: int) -> unseen.Result:
        return unseen.fit(unseen.Mixture(unseen.Gaussian(), 2), season(4000, share, seed), restarts=2)

    summer, winter, rows = fitted(0.8, 0), fitted(0.2, 1), Arrays(season(2000, 0.8, 2))
    found = compare(winter, summer, 1, [rows], Everything())
    assert found is not None and found.gain is not None and found.gain_se is not None
    # shares alone would cost the divergence of (.8, .2) from (.2, .8), .83 nats a row
    plain = np.mean(winter.log_prob(season(2000, 0.8, 2)) - summer.log_prob(season(2000, 0.8, 2)))
    assert plain < -0.7 and abs(found.gain) < 0.01
    there = [pair.candidate for pair in Pairs(rows, Everything(), winter, summer)]
    moved = at_shares(winter, there)
    assert sorted(moved.params["weights"]) == pytest.approx([0.2, 0.8], abs=4 * np.sqrt(0.16 / 2000))
    # what a component is, is judged as before
    lost = unseen.fit(unseen.Mixture(unseen.Gaussian(), 1), season(4000, 0.2, 1))
    gone = compare(lost, summer, 1, [rows], Everything())
    assert gone is not None and gone.gain is not None and gone.gain < -0.2


def test_a_new_world_that_is_pinned_is_the_measure_from_then_on(loop: Path) -> None:
    """Held, promoted by hand and pinned; then months of the new world pass, and one of the old world does not."""
    settings = settings_at(loop, **RULES)

    def moved(number: int) -> None:
        changed(loop, number, lambda t: with_column(t, "spend", pc.multiply(pc.add(t["spend"], 20.0), 0.8)))

    moved(4)
    assert retrain(settings).outcome == Outcome.HELD
    registry = Registry(settings)
    waiting = registry.challenger()
    assert waiting is not None
    registry.promote(waiting.number, expected=registry.champion().number, reason="prices went up", override=True)
    assert pin(settings, "prices went up").facts["partitions"] == [remembered(loop).kept[0].id]
    assert [k.name for k in remembered(loop).kept] == ["2024-04.parquet"]
    for number in (5, 6, 7):
        moved(number)
        record = retrain(settings)
        assert record.outcome == Outcome.PROMOTED, record.reason
    month(loop, 8)
    record = retrain(settings)
    assert record.outcome == Outcome.HELD and any(m.holds and m.column == "spend" for m in record.moved)


def test_what_was_rolled_back_judges_no_more(loop: Path) -> None:
    month(loop, 4)
    settings = settings_at(loop, **RULES)
    record = retrain(settings)
    assert record.outcome == Outcome.PROMOTED and "2024-04.parquet" in {k.name for k in remembered(loop).kept}
    Registry(settings).rollback(None, reason="it was wrong after all")
    assert "2024-04.parquet" not in {k.name for k in remembered(loop).kept}


def test_what_was_found_wrong_stays_out_when_nothing_new_is_said(loop: Path) -> None:
    settings = settings_at(loop, **RULES)
    changed(loop, 4, lambda t: with_column(t, "spend", pc.multiply(t["spend"], -1.0)))
    assert retrain(settings).outcome == Outcome.HELD
    assert retrain(settings).outcome == Outcome.NOTHING_NEW
    told = Registry(settings).status()["excluded"]
    assert "drift" in told["2024-04.parquet"]
    month(loop, 5)
    record = retrain(settings)
    assert record.batch is not None and "2024-04.parquet" not in record.batch.partitions


def test_a_loss_against_other_settings_is_not_the_months_fault(loop: Path) -> None:
    month(loop, 4)
    other = settings_at(loop, **{**RULES, "model": {"components": 1}})
    record = retrain(other)
    assert record.outcome == Outcome.HELD and record.settings_changed and record.aside is None
