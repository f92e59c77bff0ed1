"""Thirty ordinary tables: what the default fit answers, beside one component, an earlier version and the peers."""
