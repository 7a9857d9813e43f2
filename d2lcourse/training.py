"""`fit`: the one training loop of the book, and `evaluate` and `predict` beside it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from .checkpoint import load_checkpoint, save_checkpoint
from .history import History
from .progress import ProgressBar
from .validation import check_data, check_finite, check_fits, check_number

Loss = Callable[[Any, Tensor], Tensor]
Metric = Callable[[Any, Tensor], Tensor]


def fit(
    model: nn.Module,
    loss: Loss,
    optimizer: torch.optim.Optimizer,
    train: Sequence[Tensor],
    *,
    epochs: int,
    batch_size: int = 128,
    valid: Sequence[Tensor] | None = None,
    metrics: Mapping[str, Metric] | None = None,
    schedule: Any | None = None,
    schedule_every: Literal["epoch", "step"] = "epoch",
    patience: int | None = None,
    clip: float | None = None,
    checkpoint: str | Path | None = None,
    resume: bool = False,
    amp: bool = False,
    compile: bool = False,
    progress: bool | None = None,
) -> History:
    """Train `model` by minibatch gradient descent on data held in memory.

    Every epoch draws a new order on the model's device, so nothing is copied during training.
    Randomness comes from PyTorch's global generator, which `setup` seeds.

    Args:
        model: called as ``model(*inputs)``; it is trained in place.
        loss: ``loss(outputs, targets)``, the mean over the batch, a scalar tensor.
        optimizer: any ``torch.optim`` optimizer over the model's parameters.
        train: tensors of one length N, inputs first, targets last: ``(X, y)``.
        epochs: passes over `train` in all, those before a resume included.
        batch_size: examples a step; the last batch of an epoch may be smaller.
        valid: tensors like `train`; evaluated after every epoch.
        metrics: name → ``metric(outputs, targets)``, a mean over examples, measured on `valid`.
        schedule: a ``torch.optim.lr_scheduler``, stepped once every `schedule_every`.
        patience: stop after this many epochs without a lower validation loss, and give the
            model back the weights of its best epoch. Needs `valid`.
        clip: largest L2 norm of the gradient; longer ones are scaled down to it.
        checkpoint: file written after every epoch.
        resume: go on from `checkpoint` if that file exists, exactly as if never stopped.
        amp: mixed precision (CUDA only): bfloat16 where the GPU has it, else scaled float16.
        compile: compile the model with ``torch.compile`` (CUDA only).
        progress: show a bar; by default when a person watches.

    Returns:
        A `History`: one record an epoch with ``train_loss``, ``lr``, ``seconds`` and, given
        `valid`, ``valid_loss`` and ``valid_<metric>``.

    Raises:
        ValueError: data, sizes or options that do not fit together; the message says which.
        FloatingPointError: the loss is NaN or infinite; the message says at which step. The
            checkpoint of the last good epoch is kept.
    """
    device = check_data(model, train, valid)
    check_number("epochs", epochs)
    check_number("batch_size", batch_size)
    if patience is not None and valid is None:
        raise ValueError("patience needs valid=(X, y): early stopping watches the validation loss")
    if resume and checkpoint is None:
        raise ValueError("resume=True needs checkpoint=PATH to go on from")
    if (amp or compile) and device.type != "cuda":
        raise ValueError(f"amp and compile are for CUDA, but the model is on {device}")

    data = [tensor.to(device) for tensor in train]
    check_fits(model, loss, data)
    half = torch.bfloat16 if amp and torch.cuda.get_device_capability(device) >= (8, 0) else None
    cast = torch.autocast(device.type, half or torch.float16) if amp else nullcontext()
    scaler = torch.amp.GradScaler(device.type, enabled=amp and half is None)
    forward = torch.compile(model) if compile else model
    parts = {"model": model, "optimizer": optimizer, "schedule": schedule, "scaler": scaler}
    history = History()
    best: dict[str, Tensor] = {}
    if resume and checkpoint is not None and Path(checkpoint).exists():
        history, best = load_checkpoint(checkpoint, device, parts)

    bar = ProgressBar(epochs, progress, start=len(history))
    while len(history) < epochs and not history.stalled(patience):
        model.train()
        started = time.perf_counter()
        losses, sizes = [], []
        for *inputs, y in batches(data, batch_size):
            with cast:
                batch_loss = loss(forward(*inputs), y)
            optimizer.zero_grad(set_to_none=True)
            scaler.scale(batch_loss).backward()
            if clip is not None:
                scaler.unscale_(optimizer)
                nn.utils.clip_grad_norm_(model.parameters(), clip)
            scaler.step(optimizer)
            scaler.update()
            if schedule is not None and schedule_every == "step":
                schedule.step()
            losses.append(batch_loss.detach())
            sizes.append(len(y))
        # One transfer an epoch: asking for every loss as it comes would stall a GPU.
        train_loss = check_finite(torch.stack(losses).tolist(), sizes, len(history), checkpoint)
        record = {"train_loss": train_loss, "lr": optimizer.param_groups[0]["lr"]}
        if valid is not None:
            scores = evaluate(model, valid, loss, metrics)
            record |= {f"valid_{name}": value for name, value in scores.items()}
        if schedule is not None and schedule_every == "epoch":
            schedule.step()
        history.append(record | {"seconds": time.perf_counter() - started})
        if patience is not None and history.best_epoch() == len(history) - 1:
            best = {name: value.detach().clone() for name, value in model.state_dict().items()}
        if checkpoint is not None:
            save_checkpoint(checkpoint, device, history, best, parts)
        bar.step(record)
    bar.close()
    if best:
        model.load_state_dict(best)
    return history


def batches(
    tensors: Sequence[Tensor], batch_size: int, shuffle: bool = True
) -> Iterator[tuple[Tensor, ...]]:
    """Yield minibatches of tensors of one length, drawn on the device they live on.

    Args:
        tensors: each (N, ...).
        batch_size: examples a batch; the last may be smaller.
        shuffle: draw a new random order (PyTorch's global generator), else keep the order.

    Yields:
        A tuple with the same rows of every tensor.

    >>> X, y = torch.arange(6).reshape(3, 2), torch.tensor([0, 1, 2])
    >>> [y.tolist() for X, y in batches((X, y), 2, shuffle=False)]
    [[0, 1], [2]]
    """
    n, device = len(tensors[0]), tensors[0].device
    if not shuffle:
        for start in range(0, n, batch_size):
            yield tuple(tensor[start : start + batch_size] for tensor in tensors)
        return
    for rows in torch.randperm(n, device=device).split(batch_size):
        yield tuple(tensor[rows] for tensor in tensors)


@torch.no_grad()
def evaluate(
    model: nn.Module,
    data: Sequence[Tensor],
    loss: Loss | None = None,
    metrics: Mapping[str, Metric] | None = None,
    batch_size: int = 1024,
) -> dict[str, float]:
    """Return the mean loss and metrics of `model` over `data`, in evaluation mode.

    Args:
        model: called as ``model(*inputs)``; its training mode is put back afterwards.
        data: tensors of one length, inputs first, targets last.
        loss: ``loss(outputs, targets)``, a mean over the batch; reported as ``"loss"``.
        metrics: name → function like `loss`. Only means over examples are right here; for
            others (R², AUC) call `predict` and score all outputs at once.
        batch_size: examples at a time; the result does not depend on it.

    Returns:
        Name → value.

    >>> model = nn.Linear(2, 2)
    >>> sorted(evaluate(model, (torch.ones(3, 2), torch.zeros(3).long()), nn.CrossEntropyLoss()))
    ['loss']
    """
    device = check_data(model, data)
    measures = ({} if loss is None else {"loss": loss}) | dict(metrics or {})
    totals = dict.fromkeys(measures, torch.zeros((), device=device))
    was_training = model.training
    model.eval()
    for *inputs, y in batches(data, batch_size, shuffle=False):
        outputs, y = model(*(tensor.to(device) for tensor in inputs)), y.to(device)
        for name, measure in measures.items():
            totals[name] = totals[name] + measure(outputs, y) * len(y)
    model.train(was_training)
    return {name: float(total) / len(data[-1]) for name, total in totals.items()}


@torch.no_grad()
def predict(model: nn.Module, *inputs: Tensor, batch_size: int = 1024) -> Tensor:
    """Return the outputs of `model` in evaluation mode, computed in batches.

    Args:
        model: called as ``model(*inputs)``; its training mode is put back afterwards.
        inputs: tensors of one length N.
        batch_size: examples at a time.

    Returns:
        All outputs, (N, ...), on the model's device.

    >>> predict(nn.Linear(2, 3), torch.ones(5, 2)).shape
    torch.Size([5, 3])
    """
    device = check_data(model, inputs)
    was_training = model.training
    model.eval()
    parts = [
        model(*(tensor.to(device) for tensor in batch))
        for batch in batches(inputs, batch_size, shuffle=False)
    ]
    model.train(was_training)
    return torch.cat(parts)


def accuracy(outputs: Tensor, y: Tensor) -> Tensor:
    """Return the share of right answers, a scalar between 0 and 1.

    Args:
        outputs: class scores (N, classes, ...), or logits of the positive class shaped like `y`.
        y: class indices (N, ...), or 0/1 labels.

    >>> accuracy(torch.tensor([[2.0, 1.0], [0.0, 3.0]]), torch.tensor([0, 0])).item()
    0.5
    """
    if outputs.shape == y.shape:
        guesses = outputs > 0
    elif outputs.dim() == y.dim() + 1 and outputs.shape[1] > 1:
        guesses = outputs.argmax(dim=1)
    else:
        raise ValueError(
            f"outputs {tuple(outputs.shape)} are neither class scores nor logits for "
            f"labels {tuple(y.shape)}"
        )
    return (guesses == y).float().mean()
