"""Who may have what, for what: agreements, and rows cut to what they grant."""
