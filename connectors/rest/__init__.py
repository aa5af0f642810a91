"""How is a list behind HTTP read, page by page?"""
