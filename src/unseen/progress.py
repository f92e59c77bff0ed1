"""A progress bar on the terminal, fed by the loop's events; where there is no terminal there is no bar."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Any, Self, TextIO

from unseen.core.observe import Event


class Progress:
    """An observer that draws one bar over all starts of all numbers of components.

    >>> with Progress(fits=2, starts=10, silent=True) as bar:
    ...     bar(Event("iteration", {"iteration": 1, "objective": -3.2}))
    """

    def __init__(self, fits: int, starts: int, silent: bool = False, stream: TextIO | None = None) -> None:
        self.fits, self.starts, self.done = fits, starts, 0
        stream = stream or sys.stderr
        self.bar: Any = None
        if not silent and stream.isatty():
            from tqdm import tqdm

            self.bar = tqdm(
                total=fits * starts,
                file=stream,
                leave=False,
                dynamic_ncols=True,
                bar_format="{l_bar}{bar}| {elapsed}{postfix}",
            )

    def __call__(self, event: Event) -> None:
        if self.bar is None:
            return
        facts = event.facts
        if event.name == "components" and facts["stage"] == "started":
            told = f"{facts['components']} components {facts.get('form', '')}".rstrip()
            self.bar.set_description_str(told, refresh=False)
        elif event.name == "components":
            self.done += 1
            self._to(self.done * self.starts)
        elif event.name == "restart":
            self._to(min(self.bar.n + 1, (self.done + 1) * self.starts))
        elif event.name == "iteration":
            told = f"iteration {facts['iteration']}, {facts['objective']:.5f} per row"
            self.bar.set_postfix_str(told, refresh=False)
            self.bar.update(0)

    def _to(self, at: int) -> None:
        self.bar.n = at
        self.bar.refresh()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.bar is not None:
            self.bar.close()


class Count:
    """Rows counted on the terminal as their blocks are done: a context whose value takes numbers of rows.

    >>> with Count("assign", silent=True) as tick:
    ...     tick(100)
    """

    def __init__(self, what: str, silent: bool = False, stream: TextIO | None = None) -> None:
        stream = stream or sys.stderr
        self.bar: Any = None
        if not silent and stream.isatty():
            from tqdm import tqdm

            self.bar = tqdm(desc=what, unit=" rows", unit_scale=True, file=stream, leave=False, dynamic_ncols=True)

    def __enter__(self) -> Self:
        return self

    def __call__(self, rows: int) -> None:
        if self.bar is not None:
            self.bar.update(rows)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.bar is not None:
            self.bar.close()
