"""A region of three county agencies on both sides of a provincial border.

Everything in it is invented; ``examples/README.md`` says how one can tell.
"""
