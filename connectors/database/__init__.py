"""How is a table or query of another system's database read?"""
