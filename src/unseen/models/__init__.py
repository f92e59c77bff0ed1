"""Latent structures: one file, one structure."""
