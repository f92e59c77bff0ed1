"""Ratings of items by users, most of them missing: a few unseen factors of users that items respond to."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self, final

import numpy as np

from unseen.core.block import INDEX, Block, Cells, Slot
from unseen.core.capabilities import Completing, Generative, Projecting, Uncertain
from unseen.core.description import Description, Fact
from unseen.core.engine import Engine
from unseen.core.equality import by_value, hash_by_value
from unseen.core.example import Example, rows_of_moments
from unseen.core.kinds import kind
from unseen.core.model import Penalised, Starting
from unseen.core.option import COLUMN, INTEGER, NUMBER, Option
from unseen.core.output import Output, density_output
from unseen.core.profile import Profile
from unseen.core.stats import Array, Params, Stats, Sums, Validity
from unseen.core.tasks import Expect
from unseen.core.unit import Unit
from unseen.core.written import learned
from unseen.errors import DataError, ModelError
from unseen.numerics import ratings as linear
from unseen.numerics.tabulated import rating_tables

SPARK = 0.1  # standard deviations of the other loadings at the start: at zero they would stay there


@final
@kind("matrix_factorization")
@dataclass(frozen=True)
class MatrixFactorization(Starting, Penalised, Completing, Generative, Uncertain, Projecting):
    r"""Explain ratings of items by users with a few factors of each user, whatever items that user has rated.

    .. math:: r_{ui} = \mu_i + v_i^\top z_u + \epsilon, \quad z_u \sim N(0, I_q), \quad \epsilon \sim N(0, \sigma^2)

    This is factor analysis with isotropic noise of a table of users and items of which most cells are missing, as long
    rows: one rating each. The unit is the user, named by ``unit=`` of a fit. The E-step is exact: it has means and
    covariances of the factors, so predictions have variances, too. Sums have a size per item, not per user.

    Most items have few ratings, which many loadings explain too well: use a prior, such as ``prior=3``. It is worth so
    many ratings of each item at the general mean, and says ``shrinkage`` times as firmly that an item's loadings are
    those of all: the first is ``level``, the others are zero. So users differ by their general level at least.

    Parameters
    ----------
    factors : q, at least 1
    item : the column that says what was rated, of any number of values
    rating : the column of numbers; it may be missing, and absent where it is to be predicted
    floor : smallest noise variance, as a share of the variance of the ratings
    shrinkage : how many times as firmly a prior holds loadings as means
    level : standard deviations of the ratings by which users differ in general, as a start and a prior have it

    Parameters of a fit, in units of the rating: ``mean`` (I,), ``loadings`` (I, q), determined up to a rotation, and
    the variance ``noise`` (1,). The log-density of a user's ratings is shared evenly by them.

    Raises
    ------
    ModelError
        Fewer than one factor, a floor outside (0, 1), a shrinkage or level that is not above 0, or item and rating are
        one column.
    DataError
        Ratings that are text, or all the same.

    >>> MatrixFactorization(2).index
    ('item',)

    Source: Tipping & Bishop (1999), J. R. Statist. Soc. B 61, 611-622, with missing cells; Salakhutdinov & Mnih (2008),
    NIPS 20.
    """

    factors: int
    item: str = "item"
    rating: str = "rating"
    floor: float = 1e-3
    shrinkage: float = 100.0
    level: float = 0.4
    items: tuple[str, ...] = learned(())
    item_shares: Any = learned()
    anchor: float = learned(0.0)
    variance: float = learned(1.0)
    rows_per_unit: int = learned(1)

    __eq__, __hash__ = by_value, hash_by_value

    order: ClassVar[str] = "factors"
    unit: ClassVar[Unit] = Unit.BAG
    #: starts ended at one maximum, up to a rotation, wherever several were tried
    one_start: ClassVar[bool] = True
    options: ClassVar[tuple[Option, ...]] = (
        Option("factors", INTEGER, "How many to try; the best is kept.", least=1, order=True),
        Option("user", COLUMN, "The column that says who rated.", required=True, unit=True),
        Option("item", COLUMN, "The column that says what was rated.", "item"),
        Option("rating", COLUMN, "The column of ratings.", "rating"),
        Option("shrinkage", NUMBER, "How many times as firmly a prior holds loadings as means.", 100.0, 0, above=True),
        Option("level", NUMBER, "Standard deviations by which users differ in general.", 0.4, 0, above=True),
    )

    def __post_init__(self) -> None:
        if not isinstance(self.factors, (int, np.integer)) or self.factors < 1:
            raise ModelError("a matrix factorization needs at least one factor: give a whole number of 1 or more")
        if not 0 < self.floor < 1:
            raise ModelError("floor is a share of the variance of the ratings between 0 and 1, for example 0.001")
        if not (self.shrinkage > 0 and self.level > 0):
            raise ModelError("shrinkage and level are numbers above 0, for example 100 and 0.4")
        if self.item == self.rating:
            raise ModelError(f"item and rating are both column {self.rating!r}: name two columns")

    def bind(self, profile: Profile) -> Self:
        items, ratings = profile[self.item], profile[self.rating]
        if ratings.kind == "category" or not ratings.variance > 0:
            why = "holds text" if ratings.kind == "category" else "is constant"
            raise DataError(
                f"rating column {self.rating!r} {why}, which factors cannot explain: name another "
                "(rating='...'; --rating COL)"
            )
        return replace(
            self,
            items=items.categories,
            item_shares=items.shares,
            anchor=ratings.mean,
            variance=ratings.variance,
            rows_per_unit=profile.rows_per_unit,
        )

    @property
    def wanted(self) -> tuple[str, ...]:
        return self.item, self.rating

    @property
    def index(self) -> tuple[str, ...]:
        return (self.item,)

    @property
    def slots(self) -> tuple[Slot, ...]:
        return Slot((self.item,), INDEX, (self.items,), given=True), Slot((self.rating,))

    # ---- E-step

    def _ratings(self, block: Block) -> linear.Ratings:
        """The ratings of a block, about the anchor; sorted once, since cells do not change."""

        def made() -> tuple[Cells, linear.Ratings]:
            value = rating.values[0].astype(float) - self.anchor
            return item, linear.Ratings.of(item.values[0], value, block.complete(), block.bounds)

        item, rating = block.cells
        of, found = rating.derived(("ratings", self.anchor), made)
        return found if of is item else made()[1]

    def latent(self, params: Params, block: Block) -> linear.Posterior:
        """Posterior mean (q, U) and covariance (U, q, q) of each user's factors, and log-density (U,)."""
        return linear.posterior(self._ratings(block), self._responses(params), float(params["noise"][0]))

    def expect(self, params: Params, block: Block) -> Stats:
        ratings, found, w = self._ratings(block), self.latent(params, block), block.unit_weights
        weights = np.ones(block.units) if w is None else w
        sums = linear.moments(ratings, found, weights, len(self.items))
        return Stats(sums, block.units, float(sums["ratings"]), float(weights @ found.density))

    # ---- M-step

    def maximize(self, stats: Stats, params: Params | None) -> Params:
        before = np.zeros_like(stats.sums["cross"]) if params is None else self._responses(params)
        found, left = linear.solved(stats.sums, before)
        noise = max(left, self._least)
        return Params(
            mean=self.anchor + found[0],
            loadings=found[1:].T,
            noise=[noise],
            events={"noise floor": 1} if left < self._least else None,
        )

    def _responses(self, params: Params) -> Array:
        """Mean, about the anchor, and loadings of each item, (q + 1, I)."""
        return np.vstack([params["mean"] - self.anchor, params["loadings"].T])

    @property
    def _least(self) -> float:
        return self.floor * self.variance

    def start(self, engine: Engine, seed: int) -> Params:
        """Means of the items, and users who differ by their general level and, a little, by drawn factors."""
        sd, shape = float(np.sqrt(self.variance)), (len(self.items), self.factors)
        flat = Params(mean=np.full(shape[0], self.anchor), loadings=np.zeros(shape), noise=[self.variance])
        stats = engine.total(Expect(self, flat))
        means = stats.sums["cross"][0] / (stats.sums["moments"][0] + 1)  # a rating at the general mean for each item
        loadings = SPARK * sd * np.random.default_rng([seed, 0]).standard_normal(shape)
        loadings[:, 0] = self.level * sd
        return Params(mean=self.anchor + means, loadings=loadings, noise=[0.8 * self.variance])

    def valid(self, params: Params) -> Validity:
        n = len(self.items)
        checked = params.shaped(mean=(n,), loadings=(n, self.factors), noise=(1,))
        low = checked and params["noise"][0] < self._least * (1 - 1e-9)
        return Validity("the noise variance is below its floor") if low else checked

    def size(self, params: Params) -> int:
        n, q = params["loadings"].shape
        return int(n + n * q - q * (q - 1) // 2 + 1)

    def prior(self, strength: float) -> Sums:
        firm, usual = np.full(self.factors + 1, float(strength * self.shrinkage)), np.zeros(self.factors + 1)
        firm[0], usual[1] = strength, self.level * float(np.sqrt(self.variance))
        return linear.pseudo_moments(firm, usual, len(self.items))

    def log_prior(self, params: Params, prior: Sums) -> float:
        return float(-0.5 * linear.misfit(prior, self._responses(params)) / params["noise"][0])

    # ---- users and rows

    def description(self, params: Params) -> Description:
        """Return the items that are rated most, with their means and how much users differ in them, and the noise."""
        noise = Fact("noise variance", f"{float(params['noise'][0]):.4g}")
        tables = rating_tables(self, params["mean"], params["loadings"])
        return Description("factor", self.factors, tables=tables, facts=(noise,))

    def outputs(self) -> tuple[Output, ...]:
        """The log-density, and the rating that is expected given the user's others, with its variance."""
        columns = (("prediction", "number"), ("prediction_variance", "number"))
        return density_output(self), Output("prediction", columns, self.predictive)

    def scores(self, params: Params, block: Block) -> Array:
        """Posterior mean of each user's factors, (q, U)."""
        return self.latent(params, block).mean

    def log_density(self, params: Params, block: Block) -> Array:
        """The log-density of each user's ratings, shared evenly by them, (n,)."""
        ratings, found = self._ratings(block), self.latent(params, block)
        shares = block.by_row(found.density / np.maximum(ratings.counts, 1))
        return np.where(block.complete(), shares, 0.0)

    def predictive(self, params: Params, block: Block) -> tuple[Array, Array]:
        """Mean and variance of each row's rating given the others of its user, (n,) each; its own is not looked at.

        An item that was not there when the model was fitted is taken for one at random.
        """
        mean, variance = self._given(params, block, self.latent(params, block))
        value = block.cells[1].values[0].astype(float)
        return linear.left_out(value, block.complete(), mean, variance, float(params["noise"][0]))

    def _given(self, params: Params, block: Block, found: linear.Posterior) -> tuple[Array, Array]:
        """Mean and variance of a row's noiseless rating given all ratings of its user, (n,) each."""
        user = block.by_row(np.arange(block.units))
        return linear.noiseless(params["mean"], params["loadings"], self.item_shares, block.cells[0], found, user)

    def impute(self, params: Params, block: Block) -> list[Array]:
        """The cells, with conditional means where ratings are missing."""
        item, rating = block.cells
        return [item.values, rating.filled(self._given(params, block, self.latent(params, block))[0])]

    def draw(self, params: Params, block: Block, rng: np.random.Generator) -> list[Array]:
        """The cells, with ratings drawn where they are missing: factors of each user, then ratings."""
        mean, variance = self._given(params, block, self.latent(params, block).drawn(rng))
        item, rating = block.cells
        drawn = mean + np.sqrt(params["noise"][0] + variance) * rng.standard_normal(block.rows)
        return [item.values, rating.filled(drawn)]

    def sample(self, params: Params, n: int, rng: np.random.Generator) -> tuple[list[Array], Array]:
        """n new ratings, each user with as many as users of the data have on average, and their factors (q, n)."""
        users = -(-n // self.rows_per_unit)
        z = np.repeat(rng.standard_normal((self.factors, users)), self.rows_per_unit, axis=1)[:, :n]
        item = rng.choice(len(self.items), size=n, p=self.item_shares)
        mean = params["mean"][item] + (params["loadings"][item].T * z).sum(axis=0)
        rating = mean + np.sqrt(params["noise"][0]) * rng.standard_normal(n)
        return [item[None].astype(np.int32), rating[None]], z


MARKS = (
    (305.768, 127.223, 101.579, 106.273, 117.405),
    (127.223, 172.842, 85.157, 94.673, 99.012),
    (101.579, 85.157, 112.886, 112.113, 121.871),
    (106.273, 94.673, 112.113, 220.380, 155.536),
    (117.405, 99.012, 121.871, 155.536, 297.755),
)


def example() -> Example:
    """Marks of 88 students in five examinations, all there: rows made to have the published means and covariances."""
    n, means = 88, np.array([38.9545, 50.5909, 50.6023, 46.6818, 42.3068])
    x = rows_of_moments(n, means, np.array(MARKS))
    return Example(
        model=MatrixFactorization(1, "examination", "mark"),
        params=Params(mean=means, loadings=[[12.0], [9.0], [8.0], [11.0], [13.0]], noise=[110.0]),
        data={
            "student": np.repeat(np.arange(n), 5),
            "examination": np.tile(["mechanics", "vectors", "algebra", "analysis", "statistics"], n),
            "mark": x.ravel(),
        },
        loglik=-1731.955280,
        answer={"noise": [105.660247]},
        source="Mardia, Kent & Bibby (1979), Multivariate Analysis, table 1.2.1 and example 8.2.3; maximum of "
        "Tipping & Bishop (1999), equations 7 and 8, from the eigenvalues 686.99, 202.11, 103.75, 84.63, 32.15",
        options={"unit": "student"},
    )
