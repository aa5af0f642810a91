"""A new node on disk: folders and ``hefu.toml``. Its keys are made by ``hefu keys init``.

What ``hefu init`` makes and the examples build on. The folders that hold rows of people
(landing, lake, quarantine, inbox, sent, sealed, reports, tmp) and the keys are the owner's alone
(0700); ``repository`` is what partners are shown.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from hefu.node import CONFIG_NAME, Agency
from hefu.terminal import tr
from schemas.errors import ConfigError, Where
from schemas.text import Text

PRIVATE_FOLDERS = (
    "keys",
    "landing",
    "lake",
    "quarantine",
    "inbox",
    "sent",
    "sealed",
    "reports",
    "tmp",
)
SHARED_FOLDERS = ("sources", "agreements", "partners", "repository")
KEY_NAME = "signing.pem"


@dataclass(frozen=True, slots=True)
class Scaffolded:
    """The new node's folder."""

    root: Path


def check_agency(
    code: str, name: str, division_code: str, business_domain: str | None = None
) -> Agency:
    """The agency, if its codes can be real.

    ``code`` must satisfy GB 32100-2015 including its check character; ``division_code`` must
    have GB/T 2260's six digits; ``business_domain`` must be in that code list.
    Raises :class:`ConfigError`.
    """
    from schemas.sql import connect

    con = connect()
    try:
        row = con.execute(
            "SELECT credit_code(?), coalesce(credit_code_ok(credit_code(?)), false)", [code, code]
        ).fetchone()
    finally:
        con.close()
    normal, good = row if row is not None else (code, False)
    if not good:
        raise ConfigError(
            Text(
                en=f"{code!r} is not a unified social credit code",
                zh=f"{code!r} 不是有效的统一社会信用代码",
            ),
            hint=Text(
                en="18 characters, the last one checks the others (GB 32100); look for a typing "
                "mistake",
                zh="应为 18 位，末位为校验码（GB 32100）；请检查是否录错",
            ),
        )
    if len(division_code) != 6 or not division_code.isascii() or not division_code.isdigit():
        raise ConfigError(
            Text(
                en=f"{division_code!r} is not a division code",
                zh=f"{division_code!r} 不是行政区划代码",
            ),
            hint=Text(
                en="six digits, as 330523 (GB/T 2260)", zh="应为六位数字，如 330523（GB/T 2260）"
            ),
        )
    if not name.strip():
        raise ConfigError(Text(en="the agency needs a name", zh="请填写机构名称"))
    _check_domain(business_domain)
    return Agency(
        code=str(normal),
        name=name.strip(),
        division_code=division_code,
        business_domain=business_domain,
    )


def _check_domain(business_domain: str | None) -> None:
    from schemas.codes import canonical

    known = {row.code: row for row in canonical("business_domain")}
    if business_domain is not None and business_domain not in known:
        raise ConfigError(
            Text(
                en=f"{business_domain!r} is not a business domain",
                zh=f"{business_domain!r} 不是业务门类代码",
            ),
            hint=Text(
                en=", ".join(f"{code} {row.label_en}" for code, row in known.items()),
                zh="、".join(f"{code} {row.label_zh}" for code, row in known.items()),
            ),
        )


def create_node(root: Path, agency: Agency, passphrase: str | None = None) -> Scaffolded:
    """Make a node in ``root``, which may exist but must not be a node already.

    ``passphrase``: for the keys that ``hefu keys init`` will make; kept with mode 0600 (without
    it that makes one). Raises :class:`ConfigError` if there is a node, or the folder can't be
    written.
    """
    config = root / CONFIG_NAME
    if config.exists():
        raise ConfigError(
            Text(en="there is a node here already", zh="此处已有节点"),
            where=Where(str(config)),
            hint=Text(
                en="choose another folder; a node is never overwritten",
                zh="请换一个目录；已有节点不会被覆盖",
            ),
        )
    try:
        root.mkdir(parents=True, exist_ok=True)
        for name in PRIVATE_FOLDERS:
            (root / name).mkdir(mode=0o700, exist_ok=True)
        for name in SHARED_FOLDERS:
            (root / name).mkdir(exist_ok=True)
    except OSError as error:
        raise ConfigError(
            Text(
                en=f"the folder can't be made ({error.strerror})",
                zh=f"无法创建目录（{error.strerror}）",
            ),
            where=Where(str(error.filename or root)),
        ) from error
    if passphrase is not None:
        _write_private(root / "keys" / "passphrase", passphrase + "\n")
    (root / ".gitignore").write_text(_IGNORED, encoding="utf-8")
    # Last, because it is what makes the folder a node.
    config.write_text(_config_text(agency), encoding="utf-8")
    return Scaffolded(root)


def _write_private(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


_IGNORED = """\
# configuration may be versioned; keys and records may not
/keys/
/landing/
/standing/
/lake/
/quarantine/
/repository/
/inbox/
/sent/
/sealed/
/reports/
/tmp/
"""


def toml_text(value: str) -> str:
    """``value`` as a TOML basic string (JSON's escapes are a subset of TOML's)."""
    return json.dumps(value, ensure_ascii=False)


def _domain_line(agency: Agency) -> str:
    if agency.business_domain is not None:
        return f"business_domain = {toml_text(agency.business_domain)}"
    about = tr(
        "what its records are about, if no source says otherwise: 01 highways, 02 road transport",
        "业务门类，来源可另行指定：01 公路路政，02 道路运政 …",
    )
    return f'# business_domain = "01"  # {about}'


def _config_text(agency: Agency) -> str:
    about = tr(
        "A node of Hefu. Check it with: hefu check", "合符节点的配置。检查配置请运行：hefu check"
    )
    who = tr(
        "Who this agency is. code: unified social credit code (GB 32100)",
        "本机构。code：统一社会信用代码（GB 32100）；division_code：行政区划代码（GB/T 2260）",
    )
    machine = tr(
        "What a run may take of the machine.", "一次运行可占用的内存；时区用于没有时区的时间。"
    )
    keys = tr(
        "The online keys (hefu keys init). A secret is named, never written here: env:NAME, "
        "file:PATH or block:NAME",
        "在线密钥（由 hefu keys init 生成）。此处只写口令的出处，不写口令本身：env:变量名、"
        "file:路径 或 block:名称",
    )
    landing = tr(
        "How many days what was received is kept as it was received; unset: for ever",
        "收到的原始数据保存多少天；不写则永久保存",
    )
    return f"""\
# {about}

# {who}
[agency]
code = {toml_text(agency.code)}
name = {toml_text(agency.name)}
division_code = {toml_text(agency.division_code)}
{_domain_line(agency)}

# {machine}
[node]
time_zone = "Asia/Shanghai"
memory_limit = "1GB"

# {keys}
[keys]
signer = "file:keys/{KEY_NAME}"
passphrase = "file:keys/passphrase"
identity = "file:keys/identity.pem"

# {landing}
[landing]
# keep_days = 400
"""
