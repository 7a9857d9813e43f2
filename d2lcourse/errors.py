"""One way to say no: what was wrong, what there is, and the nearest name."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def unknown(kind: str, given: object, known: Iterable[str]) -> ValueError:
    """Return the error for a name that is not one of `known`.

    Args:
        kind: what the name stands for, e.g. ``"data set"``.
        given: what the caller wrote.
        known: the names there are.

    Returns:
        A ``ValueError`` that names the input, lists what there is and guesses the near miss.

    >>> str(unknown("scale", "smal", ["small", "full"]))
    "unknown scale 'smal': there are 'small', 'full'. Did you mean 'small'?"
    """
    names = list(known)
    near = difflib.get_close_matches(str(given).lower(), names, n=1)
    guess = f" Did you mean {near[0]!r}?" if near else ""
    return ValueError(f"unknown {kind} {given!r}: there are {', '.join(map(repr, names))}.{guess}")
