"""Sums on a Spark cluster: the same task, the same kernels, the same bits, on executors."""

from __future__ import annotations

import os
import pickle
import re
import shutil
import sys
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, final

from unseen.core.blas import one_blas_thread
from unseen.core.interrupt import check
from unseen.core.remote import AddUp, Cluster, Pick, ranges, source_of, together
from unseen.errors import EngineError

#: partial sums that the driver takes at once; where there are more, executors add neighbours first
WIDE = 64
#: neighbouring partitions whose sums one executor adds
NEIGHBOURS = 16
#: bytes of a task to all partitions that are sent with them; beyond these it goes to each executor once
BROADCAST = 1 << 20
#: blocks of a partition at most: what a lost executor has to do again
MOST = 256


@final
class Spark(Cluster):
    """Sums over the partitions of Spark jobs, where the blocks lie or are read.

    A task travels once for each sum: with the partitions, or as a broadcast where that is less. Sums come back as
    values of the job, never through accumulators: a partition that is computed twice, by retry or speculation, counts
    once. Partial sums are nodes of the tree of `unseen.core.adding`, so the total has the bits of `Memory`'s, however
    blocks are spread and whatever was lost on the way.

    Parameters
    ----------
    blocks : a lazy sequence over files that every executor can read, or over a Spark DataFrame; other blocks are sent
        to the executors, once
    workers : partitions; by default two for each core of the cluster, and more where they would be large
    session : the ``SparkSession``; by default the active one, else one as Spark's own configuration says

    Raises
    ------
    EngineError
        PySpark or Java is missing, or the cluster cannot do it.

    Source: Zaharia et al. (2012), Resilient distributed datasets, NSDI.
    """

    def __init__(self, blocks: Sequence[Any], workers: int | None = None, session: Any = None) -> None:
        self.spark = session or spark_session()
        self._placed = place(self.spark.sparkContext, blocks, workers)
        self.count, self._jobs = len(blocks), 0

    def _run(self, work: AddUp | Pick, chosen: Sequence[int]) -> list[Any]:
        """One job over the partitions that have chosen blocks."""
        context, placed = self.spark.sparkContext, self._placed
        self._jobs += 1
        named = f"{_name(work.task)} over {len(chosen):,} blocks, pass {self._jobs}"
        wanted, told = placed.partitions(chosen), _pickled(work)
        sent = context.broadcast(told) if len(wanted) * len(told) > BROADCAST else None
        done = Work(told if sent is None else sent, placed.blocks, placed.unpack)

        def job() -> list[Any]:
            context.setJobGroup(self._group, f"unseen: {named}", interruptOnCancel=False)
            context.setLocalProperty("callSite.short", named)
            if isinstance(work, Pick) or len(wanted) <= WIDE:
                return list(context.runJob(placed.rdd, done, wanted))
            return list(_reduced(placed.rdd.mapPartitions(done), placed.rdd.getNumPartitions()).collect())

        try:
            return waited_for(job, lambda: context.cancelJobGroup(self._group))
        finally:
            if sent is not None:
                sent.destroy()

    @property
    def _group(self) -> str:
        return f"unseen-{id(self)}"


def _pickled(work: Any) -> bytes:
    """What executors do, with classes that are known here alone, such as a notebook's own model."""
    from pyspark import cloudpickle

    sent: bytes = cloudpickle.dumps(work)
    return sent


def _name(task: Any) -> str:
    """What Spark's pages show of a task: its name, and that of its model."""
    kind = getattr(task, "func", type(task))
    model = getattr(task, "model", None)
    return getattr(kind, "__name__", str(kind)) + ("" if model is None else f" of {type(model).__name__}")


def _reduced(rdd: Any, partitions: int) -> Any:
    """Pieces of neighbouring partitions added where they are, until few are left."""
    while partitions > WIDE:
        partitions = -(-partitions // NEIGHBOURS)
        keyed = rdd.mapPartitionsWithIndex(_keyed)
        rdd = keyed.partitionBy(partitions, int).values().mapPartitions(together)
    return rdd


def _keyed(partition: int, pieces: Iterable[Any]) -> Iterator[tuple[int, Any]]:
    return ((partition // NEIGHBOURS, piece) for piece in pieces)


# ---- where blocks are


@dataclass(frozen=True, slots=True)
class Placed:
    """Blocks in a cluster: an RDD, the first block of each partition, and what makes a block of an element."""

    rdd: Any
    begins: tuple[int, ...]
    blocks: Any
    unpack: Any

    def partitions(self, chosen: Sequence[int]) -> list[int]:
        """The partitions that have some blocks."""
        return sorted({bisect_right(self.begins, block) - 1 for block in chosen})


@dataclass(frozen=True, slots=True)
class Work:
    """What one executor does with one partition."""

    sent: Any
    blocks: Any
    unpack: Any

    def __call__(self, elements: Iterable[Any]) -> Iterator[Any]:
        blocks = self.blocks.value
        with one_blas_thread():
            work = pickle.loads(self.sent if isinstance(self.sent, bytes) else self.sent.value)
            yield from work(self.unpack(blocks, element) for element in elements)


def _read(blocks: Any, index: int) -> Any:
    """A block that is read where it is asked for."""
    return index, partial(blocks.__getitem__, index)


def _sent(blocks: Sequence[bytes], index: int) -> Any:
    """A block that was sent."""
    return index, partial(pickle.loads, blocks[index])


def _lying(blocks: Any, element: tuple[int, tuple[int, bytes]]) -> Any:
    """A block of a frame that lies where it is asked for."""
    index, (id, frame) = element
    source_of(blocks).meets(id, frame)
    return index, partial(blocks.__getitem__, index)


def place(context: Any, blocks: Any, workers: int | None) -> Placed:
    """Say where blocks are: read by executors, lying in a DataFrame, or sent now."""
    source, count = source_of(blocks), len(blocks)
    if (lying := getattr(source, "lying", None)) is not None:
        numbers = {part.id: i for i, part in enumerate(getattr(blocks, "parts", source.manifest()))}
        rdd, begins = lying(numbers)
        return Placed(rdd, begins, context.broadcast(blocks), _lying)
    # what is handed to `parallelize` goes with every task again, a broadcast to each executor once
    shared = getattr(source, "shared", False)
    held = context.broadcast(blocks if shared else [pickle.dumps(block) for block in blocks])
    several = ranges(count, max(workers or 2 * context.defaultParallelism, -(-count // MOST)))
    rdd = context.parallelize(several, len(several)).flatMap(list)
    return Placed(rdd, tuple(r.start for r in several), held, _read if shared else _sent)


# ---- the cluster


def spark_session() -> Any:
    """The active session, or one that Spark's own configuration describes.

    Raises
    ------
    EngineError
        PySpark or Java is missing, or no session can be made.
    """
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        raise EngineError("engine 'spark' needs PySpark: pip install 'unseen[spark]'") from None
    if (active := SparkSession.getActiveSession()) is not None:
        return active
    home = os.environ.get("JAVA_HOME")
    if not shutil.which(os.path.join(home, "bin", "java") if home else "java"):
        where = f"there is none in JAVA_HOME ({home})" if home else "there is no java on the PATH"
        raise EngineError(f"Spark needs Java 17 or later, and {where}: install it (Debian: openjdk-17-jre-headless)")
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    try:
        builder = SparkSession.builder.appName("unseen").config("spark.ui.showConsoleProgress", "false")
        session = builder.getOrCreate()
    except Exception as error:
        raise EngineError(
            f"no Spark session could be made ({_last(error)}): see spark-defaults.conf, or start with spark-submit"
        ) from None
    session.sparkContext.setLogLevel("ERROR")
    return session


def waited_for(job: Callable[[], Any], cancel: Callable[[], Any]) -> Any:
    """What a job comes to; Ctrl-C is asked for while it runs, and cancels it.

    Raises
    ------
    EngineError
        The cluster gave it up.
    """
    found: list[Any] = []
    error: list[BaseException] = []

    def run() -> None:
        try:
            found.append(job())
        except BaseException as trouble:
            error.append(trouble)

    from pyspark import InheritableThread

    thread = InheritableThread(target=run)
    thread.start()
    try:
        while thread.is_alive():
            thread.join(0.05)
            check()
    except KeyboardInterrupt:
        cancel()
        thread.join()
        raise
    if error:
        raise _said(error[0]) from None
    return found[0]


#: what Spark's errors hold, and what is to be done about it
_SAID = {
    "No module named 'unseen'": "the Python of the executors has no unseen: install it there, or send it along "
    "(spark.archives, or --py-files of spark-submit)",
    "PYTHON_VERSION_MISMATCH": "the executors run another Python than this one: set PYSPARK_PYTHON to the same version "
    "on every machine",
    "FileNotFoundError": "a file is not there for the executors: put the data where every machine can read it",
    "MemoryError": "an executor ran out of memory: give it more (spark.executor.memoryOverhead), or smaller blocks "
    "(block_rows)",
}


def _said(error: BaseException) -> BaseException:
    """One sentence on why a job was given up."""
    if not isinstance(error, Exception):
        return error
    text = str(error)
    known = next((told for sign, told in _SAID.items() if sign in text), None)
    if known is None and (lacks := re.search(r"No module named '([\w.]+)'", text)):
        known = f"the Python of the executors has no module {lacks[1]!r}, which this one has: install or send it there"
    return EngineError(f"Spark gave the job up: {known or _last(error)}")


def _last(error: Exception) -> str:
    """The line of a long error that says what it is, without values."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    causes = [line for line in lines if line.startswith("Caused by") or "Error" in line.split(":")[0]]
    return (causes or lines or [type(error).__name__])[-1][:200]
