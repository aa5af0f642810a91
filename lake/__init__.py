"""Where do records rest, and what is their current state?"""
