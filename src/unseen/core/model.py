"""What is summed, and what the sum means."""

from __future__ import annotations

from typing import ClassVar, Protocol, Self, runtime_checkable

from unseen.core.block import Block, Slot
from unseen.core.profile import Profile
from unseen.core.stats import Array, Kind, Params, Stats, Sums, Validity


@runtime_checkable
class Model(Protocol):
    """Expected statistics of a block, and the parameters that a sum of them implies."""

    kind: ClassVar[Kind]
    #: True when rows of a sequence belong together, so a source must declare the unit key
    sequential: ClassVar[bool]

    def bind(self, profile: Profile) -> Self:
        """The model frozen to these columns: anchors, floors and categories fixed for the run."""
        ...

    @property
    def slots(self) -> tuple[Slot, ...]:
        """Which columns it reads, grouped as its families want them."""
        ...

    def expect(self, params: Params, block: Block) -> Stats:
        """E-step and statistics in one: expected sufficient statistics of the block at ``params``."""
        ...

    def maximize(self, stats: Stats, params: Params | None) -> Params:
        """M-step; the old parameters serve frozen parts, generalised EM and empty components."""
        ...

    def valid(self, params: Params) -> Validity:
        """Names the first broken invariant, if any."""
        ...

    def size(self, params: Params) -> int:
        """The number of free parameters (the degrees of freedom of BIC)."""
        ...


class Penalised(Model, Protocol):
    """Models that also take a conjugate prior, for MAP instead of maximum likelihood."""

    def prior(self, strength: float) -> Sums:
        """Pseudo-statistics worth ``strength`` rows for each component, drawn from the data as a whole."""
        ...

    def log_prior(self, params: Params, prior: Sums) -> float:
        """Log-density of the conjugate prior that the pseudo-statistics stand for, up to a constant."""
        ...


class Latent(Model, Protocol):
    """Models with discrete latent states can also be started from given responsibilities."""

    def collect(self, responsibilities: Array, block: Block) -> Stats:
        """Statistics of a block at given responsibilities (K, n)."""
        ...
