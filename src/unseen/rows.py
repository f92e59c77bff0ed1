"""Row-wise outputs: completed data of the type it came in, decoded samples, and files written block by block."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from unseen.core.blas import one_blas_thread
from unseen.core.block import BOOLEAN, INTEGER, Block, Field, Frame, Slot, category_values, rng
from unseen.core.capabilities import Completing, Generative, able
from unseen.core.disk import not_an_input
from unseen.core.encoding import Encoding
from unseen.core.model import Model
from unseen.core.source import input_places, told_of
from unseen.core.stats import Array

Complete = Callable[[Block], Sequence[Array]]


@dataclass(frozen=True, slots=True)
class Fill:
    """New values for the missing cells of one column: positions, and numbers or (dtype object) categories."""

    rows: Array
    values: Array


def completed(result: Any, data: Any, f: Complete, unknown: str | None = None) -> Any:
    """The data with the missing cells of the modelled columns replaced by ``f(block)``, of the type it came in.

    Types of columns are kept where they can hold the new values: an integer column that gets fractional means
    becomes float. Paths come back as one pyarrow Table; columns that are not modelled are untouched.
    """
    if hasattr(data, "read_next_batch"):
        from unseen.arrow.convert import converted

        data = converted(data).table
    source, encoding = result.open(data, unknown)
    parts: dict[str, list[Fill]] = {}
    begin = 0
    with one_blas_thread():
        for part in source.manifest():
            frame = source.read(part, encoding.columns())
            places = input_places(source, part)
            for name, fill in fills(encoding, frame, f).items():
                rows = fill.rows + begin if places is None else places[fill.rows]
                parts.setdefault(name, []).append(Fill(rows, fill.values))
            begin += frame.rows
    from unseen.arrow.hosts import insert

    return insert(data, source, {name: _joined(ps) for name, ps in parts.items()})


def _joined(parts: Sequence[Fill]) -> tuple[Array, Array]:
    """The fills of all blocks, by their rows."""
    rows, values = np.concatenate([p.rows for p in parts]), np.concatenate([p.values for p in parts])
    order = np.argsort(rows)
    return rows[order], values[order]


def fills(encoding: Encoding, frame: Frame, f: Complete) -> dict[str, Fill]:
    """Per column with missing cells, their rows and their new values."""
    gaps = {n: c.observed for n, c in frame.columns.items() if c.observed is not None}
    block = encoding.encode(frame)
    if not gaps:
        return {}
    arrays = f(block)
    kinds = {field.name: field.kind for field in encoding.fields}
    out = {}
    for slot, values in zip(encoding.slots, arrays, strict=True):
        for j, name in enumerate(slot.columns):
            if name in gaps and not slot.given:
                rows = np.flatnonzero(~gaps[name])
                new = np.asarray(values[j])[rows]
                if slot.coded:
                    new = category_values(slot.categories[j], kinds[name])[new.astype(np.intp)]
                out[name] = Fill(rows, new)
    return out


def decoded(slots: Sequence[Slot], arrays: Sequence[Array], fields: Sequence[Field] = ()) -> dict[str, Array]:
    """Columns by name from the arrays of a model's slots: codes become their categories.

    Categories that came from whole numbers become whole numbers again, those of booleans booleans; ``fields`` says
    which they were, else the look of the categories does.
    """
    kinds = {f.name: f.kind for f in fields}
    out: dict[str, Array] = {}
    for slot, values in zip(slots, arrays, strict=True):
        for j, name in enumerate(slot.columns):
            column = np.asarray(values[j])
            if slot.coded:
                column = category_values(slot.categories[j], kinds.get(name))[column.astype(np.intp)]
                column = column.astype(bool) if kinds.get(name) == BOOLEAN else column
                column = column.astype(str) if column.dtype == object else column
            out[name] = column
    return out


def write_assign(
    result: Any,
    path_in: str | Path | Sequence[str | Path],
    path_out: str | Path,
    *,
    prefix: str = "",
    unknown: str | None = None,
    progress: Callable[[int], Any] | None = None,
) -> int:
    """Write the input's columns and, for each row, what the model says of it.

    Its component, log-density and responsibilities; states and the most probable path of a hidden Markov model, scores
    of factors, the prediction of a regression.

    Parameters
    ----------
    path_out : a file that appears whole or not at all: .parquet, .feather, .csv, .tsv, .txt, .jsonl; text to text keeps
        every cell as it was written
    prefix : put before the names of the new columns
    unknown : ``"missing"`` takes categories that were not there at fit time as missing
    progress : called with the number of rows after each block

    Returns
    -------
    The number of rows written.

    Raises
    ------
    DataError
        The input has a column of such a name already, or does not fit the model.
    RunError
        The output cannot be written.
    """
    from unseen.arrow.blockwise import assigned_schema, write_blocks

    not_an_input(Path(path_out), path_in)
    source, encoding = result.open(path_in, unknown)
    _tell_left(source)
    impossible = blind = 0
    outputs = result.model.outputs()
    names = [name for output in outputs for name, _ in output.columns]
    schema = assigned_schema(source, Path(path_out), outputs, encoding.fields, prefix)

    def more(block: Block) -> Any:
        nonlocal impossible, blind
        for tile in [block] if block.offsets is not None else block.tiles(65_536):
            columns = [v for o in outputs for v in o.decoded(o.of(result.params, tile), encoding.fields)]
            impossible += int(np.isneginf(columns[names.index("log_density")]).sum())
            blind += _untold(tile)
            yield columns

    rows = write_blocks(source, encoding, Path(path_out), schema, more, progress)
    if impossible:
        warnings.warn(
            f"{impossible:,} row{'s are' if impossible > 1 else ' is'} impossible under every component, as far as "
            "numbers go: log_density is minus infinity, and the responsibilities say nothing",
            stacklevel=2,
        )
    if blind:
        warnings.warn(
            f"{blind:,} unit{'s have' if blind > 1 else ' has'} no observed cell in this data, so what is said of "
            "their rows is what would be said of anybody's: put what is known of them into the data, too",
            stacklevel=2,
        )
    return rows


def _tell_left(source: Any) -> None:
    """Say of rows and files that are not in an output that they are not: whoever counts rows would be one off."""
    for note in told_of(source):
        if "left out" in note and "header left out" not in note:
            warnings.warn(f"not in the output: {note}", stacklevel=3)


def _untold(block: Block) -> int:
    """Units of several rows of which no cell is observed that the model describes."""
    seen = block.seen()
    if block.offsets is None or seen is None:
        return 0
    return int((np.add.reduceat(seen, block.bounds[:-1]) == 0).sum()) if block.rows else 0


def write_impute(
    result: Any,
    path_in: str | Path | Sequence[str | Path],
    path_out: str | Path,
    draws: int | None = None,
    seed: int = 0,
    *,
    prefix: str = "",
    unknown: str | None = None,
    progress: Callable[[int], Any] | None = None,
) -> int:
    """Write the input with missing cells filled in: by conditional means, or ``draws`` random completions.

    The completions follow each other, told apart by a first new column ``draw`` from 1 to ``draws``, and are those
    of ``Result.impute(path_in, draws, seed)``. An integer or boolean column with missing cells is written as
    floats, unless what fills it is whole by its nature. The other parameters are those of `write_assign`.

    Raises
    ------
    DataError
        The input has a column ``draw`` already, or does not fit the model.
    RunError
        The output cannot be written.
    """
    from unseen.arrow.blockwise import imputed_schema, write_completed

    model = able(result.model, Completing, "word on what missing cells may be: it cannot impute")
    not_an_input(Path(path_out), path_in)
    source, encoding = result.open(path_in, unknown)
    _tell_left(source)
    params = result.params
    floats = _fractional(model, params, encoding, draws is not None)
    schema = imputed_schema(source, Path(path_out), encoding, floats, draws is not None, prefix)

    def round_of(m: int) -> Any:
        def complete(block: Block) -> Sequence[Array]:
            if draws is None:
                return model.impute(params, block)
            return model.draw(params, block, rng(seed, m, block.id))

        return lambda frame: {k: (v.rows, v.values) for k, v in fills(encoding, frame, complete).items()}

    rounds = [(m + 1, round_of(m)) for m in range(1 if draws is None else draws)]
    return write_completed(source, encoding, Path(path_out), schema, rounds, progress)


def _fractional(model: Model, params: Any, encoding: Encoding, drawn: bool) -> set[str]:
    """Whole-number columns whose completions need not be whole: told from a sample where they are drawn."""
    whole = {f.name for f in encoding.fields if f.kind in (INTEGER, BOOLEAN)}
    numbers = {n for s in encoding.slots if not s.coded for n in s.columns} & whole
    if not drawn or not numbers or not isinstance(model, Generative):
        return numbers
    arrays, _ = model.sample(params, 256, np.random.default_rng(0))
    sample = decoded(model.slots, arrays)
    return {n for n in numbers if (sample[n] != np.round(sample[n])).any()}
