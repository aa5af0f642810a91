"""Who was caught overloaded how often within a year (公路安全保护条例 art. 66)."""
