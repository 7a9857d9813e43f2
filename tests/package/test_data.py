"""The data sets that need no network: what `load` returns, promises and refuses."""

from __future__ import annotations

import hashlib
import socket
import subprocess
import sys
from dataclasses import FrozenInstanceError, fields

import matplotlib
import numpy as np
import pytest
import sklearn.datasets
import torch

from d2lcourse.data import card, glyphs, load, names

TOYS = ["toys2d/" + toy for toy in ("moons", "spirals", "flower", "rings", "blobs", "xor")]
GENERATED = ["fashion_mnist", "glyphs", *TOYS]
TABLES = ["breast_cancer", "wine", "iris", "diabetes"]
OFFLINE = ["digits", *TABLES, *GENERATED, "photos"]
DOWNLOADS = ["california_housing", "covertype"]
PIXELS = {"digits": (1, 8, 8), "fashion_mnist": (1, 28, 28), "glyphs": (1, 28, 28)}
PIXELS["photos"] = (3, 256, 256)


@pytest.fixture(autouse=True)
def offline(monkeypatch):
    """No test here may open a connection."""

    def refuse(*args):
        raise AssertionError("a small set touched the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.delenv("D2LCOURSE_SCALE", raising=False)


def digest(data):
    """SHA-256 of the pixels as bytes; of points to four decimals; and of the labels."""
    X = data.X.numpy()
    whole = np.rint(X * 255).astype(np.uint8) if X.ndim == 4 else np.rint(X * 1e4).astype("<i4")
    return hashlib.sha256(whole.tobytes() + data.y.numpy().astype("<i8").tobytes()).hexdigest()


def test_names():
    assert sorted(names()) == sorted(OFFLINE + DOWNLOADS)


@pytest.mark.parametrize("name", OFFLINE + DOWNLOADS)
def test_card_is_filled_in(name):
    about = card(name)
    empty = {field.name for field in fields(about) if not getattr(about, field.name)}
    assert empty <= {"classes", "features"}
    assert about.name == name
    assert about.description.endswith(".")
    assert ("features" in empty) == (name in PIXELS)
    assert ("classes" in empty) == (name in ("diabetes", "california_housing"))


@pytest.mark.parametrize("split", ["train", "test"])
@pytest.mark.parametrize("name", OFFLINE)
def test_load_keeps_the_cards_promises(name, split):
    data = load(name, split)
    X, y = data.tensors
    about = card(name)
    assert data.card is about
    assert len(data) == len(X) == len(y) == about.sizes["small"][split]
    assert X.dtype == torch.float32
    assert X.is_contiguous()
    assert X.shape[1:] == PIXELS.get(name, (len(about.features),))
    assert X.isfinite().all()
    if name in PIXELS:
        assert X.min() >= 0
        assert X.max() <= 1
    if name == "diabetes":
        assert y.dtype == torch.float32
        assert y.min() >= 25
    else:
        assert y.dtype == torch.int64
        present = set(y.tolist())
        if name == "photos":
            present |= set(load(name, "train" if split == "test" else "test").y.tolist())
        assert present == set(range(len(about.classes)))


@pytest.mark.parametrize("name", ["digits", *TABLES])
def test_real_sets_are_scikit_learns_rows_split_once(name):
    options = {"scaled": False} if name == "diabetes" else {}
    theirs = getattr(sklearn.datasets, f"load_{name}")(**options)
    train, test = load(name), load(name, "test")
    scale = 16 if name == "digits" else 1
    ours = torch.cat([train.X, test.X]).flatten(1).numpy() * scale
    ours = np.c_[ours, torch.cat([train.y, test.y]).numpy()]
    rows = np.c_[theirs.data, theirs.target].astype(np.float32)
    assert sorted(map(tuple, ours.astype(np.float32))) == sorted(map(tuple, rows))
    assert abs(len(test) / len(rows) - 0.2) < 0.005
    if name != "diabetes":
        shares = [d.y.bincount() / len(d) for d in (train, test)]
        assert (shares[0] - shares[1]).abs().max() < 0.02
        if name != "digits":
            assert list(card(name).classes) == list(theirs.target_names)
    if name != "digits":
        assert list(card(name).features) == list(theirs.feature_names)


def test_fixed_order_and_first_n():
    whole, first = load("wine"), load("wine", n=10)
    assert torch.equal(whole.X[:10], first.X)
    assert first.y.unique().numel() > 1, "shuffled, not sorted by class"
    assert torch.equal(load("wine", seed=5).X, whole.X)
    with pytest.raises(ValueError, match=r"n=143.*'wine'.*train split has 142"):
        load("wine", n=143)


@pytest.mark.parametrize("name", GENERATED)
def test_generated_sets_make_exactly_n_and_follow_the_seed(name):
    for n in (1, 7, 130):
        data = load(name, n=n)
        assert len(data) == n
        counts = data.y.bincount(minlength=len(data.classes))
        assert counts.max() - counts.min() <= 1
    again, other, test = load(name, n=130), load(name, n=130, seed=1), load(name, "test", n=130)
    assert torch.equal(data.X, again.X)
    assert torch.equal(data.y, again.y)
    everything = torch.cat([data.X, other.X, test.X]).flatten(1)
    assert len(everything.unique(dim=0)) == 390, "no example twice over seeds and splits"
    assert not torch.equal(data.y, test.y)


def test_full_toys_are_ten_times_as_many():
    assert len(load("toys2d", scale="full")) == 4000
    assert load("toys2d", n=5).card.name == "toys2d/moons"


HASHES = {
    "fashion_mnist": "3bff4980508cef5069519f04f21ce0985a3f212a25b653e278dda447faf0ccef",
    "glyphs": "52168a33523fa280241a5bb51208b9206bd77a131e0c5bdd0c54c927665d0593",
    "toys2d/moons": "001e714b18db38b1850f4f9cf098bfbbaa9b309be2ea8277530989f98e9a1b47",
    "toys2d/spirals": "ea56bf04d6f3640cb80a958ece71cad4bf657ee4057c6047f5852d8f33c6b380",
    "toys2d/flower": "0dc1749cb9bc26832a947ae443a584b5088def0ebea55443dc7da40f5c7ae52c",
    "toys2d/rings": "df09215d5fd6c9dd8bedd6c8d2bc5c6ea811993900d9dbb666f8cefcbc565325",
    "toys2d/blobs": "98d782eafe333b48e97888afdcdf9b576af1b842428a18579be6049c944a2aa3",
    "toys2d/xor": "4ec3be25ace88a93564282437da3f5f5eccb7769bbd39f91fc43808a7e0a703d",
}


@pytest.mark.parametrize("name", GENERATED)
def test_generated_sets_are_the_same_everywhere(name):
    if name == "glyphs":
        note = f"made with matplotlib 3.11.2 and Pillow 13.0.0, here {matplotlib.__version__}"
    else:
        note = "the generator changed: a new hash is a new data set"
    assert digest(load(name, n=300)) == HASHES[name], note


def linear_accuracy(train, test):
    """Test accuracy of the linear classifier that fits one-hot labels best (ridge)."""
    X = torch.nn.functional.pad(train.X.flatten(1), (0, 1), value=1.0).double()
    Y = torch.nn.functional.one_hot(train.y).double()
    W = torch.linalg.solve(X.T @ X + 3.0 * torch.eye(X.shape[1]), X.T @ Y)
    X = torch.nn.functional.pad(test.X.flatten(1), (0, 1), value=1.0).double()
    return ((X @ W).argmax(1) == test.y).double().mean().item()


def test_garments_are_neither_trivial_nor_hopeless():
    train, test = load("fashion_mnist"), load("fashion_mnist", "test")
    assert 0.76 <= linear_accuracy(train, test) <= 0.90
    # The tops are the hard ones, as in the real set; trousers and bags are told apart.
    centres = torch.stack([train.X[train.y == label].mean(0) for label in range(10)])
    guess = torch.cdist(test.X.flatten(1), centres.flatten(1)).argmin(1)
    right = torch.tensor([(guess[test.y == k] == k).double().mean() for k in range(10)])
    assert 0.6 <= right.mean() <= 0.85
    assert right[6] < right.mean() < right[1], "shirts below, trousers above"


def test_glyphs_can_be_read_and_keep_four_fonts_for_the_test(monkeypatch):
    train, test = load("glyphs"), load("glyphs", "test")
    assert 0.75 <= linear_accuracy(train, test) <= 0.95
    fonts = []
    look_up = glyphs._look_up
    monkeypatch.setattr(glyphs, "_look_up", lambda f, *a: (fonts.append(f), look_up(f, *a))[1])
    load("glyphs", n=500)
    load("glyphs", "test", n=500)
    seen, unseen = len(glyphs.TRAIN_FONTS), len(glyphs.UNSEEN_FONTS)
    assert set(fonts[0]) == set(range(seen))
    assert set(fonts[1]) == set(range(seen + unseen))


def test_toys_have_their_shapes():
    blobs, xor = load("toys2d/blobs"), load("toys2d/xor")
    assert (((blobs.X @ torch.tensor([1.2, 0.8])) > 0).long() == blobs.y).all()
    assert ((xor.X[:, 0] > 0) ^ (xor.X[:, 1] > 0)).long().equal(xor.y)
    rings = load("toys2d/rings")
    centres = torch.stack([rings.X[rings.y == k].mean(0) for k in range(8)])
    assert torch.allclose(centres.norm(dim=1), torch.tensor(2.0), atol=0.15)
    for name in ("moons", "spirals", "flower"):
        train, test = load("toys2d/" + name), load("toys2d/" + name, "test")
        assert linear_accuracy(train, test) < 0.92
        nearest = torch.cdist(test.X, train.X).argmin(1)
        assert (train.y[nearest] == test.y).double().mean() > 0.9


def test_photos_are_the_packages_own():
    import skimage.data

    train, test = load("photos", scale="full"), load("photos", "test", scale="full")
    assert train.X.shape == (10, 3, 512, 512)
    for data, name in ((train, "astronaut"), (train, "camera"), (test, "brick")):
        theirs = torch.from_numpy(getattr(skimage.data, name)())
        theirs = theirs.permute(2, 0, 1) if theirs.ndim == 3 else theirs.expand(3, -1, -1)
        ours = data.X[data.y == data.classes.index(name)][0]
        assert torch.equal((ours * 255).round().byte(), theirs)


def test_photo_that_is_not_there(monkeypatch):
    from d2lcourse.data import photos

    monkeypatch.setitem(photos.SCENES, "camera", "skimage/data/missing.png")
    with pytest.raises(FileNotFoundError, match=r"ships no data/missing\.png; install"):
        load("photos")
    monkeypatch.setitem(photos.SCENES, "camera", "nopackage/camera.png")
    with pytest.raises(ModuleNotFoundError, match="nopackage"):
        load("photos")


def test_dataset():
    data = load("fashion_mnist", n=20)
    line = "fashion_mnist/train (small): X (20, 1, 28, 28) float32, y (20,) int64, 10 classes"
    assert repr(data) == line
    assert repr(load("diabetes")).endswith("y (354,) float32")
    assert data.classes[9] == "Ankle boot"
    moved = data.to("meta")
    assert moved.X.device.type == moved.y.device.type == "meta"
    assert moved.card is data.card
    with pytest.raises(FrozenInstanceError):
        data.X = data.y


def test_scale_comes_from_the_session(monkeypatch):
    monkeypatch.setenv("D2LCOURSE_SCALE", "full")
    assert len(load("toys2d")) == 4000
    assert len(load("toys2d", scale="small")) == 400


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "fashion_mnst"}, "unknown data set 'fashion_mnst'.*Did you mean 'fashion_mnist'"),
        ({"name": "toys2d/moon"}, "Did you mean 'toys2d/moons'"),
        ({"name": "iris", "split": "tst"}, "unknown split 'tst'.*Did you mean 'test'"),
        ({"name": "iris", "scale": "ful"}, "unknown scale 'ful'.*Did you mean 'full'"),
        ({"name": "iris", "n": 0}, "n=0 is not"),
        ({"name": "iris", "n": 2.5}, "n=2.5 is not"),
        ({"name": "iris", "n": True}, "n=True is not"),
        ({"name": "glyphs", "seed": -1}, "seed=-1 is not"),
        ({"name": "california_housing"}, "no small scale.*'diabetes'"),
        ({"name": "covertype", "split": "test"}, "no small scale.*'breast_cancer'"),
    ],
)
def test_bad_input(arguments, message):
    with pytest.raises(ValueError, match=message):
        load(**arguments)


def test_unknown_card():
    with pytest.raises(ValueError, match="Did you mean 'digits'"):
        card("digit")


def test_import_is_light():
    heavy = ["torchvision", "sklearn", "skimage", "pandas", "matplotlib", "scipy", "PIL"]
    code = f"import sys, d2lcourse.data; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
