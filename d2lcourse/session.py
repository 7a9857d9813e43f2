"""`setup`, the first call of every chapter: device, scale, seeds and plot style."""

from __future__ import annotations

import os
import random
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch

from .errors import unknown

SCALES = ("small", "full")
DEVICES = ("cpu", "cuda", "mps")

T = TypeVar("T")

# The scale that `setup` chose; `data.load` uses it when none is named.
_scale: str | None = None


@dataclass(frozen=True)
class Session:
    """What `setup` chose: where tensors live, how large the work is, which seed was set."""

    device: torch.device
    scale: str
    seed: int

    def pick(self, *, small: T, full: T) -> T:
        """Return the value for this session's scale, so that no other line asks which it is.

        >>> Session(torch.device("cpu"), "small", 0).pick(small=3, full=90)
        3
        """
        return small if self.scale == "small" else full


def setup(seed: int = 0, scale: str | None = None, device: str | None = None) -> Session:
    """Set the seeds and the plot style, choose device and scale, and print one line about it.

    The environment wins over the arguments, so that one command can run a whole chapter
    elsewhere: ``D2LCOURSE_SEED``, ``D2LCOURSE_SCALE`` and ``D2LCOURSE_DEVICE``.

    Args:
        seed: seed of Python's, NumPy's and PyTorch's random number generators, 0 to 2**32 - 1.
        scale: ``"small"`` (offline, seconds on a CPU; the default) or ``"full"`` (the real data).
        device: ``"cpu"``, ``"cuda"``, ``"cuda:1"``, ``"mps"``; by default the best there is.

    Returns:
        A `Session` with ``device``, ``scale`` and ``seed``.

    Raises:
        ValueError: the seed, the scale or the device is not one that exists here.
    """
    global _scale
    seed = _valid_seed(os.environ.get("D2LCOURSE_SEED", seed))
    chosen_scale = _valid_scale(os.environ.get("D2LCOURSE_SCALE") or scale or "small")
    chosen_device = _valid_device(os.environ.get("D2LCOURSE_DEVICE") or device)
    _scale = chosen_scale

    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)

    from .plots import use_style  # matplotlib is imported only where it is used

    use_style()
    session = Session(chosen_device, chosen_scale, seed)
    print(f"device {chosen_device}, scale {chosen_scale}, seed {seed}")
    return session


def current_scale() -> str:
    """Return the scale in force: the environment's, else what `setup` chose, else ``"small"``."""
    return _valid_scale(os.environ.get("D2LCOURSE_SCALE") or _scale or "small")


def data_dir(create: bool = True) -> Path:
    """Return the folder for downloaded data: ``D2LCOURSE_DATA_DIR`` or the user's cache.

    Raises:
        PermissionError: the folder cannot be made or written; the message names the remedy.
    """
    import platformdirs

    folder = os.environ.get("D2LCOURSE_DATA_DIR") or platformdirs.user_cache_dir("d2lcourse")
    path = Path(folder).expanduser()
    if create:
        try:
            path.mkdir(parents=True, exist_ok=True)
            probe = path / f".write-test-{os.getpid()}"
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise PermissionError(
                f"the data folder {path} cannot be written ({error.strerror}); "
                "set D2LCOURSE_DATA_DIR to a folder of yours"
            ) from error
    return path


def _valid_seed(seed: int | str) -> int:
    try:
        number = int(seed)
    except ValueError:
        number = -1
    if not 0 <= number < 2**32:
        raise ValueError(f"seed {seed!r} is not a whole number from 0 to 2**32 - 1")
    return number


def _valid_scale(scale: str) -> str:
    if scale not in SCALES:
        raise unknown("scale", scale, SCALES)
    return scale


def _valid_device(name: str | None) -> torch.device:
    if name is None or name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        if torch.backends.mps.is_available():
            return torch.device("mps")
        return torch.device("cpu")
    kind, _, index = str(name).partition(":")
    if kind not in DEVICES or (index and not index.isdigit()):
        raise unknown("device", name, DEVICES)
    if kind == "cuda" and not torch.cuda.is_available():
        raise ValueError(
            "device 'cuda' was asked for, but PyTorch sees no NVIDIA GPU here; "
            "use device='cpu' (or D2LCOURSE_DEVICE=cpu), or open the chapter on a Colab GPU"
        )
    if kind == "cuda" and index and int(index) >= torch.cuda.device_count():
        raise ValueError(
            f"device {name!r} was asked for, but there are {torch.cuda.device_count()} GPUs, "
            "numbered from cuda:0"
        )
    if kind == "mps" and not torch.backends.mps.is_available():
        raise ValueError("device 'mps' was asked for, but this is no Apple GPU; use device='cpu'")
    return torch.device(name)
