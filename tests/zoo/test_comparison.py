"""Comparisons: the numbers by hand, the words, the figure."""

import json
from math import comb
from pathlib import Path

import pytest
import torch
from PIL import Image

import fashionzoo as fz
from fashionzoo.cli.main import main
from fashionzoo.data import sources
from fashionzoo.models.network import compute_logits
from fashionzoo.zoo.comparison import Pair


def test_the_p_of_a_pair_is_that_of_the_binomial_distribution(real_root: Path) -> None:
    networks = {name: fz.get_model(name, weights="tuned") for name in ("mlp_relu_widening", "mlp_relu_narrowing")}
    (pair,) = fz.compare(networks).pairs
    images, labels = sources.load_split("test", real_root)
    one, other = (compute_logits(network, images).argmax(dim=1) == labels for network in networks.values())
    only_one, only_other = int((one & ~other).sum()), int((~one & other).sum())
    assert (pair.only_first, pair.only_second) == (only_one, only_other)
    trials = only_one + only_other
    tail = sum(comb(trials, k) for k in range(min(only_one, only_other) + 1)) / 2**trials
    assert pair.p == pytest.approx(min(1.0, 2 * tail))


def test_the_interval_is_wilsons(real_root: Path) -> None:
    versions = {version: fz.get_model("cnn_plain", weights=version).train() for version in ("report", "tuned")}
    comparison = fz.compare(versions)
    n, z = 10_000, 1.959964
    for candidate in comparison.candidates:
        p = candidate.accuracy
        center, half = (p + z * z / 2 / n) / (1 + z * z / n), z * (p * (1 - p) / n + z * z / 4 / n**2) ** 0.5
        assert candidate.interval == pytest.approx((center - half / (1 + z * z / n), center + half / (1 + z * z / n)))
        assert candidate.evaluation.metrics == fz.evaluate(versions[candidate.label]).metrics
    assert all(network.training for network in versions.values())


@pytest.mark.parametrize(
    ("only_first", "only_second", "p", "words"),
    [
        (90, 49, 0.31, "a is right on 41 images more than b; a difference this large comes about by chance in 3 of 10"),
        (0, 1, 0.0004, "b is right on 1 image more than a; a difference this large comes about by chance in 4 of 10,0"),
        (5, 5, 1.0, "a and b are right on as many images."),
        (900, 0, 0.0, "(p below 1e-300)"),
    ],
)
def test_a_difference_is_said_in_words(only_first: int, only_second: int, p: float, words: str) -> None:
    assert words in str(Pair("a", "b", only_first, only_second, p))


def test_the_command_shows_a_table_a_figure_and_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], real_root: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    others = ["mlp_relu_narrowing", "mlp_relu_widening", "mlp_sigmoid_narrowing"]
    main(["compare", "cnn_plain:report", "cnn_plain", *others, "--plot", "c.png"])
    shown = capsys.readouterr().out
    assert "3  mlp_relu_narrowing:tuned" in shown
    assert " ".join(shown.split()).count("by chance in") == 10
    for name in ("cnn_plain", *others):
        accuracy = fz.get_weights(name, "tuned").metrics["test/acc"]
        assert f"{100 * accuracy:.2f} " in shown.replace("\n", " ")
    assert max(map(len, shown.splitlines())) <= 80
    with Image.open("c.png") as image:
        assert image.format == "PNG"
    main(["compare", "cnn_plain:report", "cnn_plain", "--json"])
    answer = json.loads(capsys.readouterr().out)
    tuned = fz.get_weights("cnn_plain", "tuned")
    assert answer["candidates"][1]["evaluation"]["metrics"]["test/acc"] == pytest.approx(tuned.metrics["test/acc"])
    assert answer["accuracy_over_seeds"]["cnn_plain:tuned"].startswith(f"{100 * tuned.meta['seeds']['mean']:.2f} ")


def test_networks_of_different_classes_are_not_compared() -> None:
    with pytest.raises(fz.FashionZooError, match="the networks know different classes"):
        fz.compare({"ten": fz.MLP(), "five": fz.MLP(num_classes=5)})
    with pytest.raises(fz.FashionZooError, match="is not a network"):
        fz.compare({"name": "cnn_plain", "other": torch.nn.Flatten()})  # type: ignore[dict-item]
