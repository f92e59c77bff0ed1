"""Memory that the system leaves a retrain: limits that would end it with a broken import or a signal are told first."""

from __future__ import annotations

import resource
from contextlib import suppress
from pathlib import Path

from unseen.errors import LimitError
from unseen.ops.record import Outcome

#: measured: what a retrain of a few thousand rows reserves with every library loaded, as `ulimit` counts it
LEAST = {
    resource.RLIMIT_AS: ("ulimit -v", "VmPeak", 2_200_000_000),
    resource.RLIMIT_DATA: ("ulimit -d", "VmData", 1_500_000_000),
}
#: share of a limit from which on an error that nobody expected is one of memory
SHORT = 0.8


def check_room() -> None:
    """Refuse to begin where the shell's limit is smaller than what the libraries reserve.

    Raises
    ------
    LimitError
        It says which limit, and what is needed.
    """
    for kind, (name, _, least) in LEAST.items():
        most = resource.getrlimit(kind)[0]
        if most != resource.RLIM_INFINITY and most < least:
            raise LimitError(
                f"the shell allows {most / 1e9:.2g} GB ({name}) and a retrain reserves {least / 1e9:.2g}: raise it "
                f"({name} {least // 1000}), or bound what is used instead (limits.memory_gb)"
            )


def for_want_of_memory(ended: tuple[Outcome, str]) -> tuple[Outcome, str]:
    """The outcome of a run: an error that nobody expected, under a limit of memory that is used up, is that limit."""
    if ended[0] not in (Outcome.ERROR, Outcome.REGISTRY):
        return ended
    with suppress(OSError, StopIteration, ValueError):
        said = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
        for kind, (name, field, _) in LEAST.items():
            most = resource.getrlimit(kind)[0]
            if most != resource.RLIM_INFINITY and int(said[field].split()[0]) * 1024 > SHORT * most:
                return (
                    Outcome.LIMIT,
                    f"out of memory ({name}): raise it, set fit.engine: outofcore, or fewer components",
                )
    return ended
