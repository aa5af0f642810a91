"""What another agency's result counts for here: proposals with their law, and the state of each."""
