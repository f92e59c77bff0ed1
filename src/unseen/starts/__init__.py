"""Where a run begins: each start makes parameters with the same moves as the fit itself."""
