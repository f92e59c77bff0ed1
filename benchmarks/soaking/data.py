"""Faults of what is delivered: each breaks the newest month, and the schema gate has to refuse it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from random import Random

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from benchmarks.soaking.world import NUMBERS, World

Spoil = Callable[[pa.Table, Random], pa.Table]


def delivered(spoil: Spoil) -> Callable[[World, int, Random], str]:
    """The month arrives spoiled, and is retrained on."""

    def strike(world: World, month: int, rng: Random) -> str:
        world.deliver(month, spoil(world.drawn(month), rng))
        world.spoiled.add(world.batch(month))
        return str(world.retrain(month).outcome)

    return strike


def renamed(table: pa.Table, rng: Random) -> pa.Table:
    at = rng.randrange(table.num_columns)
    return table.rename_columns([f"{n}_new" if i == at else n for i, n in enumerate(table.column_names)])


def dropped(table: pa.Table, rng: Random) -> pa.Table:
    return table.drop_columns([rng.choice(table.column_names)])


def retyped(table: pa.Table, rng: Random) -> pa.Table:
    return _put(table, name := rng.choice(NUMBERS), pc.cast(table[name], pa.string()))


def emptied(table: pa.Table, rng: Random) -> pa.Table:
    """Most cells of a column are gone."""
    gone = pa.array(np.random.default_rng(rng.randrange(2**32)).random(table.num_rows) < 0.6)
    name = rng.choice(NUMBERS)
    return _put(table, name, pc.if_else(gone, pa.scalar(None, pa.float64()), table[name]))


def unit_changed(table: pa.Table, rng: Random) -> pa.Table:
    """Hours become minutes."""
    return _put(table, name := rng.choice(NUMBERS), pc.multiply(table[name], 60.0))


def moved(table: pa.Table, rng: Random) -> pa.Table:
    """A sensor that is off by a constant: inside the range, but not where the median may be."""
    return _put(table, name := rng.choice(NUMBERS), pc.add(table[name], 5.0))


def new_category(table: pa.Table, rng: Random) -> pa.Table:
    plan = table["plan"].to_pylist()
    for i in rng.sample(range(len(plan)), 5):
        plan[i] = "unheard of"
    return _put(table, "plan", pa.array(plan))


def repeated(table: pa.Table, rng: Random) -> pa.Table:
    """A good part of the rows stands there twice."""
    return pa.concat_tables([table, table.slice(0, table.num_rows // rng.randrange(2, 5))])


def nothing(table: pa.Table, rng: Random) -> pa.Table:
    return table.slice(0, 0)


# ---- wrong, and no rule of the schema says so


def exchanged(table: pa.Table, rng: Random) -> pa.Table:
    """Two codes of a category changed places."""
    codes = {"a": "b", "b": "a", "c": "c"}
    return _put(table, "plan", pa.array([codes[v] for v in table["plan"].to_pylist()]))


def filled(table: pa.Table, rng: Random) -> pa.Table:
    """Holes, and a good part of the cells, hold the column's mean."""
    name = rng.choice(NUMBERS)
    gone = pa.array(np.random.default_rng(rng.randrange(2**32)).random(table.num_rows) < 0.3)
    mean = pc.mean(table[name])
    return _put(table, name, pc.if_else(gone, mean, pc.fill_null(table[name], mean)))


def vanished(table: pa.Table, rng: Random) -> pa.Table:
    """The rows of one group never came."""
    return table.filter(pc.fill_null(pc.less(table["age"], 3.0), True))


def shuffled(table: pa.Table, rng: Random) -> pa.Table:
    """A column was joined to the wrong rows."""
    order = np.random.default_rng(rng.randrange(2**32)).permutation(table.num_rows)
    return _put(table, name := rng.choice(NUMBERS), table[name].take(order))


def narrowed(table: pa.Table, rng: Random) -> pa.Table:
    """What is far from the middle was cut off at it."""
    name = rng.choice(NUMBERS)
    low, high = np.nanquantile(table[name].to_numpy(zero_copy_only=False), [0.25, 0.75])
    return _put(table, name, pc.min_element_wise(pc.max_element_wise(table[name], low), high))


def one_cell_for_many(table: pa.Table, rng: Random) -> pa.Table:
    """The last cell was carried down over a third of a column."""
    name, start = rng.choice(NUMBERS), table.num_rows * 2 // 3
    cells = table[name].to_pylist()
    cells[start:] = [next(c for c in cells[start:] if c is not None)] * (len(cells) - start)
    return _put(table, name, pa.array(cells, pa.float64()))


def unreadable(world: World, month: int, rng: Random) -> str:
    """A file that was cut short, has damage inside, or is none at all."""
    path = world.deliver(month)
    body = bytearray(path.read_bytes())
    how = rng.randrange(3)
    if how == 0:
        body = body[: rng.randrange(1, len(body))]
    elif how == 1:
        at = rng.randrange(4, len(body) - 2000)
        body[at : at + 500] = os.urandom(500)
    else:
        body = bytearray(os.urandom(5000))
    path.write_bytes(body)
    world.spoiled.add(world.batch(month))
    return str(world.retrain(month).outcome)


def last_month_again(world: World, month: int, rng: Random) -> str:
    """The file of last month comes under the new name."""
    shutil.copyfile(world.path(month - 1), world.path(month))
    world.spoiled.add(world.batch(month))
    return str(world.retrain(month).outcome)


def _put(table: pa.Table, name: str, column: pa.Array) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, column)
