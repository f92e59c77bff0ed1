"""Rules that files teach: what was seen of each, with room for chance and for ordinary change."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from unseen.core.block import INTEGER, NUMBER
from unseen.ops.ingest.chunks import chunks
from unseen.ops.ingest.repeats import RowHashes, again, repeated
from unseen.ops.ingest.shape import FEWEST, Sample, common, evident, spread

#: room on either side of a range, as a share of it
ROOM = 0.5
#: share of cells that may lie outside, and cells that may in any case: a few odd ones must not stop a batch
OUTSIDE, ODD, STRANGE = 0.001, 5, 2
#: by what a column may spread wider or narrower than it did, and the draws that say how far chance takes it
WIDER, DRAWS, DRAWN = 1.6, 50, 2_000


class Look:
    """One file, taken in in one pass: its rows, gaps by column, the shape of columns, and hashes of its rows.

    ``content`` are the columns by which rows are told again.
    """

    def __init__(self, source: Any, names: Sequence[str], content: Sequence[str]) -> None:
        hashes, self.sample, self.gaps = RowHashes(True, content), Sample(names), dict.fromkeys(names, 0)
        for chunk in chunks(source, [f.name for f in source.schema()]):
            hashes.add(chunk.keys)
            self.sample.add(chunk.table)
            for name in names:
                self.gaps[name] += int(chunk.table[name].isna().sum())
        self.rows, self.whole, self.content = hashes.rows, hashes.whole_rows, hashes.contents


def column_rule(kind: str, name: str, looks: Sequence[Look], still: bool) -> dict[str, Any]:
    """What the files say of one column: its gaps from both sides, its most common value, how far it spreads."""
    shares = [seen.gaps[name] / seen.rows for seen in looks]
    rows, alone = _fewest(looks), len(looks) == 1  # a single file does not show how files differ
    rule: dict[str, Any] = {"missing": min(1.0, _up((4 if alone else 2) * max(shares) + 0.01 + ODD / rows))}
    least = next((low for part in (0.5, 0.75) if evident(0, rows, low := part * min(shares))), 0.0)
    if least:
        rule["missing_min"] = outward(least, up=False)
    cells = [seen.sample.cells(name) for seen in looks]
    cells = [x for x in cells if len(x)]
    most = above(max((common(x) / len(x) for x in cells), default=1.0), 0.1)
    if evident(rows, rows, most):
        rule["common"] = most
    if kind in (NUMBER, INTEGER) and still:
        rule |= _spread([x.to_numpy(float) for x in cells if len(x) >= FEWEST], WIDER**2 if alone else WIDER)
    return rule


def row_rules(looks: Sequence[Look], window: int, content: bool) -> dict[str, float]:
    """How few rows a partition may have; shares that may stand twice: in it exactly, in the window by their content."""
    rows = _fewest(looks)
    pooled = np.concatenate([seen.whole for seen in looks])
    twice = max(repeated(x) / max(len(x), 1) for x in (pooled, *(seen.whole for seen in looks)))
    rules = {"duplicates": above(twice, 0.01 + ODD / rows)}
    if content:
        seen = max(_again(looks[max(0, i - window + 1) : i], x, window) for i, x in enumerate(looks))
        # a single file tells only whether rows hardly ever agree: how they add up over the window it does not
        rules["repeats"] = 1.0 if len(looks) == 1 and seen else above(seen, 0.05)
    least = fewest_rows([seen.rows for seen in looks])
    return ({"min_rows": least} if least > 1 else {}) | {key: value for key, value in rules.items() if value < 1}


def fewest_rows(rows: Sequence[int]) -> int:
    """A tenth of the smallest usual file, which has a quarter of the middle one or more; no more than any file has.

    >>> fewest_rows([1200, 980, 1430, 50]), fewest_rows([1200, 980, 1430]), fewest_rows([5])
    (50, 98, 1)
    """
    usual = sorted(rows)[len(rows) // 2]
    return max(1, min(*rows, min(n for n in rows if 4 * n >= usual) // 10))


def _again(older: Sequence[Look], look: Look, window: int) -> float:
    """The share of rows that stand in older partitions, brought to as many of them as a whole window has."""
    share = again(look.content, [y.content for y in older]) / look.rows
    return float(1 - (1 - share) ** ((window - 1) / len(older))) if older and window > 1 else share


def above(seen: float, room: float) -> float:
    """A limit for a share: twice what was seen and some room, and never more than half of what is left.

    >>> above(0, 0.05), above(0.1, 0.05), above(0.8, 0.05)
    (0.05, 0.25, 0.9)
    """
    return min(_up(2 * seen + room), _up(1 - (1 - seen) / 2))


def value_range(low: float, high: float, kind: str, looks: Sequence[Look]) -> dict[str, Any]:
    """The range with room on both sides; what was never negative stays so."""
    room = ROOM * (high - low)
    least = 0.0 if low >= 0 and low - room < 0 else outward(low - room, up=False)
    most = 0.0 if high <= 0 and high + room > 0 else outward(high + room, up=True)
    if kind == INTEGER:
        least, most = math.floor(least), math.ceil(most)
    return {"min": least, "max": most, "outside": outside(looks, ODD)}


def outside(looks: Sequence[Look], cells: int) -> float:
    """The share of cells that may lie outside: some of them, or one of a thousand."""
    return max(OUTSIDE, math.ceil(1000 * min(0.05, cells / _fewest(looks))) / 1000)


def outward(value: float, up: bool) -> float:
    """A number rounded to two digits, up or down.

    >>> outward(1234.5, up=True), outward(-0.0314, up=False)
    (1300.0, -0.032)
    """
    if not value or not math.isfinite(value):
        return value
    step = 10.0 ** (math.floor(math.log10(abs(value))) - 1)
    whole = (math.ceil if up else math.floor)(round(value / step, 9))
    return float(f"{whole * step:.6g}") if step else value


def _spread(files: Sequence[Any], wider: float) -> dict[str, Any]:
    """The range of spreads that were seen, wider by what chance and ordinary change bring."""
    seen = [spread(x) for x in files]
    if not seen or min(seen) <= 0 or not math.isfinite(max(seen)):
        return {}
    random = np.random.default_rng(0)
    fewest = min(files, key=len)
    size = min(DRAWN, len(fewest))
    drawn = np.array([spread(random.choice(fewest, size)) for _ in range(DRAWS)])
    if drawn.min() <= 0:
        return {}
    room = wider * math.exp(4 * float(np.log(drawn).std()) * math.sqrt(size / len(fewest)))
    return {"spread": [outward(min(seen) / room, up=False), outward(max(seen) * room, up=True)]}


def _fewest(looks: Sequence[Look]) -> int:
    return max(1, min(seen.rows for seen in looks))


def _up(share: float) -> float:
    return math.ceil(100 * share - 1e-9) / 100
