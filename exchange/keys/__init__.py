"""Keys of this agency: for signing, for opening, shared with one partner."""
