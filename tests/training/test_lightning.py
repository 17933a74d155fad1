"""Lightning's own features, each on a plain Trainer and by flag, as the table in ``help(fz.Classifier)`` has them."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import EMAWeightAveraging, LearningRateMonitor, ModelCheckpoint
from lightning.pytorch.callbacks import StochasticWeightAveraging as WeightAveraging
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger
from lightning.pytorch.tuner.tuning import Tuner
from torch.utils.data import DataLoader, TensorDataset

import fashionzoo as fz
from fashionzoo.zoo.runs import Run
from tests.processes import OUTPUT_ENCODING, fit
from tests.training.fitting import QUIET, fitted, network, same

FEATURES: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "gradient_clip_val": ({"gradient_clip_val": 1e-3}, ("--trainer.gradient_clip_val=1e-3",)),
    "gradient_clip_val in bf16": (
        {"gradient_clip_val": 1e-3, "precision": "bf16-mixed"},
        ("--trainer.gradient_clip_val=1e-3", "--trainer.precision=bf16-mixed"),
    ),
    "accumulate_grad_batches": ({"accumulate_grad_batches": 4}, ("--trainer.accumulate_grad_batches=4",)),
    "overfit_batches": ({"overfit_batches": 2}, ("--trainer.overfit_batches=2",)),
    "limit_train_batches": ({"limit_train_batches": 3}, ("--trainer.limit_train_batches=3",)),
    "limit_val_batches": ({"limit_val_batches": 1}, ("--trainer.limit_val_batches=1",)),
    "max_steps": ({"max_steps": 7}, ("--trainer.max_steps=7",)),
    "max_time": (
        {"max_epochs": -1, "max_time": "00:00:00:01"},
        ("--trainer.max_epochs=-1", "--trainer.max_time=00:00:00:01"),
    ),
    "val_check_interval": ({"val_check_interval": 0.5}, ("--trainer.val_check_interval=0.5",)),
    "check_val_every_n_epoch": ({"check_val_every_n_epoch": 2}, ("--trainer.check_val_every_n_epoch=2",)),
    "precision bf16-true": ({"precision": "bf16-true"}, ("--trainer.precision=bf16-true",)),
    "precision 64-true": ({"precision": "64-true"}, ("--trainer.precision=64-true",)),
    "EMAWeightAveraging": (
        {"callbacks": [EMAWeightAveraging(decay=0.9)]},
        ("--trainer.callbacks+=EMAWeightAveraging", "--trainer.callbacks.decay=0.9"),
    ),
    "StochasticWeightAveraging": (
        {"callbacks": [WeightAveraging(swa_lrs=1e-3, swa_epoch_start=1)], "max_epochs": 3},
        ("--trainer.callbacks+=StochasticWeightAveraging", "--trainer.callbacks.swa_lrs=1e-3"),
    ),
    "LearningRateMonitor": (
        {"callbacks": [LearningRateMonitor("epoch")], "logger": True},
        ("--trainer.callbacks+=LearningRateMonitor", "--trainer.callbacks.logging_interval=epoch"),
    ),
    "CSVLogger": (
        {"logger": CSVLogger("csv")},
        ("--trainer.logger=CSVLogger", "--trainer.logger.save_dir=csv"),
    ),
    "no logger": ({"logger": False}, ("--trainer.logger=false",)),
    "two loggers": (
        {"logger": [CSVLogger("csv"), TensorBoardLogger("tb")]},
        (
            *("--trainer.logger+=CSVLogger", "--trainer.logger.save_dir=csv"),
            *("--trainer.logger+=TensorBoardLogger", "--trainer.logger.save_dir=tb"),
        ),
    ),
}


def check(feature: str, trainer: Trainer, model: fz.Classifier, plain: fz.Classifier) -> None:
    """Check that a feature did what it is for, rather than nothing."""
    if feature in ("limit_val_batches", "check_val_every_n_epoch", "val_check_interval", "no logger"):
        assert same(model, plain)  # training is what it was
    elif "logger" in feature.lower() or feature == "LearningRateMonitor":
        assert same(model, plain)
    else:
        assert not same(model, plain)
    steps = {"accumulate_grad_batches": 8, "overfit_batches": 4, "limit_train_batches": 6, "max_steps": 7}
    if feature in steps:
        assert trainer.global_step == steps[feature]
    if feature == "max_time":
        assert trainer.current_epoch > 2
    if feature == "EMAWeightAveraging":
        assert trainer.callback_metrics["val/acc"] != 0


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("feature", FEATURES)
def test_a_feature_works_on_a_plain_trainer(feature: str, data: fz.FashionMNISTDataModule) -> None:
    options, _ = FEATURES[feature]
    trainer, model = fitted(data, **options)
    _, plain = fitted(data)
    check(feature, trainer, model, plain)
    (metrics,) = trainer.test(model, data, verbose=False)
    assert 0.1 <= metrics["test/acc"] <= 1


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("feature", FEATURES)
def test_a_feature_works_as_a_flag(feature: str, tiny_root: Path, tmp_path: Path) -> None:
    _, flags = FEATURES[feature]
    code = fit(tmp_path, tiny_root, "cnn_plain", "--trainer.max_epochs=3", *flags)
    screen = (tmp_path / "screen").read_text(encoding=OUTPUT_ENCODING)
    if feature == "StochasticWeightAveraging":
        assert (code, screen.count("\n")) == (2, 1)
        assert "nothing would be tested or kept of it: use EMAWeightAveraging" in screen
        return
    assert code == 0
    assert re.search(r"stopped after epoch \d+: ", screen)
    assert "200 test images" in screen
    if "logger" not in feature.lower():
        run = Run(tmp_path / "lightning_logs" / "cnn_plain" / "version_0")
        assert 0 < run.final("test/acc") <= 1
        assert len(run.metrics["epoch"]) == run.metrics["epoch"][-1]
    if feature in ("CSVLogger", "two loggers"):
        assert list((tmp_path / "csv").glob("**/metrics.csv"))


def test_the_table_of_features_is_the_tested_one() -> None:
    table = re.findall(r"^    - ``(.+?)``", fz.Classifier.__doc__ or "", re.MULTILINE)
    assert table == [*FEATURES, *OTHERS]


REFUSED = {
    "--trainer.limit_val_batches=0": "early stopping and the best checkpoint need validation",
    "--trainer.limit_test_batches=0.0": "a run ends with a test",
    "--trainer.limit_train_batches=0": "there is nothing to train on",
    "--seed_everything=false": "a run that can be repeated has a seed",
    "--trainer.max_epochs=-1 --model.schedule=one_cycle": "the one_cycle schedule must know its length",
    "--trainer.barebones=true": "the trainer cannot be set up: `Trainer(barebones=True",
}


@pytest.mark.parametrize("flags", REFUSED)
def test_what_cannot_work_is_refused_before_anything_is_written(flags: str, tiny_root: Path, tmp_path: Path) -> None:
    assert fit(tmp_path, tiny_root, "cnn_plain", *flags.split()) == 2
    (line,) = (tmp_path / "screen").read_text(encoding=OUTPUT_ENCODING).splitlines()
    assert line.startswith("fashionzoo: error: ")
    assert REFUSED[flags] in line
    assert not list(tmp_path.glob("lightning_logs/cnn_plain/*"))


def the_learning_rate_finder(data: fz.FashionMNISTDataModule) -> None:
    model = network()
    found = Tuner(Trainer(max_epochs=2, logger=False, **QUIET)).lr_find(model, data, num_training=20)  # type: ignore[arg-type]
    assert found is not None
    assert found.suggestion() == model.lr == model.hparams["lr"] != 1e-2


def the_batch_size_scaler(data: fz.FashionMNISTDataModule) -> None:
    trainer = Trainer(max_epochs=2, logger=False, **QUIET)  # type: ignore[arg-type]
    assert Tuner(trainer).scale_batch_size(network(), datamodule=data, max_trials=2) == data.batch_size == 4


def the_best_checkpoint(data: fz.FashionMNISTDataModule) -> None:
    saver = ModelCheckpoint(monitor="val/acc", mode="max")
    trainer, model = fitted(data, checkpoints=True, callbacks=[saver], max_epochs=3)
    (best,) = trainer.validate(model, data, ckpt_path="best", verbose=False, weights_only=True)
    assert best["val/acc"] == saver.best_model_score


def load_from_checkpoint(data: fz.FashionMNISTDataModule) -> None:
    data = fz.FashionMNISTDataModule(data.root, val_size=200, augment=fz.Augment(flip=True, shift=2), seed=3)
    trainer, model = fitted(data, checkpoints=True)
    path = trainer.checkpoint_callback.best_model_path  # type: ignore[union-attr]
    loaded = fz.PlainCNN.load_from_checkpoint(path, weights_only=True)
    assert same(loaded, model)
    assert dict(loaded.hparams) == dict(model.hparams)
    served = fz.FashionMNISTDataModule.load_from_checkpoint(path, weights_only=True)
    assert (served.augment, dict(served.hparams)) == (data.augment, dict(data.hparams))


def fit_twice(data: fz.FashionMNISTDataModule) -> None:
    _, model = fitted(data)
    trainer, _ = fitted(data, model)
    _, whole = fitted(data, max_epochs=4)
    assert trainer.current_epoch == 2
    assert not same(model, network())
    assert not same(model, whole)  # a second fit begins with epoch 0: its order of images is that of the first


def plain_dataloaders(data: fz.FashionMNISTDataModule) -> None:
    data.setup()
    forms: list[Callable[[torch.Tensor], torch.Tensor]] = [
        torch.clone,
        lambda pixels: pixels[:, 0],
        lambda pixels: pixels / 255,
    ]
    for convert in forms:
        parts = [DataLoader(TensorDataset(convert(d.images), d.labels), 50) for d in data.datasets.values()]
        test, val, train = parts
        model = network()
        trainer = Trainer(max_epochs=1, logger=False, enable_checkpointing=False, **QUIET)  # type: ignore[arg-type]
        trainer.fit(model, train, val)
        (metrics,) = trainer.test(model, test, verbose=False)
        (expected,) = trainer.test(model, data, verbose=False)
        assert metrics == pytest.approx(expected, abs=1e-5)
        probabilities = torch.cat(trainer.predict(model, test))  # type: ignore[arg-type]
        assert torch.allclose(probabilities, torch.cat(trainer.predict(model, data)), atol=1e-5)  # type: ignore[arg-type]


OTHERS: dict[str, Callable[[fz.FashionMNISTDataModule], None]] = {
    "Tuner.lr_find": the_learning_rate_finder,
    "Tuner.scale_batch_size": the_batch_size_scaler,
    "ckpt_path best": the_best_checkpoint,
    "load_from_checkpoint": load_from_checkpoint,
    "trainer.fit twice": fit_twice,
    "DataLoader": plain_dataloaders,
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("feature", OTHERS)
def test_a_feature_without_a_flag_works(feature: str, data: fz.FashionMNISTDataModule) -> None:
    OTHERS[feature](data)
