"""The arguments of an estimator out of the options that its kind of model declares, spelled as scikit-learn does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from inspect import Parameter, Signature
from numbers import Integral, Real
from typing import Any

from sklearn.utils._param_validation import Interval, StrOptions

from unseen.core.capabilities import Structured
from unseen.core.model import Latent, Model
from unseen.core.option import COLUMN, FLAG, INTEGER, TEXT, Option, fit_option
from unseen.spec import COVARIANCES

#: options of a fit by their names here
FIT = {
    "criterion": "criterion",
    "restarts": "restarts",
    "prior": "prior",
    "tol": "tol",
    "max_iter": "max_iterations",
    "max_seconds": "max_seconds",
    "algorithm": "algorithm",
}


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of an estimator: its default, what scikit-learn's validation allows, and a sentence."""

    name: str
    default: Any
    allowed: tuple[Any, ...]
    sentence: str
    positional: bool = False


def arguments_of(kind: type[Model]) -> tuple[Argument, ...]:
    """Return the arguments of the estimator of a kind of model: its own options first, the order before the others."""
    own = sorted((o for o in kind.options if not o.target), key=lambda o: not o.order)
    return (
        *(argument(option) for option in own),
        *(FAMILIES if issubclass(kind, Structured) else ()),
        *(LABELS if issubclass(kind, Latent) else ()),
        *SHARED,
    )


def argument(option: Option, name: str = "") -> Argument:
    """Return the argument that stands for an option."""
    allowed = [*_allowed(option)]
    if option.order:  # several to choose from, or as many as the criterion asks for
        allowed.append("array-like")
    if option.optional or option.default is None:
        allowed.append(None)
    sentence = f"{option.sentence} None: {option.told}." if option.told else option.sentence
    return Argument(name or option.name, option.default, tuple(allowed), sentence, option.order)


def initialiser(arguments: Sequence[Argument]) -> Callable[..., None]:
    """Return an ``__init__`` with these arguments, which keeps them as attributes; only the order goes by position."""
    kinds = {True: Parameter.POSITIONAL_OR_KEYWORD, False: Parameter.KEYWORD_ONLY}
    own = [Parameter(a.name, kinds[a.positional], default=a.default) for a in arguments]
    signature = Signature([Parameter("self", Parameter.POSITIONAL_OR_KEYWORD), *own])

    def __init__(self: Any, *args: Any, **given: Any) -> None:
        bound = signature.bind(self, *args, **given)
        bound.apply_defaults()
        for parameter in own:
            setattr(self, parameter.name, bound.arguments[parameter.name])

    __init__.__signature__ = signature  # type: ignore[attr-defined]
    return __init__


def _allowed(option: Option) -> tuple[Any, ...]:
    if option.kind == FLAG:
        return ("boolean",)
    if option.choices:
        return (StrOptions(set(option.choices)),)
    if option.kind in (TEXT, COLUMN):
        return (str, Integral) if option.kind == COLUMN else (str,)
    closed = "neither" if option.above or option.least is None else "left"
    return (Interval(Integral if option.kind == INTEGER else Real, option.least, None, closed=closed),)


#: of latent structures over families of columns
FAMILIES = (
    Argument("families", None, (dict, None), "From a column to its family, where it is not to be found in the data."),
    Argument("covariance", "auto", (StrOptions(set(COVARIANCES)),), "The form of the Gaussian covariances."),
)
#: of models that take the known classes of some rows
LABELS = (
    Argument(
        "semi_supervised",
        False,
        ("boolean",),
        "Whether y holds the known classes of some rows, -1, NaN or None where unknown; else y is ignored.",
    ),
)
SHARED = (
    Argument("ignore", None, ("array-like", None), "Columns (names, or positions of a matrix) that are left out."),
    *(argument(fit_option(option), name) for name, option in FIT.items()),
    Argument(
        "unknown",
        "refuse",
        (StrOptions({"refuse", "missing"}),),
        "What a category is that the fit has not seen: an error, or missing.",
    ),
    Argument("random_state", 0, ("random_state",), "Same number, same fit."),
)

__all__ = ["FIT", "Argument", "argument", "arguments_of", "initialiser"]
