"""How are bytes that were received made into rows of text?"""
