"""Factor analysis and probabilistic principal components: a continuous latent variable."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar, Self, final

import numpy as np

from unseen.core.block import Block, Slot
from unseen.core.capabilities import Completing, Generative, Projecting
from unseen.core.description import Description, Fact
from unseen.core.engine import Engine
from unseen.core.equality import by_value, hash_by_value
from unseen.core.events import EventKind
from unseen.core.example import Example, rows_of_moments
from unseen.core.family import Floor, empty_cells, tile_rows
from unseen.core.kinds import kind
from unseen.core.memo import once_per_params
from unseen.core.model import Penalised, Starting
from unseen.core.option import INTEGER, TEXT, Option
from unseen.core.output import Output, density_output
from unseen.core.profile import Profile
from unseen.core.stats import Array, Params, Stats, Sums, Validity
from unseen.core.tasks import Expect
from unseen.core.written import learned
from unseen.errors import DataError, ModelError
from unseen.numerics import gaussian as forms
from unseen.numerics.completion import conditional_draw, conditional_mean
from unseen.numerics.factors import fit_diagonal, fit_isotropic
from unseen.numerics.incomplete import Met
from unseen.numerics.tabulated import factor_tables

FORMS = ("diagonal", "isotropic")


@final
@kind("factor_analysis")
@dataclass(frozen=True)
class FactorAnalysis(Starting, Penalised, Completing, Generative, Projecting):
    r"""Columns that vary together because a few unseen factors move them.

    .. math:: x = \mu + \Lambda z + \epsilon, \quad z \sim N(0, I_q), \quad \epsilon \sim N(0, \Psi)

    The statistics are the moments of the rows about an anchor, missing cells completed by their conditional
    moments; the M-step finds the most likely :math:`\Lambda, \Psi` for them. Without missing cells it needs
    one pass over the data.

    Parameters
    ----------
    factors : q, at least 1
    noise : ``"diagonal"``, a variance for each column, or ``"isotropic"``, one for all (probabilistic PCA)
    floor : smallest noise variance, as a share of the column's variance; a column at the floor is a counted event
        (a Heywood case: the factors explain all of it)

    Parameters of a fit: ``mean`` (d,), ``loadings`` (d, q), ``noise`` (d,) or (1,). Loadings are in canonical
    form: :math:`\Lambda^\top \Psi^{-1} \Lambda` is diagonal with falling entries, each column has a positive sum.

    Raises
    ------
    ModelError
        Fewer than one factor, more than the columns can determine, an unknown form of noise, a floor outside (0, 1).
    DataError
        A column that is constant or holds no numbers.

    >>> FactorAnalysis(1, noise="isotropic").kind
    <Kind.FREE: 'free'>

    Source: Lawley & Maxwell (1971); Rubin & Thayer (1982), Psychometrika 47; Tipping & Bishop (1999), J. R. Statist.
    Soc. B 61.
    """

    factors: int
    noise: str = "diagonal"
    floor: float = 0.005
    columns: tuple[str, ...] = learned(())
    anchor: Any = learned()
    scale: Any = learned()
    single: bool = learned(False)  # whether it computes in single precision: the data have no more digits

    __eq__, __hash__ = by_value, hash_by_value

    order: ClassVar[str] = "factors"
    options: ClassVar[tuple[Option, ...]] = (
        Option("factors", INTEGER, "How many to try; the best is kept.", least=1, order=True),
        Option("noise", TEXT, "A variance for each column, or one for all (PPCA).", "diagonal", choices=FORMS),
    )
    #: its start draws nothing: restarts would repeat the first
    one_start: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not isinstance(self.factors, (int, np.integer)) or self.factors < 1:
            raise ModelError("factor analysis needs at least one factor: give a whole number of 1 or more")
        if self.noise not in FORMS:
            raise ModelError(f"noise={self.noise!r} is none of {', '.join(FORMS)}")
        if not 0 < self.floor < 1:
            raise ModelError("floor is a share of a column's variance between 0 and 1, for example 0.005")

    def bind(self, profile: Profile) -> Self:
        d, q = len(profile.columns), self.factors
        if q >= d or (self.noise == "diagonal" and (d - q) ** 2 < d + q):
            one = ", or one variance of noise for all (noise='isotropic'; --noise isotropic)"
            more = one if self.noise == "diagonal" and q < d else ""
            raise ModelError(f"{d} columns cannot determine {q} factors: use fewer factors or more columns{more}")
        for c in profile.columns:
            if c.kind == "category" or not c.variance > 0:
                why = "holds text" if c.kind == "category" else "is constant"
                raise DataError(f"column {c.name!r} {why}, which factors cannot explain: ignore it")
        return replace(
            self,
            columns=profile.names,
            anchor=np.array([c.mean for c in profile.columns]),
            scale=np.sqrt([c.variance for c in profile.columns]),
            single=all(c.single for c in profile.columns),
        )

    @property
    def slots(self) -> tuple[Slot, ...]:
        return (Slot(self.columns),)

    def covariance(self, params: Params) -> Array:
        """The covariance that the parameters imply, (d, d)."""
        psi = np.broadcast_to(params["noise"], (len(self.columns),))
        out: Array = params["loadings"] @ params["loadings"].T + np.diag(psi)
        return out

    @cached_property
    def _met(self) -> Met:
        """Missing patterns met so far, at whatever parameters."""
        return Met()

    @once_per_params
    def _form(self, params: Params) -> forms.FullForm:
        form = forms.FullForm(params["mean"][None], self.covariance(params)[None], self.anchor, self._met)
        form.single = self.single
        return form

    # ---- E-step and M-step

    def expect(self, params: Params, block: Block) -> Stats:
        form, moments, loglik, d = self._form(params), np.zeros(0), 0.0, len(self.columns)
        for tile in block.tiles(tile_rows(1 + d + d * (d + 1) // 2)):
            weights = np.ones(tile.rows) if tile.weights is None else tile.weights
            density, collect = form.evaluate(tile.cells[0])
            loglik += float(weights @ density[0])
            part = collect(weights[None])
            moments = part if not moments.size else moments + part
        return Stats({"moments": moments}, block.rows, block.weight, loglik)

    def maximize(self, stats: Stats, params: Params | None) -> Params:
        _, shift, spread = forms.full_moments(stats.sums["moments"])
        least = self._least()
        if self.noise == "isotropic":
            loadings, noise = fit_isotropic(spread[0], self.factors, float(least[0]))
        else:
            # half the variance is a start from which Newton's method arrives, wherever the old noise was
            begin = params["noise"] if params is not None else 0.5 * np.diagonal(spread[0])
            loadings, noise = fit_diagonal(spread[0], self.factors, begin, least)
        bound = int((noise <= least * (1 + 1e-9)).sum())
        return Params(
            mean=self.anchor + shift[0],
            loadings=loadings,
            noise=noise,
            events={EventKind.NOISE_FLOOR: bound} if bound else None,
        )

    def _least(self) -> Array:
        """The noise floor, (d,) or (1,)."""
        variances = self.scale**2
        least: Array = self.floor * (variances if self.noise == "diagonal" else variances.mean(keepdims=True))
        return least

    def floors(self, params: Params) -> list[Floor]:
        """The columns whose noise rests on its floor (Heywood cases)."""
        resting = np.flatnonzero(params["noise"] <= self._least() * (1 + 1e-9)).tolist()
        return [Floor(0, self.columns[j], "noise") for j in resting] if self.noise == "diagonal" else []

    def start(self, engine: Engine, seed: int) -> Params:
        """The fit to moments whose missing cells are completed column by column."""
        vague = Params(mean=self.anchor, loadings=np.zeros((len(self.columns), self.factors)), noise=self.scale**2)
        return self.maximize(engine.total(Expect(self, vague)).in_unit(), None)

    def valid(self, params: Params) -> Validity:
        if not all(np.isfinite(params[name]).all() for name in ("mean", "loadings", "noise")):
            return Validity("a mean, loading or noise variance is not finite")
        low = params["noise"] < self._least() * (1 - 1e-9)
        return Validity(f"noise variance {int(low.argmax())} is below its floor" if low.any() else "")

    def size(self, params: Params) -> int:
        d, q = params["loadings"].shape
        return d + d * q - q * (q - 1) // 2 + len(params["noise"])

    def prior(self, strength: float) -> Sums:
        centred = np.zeros((1, len(self.columns)))
        return {"moments": strength * forms.prior_moments(centred, self.scale, True)}

    def log_prior(self, params: Params, prior: Sums) -> float:
        return self._form(params).log_prior(prior["moments"])

    def rounding(self, params: Params) -> float:
        return self._form(params).rounding

    def in_double(self) -> Self:
        return replace(self, single=False) if self.single else self

    # ---- rows

    def log_density(self, params: Params, block: Block) -> Array:
        """Log-density of the observed cells of each row, (n,)."""
        density: Array = self._form(params).evaluate(block.cells[0])[0][0]
        return density

    def outputs(self) -> tuple[Output, ...]:
        columns = tuple((f"score_{j}", "number") for j in range(self.factors))
        return density_output(self), Output("scores", columns, lambda p, block: list(self.scores(p, block)))

    def scores(self, params: Params, block: Block) -> Array:
        """Posterior mean of the factors given the observed cells, (q, n)."""
        weights = np.linalg.solve(self.covariance(params), params["loadings"]).T
        out: Array = weights @ (self.impute(params, block)[0] - params["mean"][:, None])
        return out

    def impute(self, params: Params, block: Block) -> list[Array]:
        """Conditional expectation of every cell given the observed cells of its row."""
        form = self._form(params)
        return [conditional_mean(form.means, form.patterns, block.cells[0], np.ones((1, block.rows)))]

    def draw(self, params: Params, block: Block, rng: np.random.Generator) -> list[Array]:
        """One random completion of the missing cells."""
        form = self._form(params)
        noise = np.asarray(rng.standard_normal(block.cells[0].values.shape))
        return [conditional_draw(form.means, form.covariances, block.cells[0], np.zeros(block.rows, np.int64), noise)]

    def sample(self, params: Params, n: int, rng: np.random.Generator) -> tuple[list[Array], Array]:
        """n new rows (d, n), and the factors behind them (q, n)."""
        z = rng.standard_normal((self.factors, n))
        noise = rng.standard_normal(empty_cells(self.slots, n)[0].values.shape)
        x = params["mean"][:, None] + params["loadings"] @ z + np.sqrt(params["noise"])[:, None] * noise
        return [x], z

    def description(self, params: Params) -> Description:
        """Return the loadings, the communalities and noise of the columns, and what each factor explains."""
        floors = self.floors(params)
        heywood = [floor.column for floor in floors]
        return Description(
            "factor",
            self.factors,
            tables=factor_tables(self.columns, params["loadings"], params["noise"], heywood),
            facts=tuple(Fact("Heywood case", name, column=name) for name in heywood),
            floors=floors,
        )


ABILITY = {
    "general": (24.641, 5.991, 33.520, 6.023, 20.755, 29.701),
    "picture": (5.991, 6.700, 18.137, 1.782, 4.936, 7.204),
    "blocks": (33.520, 18.137, 149.831, 19.424, 31.430, 50.753),
    "maze": (6.023, 1.782, 19.424, 12.711, 4.757, 9.075),
    "reading": (20.755, 4.936, 31.430, 4.757, 52.604, 66.762),
    "vocab": (29.701, 7.204, 50.753, 9.075, 66.762, 135.292),
}


def example() -> Example:
    """Six ability tests of 112 people: rows made to have exactly the published covariance matrix."""
    covariance = np.array(list(ABILITY.values()))
    x = rows_of_moments(112, np.zeros(6), covariance)
    return Example(
        model=FactorAnalysis(1),
        params=Params(
            mean=np.zeros(6),
            loadings=[[3.4], [1.0], [6.1], [1.1], [6.4], [9.9]],
            noise=[13.2, 5.7, 112.1, 11.6, 12.2, 37.8],
        ),
        data=dict(zip(ABILITY, x.T, strict=True)),
        loglik=-2059.366485,
        answer={"noise": np.diagonal(covariance) * [0.534602, 0.852581, 0.748170, 0.910150, 0.231715, 0.279741]},
        source="Smith & Stanley (1983), Intelligence 7; R 4.2, datasets::ability.cov and factanal(factors = 1), "
        "chi-square 75.1796",
    )
