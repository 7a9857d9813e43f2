"""`setup`: seeds, scale and device, the environment above the arguments, and clear errors."""

import random

import numpy as np
import pytest
import torch

import d2lcourse as d2l
from d2lcourse import session as session_module


@pytest.fixture(autouse=True)
def no_settings(monkeypatch):
    for name in ("SCALE", "DEVICE", "SEED", "DATA_DIR"):
        monkeypatch.delenv(f"D2LCOURSE_{name}", raising=False)
    monkeypatch.setattr(session_module, "_scale", None)


def draws():
    return random.random(), np.random.rand(), torch.rand(1).item()


def test_same_seed_same_draws_everywhere():
    d2l.setup(seed=3)
    first = draws()
    d2l.setup(seed=3)
    assert draws() == first
    d2l.setup(seed=4)
    assert all(a != b for a, b in zip(draws(), first, strict=True))


def test_one_line_says_what_was_chosen(capsys):
    d2l.setup(seed=5, device="cpu")
    assert capsys.readouterr().out == "device cpu, scale small, seed 5\n"


def test_environment_wins(monkeypatch):
    monkeypatch.setenv("D2LCOURSE_SCALE", "full")
    monkeypatch.setenv("D2LCOURSE_SEED", "7")
    monkeypatch.setenv("D2LCOURSE_DEVICE", "cpu")
    session = d2l.setup(seed=1, scale="small", device="mps")
    assert (session.scale, session.seed, session.device.type) == ("full", 7, "cpu")
    assert session.pick(small=1, full=2) == 2


def test_setup_sets_the_scale_of_load():
    assert session_module.current_scale() == "small"
    d2l.setup(scale="full")
    assert session_module.current_scale() == "full"


@pytest.mark.parametrize("seed", [-1, 2**32, "seven"])
def test_bad_seed(seed):
    with pytest.raises(ValueError, match=r"seed .* whole number"):
        d2l.setup(seed=seed)


def test_bad_scale_guesses_the_near_miss():
    with pytest.raises(ValueError, match=r"'small', 'full'\. Did you mean 'full'"):
        d2l.setup(scale="fulll")


@pytest.mark.parametrize("device", ["gpu", "cuda:x", "tpu"])
def test_unknown_device(device):
    with pytest.raises(ValueError, match=r"unknown device .*'cpu', 'cuda', 'mps'"):
        d2l.setup(device=device)


def test_cuda_asked_for_and_absent(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match=r"sees no NVIDIA GPU.*device='cpu'"):
        d2l.setup(device="cuda")


def test_gpu_number_too_high(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(ValueError, match="there are 1 GPUs"):
        d2l.setup(device="cuda:3")


def test_data_folder_is_made(monkeypatch, tmp_path):
    monkeypatch.setenv("D2LCOURSE_DATA_DIR", str(tmp_path / "a" / "b"))
    assert session_module.data_dir() == tmp_path / "a" / "b"
    assert list((tmp_path / "a" / "b").iterdir()) == []


def test_data_folder_that_cannot_be_written(monkeypatch, tmp_path):
    blocker = tmp_path / "file"
    blocker.write_text("in the way")
    monkeypatch.setenv("D2LCOURSE_DATA_DIR", str(blocker / "data"))
    with pytest.raises(PermissionError, match="set D2LCOURSE_DATA_DIR"):
        session_module.data_dir()
    assert blocker.read_text() == "in the way"
