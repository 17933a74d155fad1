"""Images of a user's own, with classes of their own."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Dataset, TensorDataset

import fashionzoo as fz
from fashionzoo.cli.main import main
from fashionzoo.runner.launch import train
from fashionzoo.zoo.runs import Run
from tests.conftest import idx

NAMES = [f"digit {number}" for number in range(10)]


def digits() -> tuple[Dataset[Any], Dataset[Any], Dataset[Any]]:
    """Return scikit-learn's digits, scaled up, for training, validation and test."""
    bunch = load_digits()
    images = nn.functional.interpolate(torch.from_numpy(bunch.images / 16).float()[:, None], 28)
    dataset = TensorDataset(images, torch.from_numpy(bunch.target))
    train, val, test = torch.utils.data.random_split(dataset, [1000, 397, 400], torch.Generator().manual_seed(0))
    return train, val, test


@pytest.mark.filterwarnings("ignore")
def test_other_images_are_trained_on_under_their_own_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    train, val, test = digits()
    data = (DataLoader(train, batch_size=50, shuffle=True), val, test)
    fz.launch(fz.PlainCNN, ["--trainer.max_epochs=3", f"--model.class_names={NAMES}"], data)
    records = Run(Path("lightning_logs/cnn_plain/version_0"))
    assert list(records.confusion) == NAMES
    assert records.final("test/acc") > 0.8
    assert f"val/recall/{NAMES[3]}" in records.metrics
    assert sum(map(sum, (row.values() for row in records.confusion.values()))) == 400


def test_idx_files_of_another_set_are_read_when_their_classes_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    generator = np.random.default_rng(0)
    for prefix, count in (("train", 300), ("t10k", 60)):
        Path(f"{prefix}-images-idx3-ubyte").write_bytes(idx(generator.integers(0, 256, (count, 28, 28))))
        Path(f"{prefix}-labels-idx1-ubyte").write_bytes(idx(np.arange(count) % 3))
    flags = ["--data.root=.", "--data.val_size=60", "--data.batch_size=50", "--trainer.max_epochs=1"]
    with pytest.warns(UserWarning, match="is not Fashion-MNIST's"):
        fz.launch(fz.PlainCNN, [*flags, "--data.class_names=[one, two, three]"])
    (best,) = Path("lightning_logs").glob("*/*/checkpoints/best.ckpt")
    capsys.readouterr()
    with pytest.warns(UserWarning, match="is not Fashion-MNIST's"):
        main(["evaluate", "--checkpoint", str(best), "--root", "."])
    assert "recall of three" in capsys.readouterr().out
    with pytest.raises(fz.FashionZooError, match="has labels up to 2 for 2 class names"):
        fz.launch(fz.PlainCNN, [*flags, "--data.class_names=[one, two]"])
    images = Path("train-images-idx3-ubyte")
    images.write_bytes(images.read_bytes()[:-1])
    with pytest.raises(fz.FashionZooError, match="train-images-idx3-ubyte is not an intact IDX file"):
        fz.launch(fz.PlainCNN, [*flags, "--data.class_names=[one, two, three]"])


def test_labels_beyond_the_classes_are_refused_before_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    data = TensorDataset(torch.zeros(20, 28, 28), torch.arange(20))
    with pytest.raises(fz.FashionZooError, match="labels from 0 to 19 for 10 classes"):
        train(fz.PlainCNN, [], data=(data, data, data))
    assert not list(tmp_path.glob("lightning_logs/*/*"))


@pytest.mark.parametrize(
    ("labels", "complaint"),
    [
        (torch.zeros(20), r"labels of shape \(20,\) and type torch.float32"),
        (torch.zeros(20, 1, dtype=torch.int64), r"labels of shape \(20, 1\)"),
        (torch.full((20,), -100), "give each image the number of its class"),
        (torch.zeros(0, dtype=torch.int64), "the train data are empty"),
    ],
)
def test_labels_that_are_no_class_numbers_are_refused(
    labels: torch.Tensor, complaint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    data = TensorDataset(torch.zeros(len(labels), 28, 28), labels)
    with pytest.raises(fz.FashionZooError, match=complaint):
        train(fz.PlainCNN, [], data=(data, data, data))


@pytest.mark.filterwarnings("ignore")
def test_names_with_commas_and_labels_of_few_bits_are_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    data = TensorDataset(torch.rand(60, 28, 28), (torch.arange(60) % 3).to(torch.int32))
    names = ["a/b", 'x,"y', "é z"]
    train(fz.PlainCNN, ["--trainer.max_epochs=1", f"--model.class_names={json.dumps(names)}"], data=(data, data, data))
    (run_dir,) = Path("lightning_logs").glob("*/*")
    assert list(Run(run_dir).confusion) == names
