"""Same act: which records of two agencies tell of one and the same violation."""
