"""Build ``.venv`` from the locked requirements: what ``make setup`` runs.

Plain standard library, run by the machine's own Python (3.11 or newer). It needs no root, and
when neither the lock nor ``pyproject.toml`` changed it returns at once: the digest of both is
kept in ``.venv/hefu-setup.sha256`` and written last, so that an interrupted set-up is taken up
again by the next run.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import time
import venv
from pathlib import Path

if sys.version_info < (3, 11):  # said before anything newer is imported
    raise SystemExit("Hefu needs Python 3.11 or newer: make setup PYTHON=/path/to/python3.11")

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from schemas.text import Text  # noqa: E402  (standard library only, by the rule of that file)

VENV = ROOT / ".venv"
LOCK = ROOT / "requirements" / "dev.txt"
STAMP = VENV / "hefu-setup.sha256"
LOG = VENV / "hefu-setup.log"
PYTHON = VENV / "bin" / "python"


def digest() -> str:
    """What the environment is made from: lock, project metadata, Python's version."""
    sha = hashlib.sha256(repr(sys.version_info[:3]).encode())
    for path in (LOCK, ROOT / "pyproject.toml"):
        sha.update(path.read_bytes())
    return sha.hexdigest()


def say(text: Text | str, *, end: str = "\n") -> None:
    sys.stderr.write(f"{text}{end}")
    sys.stderr.flush()


def locked_count() -> int:
    lines = LOCK.read_text(encoding="utf-8").splitlines()
    return sum("==" in line and not line.startswith((" ", "#")) for line in lines)


class Progress:
    """One line that is redrawn on a terminal; on anything else nothing until the end."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.seen = 0
        self.drawn = sys.stderr.isatty()

    def line(self, line: str) -> None:
        """Follow pip: one such line per package, then one line that starts the unpacking."""
        if line.startswith(("Collecting ", "Processing ")):
            self.seen += 1
            name = Path(line.split()[1]).name.split("==")[0].split("-")[0]
            self._draw(Text(en=f"fetching {name}", zh=f"正在下载 {name}"))
        elif line.startswith("Installing collected packages"):
            self._draw(Text(en="unpacking all", zh="正在解包安装"))

    def _draw(self, what: Text) -> None:
        if self.drawn:
            say(f"\r\033[K      {self.seen}/{self.total} {what}", end="")

    def close(self) -> None:
        if self.drawn:
            say("\r\033[K", end="")


def pip(*arguments: str, progress: Progress | None = None) -> None:
    """Run pip in the new environment; its talk goes to the log, its failure to the user."""
    command = [str(PYTHON), "-u", "-m", "pip", "--no-input", *arguments]
    with LOG.open("a", encoding="utf-8") as log:
        log.write(f"$ pip {' '.join(arguments)}\n")
        with subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process:
            tail: list[str] = []
            for line in process.stdout or ():
                log.write(line)
                tail = [*tail[-14:], line]
                if progress:
                    progress.line(line)
    if progress:
        progress.close()
    if process.returncode:
        say("".join(tail))
        say(
            Text(
                en=f"pip failed; the whole log is in {LOG}\n"
                "hint: is the package index reachable? run `make setup` again to go on",
                zh=f"pip 安装失败，完整日志见 {LOG}\n"
                "提示：请确认软件包源可以访问，然后重新运行 `make setup`",
            )
        )
        raise SystemExit(3)


def create() -> None:
    """An environment of the running Python; one of another version, or half made, is replaced."""
    config = VENV / "pyvenv.cfg"
    version = ".".join(map(str, sys.version_info[:3]))
    same = config.exists() and version in config.read_text(encoding="utf-8")
    has_pip = any(VENV.glob("lib/python*/site-packages/pip/__main__.py"))
    if not (PYTHON.exists() and same and has_pip):
        if VENV.exists():
            shutil.rmtree(VENV)
        venv.create(VENV, with_pip=True, symlinks=True)


def main() -> int:
    wanted = digest()
    if STAMP.exists() and STAMP.read_text(encoding="utf-8").strip() == wanted:
        return 0
    begun = time.monotonic()
    version = sys.version.split()[0]
    say(Text(en=f"[1/3] .venv with Python {version}", zh=f"[1/3] 用 Python {version} 建立 .venv"))
    create()
    STAMP.unlink(missing_ok=True)
    LOG.unlink(missing_ok=True)
    total = locked_count()
    say(
        Text(
            en=f"[2/3] {total} locked packages, hashes checked (about a minute)",
            zh=f"[2/3] 安装 {total} 个已锁定版本的软件包并核对哈希（约一分钟）",
        )
    )
    pip("install", "--require-hashes", "--no-deps", "-r", str(LOCK), progress=Progress(total))
    say(Text(en="[3/3] hefu itself, editable", zh="[3/3] 以可编辑方式安装 hefu 本身"))
    pip("install", "--no-deps", "--no-build-isolation", "--editable", ".")
    pip("check")
    STAMP.write_text(f"{wanted}\n", encoding="utf-8")
    seconds = time.monotonic() - begun
    say(Text(en=f"set up in {seconds:.0f} s", zh=f"环境已就绪，用时 {seconds:.0f} 秒"))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
