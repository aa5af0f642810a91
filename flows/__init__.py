"""When, in which order, retried how. Thin, over Prefect."""
