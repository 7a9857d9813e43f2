"""The small real sets that scikit-learn ships: `digits` and four tables."""

from __future__ import annotations

import numpy as np

from .base import Arrays, held_out


def read(name: str, split: str) -> Arrays:
    """Return one side of the fixed 80/20 split of a set in scikit-learn's wheel.

    Args:
        name: ``digits``, ``breast_cancer``, ``wine``, ``iris`` or ``diabetes``.
        split: ``"train"`` or ``"test"``.

    Returns:
        X: float32, (N, features) in the units of the table, or (N, 1, 8, 8) in [0, 1] for digits.
        y: int64 class numbers, or float32 for diabetes, (N,).
    """
    from sklearn import datasets

    # Diabetes ships standardised as well; the columns as they were measured teach more.
    options = {"scaled": False} if name == "diabetes" else {}
    X, y = getattr(datasets, f"load_{name}")(return_X_y=True, **options)
    if name == "digits":
        X = X.reshape(-1, 1, 8, 8) / 16
    regression = name == "diabetes"
    rows = held_out(y, split, 0 if regression else int(y.max()) + 1)
    return X[rows].astype(np.float32), y[rows].astype(np.float32 if regression else np.int64)
