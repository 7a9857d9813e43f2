"""Other processes, started from a notebook: scripts, background services, ranks under torchrun.

Whatever is started here ends with the notebook, even when a cell fails or the kernel is killed.
"""

from __future__ import annotations

import ast
import atexit
import inspect
import linecache
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import FunctionType, TracebackType
from typing import Any

_GUARD = Path(__file__).with_name("guard.py")


def scratch_folder() -> Path:
    """Make a temporary folder that is removed when Python ends, after the services are stopped."""
    folder = Path(tempfile.mkdtemp(prefix="d2lcourse-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def free_port() -> int:
    """Return the number of a TCP port on this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def write_module(path: str | Path, *parts: str | Callable[..., Any] | type) -> Path:
    """Write a Python file from text and from functions and classes of the notebook.

    What another process runs is then exactly what the reader saw in a cell.

    Args:
        path: the file to write; a half-written one is never seen.
        parts: text, which is taken as it is (dedented), or a function or a class with at least
            one method, whose source is taken. Imports have to come as text.

    Returns:
        The path.

    Raises:
        ValueError: the source of a part cannot be found.
        SyntaxError: the parts together are not a Python file.
    """
    path = Path(path)
    text = "\n\n".join(
        textwrap.dedent(part).strip("\n") if isinstance(part, str) else _source(part)
        for part in parts
    )
    ast.parse(text, path.name)
    draft = path.with_suffix(".tmp")
    draft.write_text(text + "\n", encoding="utf-8")
    os.replace(draft, path)
    return path


def _source(part: Callable[..., Any] | type) -> str:
    """Return the source of a function or class. `inspect` cannot do classes of a notebook."""
    members = vars(part).values() if isinstance(part, type) else [inspect.unwrap(part)]
    name = getattr(part, "__name__", repr(part))
    for function in members:
        if isinstance(function, FunctionType):
            text = "".join(linecache.getlines(function.__code__.co_filename))
            for node in ast.parse(text).body:
                if getattr(node, "name", None) == name:
                    first = min([node.lineno, *(d.lineno for d in node.decorator_list)])  # type: ignore[attr-defined]
                    return "\n".join(text.splitlines()[first - 1 : node.end_lineno])
    raise ValueError(
        f"the source of {name} cannot be found: give a function or a class with a method that a "
        "cell defines at its outermost level, or its text"
    )


class Service:
    """A process in the background. It ends with the notebook, or by `stop`, or as a ``with``.

    Attributes:
        pid: its process number.
        log: the file that holds what it prints.
    """

    def __init__(
        self, command: Sequence[str | Path], log: str | Path, env: Mapping[str, str] | None = None
    ) -> None:
        """Start `command`, with `env` on top of the environment; prefer `start`."""
        self.command = [str(word) for word in command]
        if shutil.which(self.command[0]) is None:
            raise FileNotFoundError(
                f"{self.command[0]!r} is not installed, or not on the PATH of this notebook"
            )
        self.log = Path(log)
        self._status: int | None = None
        with self.log.open("ab") as out:
            # The guard's own output is its first and its last line; the command's is the log.
            self._guard = subprocess.Popen(  # noqa: S603
                [sys.executable, "-S", "-E", str(_GUARD), *self.command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=out,
                env={**os.environ, **(env or {})},
                start_new_session=True,
                text=True,
            )
        self.pid = int(self._report())
        atexit.register(self.stop)

    def _report(self) -> str:
        assert self._guard.stdout is not None
        return self._guard.stdout.readline()

    @property
    def running(self) -> bool:
        """Whether it still runs."""
        return self._guard.poll() is None

    def wait(self, timeout: float) -> int:
        """Wait for its end and return its exit status; below 0 it is the signal that ended it.

        Raises:
            TimeoutError: it still ran after `timeout` seconds; it has been stopped.
        """
        try:
            self._guard.wait(timeout)
        except subprocess.TimeoutExpired:
            self.stop()
            raise TimeoutError(
                f"{self.command[0]} still ran after {timeout:g} s and was stopped. It printed "
                f"last:\n{self.tail()}"
            ) from None
        if self._status is None:
            self._status = int(self._report())
        return self._status

    def tail(self, lines: int = 15) -> str:
        """Return the last lines that it printed."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def stop(self) -> None:
        """Ask it and its children to end, and kill them after 8 seconds; twice does no harm."""
        if self._guard.stdin is not None and not self._guard.stdin.closed:
            self._guard.stdin.close()
        self._guard.wait()
        atexit.unregister(self.stop)

    def __enter__(self) -> Service:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()


def start(
    command: Sequence[str | Path],
    log: str | Path,
    *,
    ready: Callable[[], bool],
    timeout: float = 60,
    env: Mapping[str, str] | None = None,
) -> Service:
    """Start a service and wait until it is ready.

    Args:
        command: the program and its arguments.
        log: the file that takes what it prints.
        ready: asked again and again until it returns True; an OSError counts as not yet.
        timeout: seconds to wait for that.
        env: variables on top of the notebook's own environment.

    Returns:
        The running `Service`.

    Raises:
        FileNotFoundError: there is no such program.
        RuntimeError: it ended before it was ready, or was not ready in time; its last lines follow.
    """
    service = Service(command, log, env)
    until = time.monotonic() + timeout
    while time.monotonic() < until and service.running:
        try:
            if ready():
                return service
        except OSError:
            pass
        time.sleep(0.05)
    why = f"was not ready after {timeout:g} s" if service.running else "ended before it was ready"
    service.stop()
    raise RuntimeError(f"{service.command[0]} {why}. It printed last:\n{service.tail()}")


def run(
    command: Sequence[str | Path], *, timeout: float = 120, env: Mapping[str, str] | None = None
) -> str:
    """Run a command to its end and return what it printed.

    Raises:
        FileNotFoundError: there is no such program.
        RuntimeError: it failed; the message ends with its last lines.
        TimeoutError: it took longer than `timeout` seconds and was stopped.
    """
    with tempfile.TemporaryDirectory() as folder:
        service = Service(command, Path(folder) / "log", env)
        status = service.wait(timeout)
        printed = service.log.read_text(errors="replace")
        if status != 0:
            raise RuntimeError(
                f"{' '.join(service.command)} ended with status {status}:\n{service.tail(40)}"
            )
        return printed


def torchrun(
    script: str | Path, *arguments: object, ranks: int = 2, restarts: int = 0, timeout: float = 180
) -> str:
    """Run a script in several processes of this machine under torchrun, and return its output.

    Args:
        script: the file; each process finds RANK, LOCAL_RANK and WORLD_SIZE in its environment.
        arguments: the script's own arguments.
        ranks: the number of processes.
        restarts: how often torchrun may start all ranks anew when one of them has failed.
        timeout: seconds after which everything is stopped.

    Raises:
        ValueError: `ranks` is less than 1.
        RuntimeError: it failed more often than `restarts`; its last lines follow.
        TimeoutError: it took too long.

    Source:
        torchrun, https://docs.pytorch.org/docs/stable/elastic/run.html
    """
    if ranks < 1:
        raise ValueError(f"ranks={ranks} processes: there must be 1 or more")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command += [f"--nproc-per-node={ranks}", f"--max-restarts={restarts}"]
    loopback = "lo0" if sys.platform == "darwin" else "lo"
    # One thread a rank; a new store for each attempt, as in a shared one restarted ranks find
    # the addresses of the dead; no look-up of the machine's name, which fails on many laptops.
    env = {"OMP_NUM_THREADS": "1", "TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1"}
    if sys.platform != "win32":
        env["GLOO_SOCKET_IFNAME"] = os.environ.get("GLOO_SOCKET_IFNAME", loopback)
    return run([*command, str(script), *map(str, arguments)], timeout=timeout, env=env)
