"""``python -m schemas.compatibility [--release]``: what changed since the last release.

Exit code 0 if every contract may be released as it is, 1 if not.
"""

from __future__ import annotations

import argparse
import sys

from schemas.compatibility.changes import Change, required_bump
from schemas.compatibility.compare import compare
from schemas.compatibility.releases import (
    check_codes,
    check_release,
    check_types,
    current_codes,
    newest_release,
    release,
    released_codes,
)
from schemas.contract import load_contract, record_types
from schemas.errors import ConfigError
from schemas.text import Text

_LEVELS = {
    "major": Text("major", "不兼容"),
    "minor": Text("minor", "兼容"),
    "patch": Text("patch", "文字"),
}


def main(arguments: list[str] | None = None) -> int:
    """Print, and with ``--release`` keep what is current. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m schemas.compatibility")
    parser.add_argument(
        "--release", action="store_true", help="keep the contracts as they are now as released"
    )
    parser.add_argument(
        "--quiet", action="store_true", help="print only what speaks against a release"
    )
    options = parser.parse_args(arguments)
    problems: list[Text] = []
    for record_type in record_types():
        if not options.quiet:
            _describe(record_type)
        problems += check_release(record_type)
    if not options.quiet:
        _describe_codes()
    problems += [*check_types(), *check_codes()]
    for problem in problems:
        print(problem, file=sys.stderr)  # noqa: T201
    if problems:
        return 1
    if options.release:
        for path in release():
            print(path)  # noqa: T201
    return 0


def _describe(record_type: str) -> None:
    current, last = load_contract(record_type), newest_release(record_type)
    if last is None:
        _say(Text(f"{record_type} {current.version}: not released yet",
                  f"{record_type} {current.version}：尚未发布"))  # fmt: skip
        return
    changes = compare(last, current)
    if not changes:
        _say(Text(f"{record_type} {current.version}: as released",
                  f"{record_type} {current.version}：与已发布版本一致"))  # fmt: skip
        return
    level = _LEVELS[required_bump(changes) or "patch"]
    _say(
        Text(
            f"{record_type} {last.version} → {current.version}: {len(changes)} changes, "
            f"the highest is {level.en}",
            f"{record_type} {last.version} → {current.version}：共 {len(changes)} 处改动，"
            f"最高级别为“{level.zh}”",
        )
    )
    for change in sorted(changes, key=_by_level):
        label = _LEVELS[change.level]
        _say(Text(f"  {label.en}: {change.message.en}", f"  {label.zh}：{change.message.zh}"))


def _by_level(change: Change) -> int:
    return list(_LEVELS).index(change.level)


def _describe_codes() -> None:
    before = released_codes()
    for name, codes in current_codes().items():
        added = len(set(codes) - set(before.get(name, ())))
        if added and name in before:
            _say(
                Text(
                    f"code list {name}: {added} codes added", f"代码表 {name}：新增 {added} 个代码"
                )
            )
        elif added:
            _say(
                Text(
                    f"code list {name}: new, {added} codes",
                    f"代码表 {name}：新增，共 {added} 个代码",
                )
            )


def _say(text: Text) -> None:
    print(text)  # noqa: T201


if __name__ == "__main__":
    try:
        sys.exit(main())
    except ConfigError as error:
        print(error, file=sys.stderr)  # noqa: T201
        sys.exit(2)
