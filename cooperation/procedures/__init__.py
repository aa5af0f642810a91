"""Procedures between agencies: a table of states and acts each, and the fold that reads it."""
