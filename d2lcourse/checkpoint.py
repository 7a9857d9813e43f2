"""Checkpoints of `fit`: everything that an exact resume needs, in one file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from .history import History

_FORMAT = 1


def save_checkpoint(
    path: str | Path,
    device: torch.device,
    history: History,
    best: dict[str, Tensor],
    parts: dict[str, Any],
) -> None:
    """Write the state of training to `path`, whole or not at all.

    Args:
        path: the file; it is replaced only once the new one is complete.
        device: where the model lives; its random state is stored too.
        history: the epochs so far.
        best: the weights of the best epoch (empty without early stopping).
        parts: model, optimizer, schedule and scaler by name; all but the model may be None.

    Raises:
        OSError: the file cannot be written; an older checkpoint stays as it was.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    state = {
        "format": _FORMAT,
        "records": history.records,
        "best": best,
        "cpu_rng": torch.get_rng_state(),
        "cuda_rng": torch.cuda.get_rng_state(device) if device.type == "cuda" else None,
        **{name: part.state_dict() for name, part in parts.items() if part is not None},
    }
    half_written = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        torch.save(state, half_written)
        os.replace(half_written, path)
    finally:
        half_written.unlink(missing_ok=True)


def load_checkpoint(
    path: str | Path, device: torch.device, parts: dict[str, Any]
) -> tuple[History, dict[str, Tensor]]:
    """Put the state in `path` into the model and the other parts, and set the random state.

    Args:
        path: a file that `fit` wrote. It is read with ``weights_only=True``: no code runs.
        device: where the model lives.
        parts: model, optimizer, schedule and scaler, as they were given to `save_checkpoint`.

    Returns:
        The history so far and the weights of the best epoch.

    Raises:
        ValueError: the file is not a checkpoint of `fit`, or it is another model's.
    """
    try:
        state = torch.load(path, map_location=device, weights_only=True)
    except Exception as error:  # torch raises many kinds for a broken file
        raise ValueError(
            f"{path} is not a readable checkpoint ({type(error).__name__}); "
            "delete it, or call fit with resume=False"
        ) from error
    if not isinstance(state, dict) or state.get("format") != _FORMAT:
        raise ValueError(f"{path} was not written by d2lcourse.fit; choose another checkpoint path")
    _check_same_model(path, parts["model"].state_dict(), state["model"])
    for name, part in parts.items():
        if (part is None) != (name not in state):
            has, wants = ("no ", "a ") if part is not None else ("a ", "no ")
            raise ValueError(f"{path} holds {has}{name}, but fit was given {wants}{name}")
    for name, part in parts.items():
        if part is not None:
            part.load_state_dict(state[name])
    torch.set_rng_state(state["cpu_rng"].cpu())
    if state["cuda_rng"] is not None and device.type == "cuda":
        torch.cuda.set_rng_state(state["cuda_rng"].cpu(), device)
    return History(state["records"]), state["best"]


def _check_same_model(path: str | Path, ours: dict[str, Tensor], theirs: dict[str, Tensor]) -> None:
    for name in ours.keys() | theirs.keys():
        here = tuple(ours[name].shape) if name in ours else "absent"
        there = tuple(theirs[name].shape) if name in theirs else "absent"
        if here != there:
            raise ValueError(
                f"{path} is a checkpoint of another model: {name} is {there} in the file and "
                f"{here} in the model; build the model it was saved from, or use resume=False"
            )
