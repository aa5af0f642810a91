"""Layer 1: one file that proves on its own who said what to whom."""
