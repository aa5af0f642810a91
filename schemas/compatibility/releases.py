"""What was released stays, byte for byte: contracts by version, and the codes of every list.

Code lists are not in a contract's file: they travel with the software, and a receiver reads a
code that its list lacks as unmapped. So adding a code is always compatible. A canonical code
that was released never goes: records hold it. It ends by ``valid_to``. One that should never
have been there is named in ``released/codes/withdrawn.csv`` with the reason.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

from schemas.codes import all_codes, canonical
from schemas.compatibility.changes import at_least, parse_version, required_bump
from schemas.compatibility.compare import compare
from schemas.contract import SUFFIX, Contract, load_contract, parse_contract, record_types
from schemas.errors import ConfigError, Where
from schemas.text import Text

RELEASED = Path(__file__).parents[1] / "contracts" / "released"
CODES = "codes"


def released_versions(record_type: str, folder: Path = RELEASED) -> tuple[str, ...]:
    """Versions of a record type that were released, the oldest first."""
    found = (folder / record_type).glob(f"*{SUFFIX}")
    return tuple(sorted((p.name.removesuffix(SUFFIX) for p in found), key=parse_version))


def released_contract(record_type: str, version: str, folder: Path = RELEASED) -> Contract:
    """A released contract, from its exact bytes. ``ConfigError`` if it is not what it is named."""
    path = folder / record_type / f"{version}{SUFFIX}"
    contract = parse_contract(path.read_bytes())
    if (contract.record_type, contract.version) != (record_type, version):
        raise ConfigError(
            Text(
                en=f"the file holds {contract.record_type} {contract.version}",
                zh=f"文件内容是 {contract.record_type} {contract.version}",
            ),
            where=Where(str(path)),
        )
    return contract


def newest_release(record_type: str, folder: Path = RELEASED) -> Contract | None:
    """The last released contract of a record type; None if none was."""
    versions = released_versions(record_type, folder)
    return released_contract(record_type, versions[-1], folder) if versions else None


def check_release(
    record_type: str, folder: Path = RELEASED, contract: Contract | None = None
) -> list[Text]:
    """What speaks against the contract as it is now (or ``contract``); empty if nothing does.

    It must be a released version byte for byte, or have a version that is greater than the
    newest released one by at least what its changes need.
    """
    current = contract or load_contract(record_type)
    last = newest_release(record_type, folder)
    parse_version(current.version)
    if last is None or current.yaml_bytes == last.yaml_bytes:
        return []
    bump = required_bump(compare(last, current))
    needed = at_least(last.version, bump or "patch")
    if parse_version(current.version) >= parse_version(needed):
        return []
    return [
        Text(
            en=f"{record_type} is version {current.version}; after {last.version} these changes "
            f"need at least {needed}",
            zh=f"{record_type} 现为 {current.version} 版；在 {last.version} 之后，"
            f"上述改动至少需要 {needed} 版",
        )
    ]


def check_types(folder: Path = RELEASED, now: tuple[str, ...] | None = None) -> list[Text]:
    """Record types that were released and have no contract any more."""
    present = record_types() if now is None else now
    released = (p.name for p in sorted(folder.iterdir()) if p.is_dir() and p.name != CODES)
    return [
        Text(
            en=f"record type {name} was released and has no contract now: partners hold "
            "its records",
            zh=f"记录类型 {name} 已发布过，现在没有数据标准：合作单位仍有该类记录",
        )
        for name in released
        if name not in present
    ]


def released_codes(folder: Path = RELEASED) -> dict[str, tuple[str, ...]]:
    """The canonical codes that were ever released, by list."""
    return {
        path.stem: tuple(path.read_text(encoding="utf-8").splitlines())
        for path in sorted((folder / CODES).glob("*.txt"))
    }


def withdrawn_codes(folder: Path = RELEASED) -> frozenset[tuple[str, str]]:
    """(list, code) of codes that were released by mistake."""
    path = folder / CODES / "withdrawn.csv"
    if not path.exists():
        return frozenset()
    with path.open(encoding="utf-8", newline="") as lines:
        return frozenset((row["list"], row["code"]) for row in csv.DictReader(lines))


def check_codes(
    folder: Path = RELEASED, now: Mapping[str, tuple[str, ...]] | None = None
) -> list[Text]:
    """Lists and codes that were released and are gone. ``now``: canonical codes by list."""
    present = current_codes() if now is None else now
    withdrawn = withdrawn_codes(folder)
    problems = []
    for name, codes in released_codes(folder).items():
        here = set(present.get(name, ()))
        gone = [code for code in codes if code not in here and (name, code) not in withdrawn]
        if gone:
            shown = ", ".join(gone[:8]) + (" …" if len(gone) > 8 else "")
            problems.append(
                Text(
                    en=f"code list {name} lost codes that records hold: {shown}; "
                    "a code ends by valid_to and stays",
                    zh=f"代码表 {name} 删除了记录中已使用的代码：{shown}；"
                    "代码停用请填写 valid_to，不得删除",
                )
            )
    return problems


def current_codes() -> dict[str, tuple[str, ...]]:
    """The canonical codes of every list that has any."""
    found = {name: tuple(sorted({r.code for r in canonical(name)})) for name in all_codes()}
    return {name: codes for name, codes in found.items() if codes}


def release(folder: Path = RELEASED) -> list[Path]:
    """Keep the contracts and codes as they are now; returns the files that are new or grew.

    Raises ``ConfigError``, having written nothing, if a contract's version is too low or a
    released version would get other bytes.
    """
    problems = [p for name in record_types() for p in check_release(name, folder)]
    problems += [*check_types(folder), *check_codes(folder)]
    if problems:
        raise ConfigError(
            Text(en="; ".join(p.en for p in problems), zh="；".join(p.zh for p in problems)),
            where=Where(str(folder)),
        )
    written = []
    for name in record_types():
        contract = load_contract(name)
        path = folder / name / f"{contract.version}{SUFFIX}"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(contract.yaml_bytes)
            written.append(path)
    before = released_codes(folder)
    for name, codes in current_codes().items():
        if set(codes) - set(before.get(name, ())):
            path = folder / CODES / f"{name}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(
                "".join(f"{code}\n" for code in sorted({*codes, *before.get(name, ())}))
            )
            written.append(path)
    return written
