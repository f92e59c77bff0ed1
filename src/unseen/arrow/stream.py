"""One row group handed out in ranges, to threads that ask for neighbouring ones."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

#: rows decoded at a time
BATCH = 131_072
#: row groups that are handed out at the same time
OPEN = 4
#: readers that are kept open for what is read next
IDLE = 8
#: bytes of their footers, which are several times larger in memory; beyond them one reader is kept
FOOTERS = 16 << 20


class Stream:
    """Decodes front to back, once as long as ranges are asked for in about their order.

    Of the threads that wait, the one that asks for the smallest row goes first; rows that were passed over are
    kept for two ranges' length. A range further back starts the decoding again: slower, never wrong.
    """

    def __init__(self, batches: Callable[[], Iterator[Any]]) -> None:
        self._batches = batches
        self._turn = threading.Condition()
        self._waiting: list[int] = []
        self._busy = False
        self._rewind()

    def take(self, start: int, stop: int) -> list[Any]:
        """Record batches of rows ``start`` to ``stop`` of the row group."""
        with self._turn:
            self._waiting.append(start)
            self._turn.wait_for(lambda: not self._busy and min(self._waiting) == start)
            self._busy = True
        try:
            return self._forward(start, stop)
        finally:
            with self._turn:
                self._waiting.remove(start)
                self._busy = False
                self._turn.notify_all()

    def _rewind(self) -> None:
        self._source: Iterator[Any] | None = None
        self._kept: deque[tuple[int, Any]] = deque()
        self._position = 0

    def _forward(self, start: int, stop: int) -> list[Any]:
        oldest = self._kept[0][0] if self._kept else self._position
        if start < oldest:
            self._rewind()
        if self._source is None:
            self._source = self._batches()
        spare = 2 * (stop - start)
        while self._position < stop:
            batch = next(self._source)
            self._kept.append((self._position, batch))
            self._position += batch.num_rows
            self._drop(start - spare)
        return [
            batch.slice(max(0, start - first), min(stop, first + batch.num_rows) - max(start, first))
            for first, batch in self._kept
            if first < stop and first + batch.num_rows > start
        ]

    def _drop(self, before: int) -> None:
        while self._kept and self._kept[0][0] + self._kept[0][1].num_rows <= before:
            self._kept.popleft()


class Streams:
    """The few streams in use; the least recently used one is let go."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: OrderedDict[Any, Stream] = OrderedDict()

    def get(self, key: Any, batches: Callable[[], Iterator[Any]]) -> Stream:
        with self._lock:
            stream = self._open.pop(key, None) or Stream(batches)
            self._open[key] = stream
            while len(self._open) > OPEN:
                self._open.popitem(last=False)
            return stream

    def done(self, key: Any) -> None:
        """Let go of a stream that has given its last rows."""
        with self._lock:
            self._open.pop(key, None)


class Readers:
    """The few readers that were used last, so that a footer is not parsed again for every block of its file.

    A reader belongs to one thread at a time, and one that met trouble is not used again.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: deque[tuple[Any, Any]] = deque()

    @contextmanager
    def of(self, key: Any, make: Callable[[], Any]) -> Iterator[Any]:
        with self._lock:
            place = next((i for i, (k, _) in enumerate(self._idle) if k == key), None)
            reader = None if place is None else self._idle[place][1]
            if place is not None:
                del self._idle[place]
        reader = make() if reader is None else reader
        yield reader
        spare = []
        with self._lock:
            self._idle.append((key, reader))
            while len(self._idle) > IDLE or len(self._idle) > 1 and sum(map(_footer, self._idle)) > FOOTERS:
                spare.append(self._idle.popleft()[1])
        for reader in spare:
            reader.close(force=True)


def _footer(entry: tuple[Any, Any]) -> int:
    return int(getattr(getattr(entry[1], "metadata", None), "serialized_size", 0))
