"""Take a chapter's trained model to its page: ONNX files that are proven equal to PyTorch.

`demo` is the line that a chapter writes. Run by the book's tools, it leaves the files in the cell's
output, and the page shows the demo there; anywhere else the cell shows its picture and one line of
text. `export_onnx` writes one model to a file of your own.

ONNX is the format of the Open Neural Network Exchange, https://onnx.ai.
"""

from __future__ import annotations

import base64
import copy
import io
import os
import tempfile
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

MIME = "application/vnd.d2lcourse.demo+json"
TOLERANCE = 1e-5  # between the file's outputs and PyTorch's, of the largest output or of 1
LARGEST = 1_000_000  # bytes of a model that a page loads

Inputs = Tensor | tuple[Tensor, ...]


@dataclass(frozen=True)
class Exported:
    """A model in both forms, and how far apart their outputs are."""

    onnx: bytes
    program: torch.export.ExportedProgram
    difference: float


def demo(
    name: str,
    models: Mapping[str, nn.Module] | None = None,
    inputs: Inputs | Mapping[str, Inputs] | None = None,
    data: Any = None,
) -> None:
    """Show the demo ``name`` here in the book's page, with these models and data.

    Args:
        name: a module of ``book/_static/demos``, for example ``"draw-a-digit"``.
        models: the trained networks under the names by which the demo asks for them.
        inputs: a batch of at least two examples that all of the models take, or one batch for
            each of their names. Several inputs are a tuple; the first axis of each is the batch.
        data: what else the demo needs, as JSON: labels, thresholds, curves.

    Raises:
        ValueError: a model's ONNX outputs differ from PyTorch's by more than `TOLERANCE`, its file
            is too large for a page, ``inputs`` does not fit the models, or ``data`` is no JSON.
    """
    models = models or {}
    if models and inputs is None:
        raise ValueError(f"demo {name!r} has models and no inputs: give a batch to check them on")
    files = {}
    for title, model in models.items():
        batch = inputs[title] if isinstance(inputs, Mapping) else inputs
        try:
            exported = _export(model, batch)
        except ModuleNotFoundError as error:
            print(f"no ONNX file: {error.name} is missing (pip install 'd2lcourse[chapters]')")
            return
        size = len(exported.onnx)
        print(
            f"{title}: {size / 1000:.0f} kB of ONNX, "
            f"outputs equal to PyTorch's to {exported.difference:.0e}"
        )
        if size > LARGEST and _embedding():
            raise ValueError(f"model {title!r} has {size} bytes, a page loads at most {LARGEST}")
        files[title] = exported
    _show(name, files, data)


def export_onnx(model: nn.Module, inputs: Inputs, path: str | Path) -> float:
    """Write ``model`` to ``path`` as ONNX, its first axis free, and check what the file computes.

    Args:
        model: the network; it is exported in evaluation mode, from a copy on the CPU.
        inputs: a batch of at least two examples, or a tuple of batches.
        path: the file to write; it is written whole or not at all.

    Returns:
        The largest difference between the file's outputs and PyTorch's.

    Raises:
        ValueError: the outputs differ by more than `TOLERANCE`, or the batch has one example only.
        ModuleNotFoundError: ``onnx``, ``onnxscript`` or ``onnxruntime`` is missing.
    """
    path = Path(path)
    exported = _export(model, inputs)
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(exported.onnx)
        os.replace(temporary, path)
    finally:
        Path(temporary).unlink(missing_ok=True)
    return exported.difference


def _export(model: nn.Module, inputs: Inputs | None) -> Exported:
    batch = inputs if isinstance(inputs, tuple) else (inputs,)
    if not all(isinstance(item, Tensor) and item.ndim and len(item) > 1 for item in batch):
        raise ValueError("inputs must be a batch of at least two examples, or a tuple of batches")
    arguments = tuple(item.detach().cpu() for item in batch if item is not None)
    model = copy.deepcopy(model).cpu().eval()
    for tensor in (*model.parameters(), *model.buffers()):
        tensor.requires_grad_(False)
        tensor.data = tensor.data.contiguous()  # another memory format cannot be saved
    axes = tuple({0: torch.export.Dim("batch")} for _ in arguments)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's notes on its own workings
        program = torch.export.export(model, arguments, dynamic_shapes=axes)
        onnx = torch.onnx.export(program, dynamo=True, verbose=False)
    assert onnx is not None
    contents = _bare(onnx.model_proto)
    return Exported(contents, program, _difference(model, arguments, contents))


def _bare(proto: Any) -> bytes:
    """The file without the exporter's records, which hold paths of this machine."""
    graph = proto.graph
    for part in (proto, graph, *graph.node, *graph.value_info, *graph.input, *graph.output):
        part.ClearField("doc_string")
        part.ClearField("metadata_props")
    for tensor in graph.initializer:
        tensor.ClearField("doc_string")
        tensor.ClearField("metadata_props")
    graph.ClearField("value_info")
    return proto.SerializeToString(deterministic=True)


def _difference(model: nn.Module, arguments: tuple[Tensor, ...], contents: bytes) -> float:
    """The largest difference of outputs, on the batch and on its first example alone."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(contents, options, ["CPUExecutionProvider"])
    names = [entry.name for entry in session.get_inputs()]
    largest = 0.0
    for part in (arguments, tuple(item[:1] for item in arguments)):
        with torch.no_grad():
            expected = model(*part)
        expected = expected if isinstance(expected, tuple | list) else (expected,)
        feed = {name: item.numpy() for name, item in zip(names, part, strict=True)}
        for ours, theirs in zip(session.run(None, feed), expected, strict=True):
            theirs = theirs.numpy()
            difference = float(np.abs(np.asarray(ours, float) - theirs).max(initial=0))
            if not difference <= TOLERANCE * max(1.0, float(np.abs(theirs).max(initial=0))):
                raise ValueError(
                    f"the ONNX file's outputs differ from PyTorch's by {difference:.1e}; "
                    "export the model in float32 and without randomness in its forward pass"
                )
            largest = max(largest, difference)
    return largest


def _embedding() -> bool:
    return os.environ.get("D2LCOURSE_EMBED") == "1"


def _show(name: str, files: Mapping[str, Exported], data: Any) -> None:
    """Leave the demo in the cell's output; the files themselves only for the book's tools."""
    import json

    from IPython.display import display

    bundle: dict[str, Any] = {
        "text/plain": f"Demo {name!r}: it runs in the book's page, this is its picture."
    }
    if _embedding():
        models = {}
        for title, exported in files.items():
            program = io.BytesIO()
            torch.export.save(exported.program, program)
            models[title] = {
                "onnx": base64.b64encode(exported.onnx).decode(),
                "pt2": base64.b64encode(program.getvalue()).decode(),
            }
        try:
            text = json.dumps(data, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise ValueError(f"data of the demo {name!r} is no JSON: {error}") from error
        bundle[MIME] = {"name": name, "models": models, "data": json.loads(text)}
    display(bundle, raw=True)
