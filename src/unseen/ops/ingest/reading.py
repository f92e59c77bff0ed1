"""What can pass, told from what is wrong with the data."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from unseen.errors import DataError, OpsError


class ReadError(OpsError, OSError):
    """The system could not read a partition just now; it says nothing about the rows, and waiting may help."""


@contextmanager
def reading(what: str) -> Iterator[None]:
    """Trouble of the system leaves as `ReadError`, even where a reader below made a `DataError` of it.

    Raises
    ------
    ReadError
        A file could not be read, or has gone, for a reason that lies outside of it.
    MemoryError
        There was no memory to decode it.
    """
    try:
        yield
    except ReadError:
        raise
    except MemoryError:
        raise MemoryError(f"no memory left to read {what}") from None
    except OSError as error:
        raise _passing(what, error) from error
    except DataError as error:
        trouble = _trouble(error)
        if isinstance(trouble, MemoryError):
            raise MemoryError(f"no memory left to read {what}") from None
        if trouble is not None:
            raise _passing(what, trouble) from trouble
        raise


def _passing(what: str, error: OSError) -> ReadError:
    why = os.strerror(error.errno) if error.errno else type(error).__name__
    return ReadError(f"{what} could not be read just now ({why}): the same command may read it")


def _trouble(error: BaseException) -> OSError | MemoryError | None:
    """The error of the system behind a sentence about it; pyarrow's about damaged content carry no number."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, MemoryError) or (isinstance(seen, OSError) and seen.errno is not None):
            return seen
        seen = seen.__cause__ or seen.__context__
    return None
