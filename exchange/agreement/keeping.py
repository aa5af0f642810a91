"""The agreements that bundles were sent under, for as long as the chain goes on.

What a partner was told under an earlier version is only known with that version at hand. The
statement names it by its digest; its text is kept below ``sent/`` in the canonical form that the
digest is of, so that it can be nothing else. A file in ``agreements/`` serves as well.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from exchange.agreement.model import Agreement, Grant
from exchange.agreement.versions import grant_of
from exchange.bundle.statement import AgreementReference
from exchange.files import put_durably, sync_folder
from exchange.jsontext import sha256_hex
from schemas.errors import ConfigError, Where
from schemas.text import Text

FOLDER = "agreements"


def keep_agreement(sent: Path, agreement: Agreement) -> Path:
    """Keep ``agreement`` below ``sent``, under its digest; does nothing if it is there."""
    path = _path(sent, agreement.digest())
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        put_durably(path, agreement.canonical())
        sync_folder(path.parent)
    return path


def kept_agreement(sent: Path, digest: str) -> Agreement | None:
    """The agreement with this digest. Raises ``ConfigError`` if the file holds another text."""
    path = _path(sent, digest)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    if sha256_hex(data) != digest:
        raise ConfigError(
            Text(
                en="this file is not the agreement that its name says",
                zh="此文件的内容与文件名所示协议不符",
            ),
            where=Where(str(path)),
            hint=Text(
                en="put it back from a backup, or put that version's file into agreements/",
                zh="请从备份恢复，或将该版本的协议文件放回 agreements/",
            ),
        )
    return Agreement.model_validate_json(data)


def former_grant(
    sent: Path, agreements: Iterable[Agreement], named: AgreementReference, stream: str
) -> Grant:
    """The grant that the last bundle of ``stream`` was made under.

    Raises ``ConfigError`` if that version of the agreement is neither among ``agreements`` nor
    kept: without it nobody can say what the partner has.
    """
    found = next((a for a in agreements if a.digest() == named.digest), None)
    agreement = found or kept_agreement(sent, named.digest)
    grant = grant_of(agreement, stream) if agreement is not None else None
    if grant is None:
        raise ConfigError(
            Text(
                en=f"agreement {named.id!r} version {named.version} (digest {named.digest}), "
                "under which the last bundle was made, is not here",
                zh=f"找不到最近一次发送所依据的协议 {named.id!r} 第 {named.version} 版"
                f"（摘要 {named.digest}）",
            ),
            where=Where(str(sent / FOLDER)),
            hint=Text(
                en="put its file back into agreements/ beside the new version",
                zh="请将该版本的协议文件放回 agreements/，与新版并存",
            ),
        )
    return grant


def _path(sent: Path, digest: str) -> Path:
    return sent / FOLDER / f"{digest}.json"
