"""From a batch to a promoted or held version: stages that can be resumed, with one outcome at the end."""

from unseen.ops.retrain.again import regate, replay
from unseen.ops.retrain.opening import retrain

__all__ = ["regate", "replay", "retrain"]
