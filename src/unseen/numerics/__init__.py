"""Numerical pieces that models and families share; NumPy in, NumPy out."""
