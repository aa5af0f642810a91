"""The node's own key for persons and firms: a pseudonym that only this node can make.

``keys/subjects.key``, made when it is first needed, 0600, the same form as a pair's key. It never
leaves the node: partners' tokens are made with the pairs' keys (``exchange.keys.pairs``).
"""

from __future__ import annotations

import secrets

from exchange.keys.pairs import read_pair_key, write_pair_key
from hefu.node import Node
from schemas.errors import ConfigError
from schemas.identities.tokens import KEY_BYTES

NAME = "subjects.key"


def subject_key(node: Node) -> bytes:
    """32 bytes for ``schemas.identities.tokens.party_token``; made at the first call.

    Raises ``ConfigError`` for a file that is no key. A lost key costs nothing but the pseudonyms
    made with it: the case index is then built anew.
    """
    path = node.root / "keys" / NAME
    if not path.exists():
        try:
            write_pair_key(path, secrets.token_bytes(KEY_BYTES))
        except ConfigError:
            if not path.exists():  # another process was quicker: its key is the node's
                raise
    return read_pair_key(path)
