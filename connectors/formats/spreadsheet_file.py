"""Which kind of workbook a file is, by its content; a password taken off first."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from connectors.delivery import Secrets
from connectors.disk import minding_a_full_disk
from connectors.formats.spreadsheet_cells import Merge, Row
from connectors.formats.spreadsheet_ods import Ods
from connectors.formats.spreadsheet_package import FOREIGN_FAULTS, Package, damaged, too_large
from connectors.formats.spreadsheet_xls import Xls
from connectors.formats.spreadsheet_xlsx import Xlsx
from connectors.reader_config import FilesReader
from schemas.errors import DataError, Where
from schemas.text import Text

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_BIFF = (b"\x09\x08", b"\x09\x04", b"\x09\x02", b"\x09\x00")
_HEAD = 2048


class Workbook(Protocol):
    """An open workbook; sheets are numbered from 0 here."""

    sheets: list[tuple[str, bool]]
    """Name, and whether it is hidden."""

    def has_rows(self, sheet: int) -> bool: ...

    def read(self, sheet: int) -> tuple[list[Merge], Iterator[Row]]: ...

    def close(self) -> None: ...


def open_workbook(
    path: Path, where: Where, reader: FilesReader, temp: Path, secrets: Secrets | None
) -> Workbook:
    """Raises :class:`DataError` for what is no workbook, is damaged, or has another password."""
    with path.open("rb") as handle:
        head = handle.read(_HEAD)
    if head.startswith(_OLE):
        path = _without_password(path, where, reader, temp, secrets)
        with path.open("rb") as handle:
            head = handle.read(_HEAD)
    if head.startswith(_ZIP):
        return _zipped(path, where, reader)
    if head.startswith((_OLE, *_BIFF)):
        if path.stat().st_size > reader.max_document_bytes:
            raise too_large(where, reader.max_document_bytes)
        return Xls(path, where)
    raise _no_workbook(head, where)


def _zipped(path: Path, where: Where, reader: FilesReader) -> Workbook:
    package = Package(path, where, reader.max_unpacked_bytes)
    try:
        if "content.xml" in package.names:
            _check_plain(package, where)
            return Ods(package, max_all=reader.max_unpacked_bytes, max_row=reader.max_record_bytes)
        if "xl/workbook.bin" in package.names:
            raise damaged(where, Text(en="it is an XLSB", zh="这是 XLSB 格式"))
        if "_rels/.rels" in package.names:
            texts, row = reader.max_document_bytes, reader.max_record_bytes
            return Xlsx(package, max_texts=texts, max_row=row)
        raise damaged(where, Text(en="it is a ZIP without a workbook", zh="ZIP 中没有工作簿"))
    except BaseException:
        package.close()
        raise


def _check_plain(package: Package, where: Where) -> None:
    manifest = "META-INF/manifest.xml"
    tags = {tag for _, (tag, _) in package.elements(manifest)}
    if "encryption-data" in tags:
        raise DataError(
            Text(
                en="this ODS workbook has a password, which only LibreOffice can take off",
                zh="该 ODS 文件设有密码，只能用 LibreOffice 去除",
            ),
            where=where,
            hint=Text(
                en="have it saved without a password, or as .xlsx with one",
                zh="请去除密码后重新保存，或另存为带密码的 .xlsx",
            ),
        )


def _without_password(
    path: Path, where: Where, reader: FilesReader, temp: Path, secrets: Secrets | None
) -> Path:
    """``path`` itself, or a plain copy of what is encrypted."""
    import msoffcrypto
    from msoffcrypto import exceptions

    faults = (exceptions.FileFormatError, exceptions.ParseError, exceptions.DecryptionError)
    with path.open("rb") as handle:
        try:
            office = msoffcrypto.OfficeFile(handle)
            encrypted = office.is_encrypted()
        except (*faults, exceptions.InvalidKeyError, *FOREIGN_FAULTS):
            return path  # older than it knows, or damaged: the reader of XLS says which
        if not encrypted:
            return path
        if reader.archive_password is None or secrets is None:
            raise _no_password(where)
        password = secrets(reader.archive_password)
        plain = temp / "workbook"
        try:
            office.load_key(password=password)
            with minding_a_full_disk(temp), plain.open("wb") as out:
                office.decrypt(out)
        except exceptions.InvalidKeyError as error:
            raise _wrong_password(where) from error
        except (*faults, *FOREIGN_FAULTS) as error:
            raise damaged(
                where,
                Text(en="it is cut off or its structure is damaged", zh="文件被截断或结构损坏"),
            ) from error
    return plain


def _no_password(where: Where) -> DataError:
    return DataError(
        Text(
            en="this workbook is encrypted, and source.toml names no password",
            zh="该表格文件已加密，但 source.toml 未指明密码",
        ),
        where=where,
        hint=Text(
            en='set archive_password = "file:keys/NAME" or "env:NAME" under [reader]',
            zh='请在 [reader] 下设置 archive_password = "file:keys/名称" 或 "env:名称"',
        ),
    )


def _wrong_password(where: Where) -> DataError:
    return DataError(
        Text(
            en="the password of source.toml does not open this workbook",
            zh="source.toml 中的密码无法打开该表格文件",
        ),
        where=where,
        hint=Text(en="ask the source for the password", zh="请向来源单位核对密码"),
    )


def _no_workbook(head: bytes, where: Where) -> DataError:
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if not head:
        return damaged(where, Text(en="it is empty", zh="文件是空的"))
    if start.startswith(b"<") and b"urn:schemas-microsoft-com:office:spreadsheet" in start:
        what = Text(en="it is XML of Excel 2003", zh="这是 Excel 2003 的 XML 格式")
    elif start.startswith(b"<"):
        what = Text(
            en="it is HTML or XML with the name of a workbook",
            zh="这是改了扩展名的 HTML 或 XML",
        )
    elif b"\0" not in head:
        what = Text(
            en='it is text, perhaps a CSV: then set format = "csv"',
            zh='这是文本，可能是 CSV：若是，请设置 format = "csv"',
        )
    else:
        what = Text(
            en="it is no XLSX, XLS or ODS, or it is cut off", zh="不是 XLSX、XLS 或 ODS，或已被截断"
        )
    return damaged(where, what)
