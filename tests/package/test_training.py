"""`fit` learns, resumes exactly, and refuses what does not fit together."""

import copy

import pytest
import torch
from torch import nn

import d2lcourse as d2l


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def blobs(n=200):
    y = torch.arange(n) % 3
    return torch.randn(n, 2) * 0.3 + torch.tensor([[0.0, 2.0], [2.0, 0.0], [-2.0, -2.0]])[y], y


def network():
    return nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Dropout(0.2), nn.Linear(16, 3))


def run(epochs=6, model=None, **options):
    torch.manual_seed(1)
    model = model or network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 2, 0.5)
    torch.manual_seed(2)
    X, y = blobs()
    history = d2l.fit(
        model, nn.CrossEntropyLoss(), optimizer, (X, y), epochs=epochs, batch_size=32,
        valid=(X, y), metrics={"accuracy": d2l.accuracy}, schedule=schedule, **options,
    )  # fmt: skip
    return model, history


def weights(model):
    return torch.cat([p.detach().flatten() for p in model.parameters()])


def test_learns_and_records():
    _, history = run()
    assert history.last["valid_accuracy"] >= 0.95
    assert history["train_loss"][-1] < history["train_loss"][0] / 3
    assert history["lr"] == pytest.approx([0.1, 0.1, 0.05, 0.05, 0.025, 0.025])
    assert list(history.frame().columns) == history.names
    assert "6 epochs" in repr(history)


def test_equals_the_bare_loop():
    X, y = blobs()
    ours = nn.Linear(2, 3)
    bare = copy.deepcopy(ours)
    torch.manual_seed(5)
    d2l.fit(
        ours, nn.CrossEntropyLoss(), torch.optim.Adam(ours.parameters(), 0.01), (X, y), epochs=3
    )
    torch.manual_seed(5)
    optimizer = torch.optim.Adam(bare.parameters(), 0.01)
    for _ in range(3):
        for rows in torch.randperm(len(X)).split(128):
            loss = nn.functional.cross_entropy(bare(X[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    assert torch.equal(weights(ours), weights(bare))


def test_every_row_once_an_epoch():
    seen = []

    class Spy(nn.Module):
        def forward(self, X):
            if self.training:
                seen.append(X)
            return X * 1.0

    scale = nn.Parameter(torch.ones(()))
    X = torch.arange(50.0)[:, None]
    d2l.fit(
        Spy(),
        lambda out, y: (out * scale).mean(),
        torch.optim.SGD([scale], 0.0),
        (X, X),
        epochs=2,
        batch_size=8,
    )
    rows = torch.cat(seen)[:, 0]
    assert torch.equal(rows[:50].sort().values, X[:, 0])
    assert torch.equal(rows[50:].sort().values, X[:, 0])
    assert not torch.equal(rows[:50], rows[50:])


def test_resume_is_exact(tmp_path):
    straight, whole = run(epochs=6)
    path = tmp_path / "deep" / "run.pt"
    run(epochs=3, checkpoint=path)
    resumed, history = run(epochs=6, checkpoint=path, resume=True)
    assert torch.equal(weights(straight), weights(resumed))
    assert history["train_loss"] == whole["train_loss"]
    assert history["lr"] == whole["lr"]
    assert list(path.parent.iterdir()) == [path]


def test_resume_without_a_file_starts(tmp_path):
    _, history = run(epochs=2, checkpoint=tmp_path / "new.pt", resume=True)
    assert len(history) == 2


def test_early_stopping_gives_back_the_best_weights():
    X, y = blobs(30)
    model = nn.Linear(2, 3)
    losses = []

    def loss(outputs, targets):  # grows with every epoch once the model is evaluated
        value = nn.functional.cross_entropy(outputs, targets)
        if not model.training:
            losses.append(weights(model).clone())
            value = value + len(losses) * (1.0 if len(losses) > 2 else -1.0)
        return value

    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    history = d2l.fit(model, loss, optimizer, (X, y), epochs=50, valid=(X, y), patience=3)
    assert history.best_epoch() < 3
    assert len(history) == history.best_epoch() + 4
    assert torch.equal(weights(model), losses[history.best_epoch()])


def test_clip_bounds_the_step():
    X, y = torch.full((4, 1), 1e4), torch.zeros(4, 1)
    model = nn.Linear(1, 1)
    before = weights(model)
    d2l.fit(
        model, nn.MSELoss(), torch.optim.SGD(model.parameters(), 1.0), (X, y), epochs=1, clip=0.5
    )
    assert (weights(model) - before).norm() <= 0.5 + 1e-4


def test_schedule_by_step():
    X, y = blobs(64)
    model = nn.Linear(2, 3)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.5, total_steps=8)
    history = d2l.fit(
        model, nn.CrossEntropyLoss(), optimizer, (X, y), epochs=2, batch_size=16,
        schedule=schedule, schedule_every="step",
    )  # fmt: skip
    assert schedule.last_epoch == 8
    assert len(history) == 2


def test_nan_says_at_which_step_and_keeps_the_checkpoint(tmp_path):
    path = tmp_path / "run.pt"
    X, y = blobs(60)
    model = nn.Linear(2, 3)
    calls = []

    def loss(outputs, targets):
        calls.append(1)
        factor = float("nan") if len(calls) == 9 else 1.0  # 4 steps an epoch: step 1 of epoch 3
        return nn.functional.cross_entropy(outputs, targets) * factor

    with pytest.raises(FloatingPointError, match=r"nan at step 1 of epoch 3.*run\.pt"):
        d2l.fit(
            model,
            loss,
            torch.optim.SGD(model.parameters(), 0.1),
            (X, y),
            epochs=5,
            batch_size=16,
            checkpoint=path,
        )
    assert not weights(model).isfinite().all()
    history = d2l.fit(
        model, nn.CrossEntropyLoss(), torch.optim.SGD(model.parameters(), 0.1), (X, y), epochs=3,
        batch_size=16, checkpoint=path, resume=True,
    )  # fmt: skip
    assert len(history) == 3
    assert weights(model).isfinite().all()


def test_killed_while_saving_keeps_the_old_checkpoint(tmp_path, monkeypatch):
    path = tmp_path / "run.pt"
    run(epochs=1, checkpoint=path)
    good = path.read_bytes()

    def half(state, file):
        file.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", half)
    with pytest.raises(OSError, match="No space left"):
        run(epochs=2, checkpoint=path)
    assert path.read_bytes() == good
    assert list(tmp_path.iterdir()) == [path]


def test_checkpoint_of_another_model(tmp_path):
    path = tmp_path / "run.pt"
    run(epochs=1, checkpoint=path)
    wider = nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Dropout(0.2), nn.Linear(32, 3))
    before = weights(wider)
    with pytest.raises(ValueError, match=r"another model: .*(16|32)"):
        run(epochs=2, model=wider, checkpoint=path, resume=True)
    assert torch.equal(weights(wider), before)


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", None])
def test_corrupt_checkpoint(tmp_path, content):
    path = tmp_path / "run.pt"
    run(epochs=1, checkpoint=path)
    path.write_bytes(path.read_bytes()[:500] if content is None else content)
    with pytest.raises(ValueError, match=r"not a readable checkpoint.*resume=False"):
        run(epochs=2, checkpoint=path, resume=True)


def test_foreign_file_as_checkpoint(tmp_path):
    path = tmp_path / "run.pt"
    torch.save({"weights": torch.ones(2)}, path)
    with pytest.raises(ValueError, match=r"not written by d2lcourse\.fit"):
        run(epochs=2, checkpoint=path, resume=True)


def test_checkpoint_without_the_schedule(tmp_path):
    path = tmp_path / "run.pt"
    run(epochs=1, checkpoint=path)
    X, y = blobs()
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    with pytest.raises(ValueError, match="a schedule, but fit was given no schedule"):
        d2l.fit(
            model, nn.CrossEntropyLoss(), optimizer, (X, y), epochs=2, checkpoint=path, resume=True
        )


BAD = {
    "lengths": (dict(train=(torch.ones(5, 2), torch.ones(4).long())), r"one length .*\[5, 4\]"),
    "empty": (dict(train=(torch.ones(0, 2), torch.ones(0).long())), "above 0"),
    "not a tuple": (dict(train=torch.ones(5, 2)), r"tensors in a tuple, \(X, y\)"),
    "too wide": (dict(train=(torch.ones(5, 7), torch.ones(5).long())), r"cannot take .*\(2, 7\)"),
    "label 3 of 3": (dict(train=(torch.ones(5, 2), torch.tensor([0, 1, 2, 3, 1]))), "0..2.*0 to 3"),
    "label -1": (dict(train=(torch.ones(5, 2), torch.tensor([0, 1, 2, -1, 1]))), "-1 to 2"),
    "int32 labels": (dict(train=(torch.ones(5, 2), torch.ones(5).int())), r"y\.long\(\)"),
    "broadcast": (dict(train=(torch.ones(5, 2), torch.ones(5)), loss=nn.MSELoss()), r"reshape"),
    "no epochs": (dict(epochs=0), "epochs=0 must be"),
    "batch size": (dict(batch_size=2.5), r"batch_size=2\.5 must be"),
    "patience": (dict(patience=2), "patience needs valid"),
    "resume": (dict(resume=True), "resume=True needs checkpoint"),
    "amp on cpu": (dict(amp=True), "for CUDA"),
    "bad valid": (dict(valid=(torch.ones(2, 2), torch.ones(3).long())), r"valid must .*\[2, 3\]"),
}


@pytest.mark.parametrize("name", BAD)
def test_refuses_before_it_trains(name):
    options, message = BAD[name]
    model = nn.Linear(2, 3)
    before = weights(model)
    X, y = blobs(20)
    call = {"loss": nn.CrossEntropyLoss(), "train": (X, y), "epochs": 1} | options
    with pytest.raises(ValueError, match=message):
        d2l.fit(model, optimizer=torch.optim.SGD(model.parameters(), 0.1), **call)
    assert torch.equal(weights(model), before)


def test_ignored_labels_are_no_error():
    X, y = blobs(20)
    y[3] = -100
    model = nn.Linear(2, 3)
    d2l.fit(
        model, nn.CrossEntropyLoss(), torch.optim.SGD(model.parameters(), 0.1), (X, y), epochs=1
    )


def test_evaluate_does_not_depend_on_the_batch_size_and_keeps_the_mode():
    X, y = blobs(50)
    model = network().train()
    results = [
        d2l.evaluate(model, (X, y), nn.CrossEntropyLoss(), {"accuracy": d2l.accuracy}, batch_size=b)
        for b in (1, 7, 50, 1000)
    ]
    for result in results[1:]:
        assert result == pytest.approx(results[0], abs=1e-5)
    assert model.training


def test_predict_is_the_model_in_evaluation_mode():
    X, _ = blobs(50)
    model = network()
    outputs = d2l.predict(model, X, batch_size=8)
    model.eval()
    assert torch.allclose(outputs, model(X), atol=1e-6)
    assert not outputs.requires_grad


def test_several_inputs():
    class Sum(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(2, 1)

        def forward(self, a, b):
            return self.layer(a + b)

    a, b, y = torch.randn(40, 2), torch.randn(40, 2), torch.randn(40, 1)
    model = Sum()
    history = d2l.fit(
        model, nn.MSELoss(), torch.optim.SGD(model.parameters(), 0.1), (a, b, y), epochs=5
    )
    assert history["train_loss"][-1] < history["train_loss"][0]
    assert d2l.predict(model, a, b).shape == (40, 1)


def test_accuracy_of_binary_logits():
    assert d2l.accuracy(torch.tensor([1.0, -1.0]), torch.tensor([1, 1])).item() == 0.5
    with pytest.raises(ValueError, match="neither class scores nor logits"):
        d2l.accuracy(torch.zeros(3, 1), torch.zeros(3))


def test_history_names_its_measures():
    with pytest.raises(ValueError, match=r"'train_loss'.*Did you mean 'train_loss'"):
        d2l.History([{"train_loss": 1.0}])["train_los"]


def test_progress_shows_only_when_asked(capfd, monkeypatch):
    monkeypatch.delenv("D2LCOURSE_PROGRESS", raising=False)
    run(epochs=2, progress=False)
    assert capfd.readouterr().err == ""
    run(epochs=2, progress=True)
    assert "epoch" in capfd.readouterr().err
    monkeypatch.setenv("D2LCOURSE_PROGRESS", "1")
    run(epochs=2)
    assert "epoch" in capfd.readouterr().err


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU")
@pytest.mark.parametrize("options", [{}, {"amp": True}, {"compile": True}])
def test_on_a_gpu(options, tmp_path):
    path = tmp_path / "run.pt"
    model, history = run(model=network().cuda(), checkpoint=path, **options)
    assert history.last["valid_accuracy"] >= 0.95
    resumed, _ = run(model=network().cuda(), checkpoint=path, resume=True, **options)
    assert torch.equal(weights(model), weights(resumed))
