"""Compiled twins of inner loops, made for the processor at hand on first use; ``UNSEEN_KERNELS=off`` does without.

Each gives the plain NumPy path's answer to rounding. Recursions are plain Python functions (`unseen.kernels.loops`),
Gaussian products are written in instructions. Where llvmlite is missing or compilation fails (which warns once),
`load` and `compiled_loop` answer None and the caller takes the plain path. ``UNSEEN_KERNELS=off`` leaves kernels out,
``UNSEEN_KERNELS=always`` takes them where they do not pay, too.
"""

from __future__ import annotations

import importlib
import os
import threading
import warnings
from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from unseen.kernels.host import Compiled
    from unseen.kernels.loops import Loop

SWITCH = "UNSEEN_KERNELS"

_lock = threading.Lock()
_loaded: dict[Any, Any] = {}
_usable = True


def load(name: str, dtype: np.dtype) -> Compiled | None:
    """The compiled functions of one file of this folder for one precision, or None: use the plain path.

    >>> load("softmax", np.dtype(int)) is None
    True
    """
    if dtype.kind != "f" or dtype.itemsize not in (4, 8) or not dtype.isnative:
        return None
    found: Compiled | None = _once(
        (name, dtype.str), lambda host: host.build(importlib.import_module(f"unseen.kernels.{name}"), dtype)
    )
    return found


def compiled_loop(loop: Loop) -> Callable[..., None] | None:
    """A `Loop` as a compiled function, or None: use the plain path."""
    found: Callable[..., None] | None = _once(loop, lambda host: host.build_loop(loop))
    return found


def _once(key: Any, build: Callable[[ModuleType], Any]) -> Any:
    """What was built for this key, by the first thread that asks; None where nothing can be."""
    if os.environ.get(SWITCH) == "off":
        return None
    if key not in _loaded:
        with _lock:  # threads that meet a kernel first together wait for one of them to compile it
            if key not in _loaded:
                _loaded[key] = _compile(build)
    return _loaded[key]


def forced() -> bool:
    """Whether kernels are asked for everywhere."""
    return os.environ.get(SWITCH) == "always"


def _compile(build: Callable[[ModuleType], Any]) -> Any:
    global _usable
    if not _usable:
        return None
    try:
        host = importlib.import_module("unseen.kernels.host")
    except ModuleNotFoundError as missing:
        if missing.name != "llvmlite":
            raise
        _usable = False
        return None
    except Exception as error:  # a library that does not load on this system
        _give_up(error)
        return None
    try:
        return build(host)
    except Exception as error:  # whatever the compiler says: the plain path gives the same answer
        _give_up(error)
        return None


def _give_up(error: Exception) -> None:
    global _usable
    _usable = False
    warnings.warn(
        f"compiled kernels are not available, the plain path takes longer: {type(error).__name__}: {error}. "
        f"Set {SWITCH}=off to leave them out without this warning",
        RuntimeWarning,
        stacklevel=2,
    )


def _after_fork() -> None:
    """A child forked while another thread compiled can never get that thread's locks: it stays on the plain path."""
    global _usable, _lock
    if _lock.locked():
        _usable, _lock = False, threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
