"""Computing with the law of a place on a day, from the rows of ``schemas/rules``.

Pure functions: the day and the division come in, an answer goes out that names its article,
its pack with version, and whether the row was compared with the promulgated text. Where the law
says "may", so does the answer; nothing here decides.

- ``overload``: limits by axles, fines for excess mass, one per jurisdiction that applies
- ``penalties``: the range of a fine for a cause, by the law of the act and of the decision
- ``procedure``: summary procedure, hearing, legal review, collective discussion, late payment
- ``exemption``: grounds of article 33, lists of offences that are let off
- ``limitation``: until when an act may still be punished
- ``calendar``: working days, natural days and hours
- ``jurisdiction``: which packs a division is under, and which row prevails
- ``record_rules``: the same law as soft rules over records, in SQL
"""
