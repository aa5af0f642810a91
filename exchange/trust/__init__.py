"""Whom we believe and since when: TUF roles, cards, partners, evidence."""
