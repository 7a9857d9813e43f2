"""`photos`: real photographs that scikit-image and scikit-learn ship in their wheels."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np

from .base import Arrays

# Read as files, by path: scikit-image's own functions may copy into a cache or download.
SCENES = {
    "astronaut": "skimage/data/astronaut.png",
    "camera": "skimage/data/camera.png",
    "chelsea": "skimage/data/chelsea.png",
    "coffee": "skimage/data/coffee.png",
    "coins": "skimage/data/coins.png",
    "hubble": "skimage/data/hubble_deep_field.jpg",
    "retina": "skimage/data/retina.jpg",
    "rocket": "skimage/data/rocket.jpg",
    "china": "sklearn/datasets/images/china.jpg",
    "flower": "sklearn/datasets/images/flower.jpg",
}
TEXTURES = {
    "brick": "skimage/data/brick.png",
    "grass": "skimage/data/grass.png",
    "gravel": "skimage/data/gravel.png",
}
CLASSES = (*SCENES, *TEXTURES)


def read(split: str, side: int) -> Arrays:
    """Return the scenes (train) or the textures (test), cropped to their central square.

    Args:
        split: ``"train"`` or ``"test"``.
        side: height and width to resize to, in pixels.

    Returns:
        (N, 3, side, side) uint8 and (N,) int64 positions in `CLASSES`.
    """
    from PIL import Image, ImageOps

    files = SCENES if split == "train" else TEXTURES
    pictures = []
    for file in files.values():
        with Image.open(installed(file)) as picture:
            square = ImageOps.fit(picture.convert("RGB"), (side, side), Image.Resampling.LANCZOS)
        pictures.append(np.asarray(square).transpose(2, 0, 1))
    return np.ascontiguousarray(np.stack(pictures)), np.array(
        [CLASSES.index(name) for name in files]
    )


def installed(file: str) -> Path:
    """Return the path of a package's file without importing the package."""
    package, _, rest = file.partition("/")
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(f"data set 'photos' needs the package {package}; install it")
    path = Path(spec.submodule_search_locations[0]) / rest
    if not path.is_file():
        raise FileNotFoundError(
            f"data set 'photos': this version of {package} ships no {rest}; install scikit-image "
            "0.22 or newer and scikit-learn 1.4 or newer"
        )
    return path
