"""A region of three county agencies with their systems, and real data from elsewhere."""
