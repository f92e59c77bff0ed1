"""Other machines, seen from this one: a pytest plugin with which `make numerics` runs the numerical tests again.

``AS_ON=narrow``: vectors half as wide, for NumPy, BLAS and the kernels. ``AS_ON=small``: one thread, small blocks and
tiles. ``AS_ON=shuffled``: the rows of blocks that are fitted in another order, and BLAS as wide as it can be.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import platform
import sys
from typing import Any

import numpy as np
import pytest

import unseen

SETTINGS = ("narrow", "small", "shuffled")
BLOCK, TILE = 200, 64
ROOMS = ("core", "numerics", "families", "models", "engines", "sources", "starts", "search")


def environment(setting: str) -> dict[str, str]:
    """What has to be said before NumPy is loaded."""
    if setting == "small":
        return {}
    from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__

    # the widest level goes: AVX-512 where there is some, else AVX2
    has = [f for f in __cpu_dispatch__ if __cpu_features__.get(f)]
    wide = [f for f in has if f.startswith(("AVX512", "X86_V4"))]
    if setting == "shuffled":
        return {"OPENBLAS_CORETYPE": "SkylakeX"} if wide else {}
    blas = ("Haswell" if wide else "Nehalem") if platform.machine() in ("x86_64", "AMD64") else ""
    return {"NPY_DISABLE_CPU_FEATURES": " ".join(wide or has), **({"OPENBLAS_CORETYPE": blas} if blas else {})}


def pytest_configure(config: pytest.Config) -> None:
    setting = os.environ.get("AS_ON", "")
    if setting not in SETTINGS:
        raise pytest.UsageError(f"AS_ON is one of {', '.join(SETTINGS)}")
    {"narrow": narrow, "small": small, "shuffled": shuffled}[setting]()


def narrow() -> None:
    from numpy._core._multiarray_umath import __cpu_features__

    off = os.environ.get("NPY_DISABLE_CPU_FEATURES", "").replace(",", " ").split()
    assert off == [] or not any(__cpu_features__[f] for f in off)
    try:
        from unseen.kernels import host
    except ModuleNotFoundError:
        return
    real = host.machine
    host.machine = lambda: (lambda target, width: (target, max(width // 2, 16)))(*real())


def small() -> None:
    from unseen.core import family, source, workers

    even = source._even
    patch("usable_cores", workers.usable_cores, lambda: 1)
    patch("tile_rows", family.tile_rows, lambda features: TILE)
    patch("_even", even, lambda rows, most=BLOCK: even(rows, most))


def shuffled() -> None:
    """What is fitted: scores are asked for in the order of the rows."""
    from unseen.core.block import Block
    from unseen.engines.local import Memory, Threads

    def in_another_order(block: Any) -> Any:
        if not isinstance(block, Block) or block.offsets is not None:
            return block
        return block.take(np.random.default_rng([7, block.id]).permutation(block.rows))

    def shuffling(init: Any) -> Any:
        return lambda self, blocks, *more, **named: init(self, [in_another_order(b) for b in blocks], *more, **named)

    for engine in (Memory, Threads):
        engine.__init__ = shuffling(engine.__init__)  # type: ignore[method-assign]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Starts are drawn row by row: in another order a fit may end in another maximum, which no paper has."""
    if os.environ["AS_ON"] == "shuffled":
        drawn = [item for item in items if "known_answers" in item.nodeid]
        config.hook.pytest_deselected(items=drawn)
        items[:] = [item for item in items if item not in drawn]


def patch(name: str, old: Any, new: Any) -> None:
    """Put a function in the place of another wherever it was imported."""
    for found in pkgutil.walk_packages(unseen.__path__, "unseen."):
        if found.name.split(".")[1] in ROOMS:
            importlib.import_module(found.name)
    for module in [module for name, module in sys.modules.items() if name.startswith("unseen.")]:
        if getattr(module, name, None) is old:
            setattr(module, name, new)


if __name__ == "__main__":  # what the shell must set before Python starts
    print(*(f"{name}={value.replace(' ', ',')}" for name, value in environment(sys.argv[1]).items()))
