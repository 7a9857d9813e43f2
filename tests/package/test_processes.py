"""Processes started from a notebook: what they print, how they fail, and that they end."""

import functools
import linecache
import os
import signal
import socket
import subprocess
import sys
import textwrap
import time

import pytest

from d2lcourse import processes

# Fresh interpreters import the module from its folder, which spares them the package and torch.
FOLDER = os.path.dirname(processes.__file__)
SLEEP = [sys.executable, "-S", "-c", "import time; print('up', flush=True); time.sleep(60)"]


def alive(pid):
    """Whether a process runs; a zombie that nobody has waited for does not."""
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def gone(pid, seconds=15):
    until = time.monotonic() + seconds
    while alive(pid) and time.monotonic() < until:
        time.sleep(0.05)
    return not alive(pid)


def twice(x):
    return 2 * x


class Adder:
    offset = 3

    def add(self, x):
        return x + self.offset


def test_write_module_takes_text_functions_and_classes(tmp_path):
    script = processes.write_module(
        tmp_path / "a.py",
        """
        import sys
        """,
        twice,
        Adder,
        "print(twice(4), Adder().add(4), sys.argv[1])",
    )
    assert processes.run([sys.executable, "-S", script, "five"]) == "8 7 five\n"
    assert [file.name for file in tmp_path.iterdir()] == ["a.py"]


def test_write_module_finds_the_source_of_a_cell(tmp_path):
    source = (
        "@functools.cache\ndef f():\n    return 'deco'\n\n"
        "class C:\n    def m(self):\n        pass\n"
    )
    linecache.cache["<cell>"] = (len(source), None, source.splitlines(True), "<cell>")
    cell = {"__name__": "__main__", "functools": functools}
    exec(compile(source, "<cell>", "exec"), cell)
    script = processes.write_module(tmp_path / "c.py", "import functools", cell["f"], cell["C"])
    assert script.read_text().count("@functools.cache\ndef f") == 1
    assert "    def m(self):\n        pass\n" in script.read_text()


def test_write_module_names_what_it_cannot_find(tmp_path):
    with pytest.raises(ValueError, match="source of len"):
        processes.write_module(tmp_path / "a.py", len)
    (tmp_path / "b.py").write_text("kept")
    with pytest.raises(SyntaxError):
        processes.write_module(tmp_path / "b.py", "def f(:")
    assert (tmp_path / "b.py").read_text() == "kept"


def test_run_says_what_a_failed_command_printed():
    command = [sys.executable, "-S", "-c", "print('the reason'); raise SystemExit(3)"]
    with pytest.raises(RuntimeError, match=r"(?s)status 3.*the reason"):
        processes.run(command)


def test_run_stops_what_takes_too_long():
    with pytest.raises(TimeoutError, match=r"(?s)after 1\.5 s.*up"):
        processes.run(SLEEP, timeout=1.5)


def test_a_program_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match="'no-such-program' is not installed"):
        processes.Service(["no-such-program"], tmp_path / "log")


def test_start_waits_until_ready_and_stop_ends_it(tmp_path):
    log = tmp_path / "log"
    with processes.start(SLEEP, log, ready=lambda: "up" in log.read_text()) as service:
        assert service.running
        assert alive(service.pid)
    assert service.wait(1) == -signal.SIGTERM  # asked to end, not killed
    assert not service.running
    assert not alive(service.pid)
    service.stop()


def test_start_reports_a_service_that_dies_or_hangs(tmp_path):
    dies = [sys.executable, "-S", "-c", "print('no room')"]
    with pytest.raises(RuntimeError, match=r"(?s)ended before it was ready.*no room"):
        processes.start(dies, tmp_path / "a", ready=lambda: False)
    with pytest.raises(RuntimeError, match=r"not ready after 0\.5 s"):
        processes.start(SLEEP, tmp_path / "b", ready=lambda: False, timeout=0.5)


def test_an_oserror_counts_as_not_ready_yet(tmp_path):
    port = processes.free_port()
    serve = (
        f"import socket; s = socket.create_server(('127.0.0.1', {port})); s.accept(); s.accept()"
    )

    def ready():
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        return True

    with processes.start([sys.executable, "-S", "-c", serve], tmp_path / "log", ready=ready) as it:
        assert it.running


def test_the_signal_that_ended_a_service_is_its_status(tmp_path):
    service = processes.Service(SLEEP, tmp_path / "log")
    os.kill(service.pid, signal.SIGKILL)
    assert service.wait(20) == -signal.SIGKILL
    assert service.wait(20) == -signal.SIGKILL


@pytest.mark.skipif(not os.path.isdir("/proc"), reason="reads /proc")
@pytest.mark.parametrize("end", ["os.kill(os.getpid(), 9)", "raise SystemExit", "1 / 0"])
def test_nothing_outlives_the_notebook(tmp_path, end):
    """A service and its own child end with whoever started them, however that one ends."""
    parent = (
        f"import subprocess, time; print(subprocess.Popen({SLEEP}).pid, flush=True); time.sleep(60)"
    )
    starter = f"""
        import os, sys
        sys.path.insert(0, {FOLDER!r})
        import processes
        log = {str(tmp_path / "log")!r}
        read = lambda: open(log).read().split()
        command = [sys.executable, "-S", "-c", {parent!r}]
        service = processes.start(command, log, ready=lambda: "up" in read())
        print(service.pid, read()[0] if read()[0] != "up" else read()[1], flush=True)
        {end}
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(starter)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    service, grandchild = map(int, done.stdout.split())
    assert gone(service)
    assert gone(grandchild)


def test_scratch_folder_is_removed_at_the_end():
    code = f"import sys; sys.path.insert(0, {FOLDER!r}); "
    code += "import processes; print(processes.scratch_folder())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not os.path.exists(done.stdout.strip())


def test_torchrun_gives_each_rank_its_number(tmp_path):
    script = processes.write_module(
        tmp_path / "ranks.py",
        "import os, sys",
        "line = ' '.join([os.environ['RANK'], os.environ['WORLD_SIZE'], sys.argv[1]])",
        "os.write(1, f'{line}\\n'.encode())",  # in one piece: both ranks write to one pipe
    )
    lines = processes.torchrun(script, "x", ranks=2).splitlines()
    assert sorted(line for line in lines if line.endswith("x")) == ["0 2 x", "1 2 x"]
    with pytest.raises(ValueError, match="ranks=0"):
        processes.torchrun(script, ranks=0)
