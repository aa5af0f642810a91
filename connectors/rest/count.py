"""Asking a source how many records it has in all."""

from __future__ import annotations

from connectors.delivery import Counted, Secrets
from connectors.rest.body import AgainError
from connectors.rest.documents import read_said
from connectors.rest.paging import number_at
from connectors.rest.question import address
from connectors.rest.session import Ask, Received, Session
from connectors.rest.settings import RestReader
from schemas.errors import RetryableError


def ask_count(session: Session, reader: RestReader, secrets: Secrets) -> Counted | None:
    """What ``[reader.count]`` says of the whole source, None without that table.

    Raises :class:`RefusedError` if there is no number where it should be.
    """
    count = reader.count
    if count is None:
        return None

    def take(received: Received) -> int:
        data = b"".join(received.body)
        try:
            said = read_said(reader, data, received.url, redirected=received.redirected)
        except RetryableError as error:
            raise AgainError(error) from None
        return number_at(said, count.field)

    ask = Ask(address(reader, count.path, secrets), count.parameters, reader.method)
    return Counted(session.fetch(ask, take), "source")
