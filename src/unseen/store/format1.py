"""Runs of format 1, which named classes by their modules of that time: a frozen table from those names to kinds.

The table is about files that lie on other people's disks. It never changes, wherever the classes stand today.
"""

from __future__ import annotations

from typing import Any

from unseen.errors import RunError

KINDS = {
    "core.block.Field": "field",
    "core.block.Slot": "slot",
    "core.encoding.Encoding": "encoding",
    "core.profile.ColumnProfile": "column_profile",
    "core.profile.Profile": "profile",
    "core.shape.Facts": "facts",
    "core.stop.Outcome": "outcome",
    "core.stop.Record": "record",
    "families.bernoulli.Bernoulli": "bernoulli",
    "families.beta.Beta": "beta",
    "families.categorical.Categorical": "categorical",
    "families.gamma.Gamma": "gamma",
    "families.gaussian.Gaussian": "gaussian",
    "families.hurdle.Hurdle": "hurdle",
    "families.log_normal.LogNormal": "log_normal",
    "families.negative_binomial.NegativeBinomial": "negative_binomial",
    "families.ordinal.Ordinal": "ordinal",
    "families.poisson.Poisson": "poisson",
    "families.product.Product": "product",
    "families.product.Term": "term",
    "families.student_t.StudentT": "student_t",
    "families.zero_inflated.ZeroInflated": "zero_inflated",
    "models.factor_analysis.FactorAnalysis": "factor_analysis",
    "models.hmm.HMM": "hmm",
    "models.logistic_experts.LogisticExperts": "logistic_experts",
    "models.mixture.Mixture": "mixture",
    "result.Result": "result",
}

#: fields that came while format 1 was written, and what a run from before them meant
LATER: dict[str, dict[str, Any]] = {
    "column_profile": {"m3": None, "facts": None},
    "factor_analysis": {"single": False},
    "gaussian": {"factors": 0, "steps": None, "rows": 0, "single": False},
    "mixture": {"rows": 0},
    "record": {"rounding": 0.0},
    "result": {"volume": None, "columns": [], "certainty": None},
    "student_t": {"incomplete": False, "steps": None, "rows": 0},
    "zero_inflated": {"together": None},
}


def converted(value: Any, where: str = "run.json") -> Any:
    """The same in the words of format 2, where every kind of format 1 is version 1 of it.

    Raises
    ------
    RunError
        A class that format 1 never held.

    >>> converted({"$type": "models.mixture.Mixture", "components": 2})
    {'$kind': 'mixture', 'version': 1, 'rows': 0, 'components': 2}
    """
    if isinstance(value, list):
        return [converted(v, where) for v in value]
    if not isinstance(value, dict):
        return value
    inside = {k: converted(v, where) for k, v in value.items() if k != "$type"}
    if "$type" not in value:
        return inside
    name = KINDS.get(value["$type"])
    if name is None:
        raise RunError(f"{where} names a class {value['$type']!r}, which is none that runs of format 1 hold")
    return {"$kind": name, "version": 1, **LATER.get(name, {}), **inside}
