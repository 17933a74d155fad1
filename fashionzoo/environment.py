"""What the machine is and is good at: bfloat16 or not, and how its allocator treats the memory of a training step."""

from __future__ import annotations

import ctypes
import os
import platform
import shutil
import sys
from importlib.metadata import version

import torch

from fashionzoo.errors import FashionZooError

REPORTED_PACKAGES = ("torch", "torchvision", "lightning", "torchmetrics", "fashionzoo")
M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # of glibc's malloc.h


def has_native_bf16(device: torch.device) -> bool:
    """Tell whether a device has instructions for bfloat16; elsewhere it is emulated, and slower than float32.

    Args:
        device: Where the network will be.

    Example:
        >>> has_native_bf16(torch.device("mps"))
        False
    """
    if device.type == "cuda":
        return torch.cuda.is_available() and bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type == "cpu":
        capabilities = torch.cpu.get_capabilities()
        return any(capabilities.get(name, False) for name in ("avx512_bf16", "amx_bf16"))
    return False


def tune_glibc_malloc() -> None:
    """Make glibc keep what one step frees for the next.

    By default it hands large blocks back to the kernel, which clears them page by page when the next step asks again:
    a quarter to a half of a convolutional network's time on a processor. Elsewhere than on glibc nothing happens.
    """
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "mallopt"):
        libc.mallopt(M_MMAP_MAX, 0)
        libc.mallopt(M_TRIM_THRESHOLD, 2**31 - 1)


def check_compiler() -> None:
    """Check that ``torch.compile`` will find a C++ compiler.

    Raises:
        FashionZooError: There is none.
    """
    if not any(shutil.which(name) for name in (os.environ.get("CXX", "c++"), "g++", "clang++")):
        raise FashionZooError("--compile needs a C++ compiler: `apt-get install g++`, or leave --compile out")


def collect_env(*packages: str) -> dict[str, str]:
    """Return what a measurement depends on: the processor, the system, and the versions of packages.

    Args:
        *packages: Some beside those that every run uses.

    Example:
        >>> "torch" in collect_env()
        True
    """
    processor = torch.cpu.get_capabilities().get("cpu_name", platform.processor())
    return {
        "processor": f"{processor}, {os.cpu_count()} cores, {platform.machine()}",
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "system": f"{platform.system()}, Python {platform.python_version()}",
        **{package: version(package) for package in (*REPORTED_PACKAGES, *packages)},
    }
