"""Working on code lists: what they hold, what no list knows, what could be meant, who decides.

A value that no list knows is counted and kept; nothing here gives it a code by itself. A person
accepts a row, under the role's name, and the records are normalised again.
"""
