"""Full-scale sets: the libraries' real download code, fed by a server on this machine with small
archives in the real format, whole, damaged, cut off or absent."""

from __future__ import annotations

import gzip
import hashlib
import io
import struct
import tarfile
import threading
import time
import urllib.error
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
import torch
import torchvision
from sklearn.datasets import _california_housing, _covtype
from sklearn.datasets._base import RemoteFileMetadata

from d2lcourse.data import load


class Shop:
    """A web server that hands out `files` by name; those in `cut` end half-way."""

    def __init__(self):
        self.files: dict[str, bytes] = {}
        self.cut: set[str] = set()
        self.asked: list[str] = []
        shop = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                name = self.path.strip("/")
                shop.asked.append(name)
                body = shop.files.get(name)
                if body is None:
                    self.send_error(404)
                    return
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body[: len(body) // 2] if name in shop.cut else body)

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        serve = partial(self.server.serve_forever, poll_interval=0.01)
        threading.Thread(target=serve, daemon=True).start()

    def close(self):
        """Stop listening: from here on a connection is refused, as it is offline."""
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def shop():
    shop = Shop()
    yield shop
    shop.close()


@pytest.fixture(autouse=True)
def data_dir(tmp_path, monkeypatch):
    monkeypatch.setenv("D2LCOURSE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("D2LCOURSE_SCALE", raising=False)
    monkeypatch.setattr(time, "sleep", lambda seconds: None)  # scikit-learn waits between tries
    return tmp_path / "data"


def idx(array):
    """The idx format: two zeros, 8 for bytes, the number of dimensions, their sizes, the bytes."""
    head = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
    return head + array.astype(np.uint8).tobytes()


@pytest.fixture(params=["fashion_mnist", "glyphs"])
def stocked(request, shop, monkeypatch):
    """(name, the set's class in torchvision, the arrays) with small archives in the shop."""
    real = {
        "fashion_mnist": torchvision.datasets.FashionMNIST,
        "glyphs": torchvision.datasets.MNIST,
    }
    kind = real[request.param]
    rng = np.random.default_rng(3)
    arrays, resources = {}, []
    for part, n in (("train", 40), ("t10k", 20)):
        arrays[part] = rng.integers(0, 256, (n, 28, 28)), rng.integers(0, 10, n)
        for array, file in zip(arrays[part], ("images-idx3", "labels-idx1"), strict=True):
            name, body = f"{part}-{file}-ubyte.gz", gzip.compress(idx(array))
            shop.files[name] = body
            resources.append((name, hashlib.md5(body).hexdigest()))
    monkeypatch.setattr(kind, "mirrors", [shop.url])
    monkeypatch.setattr(kind, "resources", resources)
    return request.param, kind, arrays


def same_rows(data, images, labels):
    """Whether `data` holds exactly these images with these labels, in whatever order."""
    ours = [
        (x.tobytes(), int(y)) for x, y in zip((data.X * 255).byte().numpy(), data.y, strict=True)
    ]
    theirs = [(x.astype(np.uint8).tobytes(), y) for x, y in zip(images, labels, strict=True)]
    return sorted(ours) == sorted(theirs)


def test_images_arrive_and_the_second_load_needs_no_network(stocked, shop):
    name, _, arrays = stocked
    train, test = load(name, scale="full"), load(name, "test", scale="full")
    assert same_rows(train, *arrays["train"])
    assert same_rows(test, *arrays["t10k"])
    assert train.X.dtype == torch.float32
    assert train.X.shape == (40, 1, 28, 28)
    assert train.y.dtype == torch.int64
    assert train.X.max() <= 1
    assert set(shop.asked) == set(shop.files)
    shop.close()
    assert torch.equal(load(name, scale="full", n=7).X, train.X[:7])
    with pytest.raises(ValueError, match="has 40"):
        load(name, scale="full", n=41)


def test_environment_chooses_the_full_scale(stocked, monkeypatch):
    monkeypatch.setenv("D2LCOURSE_SCALE", "full")
    assert len(load(stocked[0])) == 40


def test_wrong_hash_is_thrown_away_and_the_next_load_mends_it(stocked, shop, data_dir):
    name, kind, arrays = stocked
    file = "train-labels-idx1-ubyte.gz"
    good, shop.files[file] = shop.files[file], gzip.compress(idx(np.zeros(40)))
    with pytest.raises(OSError, match=f"arrived damaged.*{file}.*thrown away"):
        load(name, scale="full")
    assert not (data_dir / kind.__name__ / "raw" / file).exists()
    shop.files[file] = good
    assert same_rows(load(name, scale="full"), *arrays["train"])


def test_connection_lost_half_way(stocked, shop, data_dir):
    name, kind, arrays = stocked
    file = "train-images-idx3-ubyte.gz"
    shop.cut = {file}
    with pytest.raises(OSError, match=f"arrived damaged.*{file}"):
        load(name, scale="full")
    assert not (data_dir / kind.__name__ / "raw" / file).exists()
    shop.cut = set()
    assert same_rows(load(name, scale="full"), *arrays["train"])


@pytest.mark.parametrize("keep", [0, 3, 9, 5000])
def test_file_left_half_unpacked_by_a_killed_process(stocked, shop, data_dir, keep):
    name, kind, arrays = stocked
    load(name, scale="full")
    asked = len(shop.asked)
    raw = data_dir / kind.__name__ / "raw" / "train-images-idx3-ubyte"
    raw.write_bytes(raw.read_bytes()[:keep])
    assert same_rows(load(name, scale="full"), *arrays["train"])
    assert len(shop.asked) == asked, "the archive was whole: nothing to fetch"
    # And with the archive half there as well, just that one is fetched again.
    raw.write_bytes(raw.read_bytes()[:keep])
    archive = raw.with_suffix(".gz")
    archive.write_bytes(archive.read_bytes()[:keep])
    assert same_rows(load(name, scale="full"), *arrays["train"])
    assert set(shop.asked[asked:]) == {archive.name}


def test_offline_says_what_to_do(stocked, shop, data_dir):
    name, kind, _ = stocked
    shop.close()
    with pytest.raises(ConnectionError) as caught:
        load(name, scale="full")
    message = str(caught.value)
    assert f"could not fetch {kind.__name__}" in message
    assert "scale='small'" in message
    assert str(data_dir / kind.__name__ / "raw") in message
    assert "train-images-idx3-ubyte.gz" in message


def test_files_put_there_by_hand(stocked, shop, data_dir):
    name, kind, arrays = stocked
    folder = data_dir / kind.__name__ / "raw"
    folder.mkdir(parents=True)
    for file, body in shop.files.items():
        (folder / file).write_bytes(body)
    shop.close()
    assert same_rows(load(name, "test", scale="full"), *arrays["t10k"])


def test_disk_full(stocked, monkeypatch, data_dir):
    def no_room(url, filename, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("torchvision.datasets.utils._urlretrieve", no_room)
    with pytest.raises(OSError, match=r"no room for .*D2LCOURSE_DATA_DIR"):
        load(stocked[0], scale="full")


def test_data_folder_that_cannot_be_written(tmp_path, monkeypatch, shop):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("D2LCOURSE_DATA_DIR", str(tmp_path / "file"))
    for name in ("fashion_mnist", "covertype"):
        with pytest.raises(PermissionError, match="D2LCOURSE_DATA_DIR"):
            load(name, scale="full")


def housing_archive():
    """Ten districts in the order of scikit-learn's archive, which ends with the house value."""
    rows = np.random.default_rng(5).uniform(1, 9, (10, 9))
    rows[:, 8] = 100_000 * np.arange(1, 11)
    text = "\n".join(",".join(map(str, row)) for row in rows).encode()
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        member = tarfile.TarInfo("CaliforniaHousing/cal_housing.data")
        member.size = len(text)
        archive.addfile(member, io.BytesIO(text))
    return packed.getvalue()


def covertype_archive():
    rows = np.random.default_rng(6).integers(0, 300, (70, 55))
    rows[:, 54] = np.repeat(np.arange(1, 8), 10)
    return gzip.compress("\n".join(",".join(map(str, row)) for row in rows).encode())


TABLES = {
    "california_housing": (_california_housing, "cal_housing.tgz", housing_archive),
    "covertype": (_covtype, "covtype.data.gz", covertype_archive),
}


@pytest.fixture(params=sorted(TABLES))
def table(request, shop, monkeypatch):
    """(name, archive's name) with a small archive of the real format in the shop."""
    module, file, make = TABLES[request.param]
    shop.files[file] = make()
    sha256 = hashlib.sha256(shop.files[file]).hexdigest()
    monkeypatch.setattr(module, "ARCHIVE", RemoteFileMetadata(file, shop.url + file, sha256))
    return request.param, file


def test_tables_arrive_split_and_in_their_units(shop, table):
    name, file = table
    train, test = load(name, scale="full"), load(name, "test", scale="full")
    assert shop.asked == [file], "the second load reads the cache"
    assert train.X.dtype == test.X.dtype == torch.float32
    y = torch.cat([train.y, test.y])
    if name == "california_housing":
        assert train.X.shape == (8, 8)
        assert test.X.shape == (2, 8)
        assert y.dtype == torch.float32
        assert y.sort().values.tolist() == list(range(1, 11))
    else:
        assert train.X.shape == (56, 54)
        assert y.dtype == torch.int64
        assert test.y.bincount().tolist() == [2] * 7
    assert train.X.shape[1] == len(train.card.features)


def test_table_with_a_wrong_hash(shop, table, data_dir):
    name, file = table
    good, shop.files[file] = shop.files[file], b"something else"
    with pytest.raises(OSError, match=r"arrived damaged.*thrown away"):
        load(name, scale="full")
    assert not [path for path in data_dir.rglob("*") if path.is_file() and path.suffix != ".lock"]
    shop.files[file] = good
    assert len(load(name, scale="full"))


@pytest.mark.filterwarnings("ignore:Retry downloading")
def test_table_cut_off(shop, table):
    name, file = table
    shop.cut = {file}
    with pytest.raises(ConnectionError, match="could not fetch"):
        load(name, scale="full")
    shop.cut = set()
    assert len(load(name, scale="full"))


@pytest.mark.filterwarnings("ignore:Retry downloading")
def test_table_offline_names_the_small_one(shop, table, data_dir):
    name, _ = table
    shop.close()
    with pytest.raises(ConnectionError) as caught:
        load(name, scale="full")
    assert isinstance(caught.value.__cause__, urllib.error.URLError)
    small = {"california_housing": "diabetes", "covertype": "breast_cancer"}[name]
    assert f"load('{small}')" in str(caught.value)
    assert str(data_dir) in str(caught.value)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.99])
def test_table_whose_cache_was_left_half_written(shop, table, data_dir, share):
    name, file = table
    whole = load(name, scale="full")
    for cached in (path for path in data_dir.rglob("*_py3*") if path.is_file()):
        body = cached.read_bytes()
        cached.write_bytes(body[: int(share * len(body))])
    again = load(name, scale="full")
    assert torch.equal(again.X, whole.X)
    assert torch.equal(again.y, whole.y)
    assert shop.asked == [file, file]
