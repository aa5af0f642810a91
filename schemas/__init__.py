"""What is a record? Contracts, code lists, identity, normalisation. Imports nothing of ours."""
