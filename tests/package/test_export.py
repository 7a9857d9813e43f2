"""Models on their way to the page: what the file computes, what is said, and what is refused."""

from __future__ import annotations

import base64
import io

import numpy as np
import onnxruntime
import pytest
import torch
from torch import nn

from d2lcourse import demos


class Two(nn.Module):
    """Two inputs, two outputs."""

    def __init__(self) -> None:
        super().__init__()
        self.word = nn.Embedding(7, 3)
        self.line = nn.Linear(3, 2)

    def forward(self, ids, x):
        return self.line(self.word(ids).sum(dim=1) + x), x.square()


@pytest.fixture(scope="module")
def network() -> nn.Module:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 2))
    model(torch.randn(50, 4))  # running statistics that are not those of a new layer
    return model


def answers(contents: bytes, *inputs: np.ndarray) -> list[np.ndarray]:
    session = onnxruntime.InferenceSession(contents)
    names = [entry.name for entry in session.get_inputs()]
    return session.run(None, dict(zip(names, inputs, strict=True)))


def shown(capsys, monkeypatch, embed: bool, *arguments, **options):
    """What a demo displays and prints."""
    displayed = []
    monkeypatch.setattr("IPython.display.display", lambda bundle, raw: displayed.append(bundle))
    monkeypatch.setenv("D2LCOURSE_EMBED", "1" if embed else "0")
    demos.demo(*arguments, **options)
    return displayed[0], capsys.readouterr().out


def test_the_file_computes_what_pytorch_computes_for_any_batch(tmp_path, network):
    path = tmp_path / "net.onnx"
    difference = demos.export_onnx(network, torch.randn(3, 4), path)
    assert difference < 1e-5
    assert network.training  # the copy was put into evaluation mode, not the model
    network.eval()
    for size in (1, 5):
        x = torch.randn(size, 4)
        ours = answers(path.read_bytes(), x.numpy())[0]
        np.testing.assert_allclose(ours, network(x).detach(), atol=1e-5)
    network.train()
    assert [file.name for file in tmp_path.iterdir()] == ["net.onnx"]


def test_the_file_says_nothing_of_this_machine(tmp_path, network):
    demos.export_onnx(network, torch.randn(2, 4), tmp_path / "a.onnx")
    contents = (tmp_path / "a.onnx").read_bytes()
    for word in (b"site-packages", b".py", b"torch.nn"):
        assert word not in contents
    demos.export_onnx(network, torch.randn(3, 4), tmp_path / "b.onnx")
    assert (tmp_path / "b.onnx").read_bytes() == contents


def test_several_inputs_and_outputs(tmp_path):
    model = Two()
    ids, x = torch.randint(7, (3, 5)), torch.randn(3, 3)
    demos.export_onnx(model, (ids, x), tmp_path / "two.onnx")
    first, second = answers((tmp_path / "two.onnx").read_bytes(), ids.numpy(), x.numpy())
    np.testing.assert_allclose(first, model(ids, x)[0].detach(), atol=1e-5)
    np.testing.assert_allclose(second, x.square(), atol=1e-5)


def test_a_file_that_computes_something_else_is_refused(tmp_path, network, monkeypatch):
    bare = demos._bare

    def spoilt(proto):
        for tensor in proto.graph.initializer:
            tensor.raw_data = bytes(len(tensor.raw_data))
        return bare(proto)

    monkeypatch.setattr(demos, "_bare", spoilt)
    with pytest.raises(ValueError, match="outputs differ from PyTorch's by"):
        demos.export_onnx(network, torch.randn(2, 4), tmp_path / "net.onnx")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("inputs", [torch.randn(1, 4), torch.tensor(1.0), None, [1, 2]])
def test_a_batch_of_one_is_refused(tmp_path, network, inputs):
    with pytest.raises(ValueError, match="batch of at least two"):
        demos.export_onnx(network, inputs, tmp_path / "net.onnx")


def test_the_book_keeps_both_forms(capsys, monkeypatch, network):
    x = torch.randn(2, 4)
    bundle, said = shown(capsys, monkeypatch, True, "x", {"net": network}, x, {"labels": ["a"]})
    about = bundle[demos.MIME]
    assert (about["name"], about["data"]) == ("x", {"labels": ["a"]})
    assert list(about["models"]) == ["net"]
    page = answers(base64.b64decode(about["models"]["net"]["onnx"]), x.numpy())[0]
    program = torch.export.load(io.BytesIO(base64.b64decode(about["models"]["net"]["pt2"])))
    np.testing.assert_allclose(page, program.module()(x), atol=1e-5)
    assert "net: 1 kB of ONNX, outputs equal to PyTorch's to" in said


def test_a_reader_sees_one_line_and_keeps_a_small_notebook(capsys, monkeypatch, network):
    bundle, said = shown(capsys, monkeypatch, False, "x", {"net": network}, torch.randn(2, 4))
    assert list(bundle) == ["text/plain"]
    assert "runs in the book's page" in bundle["text/plain"]
    assert "kB of ONNX" in said


def test_each_model_may_have_inputs_of_its_own(capsys, monkeypatch, network):
    models = {"net": network, "wide": nn.Linear(6, 1)}
    inputs = {"net": torch.randn(2, 4), "wide": torch.randn(2, 6)}
    bundle, _ = shown(capsys, monkeypatch, True, "x", models, inputs)
    assert set(bundle[demos.MIME]["models"]) == {"net", "wide"}


def test_a_demo_without_models(capsys, monkeypatch):
    bundle, said = shown(capsys, monkeypatch, True, "x", data=[1, 2])
    assert bundle[demos.MIME] == {"name": "x", "models": {}, "data": [1, 2]}
    assert said == ""


def test_a_model_too_large_for_a_page_is_refused_in_the_book_only(capsys, monkeypatch):
    large = nn.Linear(600, 500)
    with pytest.raises(ValueError, match=r"model 'net' has 12\d+ bytes"):
        shown(capsys, monkeypatch, True, "x", {"net": large}, torch.randn(2, 600))
    bundle, _ = shown(capsys, monkeypatch, False, "x", {"net": large}, torch.randn(2, 600))
    assert list(bundle) == ["text/plain"]


@pytest.mark.parametrize("data", [{"a": float("nan")}, {"a": torch.ones(2)}])
def test_data_that_is_no_json_is_refused(capsys, monkeypatch, data):
    with pytest.raises(ValueError, match="data of the demo 'x' is no JSON"):
        shown(capsys, monkeypatch, True, "x", data=data)


def test_models_without_inputs_are_refused(network):
    with pytest.raises(ValueError, match="has models and no inputs"):
        demos.demo("x", {"net": network})


def test_without_the_exporter_the_chapter_goes_on(capsys, monkeypatch, network):
    def missing(*_):
        raise ModuleNotFoundError("No module named 'onnxscript'", name="onnxscript")

    monkeypatch.setattr(demos, "_export", missing)
    demos.demo("x", {"net": network}, torch.randn(2, 4))
    assert "pip install 'd2lcourse[chapters]'" in capsys.readouterr().out
