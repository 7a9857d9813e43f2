"""`History`: what happened in training, one record an epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


class History:
    """Records of `fit`, one an epoch, oldest first.

    ``history["train_loss"]`` is the list of one measure over epochs, ``history.last`` the newest
    record, ``len(history)`` the number of epochs done.

    >>> history = History([{"train_loss": 2.0}, {"train_loss": 1.0}])
    >>> history["train_loss"], history.last, len(history)
    ([2.0, 1.0], {'train_loss': 1.0}, 2)
    """

    def __init__(self, records: list[dict[str, float]] | None = None) -> None:
        self.records = list(records or [])

    def __len__(self) -> int:
        return len(self.records)

    def __getitem__(self, name: str) -> list[float]:
        if not self.records or name not in self.records[0]:
            from .errors import unknown

            raise unknown("measure", name, self.names)
        return [record[name] for record in self.records]

    def __repr__(self) -> str:
        measures = ", ".join(f"{name} {value:.4g}" for name, value in self.last.items())
        return f"History({len(self)} epochs; last: {measures})"

    @property
    def names(self) -> list[str]:
        """The measures recorded."""
        return list(self.records[0]) if self.records else []

    @property
    def last(self) -> dict[str, float]:
        """The newest record, empty before the first epoch."""
        return dict(self.records[-1]) if self.records else {}

    def append(self, record: dict[str, float]) -> None:
        """Add the record of one epoch."""
        self.records.append(record)

    def best_epoch(self) -> int:
        """Return the index of the epoch with the lowest validation loss."""
        losses = self["valid_loss"]
        return losses.index(min(losses))

    def stalled(self, patience: int | None) -> bool:
        """Say whether the validation loss has not fallen for `patience` epochs."""
        if patience is None or not self.records:
            return False
        return len(self) - 1 - self.best_epoch() >= patience

    def frame(self) -> pd.DataFrame:
        """Return the records as a pandas table, epochs counted from 1."""
        import pandas as pd

        return pd.DataFrame(self.records, index=pd.RangeIndex(1, len(self) + 1, name="epoch"))
