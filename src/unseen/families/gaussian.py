"""Gaussian components: full, diagonal or spherical covariances, each of them free or tied."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np

from unseen.core.block import Cells
from unseen.core.events import EventKind
from unseen.core.example import Example
from unseen.core.family import Collect, Floor, Form, tile_rows
from unseen.core.kinds import kind
from unseen.core.memo import once_per_params
from unseen.core.profile import Profile
from unseen.core.stats import Array, Params, Sums, Validity
from unseen.core.written import learned
from unseen.errors import ModelError, NumericalError
from unseen.numerics import gaussian as forms
from unseen.numerics.by_moments import affordable
from unseen.numerics.compiled import full_gaussian_kernel
from unseen.numerics.completion import conditional_draw, conditional_mean
from unseen.numerics.covariance import FORMS, Covariance, collapsed
from unseen.numerics.elliptical import Elliptical
from unseen.numerics.incomplete import PATTERN_BUDGET
from unseen.numerics.resolution import floor_events, least_variances, resting


@kind("gaussian")
@dataclass(frozen=True)
class Gaussian(Elliptical):
    r"""Multivariate normal components.

    .. math:: \log f_k(x) = -\tfrac12 ( d \log 2\pi + \log |\Sigma_k| + (x-\mu_k)^\top \Sigma_k^{-1} (x-\mu_k) )

    Missing cells are integrated out: a row counts through the marginal of its observed cells.

    Parameters
    ----------
    covariance : ``"full"``, ``"diagonal"``, ``"spherical"``; ``"factors"``, which is
        :math:`\Sigma_k = \Lambda_k \Lambda_k^\top + \Psi_k` with diagonal noise; or ``"common"`` axes of different
        lengths, :math:`\Sigma_k = S D \,\mathrm{diag}(a_k)\, D^\top S` with the data's standard deviations S
    tied : one covariance for all components; not for common axes
    floor : smallest variance (eigenvalue) allowed, in units of the data's own variance; where a column is recorded in
        steps of h, also at least :math:`h^2 / 2 \pi`, so that no recorded cell has a probability above 1. 0: no floor
    factors : columns of the loadings, where the covariance is ``"factors"``
    name parameters : ``means`` (K, d) and ``covariances``: full (K, d, d), diagonal (K, d), spherical (K,);
        factors: ``loadings`` (K, d, q) and ``noise`` (K, d); tied: without the leading K;
        common: ``axes`` (d, d) in columns and ``lengths`` (K, d)

    Raises
    ------
    ModelError
        An unknown form, a floor outside [0, 1), or factors that do not go with the form or the columns.
    DataError
        A constant column, or one that holds no numbers.

    >>> Gaussian("diagonal", tied=True).tied
    True

    Source: Dempster, Laird & Rubin (1977), section 4.3; Little & Rubin (2019), section 11.2 for missing cells;
    McLachlan & Peel (2000), chapter 8 for factors.
    """

    _called: ClassVar[str] = "a Gaussian"
    _extent: ClassVar[str] = "variance"

    covariance: str = "full"
    tied: bool = False
    floor: float = 1e-6
    factors: int = 0
    columns: tuple[str, ...] = learned(())
    anchor: Any = learned()  # (d,) or, where accuracy needs it, (K, d)
    scale: Any = learned()
    incomplete: bool = learned(False)
    steps: Any = learned()  # (d,) of the grids the columns are recorded on, 0 where there is none
    rows: int = learned(0)  # of the data it is bound to: few are not worth a compiler
    single: bool = learned(False)  # whether it computes in single precision: the data have no more digits

    def __post_init__(self) -> None:
        if self.covariance not in FORMS:
            raise ModelError(f"covariance={self.covariance!r} is none of {', '.join(FORMS)}")
        if (self.covariance == "factors") != (self.factors > 0):
            raise ModelError('factors=1 or more goes with covariance="factors", and only with it')
        if self.covariance == "common" and self.tied:
            raise ModelError('common axes of tied lengths are one covariance: write covariance="full", tied=True')
        self._check_floor()

    def bind(self, profile: Profile) -> Self:
        bound = super().bind(profile)
        if self.factors >= max(len(profile.columns), 2):
            raise ModelError(f"{len(profile.columns)} columns cannot have {self.factors} factors: use fewer factors")
        return replace(bound, single=all(c.single for c in profile.columns))

    @cached_property
    def form(self) -> Covariance:
        """The form of its covariances."""
        return Covariance(self.covariance, self.tied, self.factors, len(self.columns), self.scale)

    @property
    def shared(self) -> bool:
        """Whether components have parameters of the covariance in common."""
        return self.tied or self.covariance == "common"

    @property
    def dense(self) -> bool:
        """Whether columns depend on each other inside a component."""
        return self.form.dense

    @cached_property
    def parameters(self) -> tuple[str, ...]:
        """The names of its parameters."""
        return tuple(self.vague(1))

    @property
    def least(self) -> Array:
        """The smallest variances allowed, (d,)."""
        if self.covariance == "spherical":  # one variance for all: the mean scale, and the coarsest grid
            coarsest = None if self.steps is None else self.steps.max()
            return np.repeat(least_variances(np.sqrt((self.scale**2).mean()), coarsest, self.floor), len(self.columns))
        return super().least

    @property
    def covariances(self) -> Form:
        return Form(self.covariance, self.tied, self.factors)

    @property
    def label(self) -> str:
        form = f"{self.factors} factor{'s' * (self.factors > 1)}" if self.factors else self.covariance
        return f"Gaussian({form}{', tied' * self.tied})"

    # ---- E-step

    @once_per_params
    def prepare(self, params: Params) -> forms.Form:
        form = self._form(params)
        form.single = self.single
        return form

    def _form(self, params: Params) -> forms.Form:
        if self.dense:
            compiled = self._worth_compiling(len(params["means"]))
            few = affordable(self.rows, len(self.columns))
            return forms.FullForm(params["means"], self.full(params), self.anchor, self._met, compiled, few)
        return forms.DiagonalForm(params["means"], self._variances(params), self.anchor)

    def evaluate(self, prepared: forms.Form, cells: Sequence[Cells]) -> tuple[Array, Collect]:
        density, collect = prepared.evaluate(cells[0])
        return density, lambda r: {"moments": collect(r)}

    def tile(self, components: int) -> int:
        d = len(self.columns)
        if not self.dense:
            return tile_rows(3 * d)
        if not self.incomplete and self._worth_compiling(components) and full_gaussian_kernel(d, np.dtype(np.float64)):
            return tile_rows(4 * d + 2 * components)  # no features: the rows twice, the densities, the working space
        rows = tile_rows(1 + d + d * (d + 1) // 2)
        # with missing cells every pattern needs K matrices of its own: bound what one tile may hold of them
        return min(rows, max(16, 10 * PATTERN_BUDGET // (components * d * d))) if self.incomplete else rows

    # ---- M-step

    def moments(self, sums: Sums, params: Params | None) -> Params:
        new = self.best(sums, params)
        return Params(new, events={**floor_events(self.floors(new)), **new.events})

    def best(self, sums: Sums, params: Params | None) -> Params:
        """The M-step, of whose events only empty components are counted."""
        if self.dense:
            mass, shift, spread = forms.full_moments(sums["moments"])
        else:
            mass, shift, spread = forms.diagonal_moments(sums["moments"], len(self.columns))
        means = self.anchor + shift
        kept = ~(mass > 1e-8)  # components, or cells of a form without correlations, that lost their rows stay
        if kept.any() and params is not None:
            means[kept] = params["means"][kept]
            spread[kept] = 0 if self.tied else (self.full if spread.ndim == 3 else self._variances)(params)[kept]
        empty = int(kept.reshape(len(means), -1).all(axis=1).sum())
        return Params(
            {"means": means, **self.form.best(spread, mass, self.least, params)},
            events={EventKind.EMPTY_COMPONENT: empty} if empty else {},
        )

    # ---- parameters

    def vague(self, components: int) -> Params:
        means = np.repeat(self.centre[None], components, axis=0)
        return Params({"means": means, **self.form.vague(components)})

    def full(self, params: Params) -> Array:
        """Covariance matrices (K, d, d), whatever the form."""
        return self.form.matrices(params, len(params["means"]))

    def _variances(self, params: Params) -> Array:
        return self.form.variances(params, len(params["means"]))

    def valid(self, params: Params) -> Validity:
        if not all(np.isfinite(values).all() for values in params.values()):
            return Validity("a mean or covariance is not finite")
        broken = self.form.broken(params, len(params["means"]))
        if not broken and not self.floor and self.scale is not None:  # no floor holds them up
            broken = collapsed(self.full(params), params["means"], self.anchor, self.scale)
        return Validity(broken)

    def size(self, params: Params) -> int:
        k, d = params["means"].shape
        return k * d + self.form.size(k)

    def prior(self, strength: float, components: int) -> Sums:
        offset = np.zeros((components, len(self.columns)))
        if self.anchor.ndim == 2:
            offset = self.centre - self.anchor
        return {"moments": strength * forms.prior_moments(offset, self.scale, self.dense)}

    def log_prior(self, params: Params, prior: Sums) -> float:
        return self.prepare(params).log_prior(prior["moments"])

    def log_densities(self, params: Params, moments: Array) -> Array:
        """Log-density of rows given by their moments about the anchor, one sum of rows for each component, (K,)."""
        return self._form(params).log_densities(moments)

    def anchored(self, params: Params) -> Self:
        centred = replace(self, anchor=self.centre)
        try:
            accurate = centred.prepare(params).accurate
        except NumericalError:  # a variance may be lost about one point for all, or be none
            accurate = False
        return centred if accurate else replace(self, anchor=params["means"].copy())

    def rounding(self, prepared: forms.Form) -> float:
        return prepared.rounding

    def in_double(self) -> Self:
        return replace(self, single=False) if self.single else self

    def spread(self, params: Params) -> Array:
        if self.dense:
            standard = self.full(params) / np.outer(self.scale, self.scale)
            return np.linalg.eigvalsh(standard)[:, 0]
        return (self._variances(params) / self.scale**2).min(axis=1)

    def floors(self, params: Params) -> list[Floor]:
        """The floors that bind; in a direction across columns, the one that has most of it is named."""
        matrices = self.full(params)
        return resting(matrices[:1] if self.tied else matrices, self.least, self.steps, self.columns)

    # ---- rows

    def mean(self, params: Params, cells: Sequence[Cells], responsibilities: Array) -> list[Array]:
        form = self.prepare(params)
        table = form.patterns if isinstance(form, forms.FullForm) else None
        return [conditional_mean(params["means"], table, cells[0], responsibilities)]

    def draw(self, params: Params, cells: Sequence[Cells], states: Array, rng: np.random.Generator) -> list[Array]:
        noise = np.asarray(rng.standard_normal(cells[0].values.shape))
        return [conditional_draw(params["means"], self.full(params), cells[0], states, noise)]

    def embed(self, cells: Sequence[Cells]) -> Cells:
        z = (cells[0].values - self.centre[:, None]) / self.scale[:, None]
        return Cells(z, cells[0].observed)

    def describe(self, params: Params) -> list[dict[str, Any]]:
        return self._described("gaussian", params["means"], self.full(params))


def example() -> Example:
    """Wormy apples: size of crop, and percentage of wormy fruit, which the smallest crops miss."""
    from unseen import Mixture

    size = np.array([8, 6, 11, 22, 14, 17, 18, 24, 19, 23, 26, 40, 4, 4, 5, 6, 8, 10])
    wormy = np.array([59, 58, 56, 53, 50, 45, 43, 42, 39, 38, 30, 27] + [np.nan] * 6)
    covariance = [[89.5339506, -90.6967292], [-90.6967292, 114.6949551]]
    return Example(
        model=Mixture(Gaussian("full"), 1),
        params=Params(weights=[1.0], means=[[14.7, 49.3]], covariances=[[[90.0, -90.0], [-90.0, 115.0]]]),
        data={"size": size, "wormy": wormy},
        loglik=-101.7856321,
        answer={"means": [[14.7222222, 49.3333333]], "covariances": [covariance]},
        options={"tol": 1e-13, "max_iterations": 5000},
        source="Little & Rubin (2019), Statistical Analysis with Missing Data, section 7.2: closed form",
    )
