"""Measure fashionzoo beside what people use instead, on this machine.

    python experiments/benchmark.py                     # all cases, five rounds: three quarters of an hour on two cores
    python experiments/benchmark.py mlp_128             # one of them again; the others keep their numbers

Every implementation trains the same network on the same 55,000 images with the same batch size, in its own process. The
processes take turns (A B C A B C ...), so that whatever else the machine does falls on all of them; the first epoch
of each is warm-up and not counted. Written to experiments/benchmark.json, from which make_results.py makes its tables:
one for each processor, which begins anew with other versions of what is measured. What computes in bfloat16 is left out
where the processor has no instructions for it and would emulate it.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import markdown
from implementations import CASES, IMPLEMENTATIONS, TRAIN, Case, EpochBarrier, has_bf16, make, usable

MEASURED = Path(__file__).with_suffix(".json")
PROCESSOR = ("processor", "instructions")  # the parts of a machine's description that name its table
TOGETHER = "together"  # names the case of several launchers at once
SHORT_FIT = ("fit", "cnn_plain", "--trainer.max_epochs=2", "--data.train_size=10000")


class Worker:
    """An implementation in its own process, seen from outside."""

    def __init__(self, case: Case, implementation: str) -> None:
        command = [sys.executable, __file__, "--implementation", implementation, json.dumps(case)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, encoding="utf-8"
        )
        self.implementation, self.peak, self.accuracy = implementation, 0.0, 0.0
        self._report()

    def epoch(self) -> float:
        """Let it train an epoch; return the seconds."""
        assert self.process.stdin is not None
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        report = self._report()
        self.accuracy = report["accuracy"]
        return report["seconds"]

    def _report(self) -> dict[str, float]:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith("{"):
                report: dict[str, float] = json.loads(line)
                self.peak = report["peak"]
                return report
        raise RuntimeError(f"{self.implementation} ended early")

    def stop(self) -> None:
        """End the process."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


@contextmanager
def working(case: Case, implementations: list[str]) -> Iterator[dict[str, Worker]]:
    """Start a process for each implementation; end them all."""
    workers: dict[str, Worker] = {}
    try:
        for implementation in implementations:
            workers[implementation] = Worker(case, implementation)
        yield workers
    finally:
        for worker in workers.values():
            worker.stop()


def measure(name: str, rounds: int) -> dict[str, Any]:
    """Return seconds per epoch of each round and the peak memory, for each implementation of a case."""
    case = CASES[name]
    implementations = usable(case)
    with working(case, implementations) as workers:
        for implementation, worker in workers.items():
            print(f"{name}, {implementation}: warm-up {worker.epoch():.3f} s", flush=True)
        seconds: dict[str, list[float]] = {implementation: [] for implementation in implementations}
        for number in range(1, rounds + 1):
            for implementation, worker in workers.items():
                epochs = case.epochs.get(implementation, 1)
                seconds[implementation].append(statistics.mean(worker.epoch() for _ in range(epochs)))
                print(f"{name}, {implementation}: round {number} {seconds[implementation][-1]:.3f} s", flush=True)
        peaks = {implementation: worker.peak for implementation, worker in workers.items()}
    flops = training_flops(case)
    return {
        implementation: {
            "seconds": seconds[implementation],
            "median": statistics.median(seconds[implementation]),
            "peak_bytes": peaks[implementation],
            "flops_per_second": TRAIN * flops / statistics.median(seconds[implementation]),
        }
        for implementation in implementations
    }


def training_flops(case: Case) -> int:
    """Return the floating-point operations of one image in training: three times those of the way forward."""
    from fashionzoo.models.network import count_flops

    return 3 * count_flops(make(case)[0])


def matmul_peaks(size: int = 4096) -> dict[str, float]:
    """Return the operations a second of a large matrix product, the best of ten, by the numbers' type."""
    import torch

    peaks = {}
    for name in ("float32", "bfloat16") if has_bf16() else ("float32",):
        left, right = torch.rand(2, size, size, dtype=getattr(torch, name))
        best = float("inf")
        for _ in range(10):
            start = time.perf_counter()
            left @ right
            best = min(best, time.perf_counter() - start)
        peaks[name] = 2 * size**3 / best
    return peaks


def start_up(repeats: int) -> dict[str, float]:
    """Return the median seconds that whole processes take."""
    command = str(Path(sys.executable).with_name("fashionzoo"))
    with tempfile.TemporaryDirectory() as folder:
        fit = [command, "fit", "cnn_plain", "--trainer.max_epochs=1", "--data.train_size=1000"]
        subprocess.run([*fit, f"--trainer.default_root_dir={folder}"], check=True, capture_output=True)
        (checkpoint,) = Path(folder).glob("**/best.ckpt")
        image = str(Path(folder) / "square.png")
        from PIL import Image

        picture = Image.new("L", (28, 28))
        picture.paste(255, (8, 8, 20, 20))
        picture.save(image)
        processes = {
            "python -c 'import torch'": [sys.executable, "-c", "import torch"],
            "fashionzoo list": [command, "list"],
            "fashionzoo predict": [command, "predict", image, "--checkpoint", str(checkpoint)],
        }
        seconds: dict[str, list[float]] = {name: [] for name in processes}
        for _ in range(repeats + 1):
            for name, words in processes.items():
                start = time.perf_counter()
                subprocess.run(words, check=True, capture_output=True)
                seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(times[1:]) for name, times in seconds.items()}


def together(rounds: int) -> dict[str, dict[str, list[float]]]:
    """Return the seconds until the last of one, two and four launchers at once has ended, by their threads."""
    command = str(Path(sys.executable).with_name("fashionzoo"))
    seconds: dict[str, dict[str, list[float]]] = {}
    for number in range(rounds + 1):  # the first is warm-up
        for threads, flags in (("all threads each", []), ("one thread each", ["--threads=1"])):
            for count in (1, 2, 4):
                with tempfile.TemporaryDirectory() as folder:
                    start = time.perf_counter()
                    launchers = [
                        subprocess.Popen(
                            [command, *SHORT_FIT, *flags, f"--trainer.default_root_dir={folder}/{launcher}"],
                            stdout=subprocess.DEVNULL,
                        )
                        for launcher in range(count)
                    ]
                    assert {launcher.wait() for launcher in launchers} == {0}
                    taken = time.perf_counter() - start
                print(f"{count} at once, {threads}: round {number} {taken:.1f} s", flush=True)
                if number:
                    seconds.setdefault(threads, {}).setdefault(f"{count}", []).append(taken)
    return seconds


def together_lines(measured: dict[str, dict[str, list[float]]]) -> list[str]:
    """Return the table of several launchers at once."""
    alone = statistics.median(measured["all threads each"]["1"])
    medians = {threads: map(statistics.median, row.values()) for threads, row in measured.items()}
    rows = [
        [threads, *(f"{seconds:.1f} ({seconds / alone:.1f})" for seconds in row)] for threads, row in medians.items()
    ]
    command = f"fashionzoo {' '.join(SHORT_FIT)}"
    return [
        "#### Several at once",
        "",
        f"Seconds until the last of several `{command}` has ended, whole commands, and how many times as long as one "
        "alone that is:",
        "",
        *markdown.table(["", "one", "two at once", "four at once"], rows),
        "",
    ]


def report(tables: list[dict[str, Any]]) -> str:
    """Return the measurements of all processors as a section of Markdown."""
    lines = [
        "## Speed",
        "",
        "Seconds are the median of the rounds, with the fastest and the slowest; the ratio is how many times longer "
        "than fashionzoo an implementation takes; the last column is the share of what matrix products reach.",
        "",
    ]
    return "\n".join([*lines, *(line for table in tables for line in processor_lines(table))])


def processor_lines(results: dict[str, Any]) -> list[str]:
    """Return the tables of one processor."""
    machine, peaks = results["machine"], results["peak_flops"]
    reached = " and ".join(f"{flops / 1e9:.0f} GFLOP/s in {name}" for name, flops in peaks.items())
    without = "" if "bfloat16" in peaks else ", and the processor has no instructions for bfloat16"
    lines = [
        f"### On {machine['processor']}, {machine['instructions']}",
        "",
        f"Matrix products reach {reached}{without}. "
        f"{', '.join(f'{key} {value}' for key, value in machine.items() if key not in PROCESSOR)}.",
        "",
    ]
    for name, case in results["cases"].items():
        network, batch_size = CASES[name][:2]
        ours, rows = case["fashionzoo"]["median"], []
        for implementation, row in case.items():
            cells = [
                f"{row['median']:.3f} ({min(row['seconds']):.3f}-{max(row['seconds']):.3f})",
                f"{TRAIN / row['median']:,.0f}",
                f"{row['median'] / ours:.2f}",
                f"{row['peak_bytes'] / 1e9:.2f} GB",
                f"{row['flops_per_second'] / max(peaks.values()):.1%}",
            ]
            rows.append([implementation, *cells])
        columns = "seconds per epoch", "images per second", "ratio", "peak memory", "FLOPs utilization"
        lines += [f"#### `{network}`, {f'batches of {batch_size}' if batch_size else 'full batch'}", ""]
        lines += [*markdown.table(["implementation", *columns], rows), ""]
    lines += together_lines(results[TOGETHER]) if TOGETHER in results else []
    times = [[f"`{name}`", f"{seconds:.2f}"] for name, seconds in results["start_up_seconds"].items()]
    return [*lines, "#### Start-up", "", *markdown.table(["process", "seconds"], times), ""]


def read_tables() -> list[dict[str, Any]]:
    """Return what was measured so far, a table for each processor."""
    tables: list[dict[str, Any]] = json.loads(MEASURED.read_text(encoding="utf-8")) if MEASURED.exists() else []
    return tables


def main() -> None:
    """Measure the cases and write the results, or be one implementation of one case."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    known = [*CASES, TOGETHER]
    parser.add_argument("cases", nargs="*", default=known, metavar="CASE", help=f"of {', '.join(known)}")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--implementation", choices=IMPLEMENTATIONS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if sys.platform == "win32":
        parser.error("peak memory is measured on Linux and macOS only: use one of them, or WSL")
    if options.implementation:
        IMPLEMENTATIONS[options.implementation](Case(*json.loads(options.cases[0])), EpochBarrier())
        return
    if unknown := set(options.cases) - set(known):
        parser.error(f"no case {', '.join(unknown)}: choose from {', '.join(known)}")
    from fashionzoo import environment

    machine, tables = environment.collect_env("scikit-learn", "torchvision"), read_tables()
    before: dict[str, Any] = next((table for table in tables if table["machine"] == machine), {"cases": {}})
    results = before | {
        "machine": machine,
        "peak_flops": matmul_peaks(),
        "start_up_seconds": start_up(options.rounds),
        "cases": before["cases"] | {name: measure(name, options.rounds) for name in options.cases if name in CASES},
    }
    if TOGETHER in options.cases:
        results[TOGETHER] = together(options.rounds)
    others = [table for table in tables if any(table["machine"][key] != machine[key] for key in PROCESSOR)]
    MEASURED.write_text(json.dumps([*others, results], indent=1) + "\n", encoding="utf-8")
    print("\n".join(processor_lines(results)))


if __name__ == "__main__":
    main()
