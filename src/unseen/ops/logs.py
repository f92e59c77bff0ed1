"""Structured logs: one JSON object per line, with the run's id, and never a value of the data.

Only names, counts, shares and durations pass: an event whose facts are anything else is cut down to its type.
Exceptions are logged by their class; the sentence of an `UnseenError` holds no data and is kept.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from pathlib import Path
from traceback import walk_tb
from typing import Any

from unseen.errors import UnseenError

LONGEST = 500


def logger(path: Path, **bound: Any) -> Any:
    """A logger that appends to ``path``; ``bound`` facts (run id, model) stand in every line."""
    import structlog

    return structlog.wrap_logger(
        Lines(path),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            facts_only,
            structlog.processors.JSONRenderer(),
        ],
        **bound,
    )


class Lines:
    """Appends each line with one write, so that lines of several processes never mix."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def _append(self, line: str) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with open(self.path, "a", encoding="utf-8") as file:
                file.write(line + "\n")
        except OSError:
            return  # a log that cannot be written must not stop what it tells about

    debug = info = warning = error = critical = _append


def facts_only(_: Any, __: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """Keep names, numbers and short texts; of everything else keep the type."""
    return {key: _fact(value) for key, value in event.items()}


def _fact(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, str):
        return value if len(value) <= LONGEST else value[:LONGEST] + "..."
    if isinstance(value, UnseenError):
        return f"{type(value).__name__}: {value}"
    if isinstance(value, (list, tuple)) and len(value) <= 50:
        return [_fact(v) for v in value]
    if isinstance(value, Mapping) and len(value) <= 50:
        return {str(k): _fact(v) for k, v in value.items()}
    return type(value).__name__


def reason(error: BaseException) -> str:
    """What may be said of an exception: our own sentence, or the class of someone else's and where it came from."""
    if isinstance(error, UnseenError):
        return str(error)
    codes = [frame.f_code for frame, _ in walk_tb(error.__traceback__)]
    where = f" in {Path(codes[-1].co_filename).stem}.{codes[-1].co_name}" if codes else ""
    return f"{type(error).__name__}{where}"
