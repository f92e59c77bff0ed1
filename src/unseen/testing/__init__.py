"""The conformance suite: what every model, family, algorithm, engine and source must do.

>>> from unseen.testing import check_model
>>> from unseen.models.mixture import example
>>> check_model(example())
"""

from __future__ import annotations

from unseen.testing.algorithms import check_algorithm
from unseen.testing.checkpoints import check_checkpoint
from unseen.testing.engines import Travelling, check_engine
from unseen.testing.models import MODEL_CHECKS, check_model
from unseen.testing.sources import check_source

__all__ = [
    "MODEL_CHECKS",
    "Travelling",
    "check_algorithm",
    "check_checkpoint",
    "check_engine",
    "check_model",
    "check_source",
]
