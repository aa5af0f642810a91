"""Install the wheel with the base requirements only, and use it as a partner would.

``check_wheel.py WHEEL FOLDER``: a fresh environment in FOLDER gets ``requirements/base.txt`` and
the wheel. There ``hefu --help`` must work without the pipeline's packages, every data file that
the rooms read must have come along, and a bundle of ``tests/vectors`` must be encrypted,
verified, opened, and refused when a byte of it changed. Prints how large the installation is.
"""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PIPELINE_ONLY = ("prefect", "great_expectations", "pandas", "deltalake", "sqlalchemy")
ROOMS = ("schemas", "connectors", "quality", "lake", "cooperation", "exchange", "flows", "hefu")
DATA = {".yaml", ".csv", ".sql", ".md", ".typed", ".toml", ".html", ".txt"}
PROBE = f"""
import importlib.util, sys
from pathlib import Path
import hefu.cli, exchange.bundle.verify, schemas.contract
found = [name for name in {PIPELINE_ONLY!r} if importlib.util.find_spec(name)]
assert not found, f"the base install brought {{found}}"
assert Path(schemas.__file__).is_relative_to(sys.prefix), schemas.__file__
for record_type in schemas.contract.record_types():
    schemas.contract.load_contract(record_type)
print("record types:", ", ".join(schemas.contract.record_types()))
"""


VECTOR = ROOT / "tests" / "vectors" / "minimal"
#: Encrypts the vector to a new age identity, and makes one copy with a byte changed.
PREPARE = """
import sys
from pathlib import Path
import pyrage
from exchange.keys.encryption import encrypt_file
vector, folder = map(Path, sys.argv[1:])
identity = pyrage.x25519.Identity.generate()
(folder / "identity.txt").write_text(f"{identity}\\n")
(folder / "identity.txt").chmod(0o600)
encrypt_file(vector / "bundle.hefu", folder / "bundle.hefu.age", [str(identity.to_public())])
data = bytearray((vector / "bundle.hefu").read_bytes())
data[len(data) // 2] ^= 1
(folder / "changed.hefu").write_bytes(data)
"""


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run(  # noqa: S603  (our own arguments)
        [str(part) for part in command], cwd=cwd, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{command} ended with {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def data_files() -> set[str]:
    """Files beside the code that git keeps in the rooms: the wheel must hold each of them."""
    listed = run("git", "ls-files", "--", *ROOMS, cwd=ROOT).splitlines()
    return {name for name in listed if Path(name).suffix in DATA}


def megabytes(folder: Path) -> dict[str, float]:
    """Size of each entry of ``site-packages``; what a fresh environment brings is left out."""
    sizes: dict[str, float] = {}
    for path in folder.rglob("*"):
        entry = path.relative_to(folder).parts[0].partition(".")[0].partition("-")[0]
        if path.is_file() and not entry.startswith(("pip", "setuptools", "_distutils", "pkg_res")):
            sizes[entry] = sizes.get(entry, 0.0) + path.stat().st_size / 1e6
    return sizes


def use(bin_folder: Path, folder: Path) -> None:
    """What the base install is for, with a bundle of the vectors."""
    python, hefu = bin_folder / "python", bin_folder / "hefu"
    run(python, "-c", PREPARE, VECTOR, folder, cwd=folder)
    given = ("--trust", VECTOR / "trust", "--identity", "identity.txt")
    run(hefu, "verify", "bundle.hefu.age", *given, "--json", cwd=folder)
    for kind in ("parquet", "csv", "xlsx"):
        out = folder / f"opened-{kind}"
        run(hefu, "open", "bundle.hefu.age", *given, "--format", kind, "--out", out, cwd=folder)
        if not (out / f"note.{kind}").stat().st_size:
            raise SystemExit(f"`hefu open --format {kind}` wrote an empty file")
    command = [str(hefu), "verify", "changed.hefu", "--trust", str(VECTOR / "trust")]
    refused = subprocess.run(command, cwd=folder, capture_output=True, check=False)  # noqa: S603
    if refused.returncode != 4:
        raise SystemExit(f"a changed bundle ended with {refused.returncode}: {refused.stderr!r}")
    # Commands of other rooms that a machine without a node runs: they must at least start.
    for words in (("keys", "sign"), ("evidence", "verify"), ("unseal",)):
        run(hefu, *words, "--help", cwd=folder)


def main(wheel: Path, folder: Path) -> None:
    venv.create(folder, with_pip=True, symlinks=True)
    python = folder / "bin" / "python"
    base = ROOT / "requirements" / "base.txt"
    pip = (python, "-m", "pip", "install", "--quiet", "--no-deps")
    run(*pip, "--require-hashes", "-r", base, cwd=folder)
    run(*pip, wheel, cwd=folder)
    run(python, "-m", "pip", "check", cwd=folder)
    site = Path(run(python, "-c", "import hefu; print(hefu.__path__[0])", cwd=folder).strip())
    missing = {name for name in data_files() if not (site.parent / name).exists()}
    if missing:
        raise SystemExit(f"not in the wheel: {sorted(missing)}")
    sys.stdout.write(run(python, "-c", PROBE, cwd=folder))
    shown = run(folder / "bin" / "hefu", "--help", cwd=folder)
    for word in ("verify", "open"):
        if word not in shown:
            raise SystemExit(f"`hefu --help` says nothing of {word}:\n{shown}")
    use(folder / "bin", folder)
    sizes = megabytes(site.parent)
    largest = sorted(sizes.items(), key=lambda item: -item[1])[:8]
    told = ", ".join(f"{name} {size:.0f}" for name, size in largest)
    sys.stdout.write(
        f"wheel {wheel.stat().st_size / 1e3:.0f} kB; "
        f"base install {sum(sizes.values()):.0f} MB ({told})\n"
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve())
