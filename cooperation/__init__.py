"""What do agencies do with each other's records, by which rule, by when?"""
