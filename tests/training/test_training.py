"""Training through Lightning's Trainer: metrics, losses, and the same result twice."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from lightning.pytorch import Trainer
from sklearn import metrics

from fashionzoo import CLASSES, FashionMNISTDataModule, FashionZooError, PlainCNN, ReLUNarrowingMLP, get_model
from fashionzoo.data import sources
from fashionzoo.data.augmentation import Augment
from fashionzoo.training.classifier import Classifier
from fashionzoo.training.distillation import Teacher, check_teacher
from fashionzoo.training.seeding import EpochSeeding

QUIET = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False, "enable_model_summary": False}


def trained(network: Classifier, root: Path, epochs: int = 2, **data: object) -> Trainer:
    """Fit and test a network on the synthetic data."""
    module = FashionMNISTDataModule(root, val_size=200, **data)  # type: ignore[arg-type]
    trainer = Trainer(accelerator="cpu", max_epochs=epochs, callbacks=[EpochSeeding()], **QUIET)  # type: ignore[arg-type]
    trainer.fit(network, module)
    trainer.test(network, module, verbose=False)
    return trainer


def test_test_metrics_agree_with_scikit_learn(tiny_root: Path) -> None:
    torch.manual_seed(0)
    network = PlainCNN(channels=(4, 2), hidden=(8,))
    logged = trained(network, tiny_root, batch_size=100).callback_metrics
    images, truth = sources.load_split("test", tiny_root)
    predictions = network.classify(images)
    assert isinstance(predictions, list)
    labels = truth.numpy()
    said = [prediction.label for prediction in predictions]
    probabilities = np.array([list(prediction.probabilities.values()) for prediction in predictions])
    assert 0.15 < metrics.accuracy_score(labels, said) < 0.95  # neither extreme, where any metric would agree
    assert logged["test/acc"].item() == pytest.approx(metrics.accuracy_score(labels, said))
    assert logged["test/loss"].item() == pytest.approx(metrics.log_loss(labels, probabilities), rel=1e-4)
    recalls = metrics.recall_score(labels, said, average=None)
    assert [logged[f"test/recall/{name}"].item() for name in CLASSES] == pytest.approx(list(recalls))
    confusion = network.eval_metrics["confusion"].compute().numpy()
    assert (confusion == metrics.confusion_matrix(labels, said)).all()
    confidence, correct = probabilities.max(axis=1), np.array(said) == labels
    bins = np.minimum((confidence * 15).astype(int), 14)
    gap = sum(abs(confidence[bins == b].sum() - correct[bins == b].sum()) for b in range(15)) / len(labels)
    assert logged["test/calibration_error"].item() == pytest.approx(gap, abs=1e-4)


def test_the_full_batch_step_is_gradient_descent_on_the_summed_loss(tiny_root: Path) -> None:
    torch.manual_seed(0)
    network = ReLUNarrowingMLP(widths=(6, 5), lr=1e-5)
    before = {name: parameter.detach().clone() for name, parameter in network.network.named_parameters()}
    data = FashionMNISTDataModule(tiny_root, batch_size=None, val_size=200)
    trainer = Trainer(accelerator="cpu", max_epochs=1, **QUIET)  # type: ignore[arg-type]
    trainer.fit(network, data)
    images, labels = data.datasets["train"].images, data.datasets["train"].labels
    ((pixels, _),) = data.train_dataloader()
    assert torch.equal(pixels, network.preprocess(images))  # left in [0, 1], as networks 1 to 3 take them
    for name, parameter in network.network.named_parameters():
        assert not torch.equal(parameter, before[name])
    after = {name: parameter.detach().clone() for name, parameter in network.network.named_parameters()}
    network.network.load_state_dict(before)
    network.zero_grad()
    torch.nn.functional.cross_entropy(network(pixels), labels, reduction="sum").backward()
    for name, parameter in network.network.named_parameters():
        assert parameter.grad is not None
        torch.testing.assert_close(after[name], before[name] - 1e-5 * parameter.grad)


def test_a_teacher_says_what_is_learned_in_place_of_the_labels(tiny_root: Path) -> None:
    torch.manual_seed(0)
    network = ReLUNarrowingMLP(widths=(6, 5), lr=1e-2, loss_reduction="mean", temperature=2.0)
    before = {name: value.clone() for name, value in network.network.state_dict().items()}
    data = FashionMNISTDataModule(tiny_root, batch_size=None, val_size=200, teacher="cnn_plain")
    trainer = Trainer(accelerator="cpu", max_epochs=1, precision="32-true", **QUIET)  # type: ignore[arg-type]
    trainer.fit(network, data)
    after = {name: value.clone() for name, value in network.network.state_dict().items()}
    network.network.load_state_dict(before)
    images = data.datasets["train"].images
    with torch.no_grad():
        teacher = get_model("cnn_plain", weights="tuned")
        taught = (teacher(teacher.preprocess(images)) / 2).softmax(dim=1)
    network.zero_grad()
    torch.nn.functional.cross_entropy(network(network.preprocess(images)) / 2, taught).backward()
    for name, parameter in network.network.named_parameters():
        assert parameter.grad is not None
        torch.testing.assert_close(after[name], before[name] - 1e-2 * parameter.grad, rtol=1e-2, atol=1e-5)


def test_a_teacher_answers_for_the_view_that_is_shown(tiny_root: Path) -> None:
    data = FashionMNISTDataModule(tiny_root, batch_size=50, augment=Augment(flip=True, shift=1), teacher="cnn_plain")
    data.val_size = 200
    with pytest.raises(FashionZooError, match="the teacher cnn_plain is not there"):
        data.train_dataloader()
    data.ask_teacher = Teacher(data)
    images, _, logits = next(iter(data.train_dataloader()))
    teacher = get_model("cnn_plain", weights="tuned")
    torch.testing.assert_close(
        logits.float(), teacher(teacher.preprocess(images)), rtol=0.05, atol=0.5
    )  # it may have answered in bfloat16


def test_a_teacher_is_asked_once_for_a_view_by_this_run_and_the_next(
    tiny_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = shutil.copytree(tiny_root, tmp_path / "data")
    asked: list[int] = []
    ask = Teacher._ask

    def count(teacher: Teacher, images: torch.Tensor) -> torch.Tensor:
        asked.append(len(images))
        return ask(teacher, images)

    monkeypatch.setattr(Teacher, "_ask", count)
    losses = []
    for _ in range(2):
        torch.manual_seed(0)
        network = ReLUNarrowingMLP(widths=(6, 5), lr=1e-2, loss_reduction="mean")
        views = Augment(flip=True)
        trained(network, root, epochs=3, batch_size=50, augment=views, teacher="cnn_plain")
        losses.append(trained(network, root, epochs=0, batch_size=50).callback_metrics["test/loss"])
    num_images = len(sources.load_split("train", root)[0]) - 200
    assert num_images < sum(asked) <= 2 * num_images  # some twice in three epochs, none by the second run
    assert losses[0] == losses[1]
    (kept,) = (root / "teacher").iterdir()
    kept.write_bytes(b"damaged")
    data = FashionMNISTDataModule(root, val_size=200, augment=views, teacher="cnn_plain")
    data.setup("fit")
    assert Teacher(data).logits.isnan().all()


def test_an_answer_does_not_depend_on_what_is_asked_beside_it(real_root: Path, tmp_path: Path) -> None:
    data = FashionMNISTDataModule(real_root, augment=Augment(flip=True, shift=1), teacher="cnn_balanced")
    data.setup("fit")
    images = data.datasets["train"].images[:500]
    together = Teacher(data)._ask(images)
    alone = torch.cat([Teacher(data)._ask(part) for part in images.split([1, 2, 5, 24, 96, 372])])
    assert together.equal(alone)


def test_a_teacher_of_other_classes_is_refused(tmp_path: Path) -> None:
    data = FashionMNISTDataModule(tmp_path, teacher="cnn_balanced", class_names=["a", "b"])
    with pytest.raises(FashionZooError, match="knows the classes of Fashion-MNIST"):
        check_teacher(data)


def test_a_teacher_whose_answers_cannot_be_kept_teaches_all_the_same(
    tiny_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(target: Path) -> None:
        raise FashionZooError(f"{target} cannot be replaced")

    monkeypatch.setattr("fashionzoo.training.distillation.atomic_write", refuse)
    network = ReLUNarrowingMLP(widths=(6, 5), lr=1e-2, loss_reduction="mean")
    trained(network, tiny_root, batch_size=50, teacher="cnn_plain")
    assert not (tiny_root / "teacher").exists() or not list((tiny_root / "teacher").iterdir())


@pytest.mark.parametrize(("changed", "complaint"), [({"seed": 1}, "data.seed of 1"), ({"val_size": 5001}, "of 5001")])
def test_a_teacher_that_knows_the_validation_images_is_refused(changed: dict[str, int], complaint: str) -> None:
    data = FashionMNISTDataModule(**{"teacher": "cnn_balanced", **changed})  # type: ignore[arg-type]
    with pytest.raises(FashionZooError, match=f"{complaint} holds out images that the teacher cnn_balanced"):
        check_teacher(data)


def test_a_teacher_that_cannot_teach_is_refused(tiny_root: Path) -> None:
    data = FashionMNISTDataModule(tiny_root, val_size=200, teacher="cnn_plian")
    data.setup("fit")
    with pytest.raises(FashionZooError, match="no weights of cnn_plian in fashionzoo: did you mean cnn_plain"):
        Teacher(data)
    with pytest.raises(FashionZooError, match="asked for 98 views of each image: choose a smaller shift"):
        FashionMNISTDataModule(teacher="cnn_plain", augment=Augment(flip=True, shift=3))


def test_training_metrics_are_those_of_the_steps(tiny_root: Path) -> None:
    torch.manual_seed(0)
    network = ReLUNarrowingMLP(widths=(6, 5), lr=1e-12)  # so small a step that nothing changes
    data = FashionMNISTDataModule(tiny_root, batch_size=64, val_size=200)
    trainer = Trainer(accelerator="cpu", max_epochs=1, **QUIET)  # type: ignore[arg-type]
    trainer.fit(network, data)
    train = data.datasets["train"]
    logits = network(network.preprocess(train.images))
    loss = torch.nn.functional.cross_entropy(logits, train.labels)
    assert trainer.callback_metrics["train/loss"].item() == pytest.approx(loss.item(), rel=1e-5)
    right = (logits.argmax(dim=1) == train.labels).float().mean()
    assert trainer.callback_metrics["train/acc"].item() == pytest.approx(right.item())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_on_a_gpu_the_data_stays_there(tiny_root: Path) -> None:
    data = FashionMNISTDataModule(tiny_root, batch_size=64, val_size=200, augment=Augment(flip=True, shift=1))
    trainer = Trainer(accelerator="gpu", devices=1, max_epochs=8, **QUIET)  # type: ignore[arg-type]
    trainer.fit(PlainCNN(channels=(8,), hidden=(16,)), data)
    assert {images.images.device.type for images in data.datasets.values()} == {"cuda"}
    assert trainer.callback_metrics["val/acc"] > 0.8


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "adamw", "muon"])
@pytest.mark.parametrize("schedule", ["constant", "one_cycle"])
def test_every_way_of_training_learns(tiny_root: Path, optimizer: str, schedule: str) -> None:
    torch.manual_seed(0)
    network = PlainCNN(
        channels=(8,), hidden=(16,), optimizer=optimizer, schedule=schedule, label_smoothing=0.1, weight_decay=1e-3
    )
    trainer = trained(network, tiny_root, epochs=8, batch_size=50, augment=Augment(flip=True))
    assert trainer.callback_metrics["test/acc"] > 0.8


def test_one_seed_gives_the_same_bits_twice(tiny_root: Path) -> None:
    def run() -> dict[str, torch.Tensor]:
        torch.manual_seed(3)
        network = PlainCNN(channels=(4,), hidden=(8,))
        trained(network, tiny_root, batch_size=50, augment=Augment(flip=True, shift=1))
        return network.network.state_dict()

    first, second = run(), run()
    assert all(torch.equal(first[name], second[name]) for name in first)
