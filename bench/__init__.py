"""Measurements: ratios in one run against a named reference on the same data. Never a test."""
