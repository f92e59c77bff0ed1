"""Fits that are kept while they are under way, and gone on with to the same bits."""
