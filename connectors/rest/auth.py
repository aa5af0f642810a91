"""A session that shows who asks, as ``[reader.auth]`` says."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import requests

from connectors.delivery import Secrets
from connectors.pace import Pace
from connectors.rest.auth_settings import BasicAuth, BearerAuth, HeaderAuth, HmacAuth, OAuthAuth
from connectors.rest.named import named_or_plain
from connectors.rest.oauth import ClientCredentials
from connectors.rest.settings import RestReader
from connectors.rest.signing import SignedAuth
from connectors.rest.tls import secure


def authenticate(
    session: requests.Session,
    reader: RestReader,
    folder: Path,
    *,
    secrets: Secrets,
    pace: Pace,
    zone: ZoneInfo,
) -> ClientCredentials | None:
    """Give ``session`` its credentials; returns those that can be renewed after a 401.

    Raises :class:`schemas.errors.ConfigError` for a secret that is missing.
    """
    auth = reader.auth
    if isinstance(auth, BearerAuth):
        session.headers["Authorization"] = f"Bearer {secrets(auth.token)}"
    elif isinstance(auth, BasicAuth):
        username, password = auth.username.encode(), secrets(auth.password).encode()
        session.auth = requests.auth.HTTPBasicAuth(username, password)
    elif isinstance(auth, HeaderAuth):
        session.headers[auth.name] = secrets(auth.value)
    elif isinstance(auth, HmacAuth):
        session.auth = SignedAuth(
            auth,
            named_or_plain(auth.app_key, secrets),
            secrets(auth.secret),
            zone,
            pace.clock,
            pace.nonce,
        )
    elif isinstance(auth, OAuthAuth):
        for_tokens = requests.Session()
        secure(for_tokens, reader, folder, secrets)
        for_tokens.headers.update({"Accept": "application/json", "User-Agent": "hefu"})
        renewable = ClientCredentials(
            auth,
            named_or_plain(auth.token_url, secrets),
            secrets(auth.client_secret),
            for_tokens,
            reader.timeout_seconds,
            pace.monotonic,
        )
        session.auth = renewable
        return renewable
    return None
