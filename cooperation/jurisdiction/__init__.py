"""Jurisdiction: the common superior, who filed first, the place of the act; proposals only."""
