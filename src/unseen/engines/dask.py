"""Sums on a Dask cluster: the same task, the same kernels, the same bits, on its workers."""

from __future__ import annotations

import os
import pickle
import warnings
from collections.abc import Sequence
from functools import partial
from typing import Any, final

from unseen.core.blas import one_blas_thread
from unseen.core.interrupt import check
from unseen.core.remote import AddUp, Cluster, Pick, ranges, source_of, together
from unseen.errors import EngineError

#: where a scheduler is, if no client is there already
ADDRESS = "DASK_SCHEDULER_ADDRESS"
#: sums that one worker adds before the rest is taken
NEIGHBOURS = 16


@final
class Dask(Cluster):
    """Sums over ranges of blocks, which Dask's workers read, or which were sent to them once.

    Sums come back as values, in the tree of `unseen.core.adding`: workers that end on the way change no bit, since what
    they had is done again.

    Parameters
    ----------
    blocks : a lazy sequence over files that every worker can read; other blocks are sent to the workers, once
    workers : ranges; by default two for each thread of the cluster
    client : ``distributed.Client``; by default the current one, else one of the scheduler at DASK_SCHEDULER_ADDRESS

    Raises
    ------
    EngineError
        Dask is missing, there is no cluster, or it cannot do it.

    Source: Rocklin (2015), Dask: parallel computation with blocked algorithms and task scheduling, SciPy.
    """

    def __init__(self, blocks: Sequence[Any], workers: int | None = None, client: Any = None) -> None:
        self.client, self.count = client or current_client(), len(blocks)
        threads = sum(self.client.nthreads().values()) or 1
        self._ranges = ranges(self.count, workers or 2 * threads)
        if getattr(source_of(blocks), "shared", False):
            self._lie = [self._held(blocks)] * len(self._ranges)
        else:
            self._lie = [self._held({i: pickle.dumps(blocks[i]) for i in several}) for several in self._ranges]

    def _held(self, value: Any) -> Any:
        """A value at the workers; as what a job comes to, it is there again where the one that had it has ended."""
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Sending large graph")
            return self.client.submit(_same, value, pure=False)

    def _run(self, work: AddUp | Pick, chosen: Sequence[int]) -> list[Any]:
        wanted, sent = set(chosen), self._held(work)
        jobs = [
            self.client.submit(_done, sent, lie, several, pure=False)
            for lie, several in zip(self._lie, self._ranges, strict=True)
            if wanted.intersection(several)
        ]
        while isinstance(work, AddUp) and len(jobs) > 4 * NEIGHBOURS:
            several = [jobs[i : i + NEIGHBOURS] for i in range(0, len(jobs), NEIGHBOURS)]
            jobs = [self.client.submit(_joined, some, pure=False) for some in several]
        return [value for found in _gathered(self.client, jobs) for value in found]


def _same(value: Any) -> Any:
    return value


def _done(work: Any, lie: Any, several: range) -> list[Any]:
    """What a worker does with one range of blocks."""
    with one_blas_thread():
        if isinstance(lie, dict):
            return list(work((i, partial(pickle.loads, lie[i])) for i in several))
        return list(work((i, partial(lie.__getitem__, i)) for i in several))


def _joined(several: Sequence[Any]) -> list[Any]:
    return together(value for found in several for value in found)


def _gathered(client: Any, jobs: Sequence[Any]) -> list[Any]:
    """What jobs come to; Ctrl-C is asked for while they run, and cancels them."""
    from distributed import wait

    try:
        while True:
            try:
                wait(jobs, timeout=0.2)
                return list(client.gather(jobs))
            except TimeoutError:
                check()
    except KeyboardInterrupt:
        client.cancel(jobs)
        raise
    except Exception as error:
        raise EngineError(f"Dask gave the job up: {_said(error)}") from None


def _said(error: Exception) -> str:
    if isinstance(error, ModuleNotFoundError):
        return f"the Python of a worker has no {error.name}: install there what is installed here"
    if isinstance(error, FileNotFoundError):
        return "a file is not there for a worker: put the data where every machine can read it"
    return f"{type(error).__name__}; the workers' own logs say more"


def current_client() -> Any:
    """The current client, or one of the scheduler that the environment names.

    Raises
    ------
    EngineError
        Dask is missing, or there is no cluster.
    """
    try:
        from distributed import Client, get_client
    except ImportError:
        raise EngineError("engine 'dask' needs Dask: pip install 'unseen[dask]'") from None
    try:
        return get_client()
    except ValueError:
        pass
    address = os.environ.get(ADDRESS)
    if not address:
        raise EngineError(f"there is no Dask cluster: make a distributed.Client first, or set {ADDRESS}")
    try:
        return Client(address, timeout=10)
    except OSError as error:
        raise EngineError(f"no Dask scheduler answers at {ADDRESS}: {type(error).__name__}") from None
