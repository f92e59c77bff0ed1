"""Schedules: one file, one algorithm."""
