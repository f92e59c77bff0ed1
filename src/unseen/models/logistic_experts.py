"""Mixtures of logistic experts: the E-step has no finite sufficient statistic, so it returns gradients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self, final

import numpy as np

from unseen.core.block import CATEGORY, Block, Slot
from unseen.core.capabilities import Completing, Predictive
from unseen.core.description import Description, Fact
from unseen.core.engine import Engine
from unseen.core.equality import by_value, hash_by_value
from unseen.core.example import Example
from unseen.core.kinds import kind
from unseen.core.model import Assigning, Penalised, Starting
from unseen.core.option import COLUMN, INTEGER, Option
from unseen.core.output import Output
from unseen.core.profile import Profile
from unseen.core.stats import Array, Kind, Params, Stats, Sums, Validity, accumulate
from unseen.core.written import learned
from unseen.errors import DataError, ModelError
from unseen.numerics.posterior import responsibilities
from unseen.numerics.tabulated import logistic_tables


@final
@kind("logistic_experts")
@dataclass(frozen=True)
class LogisticExperts(Starting, Assigning, Penalised, Completing, Predictive):
    r"""Logistic regressions, each in charge of a part of the predictor space that a softmax gate draws.

    .. math:: p(y = 1 \mid x) = \sum_{k=1}^{K} g_k(x)\, \sigma(b_k^\top \tilde x), \quad
        g_k(x) \propto e^{v_k^\top \tilde x}, \quad v_K = 0, \quad \tilde x = (1, x)

    The statistics are gradients of the expected complete-data log-likelihood and blocks that bound its curvature
    from above: :math:`r_k \tanh(\eta/2) / (2\eta)` for an expert, :math:`\tfrac12 (I - 1 1^\top / K)` for the gate. A
    Newton step with these never lowers the likelihood (generalised EM). It takes many short steps: SQUAREM helps.

    Parameters
    ----------
    components : K, at least 1; one component is logistic regression
    target : the column that holds y, of two values; the second in order counts as 1. All others are predictors

    A row with a missing target says nothing; missing predictors are refused. Parameters of a fit, intercept first
    and in units of the columns: ``experts`` (K, 1 + p) and, where K > 1, ``gate`` (K - 1, 1 + p). A prior is a
    normal on the coefficients of standardised columns with precision ``strength``.

    Raises
    ------
    ModelError
        K below 1.
    DataError
        A target without two values, predictors that are missing, constant or text.

    >>> LogisticExperts(2, target="failed").kind
    <Kind.BOUND: 'bound'>

    Source: Jordan & Jacobs (1994), Neural Computation 6; bounds of Jaakkola & Jordan (2000), Stat. Comput. 10, and
    Boehning (1992), Ann. Inst. Statist. Math. 44.
    """

    components: int
    target: str
    predictors: tuple[str, ...] = learned(())
    classes: tuple[str, ...] = learned(())
    anchor: Any = learned()
    scale: Any = learned()

    __eq__, __hash__ = by_value, hash_by_value

    kind: ClassVar[Kind] = Kind.BOUND
    order: ClassVar[str] = "components"
    noun: ClassVar[str] = "expert"
    options: ClassVar[tuple[Option, ...]] = (
        Option("components", INTEGER, "How many experts to try; the best number is kept.", least=1, order=True),
        Option("target", COLUMN, "The column of two values that is predicted.", required=True, target=CATEGORY),
    )

    def __post_init__(self) -> None:
        if not isinstance(self.components, (int, np.integer)) or self.components < 1:
            raise ModelError("a mixture of experts needs at least one: give a whole number of 1 or more")

    def bind(self, profile: Profile) -> Self:
        target = profile[self.target]
        if target.listed is None or len(target.listed) != 2:
            raise DataError(
                f"target column {self.target!r} needs exactly two values, the classes, as numbers, booleans or text: "
                "recode it"
            )
        columns = [c for c in profile.columns if c.name != self.target]
        for c in columns:
            if c.missing:
                raise DataError(
                    f"predictor {c.name!r} has {c.missing:,} missing cells, and experts do not model predictors: "
                    "impute them with a model that does, drop those rows, or ignore the column"
                )
            if c.kind == CATEGORY or not c.variance > 0:
                why = "holds text" if c.kind == CATEGORY else "is constant"
                raise DataError(f"predictor {c.name!r} {why}: recode it as numbers that vary, or ignore it")
        return replace(
            self,
            predictors=tuple(c.name for c in columns),
            classes=target.categories,
            anchor=np.array([c.mean for c in columns]),
            scale=np.sqrt([c.variance for c in columns]),
        )

    def coded(self, columns: Sequence[str]) -> tuple[str, ...]:
        return (self.target,)

    @property
    def slots(self) -> tuple[Slot, ...]:
        return Slot(self.predictors, given=True), Slot((self.target,), CATEGORY, (self.classes,))

    # ---- coefficients in units of the columns, and those of standardised columns

    def _standard(self, raw: Array) -> Array:
        return np.concatenate([raw[:, :1] + raw[:, 1:] @ self.anchor[:, None], raw[:, 1:] * self.scale], axis=1)

    def _raw(self, standard: Array) -> Array:
        slopes = standard[:, 1:] / self.scale
        return np.concatenate([standard[:, :1] - slopes @ self.anchor[:, None], slopes], axis=1)

    # ---- E-step

    def _row_terms(self, params: Params, block: Block) -> tuple[Array, Array, Array, Array, Array]:
        """Standardised design (1 + p, n), experts' linear predictors (K, n), log gate (K, n), y and its mask (n,)."""
        predictors, target = block.cells
        if predictors.observed is not None and not predictors.observed.all():
            raise DataError("predictors have missing cells, which mixtures of experts do not model: impute first")
        z = np.ones((1 + len(self.predictors), block.rows))
        z[1:] = (predictors.values - self.anchor[:, None]) / self.scale[:, None]
        gate = np.zeros((self.components, block.rows))
        if self.components > 1:
            gate[:-1] = self._standard(params["gate"]) @ z
        gate -= np.logaddexp.reduce(gate, axis=0)
        seen = np.ones(block.rows) if target.observed is None else target.observed[0].astype(float)
        return z, self._standard(params["experts"]) @ z, gate, target.values[0].astype(float), seen

    def expect(self, params: Params, block: Block) -> Stats:
        sums: Sums = {}
        loglik = counted = 0.0
        for tile in block.tiles(2048):
            z, eta, gate, y, seen = self._row_terms(params, tile)
            r = gate + seen * (y * eta - np.logaddexp(0, eta))
            density = responsibilities(r)
            weights = np.ones(tile.rows) if tile.weights is None else tile.weights
            loglik += float(weights @ density)
            counted += float(weights @ seen)
            charge, pull = r * weights * seen, (r - np.exp(gate)) * weights
            half = np.tanh(eta / 2)
            bend = np.divide(half, 2 * eta, out=np.full_like(eta, 0.25), where=np.abs(eta) > 1e-8)
            part = {
                "expert_gradient": (charge * (y - 0.5 - half / 2)) @ z.T,
                "expert_curvature": np.stack([(z * c) @ z.T for c in charge * bend]),
            }
            if self.components > 1:
                part["gate_gradient"] = pull[:-1] @ z.T
                part["gate_curvature"] = (z * (weights * seen)) @ z.T
            accumulate(sums, part)
        return Stats(sums, block.rows, block.weight if block.seen() is None else counted, loglik)

    # ---- M-step

    def maximize(self, stats: Stats, params: Params | None) -> Params:
        s, k = stats.sums, self.components
        if params is None:
            raise ModelError("experts move from where they are: give parameters to start from")
        experts = self._standard(params["experts"])
        ridge = float(s.get("ridge", np.zeros(()))) * np.eye(experts.shape[1])
        for j in range(k):
            pull = s["expert_gradient"][j] - ridge @ experts[j]
            experts[j] += _solve(s["expert_curvature"][j] + ridge, pull)
        if k == 1:
            return Params(experts=self._raw(experts))
        gate = self._standard(params["gate"])
        bound = np.kron(0.5 * (np.eye(k - 1) - 1 / k), s["gate_curvature"]) + np.kron(np.eye(k - 1), ridge)
        gate += _solve(bound, (s["gate_gradient"] - gate @ ridge).ravel()).reshape(gate.shape)
        return Params(experts=self._raw(experts), gate=self._raw(gate))

    def start(self, engine: Engine, seed: int) -> Params:
        """Standard normal coefficients of the standardised columns; zeros for a single expert."""
        p, k = 1 + len(self.predictors), self.components
        if k == 1:
            return Params(experts=np.zeros((1, p)))
        drawn = np.random.default_rng([seed, 0]).standard_normal((2 * k - 1, p))
        return Params(experts=self._raw(drawn[:k]), gate=self._raw(drawn[k:]))

    def valid(self, params: Params) -> Validity:
        for name, coefficients in params.items():
            if not np.isfinite(coefficients).all():
                return Validity(f"a coefficient of the {name} is not finite")
        return Validity()

    def size(self, params: Params) -> int:
        return sum(c.size for c in params.values())

    def prior(self, strength: float) -> Sums:
        return {"ridge": np.array(float(strength))}

    def log_prior(self, params: Params, prior: Sums) -> float:
        squares = sum((self._standard(c) ** 2).sum() for c in params.values())
        return float(-0.5 * prior["ridge"] * squares)

    # ---- rows

    def posterior(self, params: Params, block: Block) -> tuple[Array, Array]:
        """Responsibilities (K, n) given predictors and target, and log p(y | x) (n,)."""
        _, eta, r, y, seen = self._row_terms(params, block)
        r += seen * (y * eta - np.logaddexp(0, eta))
        density = responsibilities(r)
        return r, density

    def outputs(self) -> tuple[Output, ...]:
        """Those of `Assigning`, the more probable class, and the probability of the second, which its name says."""

        def of(params: Params, block: Block) -> list[Array]:
            chance = self.predict(params, block)
            return [chance > 0.5, chance]

        second = f"probability_{self.classes[1]}" if self.classes else "probability"
        columns = (("prediction", "category"), (second, "number"))
        told = Output("prediction", columns, of, {"prediction": self.classes}, {"prediction": self.target})
        return (*super().outputs(), told)

    def predict(self, params: Params, block: Block) -> Array:
        """Probability of the second class given the predictors alone, (n,)."""
        _, eta, gate, _, _ = self._row_terms(params, block)
        out: Array = (np.exp(gate) / (1 + np.exp(-eta))).sum(axis=0)
        return out

    def impute(self, params: Params, block: Block) -> list[Array]:
        """The cells, with the more probable class where the target is missing."""
        return self._completed(block, self.predict(params, block) > 0.5)

    def draw(self, params: Params, block: Block, rng: np.random.Generator) -> list[Array]:
        """The cells, with a class drawn by its probability where the target is missing."""
        return self._completed(block, rng.random(block.rows) < self.predict(params, block))

    def _completed(self, block: Block, second: Array) -> list[Array]:
        predictors, target = block.cells
        seen = np.ones(target.values.shape, bool) if target.observed is None else target.observed
        return [predictors.values, np.where(seen, target.values, second.astype(target.values.dtype))]

    def description(self, params: Params) -> Description:
        """Return the coefficients and odds ratios of each expert, and the coefficients of the gate."""
        gate = params["gate"] if self.components > 1 else None
        tables = logistic_tables(self.predictors, params["experts"], gate, self.scale, self.target)
        told = Fact("class whose odds are told", self.classes[1], column=self.target, category=1)
        facts = (Fact("target", self.target, column=self.target), told)
        return Description("expert", self.components, tables=tables, facts=facts, discrete=True)


def _solve(curvature: Array, gradient: Array) -> Array:
    """A Newton step; columns that repeat each other share it."""
    step: Array = np.linalg.lstsq(curvature, gradient, rcond=1e-12)[0]
    return step


TEMPERATURE = "66 70 69 68 67 72 73 70 57 63 70 78 67 53 67 75 70 81 76 79 75 76 58"
DISTRESS = "0 1 0 0 0 0 0 0 1 1 1 0 0 1 0 0 0 0 0 0 1 0 1"


def example() -> Example:
    """O-ring distress against temperature in 23 flights: one expert is logistic regression."""
    return Example(
        model=LogisticExperts(1, target="distress"),
        params=Params(experts=[[15.0, -0.23]]),
        data={
            "temperature": np.array(TEMPERATURE.split(), float),
            "distress": np.array(DISTRESS.split(), int),
        },
        loglik=-10.157596,
        answer={"experts": [[15.0429016, -0.2321627]]},
        source="Dalal, Fowlkes & Hoadley (1989), J. Amer. Statist. Assoc. 84; R's glm, deviance 20.315",
        options={"tol": 1e-12},
    )
