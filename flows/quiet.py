"""Prefect as a library: its temporary server starts and stops without a word.

A person at a terminal asked for a sync, not for a server. Prefect reads its settings when it
is first imported, so :func:`quiet_prefect` must run before any ``import prefect``; it sets only
what the environment leaves open, so an operator who exports ``PREFECT_API_URL`` or a logging
level keeps it.
"""

from __future__ import annotations

import os
from pathlib import Path


def quiet_prefect(home: Path) -> None:
    """Prepare the environment for a flow run inside this process.

    ``home`` holds the temporary server's SQLite file, so that a node's runs stay with the node
    and not in the user's home. With ``PREFECT_SERVER_LOGGING_LEVEL`` below CRITICAL the
    temporary server prints stack traces while it shuts down.
    """
    defaults = {
        "PREFECT_HOME": str(home),
        "PREFECT_LOGGING_LEVEL": "CRITICAL",
        "PREFECT_SERVER_LOGGING_LEVEL": "CRITICAL",
        # Flow logs would otherwise be sent to the server that is about to stop.
        "PREFECT_LOGGING_TO_API_ENABLED": "false",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
    }
    for name, value in defaults.items():
        os.environ.setdefault(name, value)
