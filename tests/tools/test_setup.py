"""Setting up on a bare machine, the driver of `make test`, and the workflows' pins."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tools import test as driver
from tools.notebooks import ROOT

posix = pytest.mark.skipif(sys.platform == "win32", reason="the stand-ins are shell scripts")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What `make setup` needs, in a folder of its own."""
    root = tmp_path / "a book"
    (root / "tools").mkdir(parents=True)
    for name in ("Makefile", "pyproject.toml", "requirements.txt", "tools/setup.sh"):
        shutil.copy(ROOT / name, root / name)
    return root


def make_setup(root: Path, python: str, **env: str) -> subprocess.CompletedProcess[str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PIP_", "UV_", "MAKE", "MFL"))}
    command = ["make", "setup", f"PYTHON={python}"]
    return subprocess.run(
        command, cwd=root, env={**kept, **env}, capture_output=True, text=True, timeout=60
    )


@posix
def test_a_python_too_old_is_named_before_anything_is_made(checkout, tmp_path):
    old = tmp_path / "python3"
    old.write_text("#!/bin/sh\necho 3.8\ncase $2 in *exit*) exit 1 ;; esac\n")
    old.chmod(0o755)
    result = make_setup(checkout, str(old))
    assert result.returncode != 0
    assert "This book needs Python 3.11 or newer." in result.stderr
    assert f"{old} is 3.8." in result.stderr
    assert not (checkout / ".venv").exists()


@posix
def test_no_python_at_all(checkout):
    result = make_setup(checkout, "no-such-python")
    assert result.returncode != 0
    assert "Python 3.11 or newer. No Python was found." in result.stderr


@posix
def test_no_network_says_so_and_leaves_the_setup_unfinished(checkout):
    nowhere = "http://127.0.0.1:9/simple"
    result = make_setup(
        checkout,
        sys.executable,
        PIP_INDEX_URL=nowhere,
        PIP_RETRIES="0",
        PIP_CONFIG_FILE=os.devnull,
        PIP_NO_CACHE_DIR="1",
    )
    assert result.returncode != 0
    assert "The packages could not be installed: check the network" in result.stderr
    assert (checkout / ".venv").exists()
    assert not (checkout / ".venv" / "ready").exists()  # so the next make takes it up again


@posix
def test_an_environment_left_half_made_is_made_anew(checkout):
    (checkout / ".venv" / "bin").mkdir(parents=True)
    result = make_setup(checkout, "no-such-python")
    assert "No Python was found" in result.stderr
    # A stand-in that makes an environment whose python accepts every command.
    fake = checkout / "python3"
    fake.write_text(
        "#!/bin/sh\n"
        'case "$*" in *venv*) for last; do :; done; mkdir -p "$last/bin"\n'
        'printf \'#!/bin/sh\\necho "$@" >> log\\n\' > "$last/bin/python"\n'
        'chmod +x "$last/bin/python" ;; *) echo 3.12 ;; esac\n'
    )
    fake.chmod(0o755)
    result = make_setup(checkout, str(fake))
    assert result.returncode == 0, result.stderr
    steps = (checkout / "log").read_text()
    assert re.search(
        r"pip install .*uv==[\d.]+\n.*pip sync .*requirements.txt\n.*--editable", steps
    )
    assert (checkout / ".venv" / "ready").exists()

    (checkout / "log").unlink()
    assert make_setup(checkout, str(fake)).returncode == 0
    assert not (checkout / "log").exists()  # complete: nothing is installed again
    later = (checkout / ".venv" / "ready").stat().st_mtime + 5
    os.utime(checkout / "requirements.txt", (later, later))
    assert make_setup(checkout, str(fake)).returncode == 0
    assert "pip sync" in (checkout / "log").read_text()


def test_every_target_is_in_the_help():
    makefile = (ROOT / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert phony
    targets = phony[1].split()
    # Under `make test` a plain make would announce the folder it enters.
    command = ["make", "--no-print-directory", "help"]
    output = subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout
    assert [line.split()[0] for line in output.splitlines()[1:]] == targets
    wanted = {"book", "serve", "test", "reproduce", "bench", "lab", "format", "lock", "clean"}
    assert wanted <= set(targets)


@pytest.fixture
def steps(tmp_path, monkeypatch):
    """Replace the driver's steps: a set of tests, the chapters' record, a step without a count."""
    tests = tmp_path / "test_some.py"
    record = tmp_path / "run.json"
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # they take seconds to import
    monkeypatch.setattr(driver, "REPORTS", tmp_path / "reports")
    monkeypatch.setattr(driver, "CHAPTERS", record)

    def steps(body: str, last: str) -> None:
        tests.write_text("import pytest\n" + body)
        chosen = {"package": f"pytest -q -p no:cacheprovider {tests}", "lint": last}
        monkeypatch.setattr(driver, "STEPS", chosen)

    return steps


PASSES = "def test_a(): pass\n@pytest.mark.skip\ndef test_b(): pass\n"


def test_the_driver_ends_with_what_passed(steps, capsys):
    steps(PASSES, "tabnanny tools/__init__.py")
    assert driver.main() == 0
    assert re.search(r"\n2 passed, 0 failed, 1 skipped in \d+ s\n$", capsys.readouterr().out)


def test_the_driver_goes_on_after_a_failure_and_names_it(steps, capsys):
    steps(PASSES + "def test_c(): assert 0\ndef test_d(gone): pass\n", "no_such_module")
    assert driver.main() == 1
    line = capsys.readouterr().out.splitlines()[-1]
    assert re.fullmatch(r"1 passed, 3 failed, 1 skipped in \d+ s: see package, lint", line)


def test_the_driver_counts_a_step_that_fails_without_a_failing_test(steps, capsys):
    # as when coverage is too low: every test passes and the exit code is not 0
    steps("import os\ndef test_a(): pass\ndef teardown_module(): os._exit(3)\n", "tabnanny tools")
    assert driver.main() == 1
    assert "1 passed, 1 failed, 0 skipped" in capsys.readouterr().out.splitlines()[-1]


def test_chapters_are_counted_from_the_record(tmp_path):
    record = tmp_path / "run.json"
    record.write_text(json.dumps({"chapters": {"a/b": 1.0, "a/c": 2.0}, "failed": ["a/c"]}))
    assert driver.count_chapters(record) == {"passed": 1, "failed": 1}


def test_workflows_pin_every_action_and_ask_for_little():
    files = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
    assert files
    for file in files:
        text = file.read_text()
        workflow = yaml.safe_load(text)
        uses = re.findall(r"uses: (.*)", text)
        assert uses
        assert all(re.fullmatch(r"[\w/-]+@[0-9a-f]{40} # v[\d.]+", use) for use in uses), uses
        assert workflow["permissions"] == {"contents": "read"}
        assert all("timeout-minutes" in job for job in workflow["jobs"].values())
        assert text.count("persist-credentials: false") == text.count("actions/checkout@")
        writers = [name for name, job in workflow["jobs"].items() if "permissions" in job]
        assert writers == (["publish"] if file.name == "ci.yml" else [])
