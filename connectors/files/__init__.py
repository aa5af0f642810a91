"""How are files fetched from where another system drops them?"""
