"""What may be decided: rules that every registration and promotion is held against."""

from __future__ import annotations

from unseen.errors import ConflictError, RegistryError
from unseen.ops.record import Outcome, Record
from unseen.ops.registry.state import State, Version

#: any other outcome says that there is nothing to register; one that could not reach the registry may come back
REGISTRABLE = (None, Outcome.PROMOTED, Outcome.HELD, Outcome.REGISTRY)


def registrable(record: Record) -> None:
    """Refuse to make a version of a retrain that failed.

    Raises
    ------
    RegistryError
        It ended without a usable fit.
    """
    if record.outcome not in REGISTRABLE or record.fit is None or record.batch is None:
        raise RegistryError(
            f"retrain {record.id} ended as {record.outcome or 'unfinished'} without a usable fit: it is no version and "
            "never becomes one"
        )


def expect(state: State, expected: int | None) -> None:
    """Refuse where the champion is not the one that was compared with.

    Raises
    ------
    ConflictError
        Someone else was first; the message says who.
    """
    now = state.champion.number if state.champion else None
    if now == expected:
        return
    if now is None:
        raise ConflictError(f"version {expected} is no champion: there is none yet")
    was = f"version {expected}" if expected is not None else "none"
    last = state.decisions[-1]
    raise ConflictError(
        f"the champion is no longer {was}: version {now} was {last.kind.replace('_', ' ')} by {last.actor} at "
        f"{last.time[:19]}Z. Compare again with the new one: unseen gate RUN --against champion"
    )


def held_back(version: Version) -> str:
    """Why a version may not be promoted without an override; empty where it may."""
    if version.outcome == "rolled_back":
        return "production went back from it"
    if not version.passed:
        return f"the gates refused it ({', '.join(version.refused_by) or 'none was configured'})"
    return ""
