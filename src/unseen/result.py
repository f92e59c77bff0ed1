"""A fitted model with everything that is known about the fit."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from unseen.core.description import Description
from unseen.core.encoding import Encoding
from unseen.core.kinds import kind
from unseen.core.model import Model
from unseen.core.profile import Profile
from unseen.core.stats import Params, Stats
from unseen.core.stop import Outcome, Record
from unseen.fitted import Fitted

if TYPE_CHECKING:
    from unseen.summary.notice import Notice

#: what the options of a result call the algorithm where it learns from batch after batch
ONLINE = "Online"


@kind("result")
@dataclass(frozen=True)
class Result(Fitted):
    r"""Parameters, how the run ended, and what is known of the fit besides.

    ``loglik`` is the log-likelihood of the *final* parameters (a closing pass computes it), a density wherever the
    families are densities; ``log_probability`` is that of the recorded cells. ``entropy`` is
    :math:`-\sum_{nk} r_{nk} \log r_{nk}`; BIC is :math:`-2 \log L + p \log n`, lower is better. Here n is ``weight``:
    the total weight of the rows that say something, since a cell that the model describes, or the label, is known. Of
    sequences rows count, too, since there may be one sequence only.
    """

    model: Model
    params: Params
    outcome: Outcome
    loglik: float
    entropy: float
    weight: float
    size: int
    trace: tuple[Record, ...]
    restarts: tuple[dict[str, Any], ...]
    profile: Profile
    encoding: Encoding
    seed: int
    iterations: int
    evaluations: int
    seconds: float
    log_prior: float = 0.0
    counts: dict[str, int] = field(default_factory=dict)
    confidence: tuple[float, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)
    fingerprint: dict[str, Any] = field(default_factory=dict)
    search: tuple[dict[str, Any], ...] = ()
    #: log of what turns the densities of the recorded cells into probabilities, None where all columns have those
    volume: float | None = None
    #: what was found in each column and decided about it, where a plan did that
    columns: tuple[dict[str, Any], ...] = ()
    #: how the data was read, where it does not say that itself: a header that was found, rows that were left out
    told: tuple[str, ...] = ()
    #: each row's largest responsibility, on average; None for models without any, and in runs of earlier versions
    certainty: float | None = None
    #: rows that each part stands for, its responsibilities summed, (K,); empty where there are none, as is certainty
    occupancy: tuple[float, ...] = ()
    #: sums at the final parameters where they may be averaged over time; a run leaves them out unless it is of `Online`
    statistics: Stats | None = None

    @property
    def converged(self) -> bool:
        return self.outcome.converged

    @property
    def log_probability(self) -> float:
        r"""Log-probability of the recorded cells: a number on a grid of step h counts as :math:`h f(x)`.

        It compares families and models with each other. Columns of ``ungridded`` lie on no grid and count by density.
        """
        return self.loglik + (self.volume or 0.0)

    @property
    def ungridded(self) -> tuple[str, ...]:
        """The columns described by a density that lie on no grid."""
        return self.model.ungridded

    @property
    def bic(self) -> float:
        """Bayesian information criterion, lower is better (Schwarz 1978)."""
        return -2 * self.loglik + self.size * float(np.log(self.weight))

    @property
    def aic(self) -> float:
        """Akaike's information criterion, lower is better."""
        return -2 * self.loglik + 2 * self.size

    @property
    def icl(self) -> float:
        """Integrated completed likelihood: BIC plus twice the entropy (Biernacki, Celeux & Govaert 2000)."""
        return self.bic + 2 * self.entropy

    # ---- telling and keeping

    @cached_property
    def description(self) -> Description:
        """What the model says of itself at these parameters: its parts, tables and facts."""
        return self.model.description(self.params)

    def summary(self) -> str:
        """The fit in plain text: outcome, criteria, components, restarts, warnings."""
        from unseen.summary import summary

        return summary(self)

    @cached_property
    def warnings(self) -> list[str]:
        """What a careful reader should know, in plain words with what to do."""
        from unseen.summary import sentence

        return [sentence(notice) for notice in self.notices]

    @cached_property
    def notices(self) -> list[Notice]:
        """What a careful reader should know, for programs: codes, facts and the options that help."""
        from unseen.summary import notices

        return notices(self)

    def plot(self, data: Any = None) -> Any:
        """The report as interactive figures, by name (needs plotly)."""
        from unseen.report import figures

        return figures(self, data)

    def save(self, path: Any) -> Any:
        """Write the run to a folder: arrays as .npz without pickles, the rest as JSON, with content hashes."""
        from unseen.store import save

        return save(self, path)

    def __repr__(self) -> str:
        return f"<Result {self.outcome.name}: logL {self.loglik:.6g}, {self.size} parameters, BIC {self.bic:.6g}>"


__all__ = ["ONLINE", "Result"]
