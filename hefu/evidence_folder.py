"""An exported folder of evidence: what lies where in it, and reading it without a node.

    封面.html                        the cover sheet
    SHA256SUMS, verify.sh            for common tools
    <stream>.<8 digits>/             one bundle
        evidence.json, statement.dsse.json, root.json, agreement.json
        bundle.hefu                  not there once its retention was over
        repository/metadata/…, repository/targets/…     the publisher's lists as they were
        contracts/<record_type>.odcs.yaml               the receiver's own
        keys/<key id>.pem            who signed
        records/…                    the records as spreadsheets
        receipt/…                    our receipt and the partner's word that it has it

Only what the base installation holds is imported here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from exchange.jsontext import sha256_hex
from exchange.trust.evidence import Evidence, read_evidence
from exchange.trust.evidence_verify import Proof
from schemas.errors import ConfigError, DataError, Where
from schemas.text import Text

COVER, SUMS, SCRIPT = "封面.html", "SHA256SUMS", "verify.sh"
RECORD, BUNDLE, STATEMENT = "evidence.json", "bundle.hefu", "statement.dsse.json"
ROOT, AGREEMENT, REPOSITORY, CONTRACTS = "root.json", "agreement.json", "repository", "contracts"


def metadata_place(name: str) -> str:
    """Where a metadata file of an evidence record lies in ``repository/``."""
    return name if "/" in name else f"metadata/{name}"


def bundle_folders(folder: Path) -> list[Path]:
    """The folders of single bundles in an exported folder; a bundle's own folder is one, too.

    Raises ``ConfigError`` if there are none.
    """
    found = [p.parent for p in sorted([*folder.glob(RECORD), *folder.glob(f"*/{RECORD}")])]
    if not found:
        raise ConfigError(
            Text(en="this is no exported folder of evidence", zh="此目录不是导出的证据目录"),
            where=Where(str(folder)),
            hint=Text(
                en="name the folder that hefu evidence export wrote",
                zh="请指定 hefu evidence export 生成的目录",
            ),
        )
    return found


def read_folder(folder: Path) -> Proof:
    """One bundle's evidence. Raises ``DataError`` for what is missing or isn't evidence."""
    evidence: Evidence = read_evidence(_read(folder, RECORD), folder / RECORD)
    if not (folder / BUNDLE).is_file():
        raise DataError(
            Text(
                en="the bundle is not here: it was let go of at the end of its retention",
                zh="此处没有数据包：其保存期限届满后已清除",
            ),
            where=Where(str(folder / BUNDLE)),
            hint=Text(
                en=f"a copy of the publisher's with SHA-256 {evidence.file_sha256} can be put here",
                zh=f"可将发送方留存的副本（SHA-256 {evidence.file_sha256}）放到此处",
            ),
        )
    return Proof(
        evidence,
        folder / BUNDLE,
        _read(folder, STATEMENT),
        _read(folder, ROOT),
        {
            name: _named(folder, f"{REPOSITORY}/{metadata_place(name)}", digest)
            for name, digest in evidence.metadata.items()
        },
        _read(folder, AGREEMENT),
        {
            name: _named(folder, f"{CONTRACTS}/{name}.odcs.yaml", digest)
            for name, digest in evidence.contracts.items()
        },
    )


def changed_files(folder: Path) -> list[str]:
    """Names of ``SHA256SUMS`` that are missing or have another digest, and files it doesn't name.

    Raises ``DataError`` without a list of sums.
    """
    listed = dict(_sums(_read(folder, SUMS).decode("utf-8", "replace")))
    here = {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()} - {SUMS}
    changed = [
        name
        for name, digest in listed.items()
        if name not in here or _digest(folder / name) != digest
    ]
    return sorted({*changed, *(here - set(listed))})


def write_sums(folder: Path) -> None:
    """``SHA256SUMS`` of all files below ``folder``, as ``sha256sum -c`` reads it."""
    names = sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())
    lines = [f"{_digest(folder / name)}  {name}\n" for name in names if name != SUMS]
    (folder / SUMS).write_text("".join(lines), encoding="utf-8")


def _sums(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        digest, _, name = line.partition("  ")
        yield name, digest


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read(folder: Path, name: str) -> bytes:
    try:
        return (folder / name).read_bytes()
    except FileNotFoundError:
        raise DataError(
            Text(en="a file of the evidence is missing", zh="证据目录缺少文件"),
            where=Where(str(folder / name)),
        ) from None


def _named(folder: Path, name: str, digest: str) -> bytes:
    """Names come from the evidence record, so they must not lead out of the folder."""
    path = folder / name
    if ".." in Path(name).parts or path.is_symlink():
        raise _changed(path)
    data = _read(folder, name)
    if sha256_hex(data) != digest:
        raise _changed(path)
    return data


def _changed(path: Path) -> DataError:
    return DataError(
        Text(en="a file of the evidence was changed", zh="证据文件已被改动"),
        where=Where(str(path)),
        hint=Text(en="use an unchanged copy of the folder", zh="请使用未被改动的证据目录副本"),
    )
