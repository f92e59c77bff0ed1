"""Memory that a process can still have: of its machine, or of the container it runs in if that gives less."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

CONTAINER = Path("/sys/fs/cgroup")


def container_memory() -> int | None:
    """Return the bytes that this container may have; None where nothing bounds it."""
    with suppress(OSError, ValueError):
        return int((CONTAINER / "memory.max").read_text())
    return None


def free_memory() -> int:
    """Return the bytes that can be had without swapping; 4 GiB where the system does not say."""
    free = _free_on_machine()
    if (most := container_memory()) is not None:
        with suppress(OSError, ValueError):
            free = min(free, max(most - int((CONTAINER / "memory.current").read_text()), 0))
    return free


def _free_on_machine() -> int:
    with suppress(OSError), open("/proc/meminfo") as lines:
        for line in lines:
            if line.startswith("MemAvailable"):
                return int(line.split()[1]) * 1024
    return 4 << 30
