"""Loops over fits, and tools on their results."""
