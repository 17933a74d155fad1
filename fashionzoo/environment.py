"""What the machine is and is good at: devices, bfloat16, memory layout, allocator, compiler, versions.

Torch is imported where a function needs it, so that its version can be checked first.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import platform
import re
import shlex
import shutil
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from fashionzoo.errors import FashionZooError

if TYPE_CHECKING:
    import torch

REPORTED_PACKAGES = ("torch", "lightning", "torchmetrics", "fashionzoo")
M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # of glibc's malloc.h
MIN_TORCH = (2, 6)
BF16_INSTRUCTIONS = ("avx512_bf16", "amx_bf16")  # of processors, as torch names them
UNKNOWN = "unknown"
Device = Literal["auto", "cpu", "cuda", "mps"]
DEVICE_HELP = "where to compute: cpu, cuda (NVIDIA), mps (Apple), or auto for the best there is"
THREADS_HELP = "threads of the processor to use; default: all that it has"


def check_torch_version() -> None:
    """Check, without importing it, that torch is there and not older than what this package asks for.

    Raises:
        FashionZooError: It is not there, or older.
    """
    spec = importlib.util.find_spec("torch")
    if spec is None or spec.origin is None:
        raise FashionZooError("torch is not installed: https://pytorch.org/get-started/locally says how")
    text = Path(spec.origin).with_name("version.py").read_text(encoding="utf-8")  # its metadata take longer to read
    installed = re.search(r"__version__ = '((\d+)\.(\d+)[^']*)'", text)
    if installed and (int(installed[2]), int(installed[3])) < MIN_TORCH:
        raise FashionZooError(
            f"torch {installed[1]} is installed, and fashionzoo needs {'.'.join(map(str, MIN_TORCH))} or newer, as "
            'older ones run code that a crafted file holds: `pip install "torch>=2.6"`'
        )


def package_version(name: str) -> str:
    """Return the version of an installed package, or ``"unknown"``.

    Example:
        >>> package_version("no-such-package")
        'unknown'
    """
    try:
        return version(name)
    except PackageNotFoundError:  # its source is on the path and was not installed
        return UNKNOWN


def resolve_device(accelerator: str) -> torch.device:
    """Return the kind of device that the trainer's flag ``accelerator`` stands for.

    Args:
        accelerator: ``"auto"``, ``"cpu"``, ``"gpu"``, ``"cuda"``, ``"mps"``, ...

    Example:
        >>> resolve_device("cpu")
        device(type='cpu')
    """
    import torch

    if accelerator in ("auto", "gpu"):
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    return torch.device(accelerator if accelerator in ("cpu", "cuda", "mps") else "meta")


def check_device(device: str) -> None:
    """Check that this machine has a device.

    Args:
        device: One of ``Device``.

    Raises:
        FashionZooError: It has not.

    Example:
        >>> check_device("auto")
    """
    import torch

    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not there.get(device, True):
        found = ["cpu", *(name for name, is_there in there.items() if is_there)]
        raise FashionZooError(f"--device of {device}: PyTorch finds no such GPU here: choose {' or '.join(found)}")


def limit_threads(count: int) -> None:
    """Have torch use so many threads of the processor, in this process and those that it starts.

    Args:
        count: 1 or more.

    Raises:
        FashionZooError: It is less.
    """
    import torch

    if count < 1:
        raise FashionZooError(f"--threads of {count}: choose 1 or more")
    os.environ["OMP_NUM_THREADS"] = str(count)  # which Lightning reads before it sets a number of its own
    torch.set_num_threads(count)


def has_fast_bf16(device: torch.device) -> bool:
    """Tell whether a device is faster in bfloat16 than in float32.

    A processor is with AMX. With AVX-512's instructions alone it is slower, measured by ``experiments/benchmark.py`` on
    an Intel Xeon, and without either bfloat16 is emulated.

    Args:
        device: Where the network will be.

    Example:
        >>> import torch
        >>> has_fast_bf16(torch.device("mps"))
        False
    """
    import torch

    if device.type == "cuda":
        return torch.cuda.is_available() and bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return device.type == "cpu" and bool(_cpu_capabilities().get("amx_bf16", False))


def preferred_memory_format(device: torch.device) -> torch.memory_format:
    """Return the layout in which a device convolves fastest and right.

    Apple's GPU gives wrong gradients for channels-last batch normalization before torch 2.14 (pytorch issue 175189).

    Args:
        device: Where the network is.

    Example:
        >>> import torch
        >>> preferred_memory_format(torch.device("cpu"))
        torch.channels_last
    """
    import torch

    return torch.channels_last if device.type in ("cpu", "cuda") else torch.contiguous_format


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
    named = shlex.split(os.environ.get("CXX", ""))[:1]  # as in "ccache g++"
    if not any(shutil.which(name) for name in (*named, "c++", "g++", "clang++", "cl")):
        hint = {"win32": "Visual Studio's Build Tools", "darwin": "`xcode-select --install`"}
        raise FashionZooError(
            f"--compile needs a C++ compiler: install {hint.get(sys.platform, 'g++')}, or leave --compile out"
        )


def collect_env(*packages: str) -> dict[str, str]:
    """Return what a measurement depends on: the processor, the system, and the versions of packages.

    Args:
        *packages: Some beside those that every run uses.

    Example:
        >>> "torch" in collect_env()
        True
    """
    import torch

    capabilities = _cpu_capabilities()
    processor = capabilities.get("cpu_name") or platform.processor() or UNKNOWN
    for_bf16 = [name for name in BF16_INSTRUCTIONS if capabilities.get(name, False)]
    return {
        "processor": f"{processor}, {os.cpu_count()} cores, {platform.machine()}",
        "instructions": ", ".join([torch.backends.cpu.get_cpu_capability(), *for_bf16]),
        "system": f"{platform.system()}, Python {platform.python_version()}",
        **{package: package_version(package) for package in (*REPORTED_PACKAGES, *packages)},
    }


def _cpu_capabilities() -> dict[str, Any]:
    """Return what torch knows of the processor, which before torch 2.11 it does not say in public."""
    import torch

    if hasattr(torch.cpu, "get_capabilities"):
        return dict(torch.cpu.get_capabilities())
    return {"avx512_bf16": torch.cpu._is_avx512_bf16_supported(), "amx_bf16": torch.cpu._is_amx_tile_supported()}
