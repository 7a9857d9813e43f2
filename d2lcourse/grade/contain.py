"""Limits for code that nobody has read: what it may use, and what the kernel refuses it."""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from dataclasses import dataclass

MIB = 2**20

# What a calculation never needs. Files can be read, not written, made, moved or removed.
REFUSED = (
    *("fork", "vfork", "execve", "execveat", "ptrace", "process_vm_writev", "pidfd_open"),
    *("kill", "tkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "pidfd_send_signal"),
    *("socket", "socketpair", "connect", "bind", "io_uring_setup", "setrlimit"),
    *("creat", "truncate", "ftruncate", "rename", "renameat", "renameat2", "mknod", "mknodat"),
    *("unlink", "unlinkat", "rmdir", "mkdir", "mkdirat", "link", "linkat", "symlink", "symlinkat"),
    *("chmod", "fchmod", "fchmodat", "chown", "fchown", "lchown", "fchownat", "utimensat"),
    *("setxattr", "lsetxattr", "fsetxattr", "mount", "umount2", "chroot", "pivot_root"),
    *("unshare", "setns", "bpf", "perf_event_open", "keyctl", "add_key", "userfaultfd"),
)
CLONE_THREAD = 0x10000


class ContainmentError(RuntimeError):
    """This machine cannot hold a submission in."""


@dataclass(frozen=True)
class Limits:
    """What a submission may use.

    Attributes:
        cell_seconds: wall time of one cell.
        total_seconds: wall time of the whole notebook.
        memory_mib: memory beyond what the loaded libraries take.
    """

    cell_seconds: float = 60.0
    total_seconds: float = 600.0
    memory_mib: int = 2048


def check() -> None:
    """Raise `ContainmentError`, with the remedy, where `contain` would not hold."""
    if not sys.platform.startswith("linux"):
        raise ContainmentError(
            "submissions can be contained on Linux only: grade in a Linux container or WSL, or "
            "pass --uncontained for work that you trust"
        )
    try:
        import pyseccomp  # noqa: F401
    except (ImportError, RuntimeError) as error:
        raise ContainmentError(
            f"submissions cannot be contained ({error}): pip install 'd2lcourse[grade]' and the "
            "system's libseccomp (Debian: libseccomp2), or pass --uncontained for work that you "
            "trust"
        ) from error


def contain(limits: Limits) -> None:
    """Take from this process what a submission must not have. There is no way back.

    No network, no other programs or processes, no signals to others, no written files, no
    capabilities (which root would have), `limits.memory_mib` more memory than now and
    `limits.total_seconds` of processor time. What is refused raises ``PermissionError``, memory
    ``MemoryError`` or torch's ``RuntimeError``.

    Raises:
        ContainmentError: the kernel or a library does not offer what it takes.
    """
    import resource

    check()
    with open("/proc/self/statm", encoding="ascii") as file:
        in_use = int(file.read().split()[0]) * resource.getpagesize()
    ceiling = in_use + limits.memory_mib * MIB
    resource.setrlimit(resource.RLIMIT_AS, (ceiling, ceiling))
    seconds = int(limits.total_seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _drop_capabilities()
    _filter_system_calls()


def _drop_capabilities() -> None:
    """Give up every capability: a root without them cannot raise a limit or mount a disk."""
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)  # version 3 of the interface, this thread
    nothing = (ctypes.c_uint32 * 6)()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.capset(header, nothing):
        raise ContainmentError(f"capabilities cannot be dropped: {os.strerror(ctypes.get_errno())}")


def _filter_system_calls() -> None:
    """Have the kernel refuse what `REFUSED` names, new processes, and files opened to write."""
    import pyseccomp as seccomp

    refuse = seccomp.ERRNO(errno.EPERM)
    rules = seccomp.SyscallFilter(seccomp.ALLOW)
    for name in REFUSED:
        rules.add_rule(refuse, name)
    # Threads are clones too. The C library falls back from clone3, whose flags cannot be seen.
    rules.add_rule(seccomp.ERRNO(errno.ENOSYS), "clone3")
    rules.add_rule(refuse, "clone", seccomp.Arg(0, seccomp.MASKED_EQ, CLONE_THREAD, 0))
    rules.add_rule(seccomp.ERRNO(errno.ENOSYS), "openat2")
    for flag in (os.O_WRONLY, os.O_RDWR, os.O_CREAT, os.O_TRUNC):
        rules.add_rule(refuse, "open", seccomp.Arg(1, seccomp.MASKED_EQ, flag, flag))
        rules.add_rule(refuse, "openat", seccomp.Arg(2, seccomp.MASKED_EQ, flag, flag))
    rules.add_rule(refuse, "prlimit64", seccomp.Arg(2, seccomp.NE, 0))  # reading a limit is fine
    rules.add_rule(refuse, "tgkill", seccomp.Arg(0, seccomp.NE, os.getpid()))
    rules.load()
