"""A fit in words: plain text, plain facts, and notices that say what to do."""

from unseen.summary.advice import notices
from unseen.summary.facts import facts
from unseen.summary.notice import Code, Notice, Severity
from unseen.summary.sentences import sentence
from unseen.summary.text import summary

__all__ = ["Code", "Notice", "Severity", "facts", "notices", "sentence", "summary"]
