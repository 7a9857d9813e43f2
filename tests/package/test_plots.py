"""Plots draw what they are given, and refuse what they cannot draw."""

import matplotlib as mpl

mpl.use("agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

import d2lcourse as d2l


@pytest.fixture(autouse=True)
def closed_figures():
    d2l.use_style()
    yield
    plt.close("all")


@pytest.mark.parametrize("shape", [(7, 4, 5), (7, 1, 4, 5), (7, 3, 4, 5)])
def test_images_in_a_grid(shape):
    fig = d2l.show_images(torch.rand(shape), list("abcdefg"), columns=3)
    drawn = [ax for ax in fig.axes if ax.images]
    assert len(fig.axes) == 9
    assert len(drawn) == 7
    assert [ax.get_title() for ax in drawn] == list("abcdefg")
    assert drawn[0].images[0].get_array().shape[:2] == (4, 5)


def test_images_of_another_shape():
    with pytest.raises(ValueError, match=r"are \(4, 5\)"):
        d2l.show_images(torch.rand(4, 5))


def test_one_title_an_image():
    with pytest.raises(ValueError, match="2 images were given with 1 titles"):
        d2l.show_images(torch.rand(2, 4, 4), ["only one"])


def test_history_has_a_panel_for_losses_and_one_for_metrics():
    record = {"train_loss": 1.0, "lr": 0.1, "valid_loss": 2.0, "valid_accuracy": 0.5, "seconds": 1}
    fig = d2l.plot_history(d2l.History([record, record]))
    labels = [[line.get_label() for line in ax.lines] for ax in fig.axes]
    assert labels == [["train_loss", "valid_loss"], ["valid_accuracy"]]


def test_heatmap_writes_the_numbers():
    ax = d2l.heatmap(np.array([[1, 2], [3, 40]]), ["a", "b"], ["short", "longer"])
    assert [text.get_text() for text in ax.texts] == ["1", "2", "3", "40"]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["short", "longer"]


def test_regions_follow_the_classifier():
    X = torch.tensor([[-1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    ax = d2l.decision_regions(lambda points: (points[:, 0] > 0).long(), X, [0, 1, 0], steps=50)
    drawn = np.asarray(ax.images[0].get_array())
    assert (drawn[:, :24] == 0).all()
    assert (drawn[:, 26:] == 1).all()


def test_regions_take_scores():
    X = torch.tensor([[-1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    ax = d2l.decision_regions(
        lambda points: torch.cat([-points[:, :1], points[:, :1]], 1), X, [0, 1, 1]
    )
    assert set(np.unique(ax.images[0].get_array())) == {0, 1}
