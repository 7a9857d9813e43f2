"""What `fit` refuses, and what it says when it does."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

# Losses whose targets must have the shape of the outputs. PyTorch would broadcast them:
# (N, 1) against (N,) becomes (N, N) with a warning, and the model learns the mean.
_SAME_SHAPE = {"MSELoss", "L1Loss", "SmoothL1Loss", "HuberLoss", "BCEWithLogitsLoss", "BCELoss"}
_SAME_SHAPE |= {"mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"}
_SAME_SHAPE |= {"binary_cross_entropy", "binary_cross_entropy_with_logits"}
_CLASS_INDEX = {"CrossEntropyLoss", "NLLLoss", "cross_entropy", "nll_loss"}


def check_number(name: str, value: int) -> None:
    """Raise ValueError unless `value` is a whole number of at least 1."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{name}={value!r} must be a whole number of at least 1")


def check_data(
    model: nn.Module, train: Sequence[Tensor], valid: Sequence[Tensor] | None = None
) -> torch.device:
    """Raise unless the tensors belong together; return the device of the model."""
    for label, data in (("train", train), ("valid", valid)):
        if data is None:
            continue
        if isinstance(data, Tensor) or not all(isinstance(tensor, Tensor) for tensor in data):
            raise ValueError(
                f"{label} must be tensors in a tuple, (X, y), not {type(data).__name__}"
            )
        lengths = [len(tensor) for tensor in data]
        if not lengths or len(set(lengths)) != 1 or lengths[0] == 0:
            raise ValueError(
                f"the tensors of {label} must have one length above 0, but have {lengths}"
            )
    parameter = next(model.parameters(), None)
    return train[0].device if parameter is None else parameter.device


@torch.no_grad()
def check_fits(model: nn.Module, loss: Callable[..., Tensor], data: Sequence[Tensor]) -> None:
    """Try two examples: raise ValueError if model, outputs and targets do not fit together."""
    *inputs, y = (tensor[:2] for tensor in data)
    was_training = model.training
    model.eval()  # batch norm's running averages and dropout's random stream stay untouched
    try:
        outputs = model(*inputs)
    except (RuntimeError, TypeError, IndexError) as error:
        shapes = ", ".join(f"{tuple(tensor.shape)} {tensor.dtype}" for tensor in inputs)
        raise ValueError(f"the model cannot take a batch of {shapes}: {error}") from error
    finally:
        model.train(was_training)
    kind = getattr(loss, "__name__", type(loss).__name__)
    if kind in _SAME_SHAPE and outputs.shape != y.shape:
        raise ValueError(
            f"{kind} needs targets of the shape of the outputs, but the outputs are "
            f"{_batch(outputs)} and the targets {_batch(y)}; reshape one, e.g. y.reshape(-1, 1)"
        )
    if kind in _CLASS_INDEX and not y.is_floating_point():
        _check_labels(data[-1], outputs, getattr(loss, "ignore_index", -100))


def _check_labels(y: Tensor, outputs: Tensor, ignore_index: int) -> None:
    num_classes = outputs.shape[1]
    labels = y[y != ignore_index]
    low, high = (int(labels.min()), int(labels.max())) if len(labels) else (0, 0)
    if low < 0 or high >= num_classes:
        raise ValueError(
            f"labels must lie in 0..{num_classes - 1}, since the model has {num_classes} outputs, "
            f"but they reach from {low} to {high}"
        )
    if y.dtype != torch.int64:
        raise ValueError(f"class labels must be int64, but are {y.dtype}; use y.long()")


def check_finite(
    losses: list[float], sizes: list[int], epoch: int, checkpoint: str | Path | None
) -> float:
    """Return the epoch's mean loss; raise FloatingPointError if a step's is not finite."""
    for step, value in enumerate(losses):
        if not math.isfinite(value):
            kept = "" if checkpoint is None else f" The last good epoch is kept in {checkpoint}."
            raise FloatingPointError(
                f"the loss is {value} at step {step + 1} of epoch {epoch + 1}. Lower the learning "
                f"rate, clip the gradient (clip=1.0) or look for log(0) in the loss.{kept}"
            )
    return sum(value * size for value, size in zip(losses, sizes, strict=True)) / sum(sizes)


def _batch(tensor: Any) -> str:
    return f"(N, {', '.join(map(str, tensor.shape[1:]))})" if tensor.dim() > 1 else "(N,)"
