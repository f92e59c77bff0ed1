"""What engines do where the blocks are, when that is not in this process: work that travels, and how it fails."""

from __future__ import annotations

import pickle
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from unseen.core.adding import FAN, Adder
from unseen.core.engine import Engine, EngineTraits, R, Summed, T, Task, at_most

#: a block by its number, and what makes it
Made = tuple[int, Callable[[], Any]]


@dataclass(frozen=True, slots=True)
class Failed:
    """An error on its way back, as a value: to do the same again would end the same."""

    error: bytes

    @classmethod
    def of(cls, error: Exception) -> Failed:
        try:
            sent = pickle.dumps(error)
            pickle.loads(sent)
        except Exception:  # a foreign error may hold anything
            sent = pickle.dumps(RuntimeError(f"{type(error).__name__}: {error}"))
        return cls(sent)


def attempted(task: Callable[[Any], Any], make: Callable[[], Any]) -> Any:
    """What a task makes of a block; trouble of the machine is let through, so that another one can try."""
    try:
        return task(make())
    except (OSError, MemoryError):
        raise
    except Exception as error:
        return Failed.of(error)


def arrived(found: Iterable[Any]) -> list[Any]:
    """Return what came back from elsewhere; the first error among it is raised."""
    values = list(found)
    for value in values:
        if isinstance(value, Failed):
            raise pickle.loads(value.error)
    return values


@dataclass(frozen=True, slots=True)
class AddUp:
    """The sum of a task over some blocks, as pieces; ``places`` are those of blocks whose numbers are not meant."""

    task: Any
    places: Mapping[int, int] | None = None

    def __call__(self, blocks: Iterable[Made]) -> Iterator[Any]:
        adder = Adder()
        for index, make in blocks:
            place = index if self.places is None else self.places.get(index)
            if place is None:
                continue
            value = attempted(self.task, make)
            if isinstance(value, Failed):
                yield value
                return
            adder.add(place, value)
        yield from adder.pieces()


@dataclass(frozen=True, slots=True)
class Pick:
    """What a task picks from some blocks, each with the place of its block."""

    task: Any
    places: Mapping[int, int] | None = None

    def __call__(self, blocks: Iterable[Made]) -> Iterator[Any]:
        for index, make in blocks:
            place = index if self.places is None else self.places.get(index)
            if place is not None:
                value = attempted(self.task, make)
                yield value if isinstance(value, Failed) else (place, value)


def together(found: Iterable[Any]) -> list[Any]:
    """Return pieces of several machines as fewer pieces; an error among them alone."""
    several = list(found)
    failed = [value for value in several if isinstance(value, Failed)]
    if failed:
        return failed[:1]
    adder = Adder()
    for piece in sorted(several, key=lambda p: p.first):
        adder.take(piece)
    return list(adder.pieces())


class Cluster(Engine):
    """An engine whose blocks are summed by other processes, which know nothing of one another.

    A subclass says how many blocks there are (``count``), and gives `_run`: how its processes are asked.
    """

    traits = EngineTraits(keeps_blocks=False, elsewhere=True)
    count: int

    def __len__(self) -> int:
        return self.count

    def sum(self, task: Task[T], which: Sequence[int] | None = None) -> Summed[T]:
        chosen, places = self._chosen(which)
        adder = Adder()
        for piece in sorted(arrived(self._run(AddUp(task, places), chosen)), key=lambda p: p.first):
            adder.take(piece)
        return Summed(adder.total(), chosen)

    def rows(self, task: Task[R], most: int, which: Sequence[int] | None = None) -> tuple[R, ...]:
        chosen, places = self._chosen(which)
        found = sorted(arrived(self._run(Pick(task, places), chosen)), key=lambda pair: int(pair[0]))
        return at_most(most, len(chosen), (value for _, value in found))

    def _chosen(self, which: Sequence[int] | None) -> tuple[tuple[int, ...], dict[int, int] | None]:
        """Which blocks are meant, and their places in the sum; None where all are, which stand at their numbers."""
        if which is None:
            return tuple(range(self.count)), None
        return tuple(which), {block: place for place, block in enumerate(which)}

    @abstractmethod
    def _run(self, work: AddUp | Pick, chosen: Sequence[int]) -> Iterable[Any]:
        """What the processes make of the chosen blocks: values of ``work`` over the blocks of each, in any order."""


def ranges(count: int, most: int) -> list[range]:
    """Return so many even ranges of blocks, that begin at whole nodes of the tree where those are small beside a range.

    >>> ranges(10, 3), ranges(100, 2)
    ([range(0, 3), range(3, 6), range(6, 10)], [range(0, 48), range(48, 100)])
    """
    several = max(1, min(count, most))
    step = FAN if count >= 4 * FAN * several else 1
    begins = [i * (count // step) // several * step for i in range(several)]
    return [range(a, b) for a, b in zip(begins, [*begins[1:], count], strict=True)]


def source_of(blocks: Any) -> Any:
    """The source that a lazy sequence of blocks reads, or None where blocks are there already."""
    while blocks is not None and not hasattr(blocks, "source"):
        blocks = getattr(blocks, "blocks", None)
    return None if blocks is None else blocks.source
