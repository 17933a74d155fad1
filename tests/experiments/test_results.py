"""What is published is what the committed runs and measurements say."""

import json
import re
from pathlib import Path

import benchmark
import implementations
import make_results
import model_cards
import pytest
import readings
import yaml
from huggingface_hub import ModelCard
from PIL import Image
from result_figures import plot_results
from task2 import size_table

from fashionzoo import RECIPES
from fashionzoo.claims import claim, evaluation
from fashionzoo.claims.claim import ABLATIONS, DROPOUT
from fashionzoo.claims.reference_runs import RECORDS
from fashionzoo.claims.runs import SEEDS, run_dir
from fashionzoo.training.recipe import get_recipe
from fashionzoo.weights.manifest import VERSIONS, WEIGHTS_DIR
from fashionzoo.zoo.models import get_weights
from fashionzoo.zoo.registry import get_class
from fashionzoo.zoo.runs import Run

MEGABYTE = 1_000_000
LIGHT = {"report": MEGABYTE, "tuned": 1.5 * MEGABYTE}  # a run; the tuned MLPs have twice the epochs of the report's
RECORDED = MEGABYTE / 5  # a run without its event files


@pytest.fixture(scope="module")
def verdicts() -> list[claim.ClaimResult]:
    """The outcomes of all claims on the committed runs."""
    return evaluation.evaluate_claims(evaluation.find_seed_runs(make_results.LOGS))


def test_the_results_are_those_of_the_committed_runs(verdicts: list[claim.ClaimResult]) -> None:
    found = make_results.find_runs()
    assert (make_results.HERE / "RESULTS.md").read_text(encoding="utf-8") == make_results.results(found, verdicts)


def test_the_table_in_the_readme_is_that_of_the_committed_runs(verdicts: list[claim.ClaimResult]) -> None:
    text = make_results.README.read_text(encoding="utf-8")
    assert make_results.readme(text, verdicts) == text
    assert text.count("<!-- claims -->") == 1


def test_the_measurements_are_of_networks_that_there_are() -> None:
    assert {case.network for case in implementations.CASES.values()} <= set(RECIPES)
    for table in benchmark.read_tables():
        assert {"mlp_128", "mlp_full", "cnn_plain"} <= set(table["cases"]) <= set(implementations.CASES)
        for name, by_implementation in table["cases"].items():
            assert {"fashionzoo", "bare"} <= set(by_implementation), name


def test_the_figures_can_be_drawn_from_the_committed_runs(tmp_path: Path) -> None:
    found = make_results.find_runs()
    figures = plot_results(found, size_table(found), readings.rows())
    assert {*figures, "corruptions", "page", "reliability", "steps", "tensorboard", "why"} == {
        path.stem for path in make_results.FIGURES.iterdir()
    }
    for name, figure in figures.items():
        figure.savefig(tmp_path / f"{name}.png")


def test_every_figure_is_there_and_light() -> None:
    pages = make_results.HERE / "RESULTS.md", make_results.README
    text = "".join(page.read_text(encoding="utf-8") for page in pages)
    shown = {Path(link).name for link in re.findall(r"!\[[^]]+\]\(([^)]*figures/[^)]+)\)", text)}
    files = {path.name: path for path in make_results.FIGURES.iterdir()}
    assert shown == set(files)
    assert sum(path.stat().st_size for path in files.values()) < 3 * MEGABYTE
    for path in files.values():
        with Image.open(path) as image:
            assert image.width >= 850


@pytest.mark.parametrize("network", RECIPES)
def test_hugging_face_reads_the_model_cards(network: str) -> None:
    path = WEIGHTS_DIR / f"{network}.md"
    card = ModelCard.load(path)
    assert path.read_text(encoding="utf-8") == model_cards.card([get_weights(network, version) for version in VERSIONS])
    assert (card.data.license, card.data.library_name) == ("mit", "fashionzoo")
    measured = {result.metric_name: result.metric_value for result in card.data.eval_results}
    assert measured == {version: get_weights(network, version).metrics["test/acc"] for version in VERSIONS}


REFERENCE = [(network, recipe, seed) for network in RECIPES for recipe in VERSIONS for seed in SEEDS]
# Runs of all epochs and ablations: of one seed yet, the others are from when early stopping ended network 5's.
ABLATED = [(DROPOUT, recipe, 0) for recipe in ABLATIONS]


@pytest.mark.parametrize(("network", "recipe", "seed"), [*REFERENCE, *ABLATED])
def test_the_reference_runs_are_whole_and_small(network: str, recipe: str, seed: int) -> None:
    folder = run_dir(make_results.LOGS, network, recipe, seed)
    names = {path.name for path in folder.iterdir() if path.is_file()}
    shown = seed == 0 and recipe in VERSIONS
    assert set(RECORDS) <= names
    assert any("tfevents" in name for name in names) == shown
    assert {path.name for path in folder.glob("checkpoints/*")} <= ({"best.ckpt"} if shown else set())
    size = sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
    assert size < (LIGHT[recipe] if shown else RECORDED)
    config = yaml.safe_load((folder / "config.yaml").read_text(encoding="utf-8"))
    assert not config.get("ckpt_path")


@pytest.mark.parametrize(("network", "recipe", "seed"), [*REFERENCE, *ABLATED])
def test_the_reference_runs_are_those_of_the_recipes(network: str, recipe: str, seed: int) -> None:
    flags = get_recipe(get_class(network), recipe).cli_defaults()
    if (network, recipe) == (DROPOUT, "report") and seed > 0:
        del flags["early_stopping.patience"]
    defaults = {f"model.{key}": value for key, value in get_class(network)().hparams.items()}  # type: ignore[call-arg]
    run = Run(run_dir(make_results.LOGS, network, recipe, seed))
    assert run.seed == seed
    for flag, value in json.loads(json.dumps(defaults | flags)).items():
        section, key = flag.split(".")
        found = run.config[section].get(key, value)  # a run before there was such a setting had its default
        assert found | value == found if isinstance(value, dict) else found == value
    assert run.epochs <= flags["trainer.max_epochs"]
    assert sum(sum(row.values()) for row in run.confusion.values()) == 10_000
    right = sum(row[true] for true, row in run.confusion.items())
    assert run.final("test/acc") == pytest.approx(right / 10_000)
