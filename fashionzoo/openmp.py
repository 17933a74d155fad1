"""How torch's threads on a processor share the machine with others."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

CGROUP = Path("/sys/fs/cgroup")
STAT = Path("/proc/stat")
PERIOD_S = 0.5
ENOUGH = 0.85  # of the cores that the threads would use: with less the machine is busy
WATCH = "sharing_cores"  # the name of the thread
SET_BY_USERS = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")

_watching = threading.Lock()  # held while a thread watches


class _Times(NamedTuple):
    """Seconds since whenever: the clock's, those of all cores that were idle, and those that this process computed."""

    clock: float
    idle: float
    own: float


def limit_to_quota(environ: MutableMapping[str, str] = os.environ, cgroup: Path = CGROUP) -> None:
    """Have OpenMP as many threads as the container may use, unless the user set how many. To be called before torch.

    Args:
        environ: The environment, which is changed.
        cgroup: Where Linux says how much of the processors a container may use.

    Example:
        >>> limit_to_quota(environ := {"OMP_NUM_THREADS": "1"}, Path("/none"))
        >>> environ
        {'OMP_NUM_THREADS': '1'}
    """
    quota = _cpu_quota(cgroup)
    if quota and quota < len(os.sched_getaffinity(0)):  # OpenMP itself heeds which cores a process may use
        environ.setdefault("OMP_NUM_THREADS", f"{max(1, int(quota))}")


@contextmanager
def sharing_cores() -> Iterator[None]:
    """Have GNU OpenMP's threads leave the cores to other processes while those want them.

    Threads that wait for each other spin, which is fastest where nobody else wants the core, and makes two trainings on
    two cores several times as slow as one. libgomp spins a hundred times only, not 300,000 times, while its pools have
    more threads than there are cores (``do_spin`` in its config/linux/wait.h). So while the machine is busy, an idle
    second pool is kept. Nothing changes in what is computed. What the user set stays; elsewhere than on Linux, and
    within another of its kind, nothing happens.

    Example:
        >>> @sharing_cores()
        ... def compute() -> int:
        ...     return sum(range(1000))
        >>> compute()
        499500
    """
    if not STAT.exists() or any(name in os.environ for name in SET_BY_USERS) or not _watching.acquire(blocking=False):
        yield
        return
    ended = threading.Event()
    threading.Thread(target=_watch, args=(ended,), name=WATCH, daemon=True).start()
    try:
        yield
    finally:
        ended.set()
        _watching.release()


def _watch(ended: threading.Event) -> None:
    """Keep a second pool of threads while the machine is busy."""
    before, idle_pool = _read_times(), None
    while not ended.wait(PERIOD_S):
        if "torch" not in sys.modules:  # many a command does without
            continue
        import torch

        now = _read_times()
        busy = _is_busy(before, now, torch.get_num_threads())
        before = now
        if busy and idle_pool is None:
            idle_pool = threading.Event()
            threading.Thread(target=_hold_pool, args=(idle_pool,), name="idle_pool", daemon=True).start()
        elif idle_pool is not None and not busy:
            idle_pool.set()
            idle_pool = None
    if idle_pool is not None:
        idle_pool.set()


def _hold_pool(ended: threading.Event) -> None:
    """Have OpenMP make a pool for this thread, and keep it."""
    import torch

    torch.zeros(2**20).add_(1)  # large enough to be divided among threads
    ended.wait()


def _read_times(stat: Path = STAT) -> _Times:
    """Return how much time was idle, and how much this process used."""
    _, _, _, _, idle, waiting, *_ = stat.read_text(encoding="ascii").split()
    used = os.times()
    return _Times(time.perf_counter(), (int(idle) + int(waiting)) / os.sysconf("SC_CLK_TCK"), used.user + used.system)


def _is_busy(before: _Times, now: _Times, threads: int) -> bool:
    """Tell whether other processes left fewer cores than the threads would use.

    Example:
        >>> alone, shared = _Times(clock=1, idle=0.3, own=1.6), _Times(clock=1, idle=0, own=1.0)
        >>> [_is_busy(_Times(0, 0, 0), now, threads=2) for now in (alone, shared)]
        [False, True]
    """
    return now.idle - before.idle + now.own - before.own < ENOUGH * threads * (now.clock - before.clock)


def _cpu_quota(cgroup: Path) -> float | None:
    """Return how many processors' time a container may use, if that is limited; in either version of cgroups."""
    try:
        if (cgroup / "cpu.max").exists():
            quota, period = (cgroup / "cpu.max").read_text(encoding="ascii").split()
        else:
            quota, period = (
                (cgroup / "cpu" / f"cpu.cfs_{name}_us").read_text(encoding="ascii") for name in ("quota", "period")
            )
        return float(quota) / float(period) if float(quota) > 0 else None
    except (OSError, ValueError):  # no such file, or "max"
        return None
