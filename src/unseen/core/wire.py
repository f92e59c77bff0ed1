"""What travels between a site and who asks it: plain values of classes that are listed here, and nothing else."""

from __future__ import annotations

import builtins
import importlib
import io
import pickle
from collections.abc import Collection
from typing import Any

import unseen.errors
from unseen.errors import EngineError, UnseenError

#: what may be asked of a site, each of which gives one sum
TASKS = frozenset(
    {
        "unseen.closing:ClosingPass",
        "unseen.core.tasks:CountRows",
        "unseen.core.tasks:Expect",
        "unseen.core.tasks:ProfileFrame",
        "unseen.models.dawid_skene:_Averaging",
        "unseen.search.holdout:LogDensity",
        "unseen.search.neighbours:Collect",
        "unseen.search.neighbours:MeasureScatter",
        "unseen.search.neighbours:MeasureShared",
        "unseen.starts.moments:Clusters",
        "unseen.starts.responsibilities:Assigned",
        "unseen.starts.responsibilities:CountClasses",
    }
)
#: over which of its rows a site is asked to sum
BLOCKS = frozenset({"unseen.core.encoding:Encoded", "unseen.core.source:Frames", "unseen.search.holdout:Share"})
#: what those are made of, and what sums are
VALUES = frozenset(
    {
        "numpy:dtype",
        "numpy:ndarray",
        "numpy._core.multiarray:_reconstruct",
        "numpy._core.multiarray:scalar",
        "numpy._core.numeric:_frombuffer",
        "unseen.closing:Closing",
        "unseen.core.block:Field",
        "unseen.core.block:Slot",
        "unseen.core.column_profile:ColumnProfile",
        "unseen.core.encoding:Encoding",
        "unseen.core.events:EventKind",
        "unseen.core.grid:Grid",
        "unseen.core.profile:Profile",
        "unseen.core.reading:Notation",
        "unseen.core.reading:Reading",
        "unseen.core.shape:Shape",
        "unseen.core.source:Nowhere",
        "unseen.core.source:Part",
        "unseen.core.stats:Params",
        "unseen.core.stats:Stats",
        "unseen.core.stats:_params",
        "unseen.core.values:Sample",
        "unseen.core.values:Table",
        "unseen.core.values:Values",
        "unseen.search.holdout:HeldOut",
        "unseen.search.holdout:Split",
        "unseen.search.neighbours:AddUp",
        "unseen.search.neighbours:Divide",
        "unseen.search.neighbours:Neighbour",
        "unseen.search.neighbours:PutAside",
        "unseen.search.neighbours:Same",
        "unseen.search.scatter:Scatter",
        "unseen.starts.centres:Nearest",
        "unseen.starts.moments:Moments",
        "unseen.starts.responsibilities:Classes",
        "unseen.starts.responsibilities:KnownClasses",
        "unseen.starts.responsibilities:RandomShares",
        "unseen.starts.sequences:Windows",
    }
)
#: packages of whose modules every class is a model, a family, or a part of one
OF_MODELS = ("unseen.models.", "unseen.families.")


class SiteEnded(EngineError):
    """A site that is there no more."""


def name_of(value: Any) -> str:
    """Where the class of a value is found."""
    return f"{type(value).__module__}:{type(value).__qualname__}"


def packed(value: Any) -> bytes:
    """A value as bytes."""
    return pickle.dumps(value, 5)


def unpacked(sent: bytes, allowed: Collection[str] = ()) -> Any:
    """The value that bytes from elsewhere stand for; ``allowed`` are classes that are no part of this package.

    Raises
    ------
    EngineError
        It holds something that may not travel, or is no value at all.
    """
    try:
        return _Reader(io.BytesIO(sent), frozenset(allowed)).load()
    except EngineError:
        raise
    except Exception as error:
        raise EngineError(f"what came cannot be read ({type(error).__name__}): use one version of unseen") from None


class _Reader(pickle.Unpickler):
    """Finds what is listed, and runs nothing to find it out."""

    def __init__(self, file: io.BytesIO, allowed: frozenset[str]) -> None:
        super().__init__(file)
        self.allowed = allowed | TASKS | BLOCKS | VALUES

    def find_class(self, module: str, name: str) -> Any:
        if f"{module}:{name}" in self.allowed:
            return getattr(importlib.import_module(module), name)
        if module.startswith(OF_MODELS):
            found = vars(importlib.import_module(module)).get(name)
            if isinstance(found, type) and found.__module__ == module:
                return found
        raise EngineError(f"{module}.{name} may not travel to or from a site")


def told(error: BaseException) -> tuple[str, str, str]:
    """An error as it may leave: a sentence of unseen, which never holds a value, and of others their type alone."""
    known = isinstance(error, UnseenError)
    return "error", type(error).__name__, str(error) if known else ""


def error_of(kind: str, message: str, where: str) -> Exception:
    """The error that `told` told of, with the site where it came up."""
    cls = getattr(unseen.errors, kind, None) or getattr(builtins, kind, None)
    if not (isinstance(cls, type) and issubclass(cls, Exception)):
        return EngineError(f"{where}: {kind}: what it says stays there, see its standard error")
    return cls(f"{where}: {message}" if message else f"{where}: what it says stays there, see its standard error")
