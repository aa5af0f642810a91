"""Asking a source how many records it has in all."""

from __future__ import annotations

from connectors.delivery import Counted, Secrets
from connectors.formats.json_document import read_document
from connectors.rest.body import AgainError
from connectors.rest.errors import public
from connectors.rest.pages import check_success
from connectors.rest.paging import number_at
from connectors.rest.question import address
from connectors.rest.session import Ask, Received, Session
from connectors.rest.settings import RestReader
from schemas.errors import RetryableError, Where


def ask_count(session: Session, reader: RestReader, secrets: Secrets) -> Counted | None:
    """What ``[reader.count]`` says of the whole source, None without that table.

    Raises :class:`RefusedError` if there is no number where it should be.
    """
    count = reader.count
    if count is None:
        return None

    def take(received: Received) -> int:
        where = Where(public(received.url), field=count.field)
        try:
            document = read_document(b"".join(received.body), reader.encoding, where)
        except RetryableError as error:
            raise AgainError(error) from None
        check_success(reader, document, where)
        return number_at(document, count.field)

    ask = Ask(address(reader, count.path, secrets), count.parameters, reader.method)
    return Counted(session.fetch(ask, take), "source")
