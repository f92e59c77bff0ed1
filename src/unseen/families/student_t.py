"""Student-t components: Gaussian ones that outliers cannot pull."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self, final

import numpy as np

from unseen.core.block import Cells
from unseen.core.events import EventKind
from unseen.core.example import Example
from unseen.core.family import Collect, Floor, tile_rows
from unseen.core.kinds import kind
from unseen.core.memo import once_per_params
from unseen.core.stats import Array, Params, Sums, Validity
from unseen.core.written import learned
from unseen.errors import ModelError
from unseen.numerics import gaussian as forms
from unseen.numerics.completion import conditional_mean
from unseen.numerics.elliptical import Elliptical
from unseen.numerics.resolution import floor_events, raise_covariances, resting
from unseen.numerics.special import half_df
from unseen.numerics.student_t import StudentForm, conditional_draw

# Below 1 (Cauchy) the likelihood is unbounded as soon as a share df / (df + 1) of the rows of a component ties, and
# rounded data tie; above 200 nothing tells a t from a Gaussian.
DF_BOUNDS = (1.0, 200.0)
DF_START = 10.0
EMPTY = 1e-8


@final
@kind("student_t")
@dataclass(frozen=True)
class StudentT(Elliptical):
    r"""Multivariate t components, each with its own location, scale matrix and degrees of freedom.

    .. math:: f_k(x) = \frac{\Gamma(\frac{\nu_k+d}{2})}{\Gamma(\frac{\nu_k}{2}) |\pi \nu_k \Sigma_k|^{1/2}}
        \left(1 + \tfrac{1}{\nu_k} (x-\mu_k)^\top \Sigma_k^{-1} (x-\mu_k)\right)^{-(\nu_k+d)/2}

    Missing cells are integrated out: the observed cells of a row are again t distributed, with the same degrees of
    freedom. To give every column its own tails, put one `StudentT` per column into a `Product`.

    The M-step divides the scale's sum by the total of the weights u, not by the number of rows (parameter
    expansion: the same maxima in fewer iterations); with a prior it is the plain one.

    Parameters
    ----------
    df : degrees of freedom, a positive number, or ``"free"`` to estimate one per component, between 1 and 200;
        a bound that is met is a counted event
    floor : smallest eigenvalue allowed of a scale matrix, in units of the data's own variance
    name parameters : ``locations`` (K, d), ``scales`` (K, d, d), ``df`` (K,)

    Raises
    ------
    ModelError
        Degrees of freedom that are neither positive nor ``"free"``, or a floor outside [0, 1).
    DataError
        A constant column, or one that holds no numbers.

    >>> import unseen
    >>> x = np.array([[0.9], [1.0], [1.1], [0.8], [1.2], [50.0]])
    >>> result = unseen.fit(unseen.Mixture(StudentT(df=2), 1), x)
    >>> round(float(result.params["locations"][0, 0]), 1)
    1.0

    Source: Lange, Little & Taylor (1989), JASA 84, 881-896; Liu & Rubin (1995), Statistica Sinica 5, 19-39;
    Liu, Rubin & Wu (1998), Biometrika 85, 755-770 for the expansion.
    """

    _called: ClassVar[str] = "StudentT"
    _extent: ClassVar[str] = "scale"

    df: float | str = "free"
    floor: float = 1e-6
    columns: tuple[str, ...] = learned(())
    anchor: Any = learned()  # (d,) or, where accuracy needs it, (K, d)
    scale: Any = learned()
    incomplete: bool = learned(False)
    steps: Any = learned()  # (d,) of the grids the columns are recorded on, 0 where there is none
    rows: int = learned(0)  # of the data it is bound to: few are not worth a compiler

    def __post_init__(self) -> None:
        if self.df != "free" and not (isinstance(self.df, (int, float)) and 0 < self.df < np.inf):
            raise ModelError('df is the degrees of freedom: a positive number, or "free" to estimate them')
        self._check_floor()

    # ---- E-step and M-step

    @once_per_params
    def prepare(self, params: Params) -> StudentForm:
        compiled = self.incomplete and self._worth_compiling(len(params["locations"]))
        return StudentForm(params["locations"], params["scales"], params["df"], self.anchor, self._met, compiled)

    def evaluate(self, prepared: StudentForm, cells: Sequence[Cells]) -> tuple[Array, Collect]:
        return prepared.evaluate(cells[0])

    def tile(self, components: int) -> int:
        d = len(self.columns)
        return tile_rows(8 + d + d * (d + 1) // 2)

    def moments(self, sums: Sums, params: Params | None) -> Params:
        pseudo = sums.get("pseudo")
        mass, logs = sums["mass"], sums["logs"]
        total = sums["moments"] if pseudo is None else sums["moments"] + pseudo
        weight, shift, spread = forms.full_moments(total)
        rows = mass if pseudo is None else mass + pseudo[:, 0]
        # an expanded M-step that meets a floor might lower the objective: then the plain one is taken
        expanded = pseudo is None
        scales = raise_covariances(spread, self.least, self.scale) if expanded else spread
        if not expanded or scales is not spread:
            expanded = False
            plain = spread * (weight / np.maximum(rows, 1e-300))[:, None, None]
            scales = raise_covariances(plain, self.least, self.scale)
        old = self.vague(len(mass)) if params is None else params
        df, met = self._df(mass, sums["moments"][:, 0], logs, expanded, old["df"])
        kept = rows <= EMPTY
        where = kept[:, None]
        new = Params(
            locations=np.where(where, old["locations"], self.anchor + shift),
            scales=np.where(where[..., None], old["scales"], scales),
            df=df,
        )
        events = {EventKind.DF_BOUND: met, EventKind.EMPTY_COMPONENT: int(kept.sum())}
        return Params(new, events={**floor_events(self.floors(new)), **{k: v for k, v in events.items() if v}})

    def _df(self, mass: Array, weight: Array, logs: Array, expanded: bool, old: Array) -> tuple[Array, int]:
        """Degrees of freedom from the mean of u and of log u, and how many met a bound."""
        if self.df != "free":
            return np.full(len(mass), float(self.df)), 0
        seen = mass > EMPTY
        rows = np.where(seen, mass, 1.0)
        mean_u, mean_log = np.where(seen, weight / rows, 1.0), np.where(seen, logs / rows, 0.0)
        gap = (np.log(mean_u) if expanded else mean_u - 1) - mean_log
        df = np.where(seen, 2 * half_df(gap, DF_BOUNDS[0] / 2, DF_BOUNDS[1] / 2), old)
        return df, int((seen & ((df <= DF_BOUNDS[0]) | (df >= DF_BOUNDS[1]))).sum())

    # ---- parameters

    def floors(self, params: Params) -> list[Floor]:
        """The floors that bind; in a direction across columns, the one that has most of it is named."""
        return resting(params["scales"], self.least, self.steps, self.columns)

    def vague(self, components: int) -> Params:
        return Params(
            locations=np.repeat(self.centre[None], components, axis=0),
            scales=np.repeat(np.diag(self.scale**2)[None], components, axis=0),
            df=np.full(components, DF_START if self.df == "free" else float(self.df)),
        )

    def valid(self, params: Params) -> Validity:
        if not all(np.isfinite(params[name]).all() for name in ("locations", "scales", "df")):
            return Validity("a location, scale or number of degrees of freedom is not finite")
        if (params["df"] <= 0).any():
            return Validity("degrees of freedom are not positive")
        for k, matrix in enumerate(params["scales"]):
            if not np.allclose(matrix, matrix.T, rtol=1e-8) or np.linalg.eigvalsh(matrix)[0] <= 0:
                return Validity(f"scale matrix {k} is not symmetric positive definite")
        return Validity()

    def size(self, params: Params) -> int:
        k, d = params["locations"].shape
        return k * (d + d * (d + 1) // 2 + (self.df == "free"))

    def prior(self, strength: float, components: int) -> Sums:
        offset = np.broadcast_to(self.centre - self.anchor, (components, len(self.columns)))
        return {"pseudo": strength * forms.prior_moments(offset, self.scale, True)}

    def log_prior(self, params: Params, prior: Sums) -> float:
        """Pseudo-rows count as Gaussian ones (u = 1): no pull on the degrees of freedom."""
        return self.prepare(params).log_prior(prior["pseudo"])

    def anchored(self, params: Params) -> Self:
        centred = replace(self, anchor=self.centre)
        return centred if centred.prepare(params).accurate else replace(self, anchor=params["locations"].copy())

    def rounding(self, prepared: StudentForm) -> float:
        return prepared.rounding

    def spread(self, params: Params) -> Array:
        return np.linalg.eigvalsh(params["scales"] / np.outer(self.scale, self.scale))[:, 0]

    # ---- rows

    def mean(self, params: Params, cells: Sequence[Cells], responsibilities: Array) -> list[Array]:
        table = self.prepare(params).patterns
        return [conditional_mean(params["locations"], table, cells[0], responsibilities)]

    def draw(self, params: Params, cells: Sequence[Cells], states: Array, rng: np.random.Generator) -> list[Array]:
        return [conditional_draw(self.prepare(params), cells[0], states, rng)]

    def embed(self, cells: Sequence[Cells]) -> Cells:
        # outliers must not become centres: beyond one standard deviation distances grow like logarithms
        z = np.arcsinh((cells[0].values - self.centre[:, None]) / self.scale[:, None])
        return Cells(z, cells[0].observed)

    def describe(self, params: Params) -> list[dict[str, Any]]:
        """``sd`` is the scale, sqrt(Sigma_jj): the standard deviation itself is infinite for df up to 2."""
        entries = self._described("student_t", params["locations"], params["scales"])
        return [{**entry, "df": params["df"].tolist()} for entry in entries]


def example() -> Example:
    """Darwin's differences in height of crossed and self-fertilised plants, in eighths of an inch."""
    from unseen import Mixture

    heights = np.array([49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48])
    return Example(
        model=Mixture(StudentT(), 1),
        params=Params(weights=[1.0], locations=[[26.8]], scales=[[[515.0]]], df=[2.5]),
        data={"difference": heights},
        loglik=-74.54618,
        answer={"locations": [[26.83978]], "scales": [[[22.69508**2]]], "df": [2.50091]},
        options={"tol": 1e-13, "max_iterations": 5000},
        source="Darwin (1876), by way of Fisher (1935), The Design of Experiments, table 2; maximum by R's optim",
    )
