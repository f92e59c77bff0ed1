"""Which processor and which versions gave the numbers."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path


def machine() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [x.partition(":")[2].strip() for x in lines if x.startswith("model name")]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    cpu = names[0] if names else platform.processor()
    return f"{cpu}, {cores} cores, {platform.system()}, Python {platform.python_version()}, NumPy {version('numpy')}"
