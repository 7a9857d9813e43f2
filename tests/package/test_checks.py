"""The checks print proof in one line, and fail with the place and the size of the difference."""

import numpy as np
import pytest
import torch

from d2lcourse import check_close, check_shape


def test_says_how_close(capsys):
    check_close(torch.tensor([1.0, 2.0]), np.array([1.0, 2.0 + 3e-8]), "sum")
    assert capsys.readouterr().out == "✓ sum: 2 values agree to 1e-07 (allowed 1e-06)\n"


def test_says_where_and_by_how_much():
    theirs = torch.zeros(3, 4)
    ours = theirs.clone()
    ours[1, 2] = 0.5
    with pytest.raises(AssertionError, match=r"1 of 12 values .* \(1, 2\) is 0.5, not 0 .*0.5"):
        check_close(ours, theirs, "grid")


def test_shapes_are_never_broadcast():
    with pytest.raises(AssertionError, match=r"\(3, 1\) is not their shape \(3,\)"):
        check_close(torch.zeros(3, 1), torch.zeros(3))


@pytest.mark.parametrize("ours", [float("nan"), float("inf"), -float("inf")])
def test_not_a_number_never_passes(ours):
    with pytest.raises(AssertionError):
        check_close(ours, 1.0, atol=1e9)


def test_equal_infinities_and_nans_agree():
    check_close([float("inf"), float("nan")], [float("inf"), float("nan")])


def test_relative_tolerance():
    check_close(1000.0, 1000.5, rtol=1e-3)
    with pytest.raises(AssertionError):
        check_close(1000.0, 1000.5, rtol=1e-4)


def test_empty_and_boolean(capsys):
    check_close([], [])
    check_close(torch.tensor([True, False]), [True, False], "mask")
    assert "✓ mask: 2 values equal" in capsys.readouterr().out


def test_shape():
    check_shape(torch.zeros(2, 3), (None, 3), "X")
    with pytest.raises(AssertionError, match=r"X has shape \(2, 3\), not \(any, 4\)"):
        check_shape(torch.zeros(2, 3), (None, 4), "X")
    with pytest.raises(AssertionError, match=r"not \(2, 3, 1\)"):
        check_shape(torch.zeros(2, 3), (2, 3, 1))
