"""How is a partner system read, without losing or doubling a row?"""
