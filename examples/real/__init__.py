"""Real open data of two American cities, onboarded by declarations alone."""
