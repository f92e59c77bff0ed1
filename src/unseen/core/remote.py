"""What engines do where the blocks are, when that is not in this process: work that travels, and how it fails."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from unseen.core.adding import Adder

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


def total(found: Iterable[Any]) -> Any:
    """Return the sum that all pieces make; the first error among them is raised."""
    adder = Adder()
    for piece in sorted(arrived(found), key=lambda p: p.first):
        adder.take(piece)
    return adder.total()


def in_order(found: Iterable[Any]) -> Iterator[Any]:
    """What was picked, in the order of the blocks; the first error among it is raised."""
    return (value for _, value in sorted(arrived(found), key=lambda pair: int(pair[0])))


def places_of(which: Sequence[int] | None) -> dict[int, int] | None:
    """The places of chosen blocks in a sum; None where all are meant, which stand at their numbers."""
    return None if which is None else {block: place for place, block in enumerate(which)}


def source_of(blocks: Any) -> Any:
    """The source that a lazy sequence of blocks reads, or None where blocks are there already."""
    while blocks is not None and not hasattr(blocks, "source"):
        blocks = getattr(blocks, "blocks", None)
    return None if blocks is None else blocks.source
