"""A pull with secrets of its own and a clock that stands, and the ways to sign."""

from __future__ import annotations

from datetime import datetime

from connectors_world import NOW

from connectors.delivery import Delivery, PullRequest
from connectors.pace import Pace
from connectors.pull import pull

SECRET = "the-shared-secret"
KNOWN = {"env:SECRET": SECRET, "env:KEY": "app-7", "env:T": "bearer-token"}


def run(source, *, clock: datetime = NOW, monotonic=lambda: 0.0) -> Delivery:
    count = iter(range(1000))
    return pull(
        source.config,
        source.folder,
        PullRequest("cursor", None, None, None, NOW),
        source.landing,
        secrets=KNOWN.__getitem__,
        pace=Pace(source.waits.append, monotonic, lambda: clock, lambda: f"nonce-{next(count)}"),
    )


HMAC = '[reader.auth]\nkind = "hmac"\napp_key = "env:KEY"\nsecret = "env:SECRET"\n'


OLD = (
    'algorithm = "md5"\nencoding = "HEX"\nplacement = "query"\nnonce_name = ""\n'
    'timestamp_format = "%Y-%m-%d %H:%M:%S"\napp_key_name = "app_key"\n'
    'timestamp_name = "timestamp"\nsignature_name = "sign"\n'
    'string_to_sign = "{secret}{joined_query}{secret}"\n'
)
