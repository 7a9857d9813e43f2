"""The book's figures: one style, and the few kinds of plot that several chapters share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from .history import History

# matplotlib is imported inside the functions: it would make `import d2lcourse` a third slower.
MARKERS = "os^DvPX*<>"


def use_style() -> None:
    """Draw every later figure in the book's style, sharp on dense screens in a notebook."""
    import sys

    import matplotlib.pyplot as plt

    plt.style.use(Path(__file__).with_name("book.mplstyle"))
    if "ipykernel" in sys.modules:
        from matplotlib_inline.backend_inline import set_matplotlib_formats

        set_matplotlib_formats("retina")


def show_images(
    images: Any,
    titles: Sequence[object] | None = None,
    *,
    columns: int | None = None,
    size: float = 0.9,
    cmap: str = "gray",
    limits: tuple[float, float] | None = None,
) -> Figure:
    """Draw a grid of images.

    Args:
        images: (N, H, W), (N, 1, H, W) or (N, 3, H, W), a tensor or an array; values in [0, 1]
            for colour.
        titles: N short texts.
        columns: images a row; by default ten, or all N if fewer.
        size: width of one image in inches.
        cmap: colour map of one-channel images.
        limits: the values drawn darkest and lightest; by default each image's own.

    Returns:
        The figure.

    Raises:
        ValueError: the images have another shape, or there is not one title an image.
    """
    import matplotlib.pyplot as plt

    pictures = _images(images)
    if titles is not None and len(titles) != len(pictures):
        raise ValueError(f"{len(pictures)} images were given with {len(titles)} titles")
    columns = min(columns or 10, len(pictures))
    rows = -(-len(pictures) // columns)
    title_height = 0.28 if titles is not None else 0.0
    height = size * pictures.shape[1] / pictures.shape[2] + title_height
    fig, axes = plt.subplots(
        rows, columns, figsize=(columns * size, rows * height), squeeze=False, layout="constrained"
    )
    fig.get_layout_engine().set(w_pad=0.02, h_pad=0.02)  # type: ignore[union-attr, call-arg]
    low, high = limits or (None, None)
    for i, ax in enumerate(axes.flat):
        ax.axis("off")
        if i < len(pictures):
            ax.imshow(pictures[i], cmap=cmap, vmin=low, vmax=high)
            if titles is not None:
                ax.set_title(str(titles[i]), fontsize=8, loc="center", pad=2)
    return fig


def plot_history(history: History, title: str = "") -> Figure:
    """Draw the losses of a `History` over epochs, and its metrics in a second panel if it has any.

    Args:
        history: what `fit` returned.
        title: the question the figure answers.

    Returns:
        The figure.
    """
    import matplotlib.pyplot as plt

    names = [name for name in history.names if name not in ("lr", "seconds")]
    groups = {"loss": [name for name in names if name.endswith("loss")]}
    groups["metric"] = [name for name in names if name not in groups["loss"]]
    panels = {label: group for label, group in groups.items() if group}
    fig, axes = plt.subplots(1, len(panels), figsize=(3.6 * len(panels) + 0.4, 3.0), squeeze=False)
    epochs = range(1, len(history) + 1)
    for ax, (label, group) in zip(axes.flat, panels.items(), strict=True):
        for name, marker in zip(group, MARKERS, strict=False):
            ax.plot(epochs, history[name], marker=marker, markevery=0.2, label=name)
        ax.set(xlabel="epoch", ylabel=label)
        ax.legend()
    fig.suptitle(title)
    return fig


def heatmap(
    matrix: Any,
    rows: Sequence[object] | None = None,
    columns: Sequence[object] | None = None,
    *,
    title: str = "",
    xlabel: str = "",
    ylabel: str = "",
    fmt: str | None = ".0f",
    cmap: str = "Blues",
    ax: Axes | None = None,
) -> Axes:
    """Draw a matrix as coloured cells with the numbers written in.

    Args:
        matrix: (R, C), a tensor or an array.
        rows: R labels.
        columns: C labels.
        title: the question the figure answers.
        xlabel: what the columns are.
        ylabel: what the rows are.
        fmt: format of the numbers; None leaves them out.
        cmap: colour map.
        ax: where to draw; by default a new figure.

    Returns:
        The axes drawn on.
    """
    import matplotlib.pyplot as plt

    values = _numpy(matrix)
    if ax is None:
        side = 0.44 if fmt else 0.4
        size = (max(3.2, values.shape[1] * side + 1.8), max(2.4, values.shape[0] * side + 1.2))
        _, ax = plt.subplots(figsize=size)
    ax.imshow(values, cmap=cmap, aspect="auto")
    ax.grid(False)
    if columns is not None:
        longest = max(len(str(label)) for label in columns)
        ax.set_xticks(range(values.shape[1]), [str(label) for label in columns])
        if longest > 4:
            plt.setp(ax.get_xticklabels(), rotation=45, ha="right")
    if rows is not None:
        ax.set_yticks(range(values.shape[0]), [str(label) for label in rows])
    if fmt is not None:
        middle = (values.min() + values.max()) / 2
        for (r, c), value in np.ndenumerate(values):
            colour = "white" if value > middle else "#222222"
            ax.text(c, r, format(value, fmt), ha="center", va="center", color=colour, fontsize=8)
    ax.set(title=title, xlabel=xlabel, ylabel=ylabel)
    return ax


def decision_regions(
    classify: Callable[[torch.Tensor], Any],
    X: Any,
    y: Any,
    *,
    title: str = "",
    ax: Axes | None = None,
    steps: int = 200,
) -> Axes:
    """Colour the plane by predicted class and draw the points over it, a marker a class.

    Args:
        classify: takes points (M, 2), float32, and returns M class indices, or scores
            (M, classes) whose largest is taken.
        X: points (N, 2).
        y: class indices (N,).
        title: the question the figure answers.
        ax: where to draw; by default a new figure.
        steps: grid points a side.

    Returns:
        The axes drawn on.
    """
    import matplotlib.pyplot as plt
    from matplotlib.colors import ListedColormap

    points, labels = _numpy(X), _numpy(y).astype(int)
    if ax is None:
        _, ax = plt.subplots(figsize=(4.2, 3.8))
    margin = 0.12 * np.ptp(points, axis=0)
    (left, bottom), (right, top) = points.min(0) - margin, points.max(0) + margin
    columns, rows = np.meshgrid(np.linspace(left, right, steps), np.linspace(bottom, top, steps))
    grid = torch.tensor(np.stack([columns.ravel(), rows.ravel()], 1), dtype=torch.float32)
    with torch.no_grad():
        guesses = _numpy(classify(grid))
    if guesses.ndim == 2:
        guesses = guesses.argmax(1)
    count = int(max(labels.max(), guesses.max())) + 1
    colours = plt.rcParams["axes.prop_cycle"].by_key()["color"]
    colours = [colours[i % len(colours)] for i in range(count)]
    ax.imshow(
        guesses.reshape(steps, steps),
        extent=(left, right, bottom, top),
        origin="lower",
        cmap=ListedColormap(colours),
        vmin=0,
        vmax=max(count - 1, 1),
        alpha=0.25,
        aspect="auto",
    )
    for k in np.unique(labels):
        chosen = points[labels == k]
        ax.scatter(
            chosen[:, 0],
            chosen[:, 1],
            s=16,
            color=colours[k],
            marker=MARKERS[k % len(MARKERS)],
            edgecolor="white",
            linewidth=0.4,
            label=f"class {k}",
        )
    ax.grid(False)
    ax.set(title=title, xlabel="$x_1$", ylabel="$x_2$")
    return ax


def _numpy(value: Any) -> np.ndarray:
    return value.detach().cpu().numpy() if isinstance(value, torch.Tensor) else np.asarray(value)


def _images(images: Any) -> np.ndarray:
    """Return images as (N, H, W) or (N, H, W, 3)."""
    array = _numpy(images)
    if array.ndim == 4 and array.shape[1] == 1:
        return array[:, 0]
    if array.ndim == 4 and array.shape[1] == 3:
        return array.transpose(0, 2, 3, 1).clip(0, 1)
    if array.ndim != 3 or not len(array):
        raise ValueError(
            f"images must be (N, H, W), (N, 1, H, W) or (N, 3, H, W), but are {array.shape}"
        )
    return array
