"""The published measurements are those of the committed run."""

import importlib.util
import json
from pathlib import Path

EXPERIMENTS = Path(__file__).parent.parent / "experiments"


def test_the_results_are_what_the_benchmark_measured() -> None:
    spec = importlib.util.spec_from_file_location("benchmark", EXPERIMENTS / "benchmark.py")
    assert spec is not None
    assert spec.loader is not None
    benchmark = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(benchmark)
    measured = json.loads((EXPERIMENTS / "benchmark.json").read_text())
    assert benchmark.report(measured) in (EXPERIMENTS / "RESULTS.md").read_text()
