"""What a retrain takes: seconds, CPU seconds, memory, money."""

from __future__ import annotations

import resource
import sys
import time
from contextlib import suppress

from unseen.core.memory import container_memory
from unseen.core.workers import usable_cores
from unseen.errors import LimitError
from unseen.ops.config import Settings
from unseen.ops.config.learn import Limits
from unseen.ops.record import Resources
from unseen.plan import Plan


class Meter:
    """Running since it was made; ``earlier`` is what stages of an interrupted run took."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.began, self.cpu = time.perf_counter(), _cpu_seconds()

    def read(self) -> Resources:
        cpu = _cpu_seconds() - self.cpu
        return Resources(
            seconds=time.perf_counter() - self.began,
            cpu_seconds=cpu,
            peak_memory=peak_memory(),
            cost=self.cost(cpu),
        )

    def cost(self, cpu_seconds: float) -> float:
        return cpu_seconds / 3600 * self.limits.price_per_core_hour

    def seconds_left(self) -> float | None:
        """Until a limit of time or cost, should every core be busy; None without such a limit."""
        spent = self.read()
        left = []
        if self.limits.seconds is not None:
            left.append(self.limits.seconds - spent.seconds)
        if self.limits.cost is not None and self.limits.price_per_core_hour:
            core_seconds = (self.limits.cost - spent.cost) / self.limits.price_per_core_hour * 3600
            left.append(core_seconds / usable_cores())
        return min(left) if left else None

    def check(self) -> None:
        """Refuse to go on over a limit.

        Raises
        ------
        LimitError
            Time, memory or cost is over its limit, or memory is about to be.
        """
        spent, limits = self.read(), self.limits
        for name, used, most, unit in (
            ("seconds", spent.seconds, limits.seconds, "s"),
            ("memory_gb", spent.peak_memory / 1e9, limits.memory_gb, "GB"),
            ("cost", spent.cost, limits.cost, "of the price's currency"),
        ):
            if most is not None and used > most:
                raise LimitError(
                    f"limits.{name} is {most:g} {unit} and {used:.3g} were used: raise it, or take fewer components, "
                    "restarts or partitions (data.window)"
                )


def check_memory(plan: Plan, settings: Settings) -> None:
    """Refuse a fit that is predicted to need more memory than it may take.

    Raises
    ------
    LimitError
        It says how much, and what to do.
    """
    from unseen.ops.doctor import predict_memory

    own, around = settings.limits.memory_gb, container_memory()
    limits = {"limits.memory_gb is": own and own * 1e9, "the container has": around}
    known = {name: most for name, most in limits.items() if most is not None}
    if not known:
        return
    need, (name, most) = predict_memory(plan, settings), min(known.items(), key=lambda item: item[1])
    if need > most:
        raise LimitError(
            f"the fit is predicted to need {need / 1e9:.2g} GB and {name} {most / 1e9:.2g}: raise it, set "
            "fit.engine: outofcore, or take fewer components"
        )


def peak_memory() -> int:
    """Largest resident memory of this process so far, in bytes.

    Linux hands ``ru_maxrss`` down to the programs that a process starts: a small job of a large scheduler would look
    large. What ``/proc`` says is the program's own.
    """
    with suppress(OSError, StopIteration), open("/proc/self/status") as lines:
        return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) * 1024
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def _cpu_seconds() -> float:
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime
