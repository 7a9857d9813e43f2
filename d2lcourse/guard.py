"""Run a command that must not outlive whoever asked for it: ``python guard.py COMMAND...``.

The starter keeps the write end of our standard input. When it closes that, or dies in any way, the
read below returns and the command is ended with every process of its group. What the command
prints goes to our standard error. Only the standard library is used: a guard starts in
milliseconds.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading

GRACE = 8  # seconds between asking the group to end and killing it


def main(command: list[str]) -> int:
    """Run `command`; print its process number at once and its exit status at the end."""
    child = subprocess.Popen(  # noqa: S603
        command, stdin=subprocess.DEVNULL, stdout=sys.stderr, start_new_session=True
    )
    print(child.pid, flush=True)
    threading.Thread(target=_end_with_starter, args=(child,), daemon=True).start()
    status = child.wait()
    _signal(child, kill=True)  # what the command itself left behind
    return status


def _end_with_starter(child: subprocess.Popen[bytes]) -> None:
    os.read(0, 1)
    _signal(child, kill=False)
    try:
        child.wait(GRACE)
    except subprocess.TimeoutExpired:
        _signal(child, kill=True)


def _signal(child: subprocess.Popen[bytes], kill: bool) -> None:
    if os.name != "posix":
        child.kill()
        return
    # All may be gone already, which macOS says in its own way.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL if kill else signal.SIGTERM)


if __name__ == "__main__":
    # Only the end of input ends us. A handler, unlike SIG_IGN, is not handed on to the command.
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda *_: None)
    print(main(sys.argv[1:]), flush=True)
