"""How does a record reach a partner, and how does the partner know it is true?"""
