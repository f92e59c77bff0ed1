"""Observers get events; the loop never prints."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened: its name (``iteration``, ``start``, ``profile``, ``outcome``) and its facts."""

    name: str
    facts: dict[str, Any] = field(default_factory=dict)


class Observer(Protocol):
    """Anything that takes an event: a progress bar, a logger, a metrics exporter."""

    def __call__(self, event: Event) -> None: ...
