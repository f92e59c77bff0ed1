"""scikit-learn's GaussianMixture over our loop: same interface, and missing cells, weights and partial labels."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, _fit_context
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from unseen.core.block import Block
from unseen.core.masked import shown
from unseen.core.stats import Array, Params
from unseen.core.stop import FAILED, INTERRUPTED
from unseen.errors import DataError, NumericalError
from unseen.families.gaussian import Gaussian
from unseen.models.mixture import Mixture
from unseen.result import Result
from unseen.sklearn.begin import FORMS, Begin, check_warm, given_parts, known_labels
from unseen.sklearn.ridge import cholesky_of_precisions
from unseen.sklearn.rows import by_rows, responsibilities_and_density
from unseen.sklearn.scores import Scores
from unseen.sklearn.training import Training, draw_rows, singular, unconverged, without_knobs


class GaussianMixture(Scores, BaseEstimator):
    r"""Gaussian mixture, a drop-in for ``sklearn.mixture.GaussianMixture`` that also takes incomplete data.

    .. math:: p(x) = \sum_{k=1}^{K} \pi_k \, N(x; \mu_k, \Sigma_k)

    X has shape (n, d); a cell that is NaN is missing at random and integrated out, in every method. All
    arguments mean what they mean in scikit-learn, ``reg_covar`` included: it is added to the variances in every
    M-step. From the same start and after the same number of iterations the parameters are the same.

    What differs, on purpose:

    - ``tol``: scikit-learn stops when one step changes the mean log-likelihood by less than ``tol``, and slow
      EM takes many small steps. Here ``tol`` bounds what all further steps together would still change
      (extrapolated, twice in a row), so runs are longer; a warning says so when ``max_iter`` comes first.
    - ``init_params``: ``"random"`` draws what scikit-learn draws. The other three place every row with the
      nearest centre, on columns of equal variance: the centres of k-means++ and Lloyd steps (``"kmeans"``), of
      k-means++ alone, or the rows that scikit-learn would draw (``"random_from_data"``). ``"kmeans"`` depends
      neither on the order of rows nor on whether a row is repeated or weighted.
    - Among ``n_init`` fits, one whose likelihood only ``reg_covar`` keeps finite, because a component sits on
      coinciding rows, loses to the others.
    - Integer X is data like any other.

    Parameters
    ----------
    n_components, covariance_type, tol, reg_covar, max_iter, n_init, init_params, weights_init, means_init, \
precisions_init, random_state, warm_start, verbose, verbose_interval : as in scikit-learn

    Attributes
    ----------
    weights_ (K,), means_ (K, d), covariances_, precisions_, precisions_cholesky_ : full (K, d, d), tied (d, d),
        diag (K, d), spherical (K,)
    converged_, n_iter_, lower_bound_, lower_bounds_ : how the best fit ended; bounds are mean log-likelihoods
    n_features_in_, feature_names_in_ : the columns of the fit
    result_ : the `unseen.Result` behind it, with trace, criteria, restarts, warnings, ``save`` and ``plot``

    Raises
    ------
    DataError
        A column without any observed cell, unusable weights or labels, or a component that became singular; it
        is a ValueError.

    >>> import numpy as np
    >>> X = np.array([[1, 2], [1, 4], [1, 0], [10, 2], [10, np.nan], [10, 0]])
    >>> mixture = GaussianMixture(2, random_state=0).fit(X)
    >>> mixture.predict([[0, 0], [12, 3]]).tolist() == mixture.predict([[1, np.nan], [10, np.nan]]).tolist()
    True
    >>> mixture.impute(X)[4].round(2).tolist()
    [10.0, 1.0]

    Source: Dempster, Laird & Rubin (1977), J. R. Statist. Soc. B 39, 1-38.
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "covariance_type": [StrOptions(set(FORMS))],
        "tol": [Interval(Real, 0.0, None, closed="left")],
        "reg_covar": [Interval(Real, 0.0, None, closed="left")],
        "max_iter": [Interval(Integral, 0, None, closed="left")],
        "n_init": [Interval(Integral, 1, None, closed="left")],
        "init_params": [StrOptions({"kmeans", "random", "random_from_data", "k-means++"})],
        "weights_init": ["array-like", None],
        "means_init": ["array-like", None],
        "precisions_init": ["array-like", None],
        "random_state": ["random_state"],
        "warm_start": ["boolean"],
        "verbose": ["verbose"],
        "verbose_interval": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        n_components: int = 1,
        *,
        covariance_type: str = "full",
        tol: float = 1e-3,
        reg_covar: float = 1e-6,
        max_iter: int = 100,
        n_init: int = 1,
        init_params: str = "kmeans",
        weights_init: Any = None,
        means_init: Any = None,
        precisions_init: Any = None,
        random_state: Any = None,
        warm_start: bool = False,
        verbose: int = 0,
        verbose_interval: int = 10,
    ) -> None:
        self.n_components = n_components
        self.covariance_type = covariance_type
        self.tol = tol
        self.reg_covar = reg_covar
        self.max_iter = max_iter
        self.n_init = n_init
        self.init_params = init_params
        self.weights_init = weights_init
        self.means_init = means_init
        self.precisions_init = precisions_init
        self.random_state = random_state
        self.warm_start = warm_start
        self.verbose = verbose
        self.verbose_interval = verbose_interval

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags

    # ---- fitting

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None, sample_weight: Any = None, labels: Any = None) -> Self:
        """Estimate the parameters by EM, keeping the best of ``n_init`` starts.

        X : (n, d), NaN where a cell is missing; y is ignored
        sample_weight : (n,), a row of weight w counts as w copies
        labels : (n,), the component of rows where it is known, -1 or NaN elsewhere

        Warns ConvergenceWarning when the best fit did not converge.
        """
        X = self._checked(X, reset=True)
        weights = None
        if sample_weight is not None:
            weights = _check_sample_weight(shown(sample_weight), X, dtype=np.float64, ensure_non_negative=True)
        rows = len(X) if weights is None else int((weights > 0).sum())
        if 0 < rows < self.n_components:
            raise DataError(
                f"Expected n_samples >= n_components but got n_components = {self.n_components}, n_samples = {rows}"
            )
        training = Training(
            self, X, weights, known_labels(labels, len(X), self.n_components), self._names(), self._begin(X, weights)
        )
        try:
            result = training.fit()
        except NumericalError as error:
            raise DataError(singular(error)) from error
        except DataError as error:
            raise DataError(without_knobs(str(error))) from None
        if result.outcome.name == INTERRUPTED:
            raise KeyboardInterrupt
        if result.outcome.name == FAILED:
            raise DataError(singular(result.outcome.message))
        if not result.converged and self.max_iter > 0:
            warnings.warn(unconverged(result.outcome, self.n_init), ConvergenceWarning, stacklevel=3)
        return self._keep(result, X.dtype)

    def _checked(self, X: Any, reset: bool = False) -> Array:
        if not reset:
            check_is_fitted(self)
        return validate_data(
            self,
            shown(X),
            reset=reset,
            dtype=[np.float64, np.float32],
            ensure_all_finite="allow-nan",
            ensure_min_samples=2 if reset else 1,
        )

    def _names(self) -> list[str]:
        names = [str(n) for n in getattr(self, "feature_names_in_", ())]
        if names and len(set(names)) == len(names) and not {"(weights)", "(labels)"} & set(names):
            return names
        return [f"x{j}" for j in range(self.n_features_in_)]

    def _begin(self, X: Array, weights: Array | None) -> Begin:
        if self.warm_start and hasattr(self, "converged_"):
            given = dict(self._params())
            check_warm(given, self.covariance_type, self.n_components, X.shape[1])
        else:
            given = given_parts(
                self.weights_init,
                self.means_init,
                self.precisions_init,
                self.covariance_type,
                self.n_components,
                X.shape[1],
            )
        return Begin(self.init_params, X, weights, given, check_random_state(self.random_state))

    def _keep(self, result: Result, dtype: Any) -> Self:
        """The fitted attributes; computed in double precision, kept in that of the data as scikit-learn does."""
        self.result_ = result
        weights, means, covariances = (result.params[n] for n in ("weights", "means", "covariances"))
        upper, precisions = cholesky_of_precisions(covariances, self.covariance_type in ("full", "tied"))
        self.weights_ = weights.astype(dtype)
        self.means_ = means.astype(dtype)
        self.covariances_ = covariances.astype(dtype)
        self.precisions_ = precisions.astype(dtype)
        self.precisions_cholesky_ = upper.astype(dtype)
        self.converged_ = result.converged
        self.n_iter_ = result.iterations
        self.lower_bounds_ = [record.objective for record in result.trace]
        self.lower_bound_ = self.lower_bounds_[-1] if self.lower_bounds_ else -np.inf
        return self

    # ---- scoring

    def _params(self) -> Params:
        """The fitted attributes as parameters: what was put there by hand counts."""
        weights = np.asarray(self.weights_, float)
        return Params(
            weights=weights / weights.sum(),
            means=np.asarray(self.means_, float),
            covariances=np.asarray(self.covariances_, float),
        )

    def _model(self, params: Params) -> Mixture:
        family = Gaussian(
            FORMS[self.covariance_type],
            self.covariance_type == "tied",
            floor=0.0,
            columns=tuple(self._names()),
            anchor=params["weights"] @ params["means"],
            scale=np.ones(params["means"].shape[1]),
        )
        return Mixture(family.anchored(params), len(params["weights"]))

    def _rows(self, f: Callable[[Mixture, Params, Block], tuple[Array, ...]], X: Array) -> tuple[Array, ...]:
        params = self._params()
        model = self._model(params)
        return by_rows(lambda block: f(model, params, block), X)

    def _posterior(self, X: Any) -> tuple[Array, Array]:
        X = self._checked(X)
        r, density = self._rows(responsibilities_and_density, X)
        return r.astype(X.dtype, copy=False), density.astype(X.dtype, copy=False)

    def predict_proba(self, X: Any) -> Array:
        """Posterior probability of each component for each row, (n, K)."""
        return self._posterior(X)[0]

    def score_samples(self, X: Any) -> Array:
        """Log-density of the observed cells of each row, (n,)."""
        return self._posterior(X)[1]

    def _told(self, X: Any) -> int:
        """The number of rows with an observed cell."""
        told = int((~np.isnan(self._checked(X))).any(axis=1).sum())
        if not told:
            raise DataError("X has no row with an observed cell: nothing to score")
        return told

    def _n_parameters(self) -> int:
        """The number of free parameters."""
        params = self._params()
        return int(self._model(params).size(params))

    def impute(self, X: Any) -> Array:
        """X with its missing cells replaced by their conditional expectation given the observed ones, (n, d)."""
        X = self._checked(X)
        return self._rows(lambda model, params, block: (model.impute(params, block)[0].T,), X)[0].astype(
            X.dtype, copy=False
        )

    def sample(self, n_samples: int = 1) -> tuple[Array, Array]:
        """Random rows (n_samples, d) from the fitted mixture and the component of each, sorted by component."""
        check_is_fitted(self)
        if n_samples < 1:
            raise DataError(f"Invalid value for 'n_samples': {n_samples}. The sampling requires at least one sample.")
        return draw_rows(self._params(), self.covariance_type, int(n_samples), check_random_state(self.random_state))
