"""Which cases look like a crime, which of them were transferred, and which were fined meanwhile."""
