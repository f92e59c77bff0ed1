"""A site of a federation: reads data of its own, answers each question with one sum, and lets no row leave.

``python -m unseen.site DATA`` waits for questions on its standard input and answers on its standard output, so that
whatever connects two machines (ssh, for instance) connects a federation. What it answers is the site's to decide: it
knows which questions there are (`unseen.core.wire`) and how few rows it will not speak of.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from unseen.core.block import Field, Frame
from unseen.core.coarse import coarsened
from unseen.core.engine import Engine
from unseen.core.pipes import heard, tell
from unseen.core.profile import Profile
from unseen.core.source import Frames, Part
from unseen.core.tasks import ProfileFrame
from unseen.core.wire import BLOCKS, TASKS, name_of, packed, told, unpacked
from unseen.engines import engine_for
from unseen.engines.local import OutOfCore
from unseen.errors import EngineError
from unseen.sources import open_source

#: rows of which a sum is told at least: nearly twice the eleven below which health statistics withhold a count
LEAST_ROWS = 20
#: ways to read its blocks that a site keeps in memory, the last ones
KEPT = 2
#: numbers of blocks that one site may have: two sites do not draw alike
NUMBERS = 1 << 24


@dataclass(frozen=True, slots=True)
class Numbered:
    """A source whose blocks count from a number on."""

    source: Any
    first: int

    @property
    def unit(self) -> Any:
        return self.source.unit

    def schema(self) -> tuple[Field, ...]:
        return tuple(self.source.schema())

    def manifest(self) -> tuple[Part, ...]:
        return tuple(replace(part, id=self.first + part.id) for part in self.source.manifest())

    def read(self, part: Part, columns: Sequence[str]) -> Frame:
        frame: Frame = self.source.read(replace(part, id=part.id - self.first), columns)
        return replace(frame, id=part.id)

    def fingerprint(self) -> dict[str, str | int]:
        return dict(self.source.fingerprint())


@dataclass(frozen=True, slots=True)
class Tally:
    """A sum, and of how many rows it is."""

    value: Any
    rows: int

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.value + other.value, self.rows + other.rows)


@dataclass(frozen=True, slots=True)
class Tallied:
    """A task that counts the rows it meets; those of weight zero are none."""

    task: Any

    def __call__(self, block: Any) -> Tally:
        weights = getattr(block, "weights", None)
        if isinstance(block, Frame) and (name := getattr(self.task, "weights", None)) is not None:
            weights = block.columns[name].values
        rows = getattr(block, "rows", 1) if weights is None else int((weights > 0).sum())
        return Tally(self.task(block), rows)


class Desk:
    """What a site answers.

    Parameters
    ----------
    source : where its rows are
    least_rows : rows of which a sum is told at least
    workers : threads of a sum
    allowed : further classes that may be asked, as ``module:Class``: models of one's own, for instance
    """

    def __init__(
        self, source: Any, least_rows: int = LEAST_ROWS, workers: int | None = None, allowed: Sequence[str] = ()
    ) -> None:
        self.source, self.least, self.workers, self.allowed = source, least_rows, workers, frozenset(allowed)
        self._known: dict[bytes, Engine] = {}

    def facts(self) -> tuple[Any, ...]:
        """What a federation has to know before it asks: the columns, the number of rows, and what a unit is."""
        rows = sum(part.rows for part in self.source.manifest())
        return "site", tuple(self.source.schema()), rows

    def answer(self, sent: bytes) -> tuple[Any, ...]:
        """One sum, or why there is none."""
        try:
            question = unpacked(sent)
            if not (isinstance(question, tuple) and [type(part) for part in question] == [bytes, bytes]):
                raise EngineError("a question is of blocks and a task, each as bytes")
            blocks, asked = question
            task = unpacked(asked, self.allowed)
            if name_of(task) not in TASKS | self.allowed:
                raise EngineError(f"{type(task).__qualname__} is no question that a site answers")
            return "sum", self._sum(self._engine(blocks, task), task)
        except Exception as error:
            if told(error)[2] == "":
                traceback.print_exc()
            return told(error)

    def _engine(self, sent: bytes, task: Any) -> Engine:
        if (known := self._known.get(sent)) is not None:
            return known
        asked = unpacked(sent, self.allowed)
        if name_of(asked) not in BLOCKS | self.allowed:
            raise EngineError(f"{type(asked).__qualname__} is no part of its rows that a site sums over")
        blocks = asked.over(self.source)
        others = getattr(blocks, "others", 0)
        if 0 < others < self.least:
            raise EngineError(self._few(others, "the rows that were to be left out are"))
        if isinstance(asked, Frames):  # they are read once, for the profile
            return OutOfCore(blocks, self.workers)
        own = getattr(self.source, "source", self.source)
        engine: Engine = engine_for("auto", own, len(own.schema()), self.workers)(blocks)
        self._known = {**dict(list(self._known.items())[1 - KEPT :]), sent: engine}
        return engine

    def _sum(self, engine: Engine, task: Any) -> Any:
        found = engine.total(Tallied(task)) if len(engine) else None
        if found is None or found.rows < self.least:
            raise EngineError(self._few(0 if found is None else found.rows, "the rows of this sum are"))
        if isinstance(found.value, Profile):
            coded = task.coded if isinstance(task, ProfileFrame) else ()
            return coarsened(found.value, self.least, coded)
        return found.value

    def _few(self, rows: int, what: str) -> str:
        return (
            f"{what} {rows:,}, fewer than the {self.least:,} that a sum has to have before it may leave (least_rows of "
            "the site): a sum over few rows tells what they are"
        )


def serve(make: Any) -> None:
    """Answer until standard input ends, as it does with the process at its other end, whatever ended that."""
    from unseen.core.blas import one_blas_thread

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what anyone prints is no answer
    try:
        desk = make()
        tell(answers, packed(desk.facts()))
    except Exception as error:
        if told(error)[2] == "":
            traceback.print_exc()
        tell(answers, packed(told(error)))
        return
    with one_blas_thread():
        while (sent := heard(sys.stdin.buffer)) is not None:
            tell(answers, packed(desk.answer(sent)))


def opened(
    data: Any,
    number: int = 0,
    unit: str | None = None,
    whole: bool = False,
    block_rows: int | None = None,
    **rules: Any,
) -> Desk:
    """The desk of a site over its data; options are those of `Desk`."""
    source, _, _ = open_source(data, unit=unit, whole=whole, block_rows=block_rows)
    return Desk(Numbered(source, number * NUMBERS), **rules)


def given() -> None:
    """Serve what the process that began this one gives first: it is the owner of the data."""
    first = heard(sys.stdin.buffer)
    if first is not None:
        settings = pickle.loads(first)
        serve(lambda: settings.pop("opener", opened)(**settings))


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve as the command line says."""
    import argparse

    parser = argparse.ArgumentParser(prog="python -m unseen.site", description="Answer with sums over rows that stay.")
    parser.add_argument("data", nargs="+", help="files that `unseen fit` reads")
    parser.add_argument("--unit", help="the column that says which rows belong together")
    parser.add_argument("--number", type=int, default=0, help="which site it is, counted from 0: no two draw alike")
    parser.add_argument("--least-rows", type=int, default=LEAST_ROWS, help="rows of which a sum is told at least")
    parser.add_argument("--workers", type=int, help="threads of a sum")
    told_ = vars(parser.parse_args(arguments))
    data = told_.pop("data")
    serve(lambda: opened(data[0] if len(data) == 1 else data, **told_))


if __name__ == "__main__":
    main()
