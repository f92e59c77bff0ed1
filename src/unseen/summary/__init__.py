"""A fit in words: plain text, plain facts, and warnings that say what to do."""

from unseen.summary.advice import warnings
from unseen.summary.facts import facts
from unseen.summary.text import summary

__all__ = ["facts", "summary", "warnings"]
