"""A mixture for tables as they are: mixed columns, holes, and nothing to choose beforehand."""

from __future__ import annotations

from unseen.sklearn.answers import Components, NewRows
from unseen.sklearn.planned_mixture import PlannedMixture
from unseen.sklearn.scores import Scores


class MixedMixture(Scores, Components, NewRows, PlannedMixture):
    r"""Mixture of mixed columns, decided by the data as ``unseen fit FILE`` does.

    .. math:: p(x) = \sum_{k=1}^{K} \pi_k \prod_{b} f_b(x_b; \theta_{kb})

    X is a pandas, polars or pyarrow table, a NumPy matrix (numbers, or objects with text among them), a structured
    array or a dict of columns, (n, d). NaN, None, null and masked cells are missing at random and integrated
    out, in every method. The family f_b of each column is found in the data: numbers form one block b with
    covariances, counts, codes, booleans and text are independent of others inside a component. Columns that are
    constant, or text that differs in nearly every row, are left out; ``columns_`` says what was done and why.

    Parameters
    ----------
    n_components : the number of components, several to choose from, or None: from 1 to 8, until the criterion gets
        worse
    covariance : ``"auto"`` (the best by the criterion), ``"full"``, ``"diagonal"``, ``"spherical"``,
        ``"factors-1"`` to ``"factors-5"``, each also with ``"tied-"`` before it
    families : dict from a column (a name, or a position of a matrix) to its family, where it is not to be found
    ignore : columns (names, or positions of a matrix) that the fit leaves out
    criterion : ``"bic"``, ``"icl"`` or ``"heldout"``, lower is better
    restarts : starts for each number of components; None: up to 10
    tol : log-likelihood per row that may be left to gain; None: 1e-7, or 1e-5 where the number is searched
    max_iter, max_seconds : caps on the iterations of a start, and on the time of the whole search
    algorithm : ``"batch"``, ``"squarem"``, ``"stepwise"``, ``"incremental"``, ``"reduced"``; None: batch, squarem
    prior : strength of a conjugate prior, in rows per component; 0 is maximum likelihood
    unknown : what a category is that the fit has not seen: ``"refuse"`` (an error) or ``"missing"``
    random_state : same number, same fit

    Attributes
    ----------
    n_components_, weights_ : the number of components and their shares, (K,)
    columns_ : what was found in each column and decided about it, a dict for each column
    converged_, n_iter_ : how the best fit ended
    classes_ : the classes of ``labels``, component k is class k; only with labels
    n_features_in_, feature_names_in_ : the columns of the fit
    result_ : the `unseen.Result` behind it, with trace, criteria, search table, warnings, ``save`` and ``plot``

    Raises
    ------
    DataError
        A column without any observed cell, a mix of numbers and text in one column, no column that can be used,
        unusable weights or labels; it is a ValueError.

    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> group = rng.integers(0, 2, 200)
    >>> plan = np.where(rng.random(200) < 0.1 + 0.8 * group, "pro", "free").astype(object)
    >>> X = np.column_stack([rng.normal(8 * group, 1).round(1).astype(object), plan])
    >>> X[:20, 0] = None
    >>> mixture = MixedMixture(restarts=2).fit(X)
    >>> mixture.n_components_, [c["family"] for c in mixture.columns_]
    (2, ['gaussian', 'categorical'])
    >>> bool(mixture.predict([[8.0, None]])[0] == mixture.predict([[None, "pro"]])[0])
    True

    Source: McLachlan & Peel (2000), Finite Mixture Models; Schwarz (1978), Ann. Statist. 6, 461-464.
    """
