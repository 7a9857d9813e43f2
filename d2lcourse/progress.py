"""A progress bar that shows when a person watches and is silent otherwise."""

from __future__ import annotations

import os
import sys
from typing import Any


def watched() -> bool:
    """Say whether a person is likely to watch: a terminal or a notebook, and no test run.

    ``D2LCOURSE_PROGRESS=0`` silences, ``D2LCOURSE_PROGRESS=1`` forces.
    """
    wish = os.environ.get("D2LCOURSE_PROGRESS")
    if wish is not None:
        return wish != "0"
    return "ipykernel" in sys.modules or sys.stderr.isatty()


class ProgressBar:
    """Count epochs on standard error through tqdm.

    Args:
        total: epochs in all.
        show: True, False, or None to show when `watched`.
        start: epochs already done.
    """

    def __init__(self, total: int, show: bool | None, start: int = 0) -> None:
        self._bar: Any = None
        if watched() if show is None else show:
            from tqdm import tqdm

            self._bar = tqdm(total=total, initial=start, unit="epoch", leave=False)

    def step(self, record: dict[str, float]) -> None:
        """Count one epoch and show its measures."""
        if self._bar is not None:
            self._bar.set_postfix({name: f"{value:.3g}" for name, value in record.items()})
            self._bar.update()

    def close(self) -> None:
        """Remove the bar."""
        if self._bar is not None:
            self._bar.close()
