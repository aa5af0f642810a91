"""The commands of ``hefu``, one module per group. Heavy imports stay inside the functions."""
