"""How torch's threads on a processor share the machine with others. It is set before torch is imported."""

from __future__ import annotations

import os
import sys
from collections.abc import MutableMapping
from pathlib import Path

SPIN_COUNT = 3000
CGROUP = Path("/sys/fs/cgroup")


def share_the_machine(environ: MutableMapping[str, str] = os.environ, cgroup: Path = CGROUP) -> None:
    """Have GNU OpenMP's threads wait without keeping the cores from others, as many as the container may use.

    By default they wait by spinning, for so long that two trainings on two cores slow each other 6 to 15 times; with
    this count they take 1.9 to 2.4 times as long as one alone. A convolutional network alone is not slower for it, an
    MLP in batches of 128 by 8 %. What the user set stays.

    Args:
        environ: The environment, which is changed.
        cgroup: Where Linux says how much of the processors a container may use.

    Example:
        >>> environ = {"OMP_NUM_THREADS": "1"}
        >>> share_the_machine(environ, Path("/none"))
        >>> environ
        {'OMP_NUM_THREADS': '1', 'GOMP_SPINCOUNT': '3000'}
    """
    if "torch" in sys.modules and environ is os.environ:  # its threads are as they are
        return
    if "OMP_WAIT_POLICY" not in environ:
        environ.setdefault("GOMP_SPINCOUNT", f"{SPIN_COUNT}")
    quota = _cpu_quota(cgroup)
    if quota and quota < (os.cpu_count() or 1):
        environ.setdefault("OMP_NUM_THREADS", f"{max(1, int(quota))}")


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
