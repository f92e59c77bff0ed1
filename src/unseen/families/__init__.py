"""Observation distributions: one file, one family."""
