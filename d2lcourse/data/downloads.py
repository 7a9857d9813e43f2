"""What ``scale="full"`` fetches: torchvision's and scikit-learn's real data sets.

The libraries download and check hashes; this module sees to what they leave to the caller: a file
that a killed process left half written is thrown away and fetched again, two processes do not
fetch at once, and a failure says what to do instead.
"""

from __future__ import annotations

import errno
import hashlib
import socket
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from ..session import data_dir
from .base import Arrays, held_out, shuffled, stream

TORCHVISION = {"fashion_mnist": "FashionMNIST", "glyphs": "MNIST"}
# What scikit-learn's fetchers leave in the data folder.
CACHED = {
    "california_housing": ("cal_housing_py3.pkz",),
    "covertype": ("covertype/samples_py3", "covertype/targets_py3"),
}
SMALL = {"california_housing": "diabetes", "covertype": "breast_cancer"}
STALLED = 60  # seconds without a byte after which a connection counts as lost


def images(name: str, split: str) -> Arrays:
    """Return torchvision's Fashion-MNIST or MNIST, downloaded on first use, in a shuffled order.

    Args:
        name: ``"fashion_mnist"`` or ``"glyphs"`` (MNIST).
        split: ``"train"`` (60,000 images) or ``"test"`` (10,000).

    Returns:
        (N, 1, 28, 28) uint8 and (N,) int64.

    Raises:
        ConnectionError: the files could not be fetched.
        OSError: a file arrived damaged, or there is no room for it.
    """
    from torchvision import datasets

    kind = getattr(datasets, TORCHVISION[name])
    root = data_dir()
    folder = root / kind.__name__ / "raw"
    remedy = (
        f"Offline, scale='small' gives {name!r} without a download; or put "
        f"{', '.join(file for file, _ in kind.resources)} into {folder} by hand."
    )
    with one_at_a_time(root, kind.__name__):
        _throw_away_damaged(folder, kind.resources)
        try:
            data = kind(str(root), train=split == "train", download=True)
        except (RuntimeError, OSError, HTTPException) as error:
            damaged = _throw_away_damaged(folder, kind.resources)
            raise failure(kind.__name__, root, error, damaged, remedy) from error
    order = shuffled(stream(name, split, 0), len(data.targets))
    return data.data.numpy()[order, None], data.targets.numpy()[order]


def table(name: str, split: str) -> Arrays:
    """Return one side of our 80/20 split of a table that scikit-learn fetches on first use.

    Args:
        name: ``"california_housing"`` or ``"covertype"``.
        split: ``"train"`` or ``"test"``.

    Returns:
        (N, features) float32 and (N,) float32 (housing) or int64 from 0 (cover types).

    Raises:
        ConnectionError: the table could not be fetched.
        OSError: it arrived damaged, or there is no room for it.
    """
    from sklearn import datasets

    housing = name == "california_housing"
    fetch = datasets.fetch_california_housing if housing else datasets.fetch_covtype
    root = data_dir()
    cached = [root / file for file in CACHED[name]]
    options: dict[str, Any] = {"data_home": str(root), "return_X_y": True}
    remedy = (
        f"Offline, load({SMALL[name]!r}) gives a small table without a download; or copy "
        f"{', '.join(CACHED[name])} into {root} from a machine where this has worked."
    )
    with one_at_a_time(root, name):
        try:
            X, y = fetch(**options, download_if_missing=False)
        except (OSError, EOFError, ValueError, zlib.error):  # absent or half written
            for file in cached:
                file.unlink(missing_ok=True)
            try:
                X, y = fetch(**options)
            except (OSError, HTTPException) as error:
                damaged = [cached[0].name] if "checksum" in str(error) else []
                raise failure(name, root, error, damaged, remedy) from error
    if not housing:
        y = y - 1
    rows = held_out(y, split, 0 if housing else int(y.max()) + 1)
    return X[rows].astype(np.float32), y[rows].astype(np.float32 if housing else np.int64)


@contextmanager
def one_at_a_time(root: Path, name: str) -> Iterator[None]:
    """Keep other processes out of one set's files, and give up on a connection that stalls."""
    from filelock import FileLock

    before = socket.getdefaulttimeout()
    with FileLock(root / f".{name}.lock"):
        socket.setdefaulttimeout(STALLED)
        try:
            yield
        finally:
            socket.setdefaulttimeout(before)


def _throw_away_damaged(folder: Path, resources: list[tuple[str, str]]) -> list[str]:
    """Delete half-unpacked idx files and archives with a wrong hash; return their names.

    torchvision only looks whether the unpacked files exist, so it would read half of one. A good
    archive is kept: from it the idx file is unpacked again without the network.
    """
    damaged = []
    for archive, md5 in resources:
        packed = folder / archive
        unpacked = packed.with_suffix("")
        if unpacked.is_file() and not _is_whole(unpacked):
            unpacked.unlink()
            damaged.append(unpacked.name)
        if not unpacked.is_file() and packed.is_file():
            found = hashlib.md5(packed.read_bytes(), usedforsecurity=False).hexdigest()
            if found != md5:
                packed.unlink()
                damaged.append(archive)
    return damaged


def _is_whole(idx: Path) -> bool:
    """Say whether a file of bytes in the idx format is as long as its header promises."""
    with idx.open("rb") as file:
        head = file.read(16)
    if len(head) < 8 or head[:3] != b"\0\0\x08" or head[3] not in (1, 3):
        return False
    start = 4 + 4 * head[3]
    if len(head) < start:
        return False
    shape = struct.unpack(f">{head[3]}I", head[4:start])
    return idx.stat().st_size == start + prod(shape)


def failure(name: str, root: Path, error: Exception, damaged: list[str], remedy: str) -> OSError:
    """Return the error for a download that failed: what, why, and what to do instead."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return OSError(
            error.errno,
            f"no room for {name} in {root}: free some, or set D2LCOURSE_DATA_DIR to another folder",
        )
    if damaged:
        return OSError(
            f"{name} arrived damaged ({', '.join(damaged)}: wrong hash or cut off) and was thrown "
            f"away; load it again. {remedy}"
        )
    why = " ".join(str(error).split()) or type(error).__name__
    return ConnectionError(f"could not fetch {name}: {why}. {remedy}")
