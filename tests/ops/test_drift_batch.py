"""One partition when it comes: what the shares of the components explain, and what they do not."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest

from tests.ops.drift_case import SHARES, champion, rows
from unseen.ops.drift import batch, fresh_blocks, parts, remember
from unseen.ops.drift.bins import Layout
from unseen.sources.arrays import Arrays

HOLDS = ("column", "holes", "fit", "vanished")
#: shares that move every column by far, and are nothing but shares
OTHER = (0.1, 0.45, 0.2, 0.25)


@cache
def known() -> tuple[Any, Layout, dict[str, Any]]:
    """The champion with six partitions of 800 ordinary rows behind it."""
    result, _ = champion()
    months = [Arrays(rows(800, seed)) for seed in range(100, 106)]
    blocks = [b for month in months for b in fresh_blocks(result, month)]
    stored = remember(result, [b.block for b in blocks], months)
    return result, Layout.of(stored["layout"]), stored


def found(data: dict[str, Any], holding: tuple[str, ...] = HOLDS) -> tuple[Any, ...]:
    result, layout, stored = known()
    sums = parts.parts_of(result, layout, fresh_blocks(result, Arrays(data)))
    return batch.compared(result, layout, stored, sums, holding)


def holding(data: dict[str, Any]) -> set[str]:
    return {" ".join(filter(None, (m.kind, m.column))) for m in found(data) if m.holds}


@pytest.mark.parametrize("count", [150, 800, 5000])
def test_ordinary_partitions_hold_as_rarely_as_is_said(count: int) -> None:
    """Of 200 at most 2 may be evident at one in a thousand: more has a chance of one in a thousand."""
    odd = sum(bool(found(rows(count, 1000 + seed))) for seed in range(200))
    assert odd <= 2


@pytest.mark.parametrize("count", [800, 5000])
def test_shares_alone_are_told_and_hold_nothing(count: int) -> None:
    for seed in range(20):
        moved = found(rows(count, 2000 + seed, OTHER))
        assert {m.kind for m in moved} <= {"shares"} and not any(m.holds for m in moved)
    assert moved[0].kind == "shares" and found(rows(count, 2000, OTHER), ("shares",))[0].holds


def test_shares_are_found_though_components_overlap() -> None:
    """Within four standard errors of a multinomial, doubled for what the overlap hides."""
    result, layout, stored = known()
    before = parts.read(stored["parts"], layout)
    sums = parts.parts_of(result, layout, fresh_blocks(result, Arrays(rows(20_000, 7, OTHER))))
    got, was = parts.shares(before, sums), parts.shares(before, before)
    assert sorted(was) == pytest.approx(sorted(SHARES), abs=8 * np.sqrt(0.25 / 4800))
    # components in the order of the shares that they had, which are far apart
    pairs = dict(zip(np.argsort(was), np.argsort(SHARES), strict=True))
    for k, truth in pairs.items():
        assert got[k] == pytest.approx(OTHER[truth], abs=8 * np.sqrt(0.25 / 20_000))


WRONG = {
    "exchanged": lambda d, draw: d | {"a": d["c"], "c": d["a"]},
    "shuffled": lambda d, draw: d | {"c": draw.permutation(d["c"])},
    "shifted": lambda d, draw: d | {"a": np.roll(d["a"], 1)},
    "filled": lambda d, draw: d | {"b": np.where(draw.random(len(d["b"])) < 0.4, 0.0, np.nan_to_num(d["b"]))},
    "flipped": lambda d, draw: d | {"flag": ~d["flag"]},
    "codes": lambda d, draw: d | {"plan": np.array(["kestrel", "heron", "goldfinch"])[codes(d["plan"])]},
    "labels": lambda d, draw: d | {"flag": draw.permutation(d["flag"])},
    "doubled": lambda d, draw: d | {"visits": d["visits"] * 2},
}


def codes(plan: np.ndarray) -> np.ndarray:
    return np.searchsorted(["goldfinch", "heron", "kestrel"], plan)


@pytest.mark.parametrize("what", WRONG)
@pytest.mark.parametrize("shares", [SHARES, OTHER])
def test_what_shares_do_not_explain_holds(what: str, shares: tuple[float, ...]) -> None:
    draw = np.random.default_rng(5)
    assert holding(WRONG[what](rows(800, 3000, shares), draw))


def test_holes_that_appear_and_holes_that_are_gone() -> None:
    assert "holes b" in holding(rows(800, 4000, missing=0.15))
    month = rows(3000, 4001)
    assert "holes b" in holding(month | {"b": np.where(np.isnan(month["b"]), 1.0, month["b"])})


def test_a_component_that_vanished_is_named_and_one_that_shrank_is_not() -> None:
    gone = found(rows(2000, 5000, (0.43, 0.0, 0.47, 0.10)))
    assert [m.holds for m in gone if m.kind == "vanished"] == [True]
    assert "vanished: its share fell from" in next(m.message for m in gone if m.kind == "vanished")
    assert not [m for m in found(rows(2000, 5001, (0.38, 0.1, 0.42, 0.1))) if m.kind == "vanished"]


def test_what_partitions_did_before_holds_no_more() -> None:
    """A column that always moves from month to month may move as far again."""
    result, layout, _ = known()
    months = [
        Arrays(d | {"a": d["a"] + s}) for s, d in zip((0, 0.6, 0, 0.6), map(rows, [800] * 4, range(4)), strict=True)
    ]
    stored = remember(result, [b.block for m in months for b in fresh_blocks(result, m)], months)
    new = rows(800, 6000)
    sums = parts.parts_of(result, layout, fresh_blocks(result, Arrays(new | {"a": new["a"] + 0.6})))
    assert not [m for m in batch.compared(result, layout, stored, sums, HOLDS) if m.holds]
    assert "column a" in holding(new | {"a": new["a"] + 0.6})


def stored_of(months: list[dict[str, Any]]) -> dict[str, Any]:
    result, _, _ = known()
    sources = [Arrays(month) for month in months]
    return remember(result, [b.block for s in sources for b in fresh_blocks(result, s)], sources)


#: the second of the four components in a winter, and nearly absent in the other months
WINTER, OTHERWISE = (0.35, 0.25, 0.35, 0.05), (0.45, 0.02, 0.45, 0.08)


def vanished(stored: dict[str, Any], shares: tuple[float, ...]) -> list[Any]:
    result, _, _ = known()
    layout = Layout.of(stored["layout"])
    sums = parts.parts_of(result, layout, fresh_blocks(result, Arrays(rows(2000, 7000, shares))))
    return [m for m in batch.compared(result, layout, stored, sums, HOLDS) if m.kind == "vanished"]


@pytest.mark.parametrize("before", ["as it is stored", "as it was stored"])
def test_a_component_that_was_absent_before_has_not_vanished(before: str) -> None:
    """A winter's component is in next to none of the summers' rows: a summer that comes again is no finding."""
    seasons = [WINTER, WINTER, OTHERWISE, WINTER, WINTER]
    stored = stored_of([rows(800, 7100 + i, s) for i, s in enumerate(seasons)])
    always = stored_of([rows(800, 7100 + i, WINTER) for i in range(5)])
    for one in (stored, always) if before == "as it was stored" else ():
        one["usual"] = {k: v for k, v in one["usual"].items() if not k.startswith("fall")}
    none = (0.45, 0.0, 0.45, 0.10)
    assert not vanished(stored, none)
    assert [m.holds for m in vanished(always, none)] == [True], "where it was always there it has"


def test_holes_that_were_gone_before_hold_no_more() -> None:
    def whole(month: dict[str, Any]) -> dict[str, Any]:
        return month | {"b": np.nan_to_num(month["b"], nan=1.0)}

    result, _, _ = known()
    months = [rows(800, 7200 + i, missing=0.1) for i in range(5)]
    for before, holds in ((months, True), ([*months[:4], whole(months[4])], False)):
        stored = stored_of(before)
        layout = Layout.of(stored["layout"])
        sums = parts.parts_of(result, layout, fresh_blocks(result, Arrays(whole(rows(3000, 7300)))))
        found = batch.compared(result, layout, stored, sums, ("holes",))
        assert [m.holds for m in found if m.kind == "holes" and m.column == "b"] == [holds]


def each_of(months: list[dict[str, Any]]) -> list[Any]:
    result, layout, _ = known()
    return [parts.parts_of(result, layout, fresh_blocks(result, Arrays(m))) for m in months]


@pytest.mark.parametrize("count", [3, 4, 6])
@pytest.mark.parametrize("odd", [0, 1, -1])
def test_the_partition_that_lies_apart_is_named_whichever_it_is(count: int, odd: int) -> None:
    result, layout, _ = known()
    months = [rows(800, 7400 + i) for i in range(count)]
    months[odd] = WRONG["exchanged"](months[odd], np.random.default_rng(0))
    assert set(batch.apart(result, layout, each_of(months))) == {odd % count}


def test_ordinary_partitions_do_not_lie_apart_and_of_two_nobody_can_tell() -> None:
    """Each partition is evident in one of a thousand: of 180, more than two are in one case of a thousand."""
    result, layout, _ = known()
    found = [batch.apart(result, layout, each_of([rows(800, 7500 + 9 * i + j) for j in range(6)])) for i in range(30)]
    assert sum(map(len, found)) <= 2
    pair = [rows(800, 1), WRONG["exchanged"](rows(800, 2), np.random.default_rng(0))]
    assert batch.apart(result, layout, each_of(pair)) == {}


def test_no_rows_say_nothing_and_no_category_is_told() -> None:
    assert found({name: values[:0] for name, values in rows(10, 0).items()}) == ()
    told = " ".join(m.message for what in WRONG for m in found(WRONG[what](rows(800, 1), np.random.default_rng(0))))
    assert not any(bird in told for bird in ("goldfinch", "heron", "kestrel"))
