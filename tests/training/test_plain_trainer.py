"""What a plain Trainer does with a network of the zoo: steps, logs, checkpoints, and what is refused."""

import re
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import EarlyStopping, EMAWeightAveraging
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch.utils.data import DataLoader, TensorDataset

import fashionzoo as fz
from fashionzoo.data import sources
from fashionzoo.models.network import compute_logits
from fashionzoo.training import checkpoints
from fashionzoo.zoo.runs import Run
from tests.processes import fit
from tests.training.fitting import QUIET, fitted, network, same


def test_an_averaged_checkpoint_holds_the_averaged_weights(data: fz.FashionMNISTDataModule) -> None:
    trainer, model = fitted(data, checkpoints=True, callbacks=[EMAWeightAveraging(decay=0.9)])
    path = trainer.checkpoint_callback.best_model_path  # type: ignore[union-attr]
    _, averaged = checkpoints.load_network(path)
    assert all(map(torch.equal, averaged.state_dict().values(), model.network.state_dict().values()))


def test_normalized_images_are_refused(data: fz.FashionMNISTDataModule) -> None:
    loader = DataLoader(TensorDataset(torch.randn(50, 1, 28, 28), torch.zeros(50, dtype=torch.int64)), 50)
    with pytest.raises(fz.FashionZooError, match="leave out a normalization, which the network does by itself"):
        Trainer(logger=False, **QUIET).test(network(), loader)  # type: ignore[arg-type]


def test_accumulated_full_batches_take_the_step_of_one(data: fz.FashionMNISTDataModule) -> None:
    """The summed loss is that of all images, in however many parts it is computed."""
    arguments = {"loss_reduction": "sum", "lr": 1e-5, "momentum": 0.0}
    data.batch_size = None
    _, whole = fitted(data, network(**arguments), max_epochs=3)
    _, accumulated = fitted(data, network(**arguments), max_epochs=3, accumulate_grad_batches=4)
    data.batch_size = 200
    _, parts = fitted(data, network(**arguments), max_epochs=3, accumulate_grad_batches=4)
    for other in (accumulated, parts):
        for one, another in zip(whole.parameters(), other.parameters(), strict=True):
            torch.testing.assert_close(one, another, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("reduction", ["sum", "mean"])
def test_a_step_is_that_of_the_batches_it_accumulated(reduction: str, data: fz.FashionMNISTDataModule) -> None:
    """Of five batches, four make the first step and one the second."""
    data.setup("fit")
    images, labels = data.datasets["train"].images[:500], data.datasets["train"].labels[:500]
    loader = DataLoader(TensorDataset(images, labels), 100)
    lr = 1e-5 if reduction == "sum" else 1e-2
    model, expected = (network(loss_reduction=reduction, lr=lr, momentum=0.0) for _ in range(2))
    fitted(loader, model, max_epochs=1, accumulate_grad_batches=4)
    optimizer = torch.optim.SGD(expected.parameters(), lr)
    for part in (slice(0, 400), slice(400, 500)):
        optimizer.zero_grad()
        expected.loss(expected(expected.preprocess(images[part])), labels[part]).backward()
        optimizer.step()
    for one, another in zip(model.parameters(), expected.parameters(), strict=True):
        torch.testing.assert_close(one, another, atol=1e-6, rtol=1e-4)


def test_one_batch_per_epoch_is_not_divided_by_those_that_are_missing(data: fz.FashionMNISTDataModule) -> None:
    data.batch_size = None
    whole, accumulated = (
        fitted(data, network(loss_reduction="mean"), max_epochs=3, accumulate_grad_batches=parts)[1] for parts in (1, 4)
    )
    for one, another in zip(whole.parameters(), accumulated.parameters(), strict=True):
        torch.testing.assert_close(one, another, atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "adamw", "muon"])
def test_gradients_are_clipped_in_bf16_with_every_optimizer(optimizer: str, data: fz.FashionMNISTDataModule) -> None:
    options: dict[str, Any] = {"max_epochs": 1, "precision": "bf16-mixed"}
    _, clipped = fitted(data, network(optimizer=optimizer), gradient_clip_val=1e-9, **options)
    _, plain = fitted(data, network(optimizer=optimizer), **options)
    assert not same(clipped, plain)


RESUMED_OTHERWISE: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"lr": 1e-4}, {"max_epochs": 2}, "lr of 0.0001: the run that is resumed has 0.01 in its optimizer"),
    ({"optimizer": "adamw"}, {"max_epochs": 2}, "optimizer of adamw: the run that is resumed has sgd"),
    ({}, {"max_epochs": 2}, "ends at step 13, and the trainer's limits are those of 26: keep max_epochs"),
    ({}, {"max_steps": 20}, "ends at step 13, and the trainer's limits are those of 20: keep max_epochs"),
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("changed", "limit", "complaint"), RESUMED_OTHERWISE)
def test_a_plain_trainer_refuses_to_resume_what_would_be_ignored(
    changed: dict[str, Any], limit: dict[str, Any], complaint: str, data: fz.FashionMNISTDataModule
) -> None:
    trainer, _ = fitted(data, network(schedule="one_cycle"), checkpoints=True, max_epochs=1)
    path = trainer.checkpoint_callback.best_model_path  # type: ignore[union-attr]
    again = Trainer(logger=False, **{**QUIET, **limit})
    with pytest.raises(fz.FashionZooError, match=re.escape(complaint)):
        again.fit(network(schedule="one_cycle", **changed), data, ckpt_path=path)
    assert fz.PlainCNN.load_from_checkpoint(path, weights_only=True, **changed).lr == changed.get("lr", 1e-2)


@pytest.mark.filterwarnings("ignore")
def test_tensorboard_has_each_epoch_under_its_number(data: fz.FashionMNISTDataModule) -> None:
    """Also after a sanity check, early stopping, a resumed fit, and validation and test after them."""
    stop = EarlyStopping("val/acc", mode="min", patience=1)  # so that the third epoch is the last
    first, model = fitted(data, logger=TensorBoardLogger("one"), checkpoints=True, num_sanity_val_steps=2)
    path = first.checkpoint_callback.best_model_path  # type: ignore[union-attr]
    options: dict[str, Any] = {"logger": TensorBoardLogger("two"), "callbacks": [stop], "enable_checkpointing": False}
    second = Trainer(max_epochs=9, **options, **QUIET)  # type: ignore[arg-type]
    second.fit(model, data, ckpt_path=path, weights_only=True)
    for trainer, epochs in ((first, [1, 2, 2]), (second, [*range(3, second.current_epoch + 1), second.current_epoch])):
        trainer.validate(model, data, verbose=False)
        trainer.test(model, data, verbose=False)
        events = EventAccumulator(str(trainer.log_dir))
        events.Reload()
        steps = {tag: [event.step for event in events.Scalars(tag)] for tag in ("val/acc", "test/acc")}
        assert steps == {"val/acc": epochs, "test/acc": epochs[-1:]}
    assert 3 < second.current_epoch < 9


@pytest.mark.parametrize("logger", [True, False])
def test_trainer_test_returns_and_prints_the_metrics(
    logger: bool, data: fz.FashionMNISTDataModule, capsys: pytest.CaptureFixture[str]
) -> None:
    trainer, model = fitted(data, logger=CSVLogger(".") if logger else False)
    capsys.readouterr()
    (tested,), (validated,) = trainer.test(model, data), trainer.validate(model, data, verbose=False)
    assert f"{tested['test/acc']}"[:6] in capsys.readouterr().out
    assert len([name for name in tested if name.startswith("test/")]) == 13
    assert validated["val/acc"] == trainer.callback_metrics["val/acc"]
    assert tested.get("step") == validated.get("step") == (2 if logger else None)


def test_metrics_are_logged_against_the_epoch_and_not_in_a_sanity_check(data: fz.FashionMNISTDataModule) -> None:
    trainer, model = fitted(data, logger=CSVLogger("."), num_sanity_val_steps=2)
    trainer.validate(model, data, verbose=False)
    trainer.test(model, data, verbose=False)
    rows = (Path(trainer.log_dir or "") / "metrics.csv").read_text(encoding="utf-8").splitlines()
    columns = rows[0].split(",")
    steps = {cells[columns.index("step")] for row in rows[1:] for cells in [row.split(",")]}
    assert steps == {"1", "2"}
    tested = [row.split(",")[columns.index("test/acc")] for row in rows[1:]]
    assert len([cell for cell in tested if cell]) == 1


def test_a_launcher_tests_the_averaged_weights(tiny_root: Path, tmp_path: Path) -> None:
    flags = ("--trainer.callbacks+=EMAWeightAveraging", "--trainer.callbacks.decay=0.9")
    assert fit(tmp_path, tiny_root, "cnn_plain", "--trainer.max_epochs=2", *flags) == 0
    (run_dir,) = tmp_path.glob("lightning_logs/*/*")
    _, averaged = checkpoints.load_network(run_dir / "checkpoints" / "best.ckpt")
    images, labels = sources.load_split("test", tiny_root)
    correct = (compute_logits(averaged, images).argmax(dim=1) == labels).float().mean()
    assert Run(run_dir).final("test/acc") == pytest.approx(float(correct), abs=0.011)  # of 200 images, in bfloat16


def test_a_batch_whose_third_part_is_no_teacher_is_refused() -> None:
    folds = TensorDataset(
        torch.zeros(50, 28, 28), torch.zeros(50, dtype=torch.int64), torch.ones(50, dtype=torch.int64)
    )
    trainer = Trainer(max_epochs=1, logger=False, enable_checkpointing=False, **QUIET)  # type: ignore[arg-type]
    with pytest.raises(fz.FashionZooError, match=r"a training batch has a third part of shape \(10,\)"):
        trainer.fit(network(), DataLoader(folds, 10))


def test_the_checkpoint_of_another_network_is_refused(data: fz.FashionMNISTDataModule) -> None:
    trainer, _ = fitted(data, checkpoints=True)
    with pytest.raises(fz.FashionZooError, match="the checkpoint holds cnn_plain, not cnn_dropout_l2"):
        fz.DropoutL2CNN.load_from_checkpoint(trainer.checkpoint_callback.best_model_path)  # type: ignore[union-attr]


@pytest.mark.parametrize("images", [torch.full((1000, 28, 28), 0.5), torch.rand(40, 1, 28, 28)])
def test_images_out_of_range_are_refused_wherever_they_are_in_a_batch(images: torch.Tensor) -> None:
    images[-1] = 200.0
    with pytest.raises(fz.FashionZooError, match=r"values outside \[0, 1\]"):
        network().preprocess(images)


def test_a_trained_network_is_trained_further_in_training_mode() -> None:
    network = fz.get_model("cnn_balanced", weights="tuned")
    assert not network.training
    assert all(part.training for part in fz.Classifier(network, lr=1e-3).modules())


def test_a_checkpoint_keeps_the_temperature(data: fz.FashionMNISTDataModule) -> None:
    model = fz.PlainCNN.from_zoo("tuned")
    trainer = Trainer(logger=False, **QUIET)  # type: ignore[arg-type]
    trainer.validate(model, data, verbose=False)
    trainer.save_checkpoint("zoo.ckpt")
    assert model.network.temperature != 1
    for again in (fz.get_model(weights="zoo.ckpt"), fz.PlainCNN.load_from_checkpoint("zoo.ckpt").network):
        assert again.temperature == model.network.temperature
