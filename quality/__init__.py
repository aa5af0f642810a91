"""What must a record satisfy, and what happens to one that does not?"""
