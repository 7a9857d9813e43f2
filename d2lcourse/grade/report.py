"""What a submission earned, and why not more."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Grade:
    """The result of one graded cell.

    Attributes:
        tests: the cell's grade id.
        points: what it is worth.
        earned: `points` or 0.
        reason: why points were lost, in one line; empty if none were.
    """

    tests: str
    points: float
    earned: float
    reason: str = ""


@dataclass
class Report:
    """The result of one submission.

    Attributes:
        submission: the file's path.
        assignment: the assignment's slug.
        grades: one for each graded cell, in order.
        notes: what is odd about the submission, one sentence each.
        seconds: wall time of the grading.
    """

    submission: str
    assignment: str
    grades: list[Grade] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def earned(self) -> float:
        return sum(grade.earned for grade in self.grades)

    @property
    def points(self) -> float:
        return sum(grade.points for grade in self.grades)

    def table(self) -> str:
        """Return the result as lines of text."""
        lines = [
            f"{self.submission}: {self.assignment}, {self.earned:g} of {self.points:g} points "
            f"({self.seconds:.1f} s)"
        ]
        width = max((len(grade.tests) for grade in self.grades), default=0)
        for grade in self.grades:
            score = f"{grade.earned:g}/{grade.points:g}"
            lines.append(f"  {grade.tests:{width}}  {score:>7}  {grade.reason}".rstrip())
        lines += [f"  note: {note}" for note in self.notes]
        return "\n".join(lines)

    def as_json(self) -> dict[str, Any]:
        """Return the result as plain data."""
        return {
            "submission": self.submission,
            "assignment": self.assignment,
            "earned": self.earned,
            "points": self.points,
            "grades": [vars(grade) for grade in self.grades],
            "notes": self.notes,
            "seconds": round(self.seconds, 2),
        }
