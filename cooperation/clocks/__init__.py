"""Periods of single cases and leads, which belong to no matter between agencies."""
