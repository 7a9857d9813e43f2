"""Proof in one line: `check_close` and `check_shape` say what holds, or where not."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch


def check_close(
    ours: Any, theirs: Any, name: str = "values", *, atol: float = 1e-6, rtol: float = 0.0
) -> None:
    """Print one line if two results agree everywhere, else raise.

    Args:
        ours: tensor, array, number or nested list.
        theirs: the reference, of the same shape.
        name: what is compared.
        atol: largest difference allowed, in the unit of the values.
        rtol: further difference allowed, as a share of the reference's size.

    Raises:
        AssertionError: shapes differ, or a value does; the message says where and by how much.

    >>> check_close([1.0, 2.0], torch.tensor([1.0, 2.0]), "toy")
    ✓ toy: 2 values equal
    >>> check_close(1.0, 1.00004, "toy", atol=1e-3)
    ✓ toy: 1 value agrees to 1e-04 (allowed 1e-03)
    """
    a, b = _array(ours), _array(theirs)
    if a.shape != b.shape:
        raise AssertionError(f"{name}: our shape {a.shape} is not their shape {b.shape}")
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    with np.errstate(invalid="ignore"):
        gap = np.where(same, 0.0, np.abs(a - b))
        wrong = ~(same | (gap <= atol + rtol * np.abs(b)))
    allowed = f"{atol:.0e}" + (f" + {rtol:.0e} of the value" if rtol else "")
    if wrong.any():
        worst = np.unravel_index(np.argmax(np.where(np.isnan(gap), np.inf, gap)), gap.shape)
        at = f" at index {tuple(int(i) for i in worst)}" if gap.ndim else ""
        raise AssertionError(
            f"{name}: {int(wrong.sum())} of {gap.size} values differ; the worst{at} is "
            f"{a[worst]:.8g}, not {b[worst]:.8g} (difference {gap[worst]:.2g}, allowed {allowed})"
        )
    count, largest = (f"{a.size} values" if a.size != 1 else "1 value"), float(gap.max(initial=0))
    if largest == 0:
        print(f"✓ {name}: {count} equal")
        return
    # The next power of ten: the last digits may change from one processor to another.
    verb = "agree" if a.size != 1 else "agrees"
    bound = 10.0 ** math.ceil(math.log10(largest))
    print(f"✓ {name}: {count} {verb} to {bound:.0e} (allowed {allowed})")


def check_shape(value: Any, shape: Sequence[int | None], name: str = "tensor") -> None:
    """Print one line if `value` has this shape, else raise.

    Args:
        value: anything with a ``shape``.
        shape: the lengths; None stands for any length.
        name: what is looked at.

    Raises:
        AssertionError: the shape is another one.

    >>> check_shape(torch.zeros(5, 3), (None, 3), "X")
    ✓ X has shape (5, 3)
    """
    found = tuple(value.shape)
    fits = len(found) == len(shape) and all(
        want in (None, have) for want, have in zip(shape, found, strict=True)
    )
    if not fits:
        wanted = ", ".join("any" if want is None else str(want) for want in shape)
        raise AssertionError(f"{name} has shape {found}, not ({wanted})")
    print(f"✓ {name} has shape {found}")


def _array(value: Any) -> np.ndarray:
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu()
        value = value.to(torch.complex128 if value.is_complex() else torch.float64).numpy()
    array = np.asarray(value)
    return array if np.iscomplexobj(array) else array.astype(np.float64)
