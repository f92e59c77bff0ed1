"""Models in a line."""

from __future__ import annotations

from unseen.core.capabilities import Structured
from unseen.core.model import Model


def model_name(model: Model) -> str:
    """A model in one line, such as ``Mixture of 3 x Gaussian(full)``.

    >>> import unseen
    >>> model_name(unseen.Mixture(unseen.Gaussian("diagonal", tied=True), 3))
    'Mixture of 3 x Gaussian(diagonal, tied)'
    """
    name = type(model).__name__
    if (number := model.number) is not None:
        name += f" of {number}"
    return f"{name} x {model.family.label}" if isinstance(model, Structured) else name
