"""Where sums are made: one file, one engine."""
