"""One line of the log: what was decided, when, by whom, and the hash that ties it to the line before."""

from __future__ import annotations

import getpass
import hashlib
import json
import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

#: a retrain began; a retrain ended; a fit became a version; the gates were asked anew about a version
BEGAN, RETRAIN, REGISTERED, JUDGED = "began", "retrain", "registered", "judged"
#: the two that change the champion
PROMOTED, ROLLED_BACK = "promoted", "rolled_back"
#: rows of a partition were put by to judge later candidates; a version and its partitions became the reference
REMEMBERED, PINNED = "remembered", "pinned"
#: a torn last line was moved aside; versions were made anew in MLflow
REPAIRED, REBUILT = "repaired", "rebuilt"
#: a partition is left out of the batches; it is taken in again
EXCLUDED, INCLUDED = "excluded", "included"
#: artefacts, runs and events that were no longer needed were cleared away
PRUNED = "pruned"

#: what a history tells
DECISIONS = (PROMOTED, ROLLED_BACK, PINNED, RETRAIN, JUDGED, REPAIRED, REBUILT, EXCLUDED, INCLUDED, PRUNED)

#: the hash that stands before the first line
NOTHING = "0" * 64
_MARK = b',"hash":"'


@dataclass(frozen=True, slots=True)
class Entry:
    """A decision. The log is ordered by ``seq``; ``clock`` is ``"behind"`` where time had gone backwards.

    ``previous`` is the hash of the line before, ``hash`` the SHA-256 of this line without it: change a byte of any
    line, take one out, or put one in, and the chain breaks there.
    """

    seq: int
    time: str
    actor: str
    kind: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    clock: str | None = None
    previous: str = NOTHING
    hash: str = ""


def draft(seq: int, kind: str, facts: Mapping[str, Any], actor: str, latest: str, previous: str) -> tuple[Entry, bytes]:
    """A new entry and its line; ``latest`` is the latest time that the log has seen."""
    time = now()
    body: dict[str, Any] = {"seq": seq, "time": time, "actor": actor, "kind": kind, "facts": dict(facts)}
    body |= ({"clock": "behind"} if time < latest else {}) | {"previous": previous}
    text = json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=str)
    raw = text.encode("utf-8", "replace")
    line = raw[:-1] + _MARK + hashlib.sha256(raw).hexdigest().encode() + b'"}\n'
    return parsed(line), line


def parsed(line: bytes) -> Entry:
    """The entry of a line; `ValueError` where it is no line of the log, or its hash does not fit."""
    body, mark, end = line.rpartition(_MARK)
    digest = end[:64].decode("ascii", "replace")
    if not mark or end[64:] != b'"}\n':
        raise ValueError("it is no line that unseen wrote")
    if hashlib.sha256(body + b"}").hexdigest() != digest:
        raise ValueError("its content does not have the hash that it carries")
    return Entry(**json.loads(body + b"}"), hash=digest)


def now() -> str:
    """The time in UTC, as text that sorts like time."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def happened(entry: Entry, entries: Sequence[Entry]) -> str:
    """When something was decided: what is dated later than now came before the next of the log's lines that is not."""
    time = now()
    return next((e.time for e in (entry, *entries[entry.seq :]) if e.time <= time), time)


def whoever() -> str:
    """Who acts: ``UNSEEN_ACTOR`` if it is set, else user@host."""
    if named := os.environ.get("UNSEEN_ACTOR"):
        return named
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user id that has no name
        user = f"uid{os.getuid()}" if hasattr(os, "getuid") else "somebody"
    return f"{user}@{socket.gethostname()}"
