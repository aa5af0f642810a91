"""What a correction does to the record that it refers to, and when a partner has applied it."""
