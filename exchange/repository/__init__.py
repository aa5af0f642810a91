"""Where bundles lie: static files that any carrier brings to a partner."""
