"""How many threads there are, and how they wait."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

import fashionzoo as fz
from fashionzoo.cli.main import main
from fashionzoo.models.network import compute_logits
from fashionzoo.openmp import SET_BY_USERS, STAT, WATCH, limit_to_quota, sharing_cores


@pytest.mark.parametrize(
    ("files", "threads"),
    [
        ({"cpu.max": "150000 100000"}, "1"),
        ({"cpu.max": "50000 100000"}, "1"),
        ({"cpu.max": "max 100000"}, None),
        ({"cpu.max": "6400000 100000"}, None),
        ({"cpu/cpu.cfs_quota_us": "300000", "cpu/cpu.cfs_period_us": "100000"}, "3"),
        ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, None),
        ({}, None),
    ],
)
def test_a_container_gets_as_many_threads_as_its_quota(
    files: dict[str, str], threads: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(8), raising=False)  # which Linux has, as cgroups
    (tmp_path / "cpu").mkdir()
    for name, content in files.items():
        (tmp_path / name).write_text(content, encoding="ascii")
    environ: dict[str, str] = {}
    limit_to_quota(environ, tmp_path)
    assert environ.get("OMP_NUM_THREADS") == threads
    chosen = {"OMP_NUM_THREADS": "5", "OMP_WAIT_POLICY": "ACTIVE"}
    limit_to_quota(environ := dict(chosen), tmp_path)
    assert environ == chosen


@pytest.mark.skipif(not STAT.exists(), reason="only Linux tells")
def test_threads_spin_less_while_other_processes_want_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    def wait_for(*names: str) -> None:
        deadline = time.monotonic() + 60
        while {WATCH, "idle_pool"}.intersection(thread.name for thread in threading.enumerate()) != {*names}:
            assert time.monotonic() < deadline
            time.sleep(0.1)

    for name in SET_BY_USERS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(torch, "get_num_threads", lambda: os.cpu_count())
    others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(os.cpu_count() or 1)]
    try:
        with sharing_cores():
            wait_for(WATCH, "idle_pool")
        wait_for()
        monkeypatch.setenv("GOMP_SPINCOUNT", "5")
        with sharing_cores():
            wait_for()
    finally:
        for other in others:
            other.kill()
            other.wait()


@pytest.mark.skipif(not STAT.exists(), reason="only Linux tells")
def test_the_cores_are_shared_while_a_test_runs_too(tiny_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counts: list[int] = []

    def counting(function: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: Any, **kwargs: Any) -> Any:
            counts.append([thread.name for thread in threading.enumerate()].count(WATCH))
            return function(*args, **kwargs)

        return counted

    for name in SET_BY_USERS:
        monkeypatch.delenv(name, raising=False)
    data_module = fz.FashionMNISTDataModule
    monkeypatch.setattr(data_module, "test_dataloader", counting(data_module.test_dataloader))
    monkeypatch.setattr("fashionzoo.zoo.evaluation.compute_logits", counting(compute_logits))
    logs = tiny_root / "logs"
    flags = [
        "--trainer.max_epochs=1",
        "--data.val_size=200",
        f"--data.root={tiny_root}",
        f"--trainer.default_root_dir={logs}",
    ]
    fz.launch(fz.ReLUNarrowingMLP, flags)
    main(["fit", "mlp_relu_narrowing", *flags])  # which calls the launcher, and shares no more than that
    main(["evaluate", "mlp_relu_narrowing", "--root", str(tiny_root)])
    assert counts == [1, 1, 1]
